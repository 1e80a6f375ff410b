"""Why an outage that was seen was none of the schools', as far as their diaries say; pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from collector.domain.outages.revise import Said
from collector.domain.words import OutageLabel, OutageState


class Why(StrEnum):
    """What was the case instead."""

    OFF = "off"  # their computers were switched off
    FINE = "fine"  # their lines were fine
    MIXED = "mixed"  # some of each
    OURS = "ours"  # their lines were fine, and only we could not be reached


class Withdrawn(NamedTuple):
    """An outage that was none, with how many schools say so."""

    why: Why
    off: int  # schools whose computers were off
    fine: int  # schools whose lines were fine


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
    if state == OutageState.RETRACTED:
        why = Why.MIXED if off and fine else Why.OFF if off else Why.FINE
        return Withdrawn(why, off, fine)
    if label == OutageLabel.COLLECTOR != live_label:
        return Withdrawn(Why.OURS, off, fine)
    return None
