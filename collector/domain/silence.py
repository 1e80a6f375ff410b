"""Why a PC is silent, from stored facts alone: what it last said, what its neighbours say, what is known of its keys.

Silent is a PC that was expected and not heard: a school day has begun since its last message, and an hour of its
opening time has passed. On a Sunday, in holidays and before the school opens nobody is late. Silence alone is never an
outage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collector.domain.calendars import Period
from collector.domain.diary_states import MEANINGS
from collector.domain.words import Reason

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
GRACE_MS: Final = HOUR_MS  # of opening time: PCs are switched on late, and report every 15 minutes
AT_RISK_DAYS: Final = 21  # heard within so many days: live
DROPPED_DAYS: Final = 28  # not heard for longer: dropped off
TOGETHER_MS: Final = 30 * 60_000  # PCs that fell silent within so long of each other did so together
AT_CLOSING_MS: Final = HOUR_MS  # before the end of the opening hours: so late a PC is switched off for the day
BLINDING_CLOCK_MS: Final = DAY_MS  # a clock that is wrong by more can make certificates seem to be invalid


class Standing(StrEnum):
    """How long ago a PC was heard; by calendar days, whatever the school's calendar."""

    LIVE = "live"
    AT_RISK = "at_risk"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Known:
    """What is stored of a PC that is silent."""

    last_contact_ms: int | None
    last_word: str | None  # the state of the newest diary run before the last contact
    clock_offset_ms: int | None  # its clock minus ours at the last contact
    is_volatile: bool
    is_pending: bool  # it, or its newest key, waits for approval
    is_replaced: bool  # a device that was enrolled later is the same computer
    is_elsewhere: bool = False  # on its last day it was seen only on networks that are none of the school's


@dataclass(frozen=True)
class Around:
    """What is stored of its school."""

    last_day: tuple[Period, ...]  # opening hours of the local day of the last contact
    expected_from_ms: int  # when the newest school day began on which it was expected
    others_ms: Sequence[int | None]  # last contacts of the school's other PCs that are in use
    outage_from_ms: int | None = None  # when the outage began that goes on there and took the school; None: none does


@dataclass(frozen=True)
class Why:
    """Why a PC is silent, and what it is concluded from."""

    reason: Reason
    others: int  # PCs of the school beside it
    others_heard: int  # of those, heard on the newest expected day
    is_together: bool = False  # all PCs of the school fell silent together, in opening hours


def explain(known: Known, around: Around) -> Why:
    """Return why a PC is silent.

    Args:
        known: Of the PC.
        around: Of its school.
    """
    heard = sum(other is not None and other >= around.expected_from_ms for other in around.others_ms)
    is_together = _is_together(known, around)
    reason = _of_itself(known) or _of_outage(known, around)
    reason = reason or (Reason.NETWORK_CHANGED if known.is_elsewhere else None)
    reason = reason or (Reason.NO_INTERNET if is_together else _of_the_hour(known, around, heard))
    return Why(reason, len(around.others_ms), heard, is_together)


def _of_itself(known: Known) -> Reason | None:
    """Return what the PC itself has told or is known for."""
    if known.is_replaced:
        return Reason.REPLACED
    if known.is_pending:
        return Reason.KEY_WAITS
    if known.last_contact_ms is None:
        return Reason.NEVER_HEARD
    said = MEANINGS.get(known.last_word or "")
    if said is not None and said.reason is not None:
        return said.reason
    if known.clock_offset_ms is not None and abs(known.clock_offset_ms) > BLINDING_CLOCK_MS:
        return Reason.WRONG_CLOCK
    return Reason.VOLATILE if known.is_volatile else None


def _of_outage(known: Known, around: Around) -> Reason | None:
    """Return the outage that goes on, if the PC was heard until it began: who was silent before is so for himself."""
    if around.outage_from_ms is None or known.last_contact_ms is None:
        return None
    return Reason.OUTAGE if known.last_contact_ms >= around.outage_from_ms - TOGETHER_MS else None


def _of_the_hour(known: Known, around: Around, heard: int) -> Reason:
    """Return what the hour of the last message says, beside the school's other PCs."""
    if known.last_contact_ms is None:
        return Reason.NEVER_HEARD
    if not _is_in_class(known.last_contact_ms, around.last_day):
        return Reason.SWITCHED_OFF
    return Reason.AGENT_STOPPED if heard else Reason.UNKNOWN


def _is_in_class(moment_ms: int, hours: Sequence[Period]) -> bool:
    """Return whether a moment lies in opening hours, with more than the last hour of the day to come."""
    if not hours or moment_ms >= hours[-1].to_ms - AT_CLOSING_MS:
        return False
    return any(period.from_ms <= moment_ms < period.to_ms for period in hours)


def _is_together(known: Known, around: Around) -> bool:
    """Return whether all PCs of the school, two at least, fell silent together in class: one line, or one power cut."""
    if known.last_contact_ms is None or not _is_in_class(known.last_contact_ms, around.last_day):
        return False
    own_ms = known.last_contact_ms
    return bool(around.others_ms) and all(
        other is not None and abs(other - own_ms) <= TOGETHER_MS for other in around.others_ms
    )


def standing(since_ms: int, now_ms: int) -> Standing:
    """Return how long ago a PC was heard.

    Args:
        since_ms: Of its last contact; of its enrolment where it was never heard. UTC milliseconds.
        now_ms: Of the collector.
    """
    age_ms = now_ms - since_ms
    if age_ms <= AT_RISK_DAYS * DAY_MS:
        return Standing.LIVE
    return Standing.AT_RISK if age_ms <= DROPPED_DAYS * DAY_MS else Standing.DROPPED


def has_begun(hours: Sequence[Period], now_ms: int) -> bool:
    """Return whether PCs are expected by now on a school day: so much of its opening time has passed.

    Args:
        hours: The opening hours of the day; none: nobody is expected.
        now_ms: UTC milliseconds.
    """
    passed = sum(max(0, min(period.to_ms, now_ms) - period.from_ms) for period in hours)
    return bool(hours) and passed >= min(GRACE_MS, sum(period.length_ms for period in hours))
