"""Why an outage that was seen was none of the schools', as far as their diaries say; pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from collector.domain.diary_states import Said
from collector.domain.words import OutageLabel, OutageState


class Why(StrEnum):
    """What was the case instead."""

    OFF = "off"  # their computers were switched off
    FINE = "fine"  # their lines were fine
    PORTAL = "portal"  # a page to sign in at, or a filter, answered in our name
    MIXED = "mixed"  # some of each
    OURS = "ours"  # their lines were fine, and only we could not be reached


class Withdrawn(NamedTuple):
    """An outage that was none, with how many schools say so."""

    why: Why
    off: int  # schools whose computers were off
    fine: int  # schools whose lines were fine
    portal: int = 0  # schools in which a page to sign in at, or a filter, answered


def find(state: str, label: str, live_label: str, said: Mapping[str, int]) -> Withdrawn | None:
    """Return why an outage was none of the schools', None where it is one, or was put down to us from the beginning.

    Args:
        state: As it stands.
        label: As it stands.
        live_label: As it was seen.
        said: How many of its schools have a diary that says each `Said`.
    """
    off = said.get(Said.OFF, 0)
    fine = said.get(Said.FINE, 0) + said.get(Said.OURS, 0)
    portal = said.get(Said.PORTAL, 0)
    if state == OutageState.RETRACTED:
        told = [why for why, many in ((Why.OFF, off), (Why.FINE, fine), (Why.PORTAL, portal)) if many]
        why = Why.MIXED if len(told) > 1 else told[0] if told else Why.FINE
        return Withdrawn(why, off, fine, portal)
    if label == OutageLabel.COLLECTOR != live_label:
        return Withdrawn(Why.OURS, off, fine, portal)
    return None
