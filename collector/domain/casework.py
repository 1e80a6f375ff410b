"""What people do about a flag: whose it is, until when it rests, why it was closed. A pure fold over their deeds.

A deed is written once and never changed. Who takes one back adds a deed that names it; the fold then goes on as if the
first had not been done. So taking back never touches what somebody else did in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from collector.domain.words import OPEN_STATES


class Deed(StrEnum):
    """What a person can do about a flag."""

    TAKEN = "taken"
    GIVEN = "given"  # value: to whom
    RELEASED = "released"  # it is nobody's again
    ACKNOWLEDGED = "acknowledged"  # seen, without taking it
    SNOOZED = "snoozed"  # value: the school-local day on which it comes back
    WOKEN = "woken"  # back before that day
    NOTE = "note"
    TICKET = "ticket"  # value: the number at the provider; none takes it off
    CLOSED = "closed"  # value: a CloseReason
    UNDONE = "undone"  # value: the deed that is taken back


class CloseReason(StrEnum):
    """Why a person closes a flag that the evaluation has not closed."""

    MENDED = "mended"
    CONTRACT_CHANGED = "contract_changed"
    PASSING = "passing"
    NOT_THE_LINE = "not_the_line"
    WRONG_DATA = "wrong_data"
    ACCEPTED = "accepted"
    ELSEWHERE = "elsewhere"
    OTHER = "other"


# Without words these say too little years later.
REASONS_WITH_NOTE: Final = frozenset({CloseReason.OTHER})
# A flag that has ended can still be written about.
AFTER_THE_END: Final = frozenset({Deed.NOTE, Deed.TICKET, Deed.UNDONE})


@dataclass(frozen=True)
class Act:
    """One deed as it is written down."""

    action_id: str
    deed: str  # a Deed; a word of a newer version changes nothing
    by: str
    value: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Work:
    """Where people stand with a flag."""

    owner: str | None = None
    seen_by: str | None = None  # who took note of it first
    ticket: str | None = None
    snoozed_until: str | None = None
    snooze_reason: str | None = None


def effective(acts: Sequence[Act]) -> list[Act]:
    """Return the deeds that count: neither taken back nor themselves a taking back.

    Args:
        acts: Of one flag, in order.
    """
    undone = {act.value for act in acts if act.deed == Deed.UNDONE}
    return [act for act in acts if act.deed != Deed.UNDONE and act.action_id not in undone]


def work_of(acts: Sequence[Act]) -> Work:
    """Return where people stand with a flag after their deeds.

    Args:
        acts: Of one flag, in order.
    """
    work = Work()
    for act in effective(acts):
        work = _after(work, act)
    return work


def _after(work: Work, act: Act) -> Work:
    seen = replace(work, seen_by=work.seen_by or act.by)
    match act.deed:
        case Deed.TAKEN:
            return replace(seen, owner=act.by)
        case Deed.GIVEN:
            return replace(seen, owner=act.value)
        case Deed.RELEASED:
            return replace(seen, owner=None)
        case Deed.SNOOZED:
            return replace(seen, snoozed_until=act.value, snooze_reason=act.note)
        case Deed.WOKEN | Deed.CLOSED:
            return replace(seen, snoozed_until=None, snooze_reason=None)
        case Deed.TICKET:
            return replace(seen, ticket=act.value)
        case Deed.ACKNOWLEDGED | Deed.NOTE:
            return seen
        case _:
            return work


def may_do(deed: Deed, state: str) -> bool:
    """Return whether a deed still makes sense for a flag.

    Args:
        deed: What is to be done.
        state: Of the flag, as the evaluation left it.
    """
    return state in OPEN_STATES or deed in AFTER_THE_END
