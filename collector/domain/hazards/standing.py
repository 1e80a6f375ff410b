"""Where a school stands in a hazard: heard, degraded, confirmed by a person, or silent. Silent is never "down".

A pure function of what is stored, worked out each time it is shown: no standing is kept, so none can stick.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collector.domain.diary_states import Hears, words_of

HEARD_FOR_MS: Final = 24 * 3_600_000
"""A contact says so much about now: PCs are off at night, so one day and one night."""
TROUBLED: Final = frozenset(words_of(Hears.TROUBLED))
"""Words of the diary that say that the line did not work, or that nobody got through."""
SLOW_SHARE: Final = 0.5
"""A line that gives less than this part of what it usually gave is degraded."""


class Standing(StrEnum):
    """Where a school stands."""

    HEARD = "heard"
    DEGRADED = "degraded"
    CONFIRMED = "confirmed"
    SILENT = "silent"


class Answer(StrEnum):
    """What a person found."""

    WORKS = "works"  # the line works
    DEGRADED = "degraded"
    DOWN = "down"
    CLOSED = "closed"  # the school is closed, or damaged
    NO_ANSWER = "no_answer"


class Way(StrEnum):
    """How they found it."""

    CALL = "call"
    VISIT = "visit"
    NOTE = "note"


class CallDeed(StrEnum):
    """What is written down in a call list."""

    CLAIM = "claim"
    RELEASE = "release"
    RESULT = "result"
    NOTE = "note"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record of a school; lines are only ever added."""

    call_id: str
    seq: int  # of the school in the hazard: 1, 2, 3 ...
    at_ms: int
    by: str
    deed: str
    answer: str | None = None
    undoes: str | None = None  # the `call_id` that this one takes back


@dataclass(frozen=True, slots=True)
class Called:
    """What the record of a school comes to."""

    version: int = 0  # the newest `seq`: a form says which one it was made from
    moved: int = 0  # the newest `seq` of a line that is more than a note
    claimed_by: str | None = None
    claimed_ms: int | None = None
    answer: str | None = None  # of the newest result that stands
    answered_ms: int | None = None
    answered_by: str | None = None
    first_answered_ms: int | None = None  # when a person first said how it is, whatever was heard since
    last_id: str | None = None  # the newest entry that can be taken back


NOT_CALLED: Final = Called()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is stored of a school in a hazard; times in UTC milliseconds."""

    begins_ms: int
    as_of_ms: int  # now, or the end of the hazard
    last_contact_ms: int | None = None
    word: str | None = None  # of the newest run of its diary since the beginning
    newest_bps: int | None = None  # of its newest test since the beginning
    usual_bps: int | None = None  # at the declaration
    answer: str | None = None
    answered_ms: int | None = None


def fold(entries: Iterable[Entry]) -> Called:
    """Return what a record comes to, whatever the order in which its lines are given."""
    ordered = sorted(entries, key=lambda one: one.seq)
    undone = {one.undoes for one in ordered if one.deed == CallDeed.UNDO}
    claim: Entry | None = None
    result: Entry | None = None
    first_ms: int | None = None
    last: Entry | None = None
    for one in ordered:
        if one.deed == CallDeed.UNDO or one.call_id in undone:
            continue
        last = one
        if one.deed == CallDeed.CLAIM:
            claim = one
        elif one.deed in (CallDeed.RELEASE, CallDeed.RESULT):
            claim = None
            result = one if one.deed == CallDeed.RESULT else result
        if first_ms is None and one.deed == CallDeed.RESULT and one.answer != Answer.NO_ANSWER:
            first_ms = one.at_ms
    return Called(
        version=ordered[-1].seq if ordered else 0,
        moved=max((one.seq for one in ordered if one.deed != CallDeed.NOTE), default=0),
        claimed_by=claim.by if claim else None,
        claimed_ms=claim.at_ms if claim else None,
        answer=result.answer if result else None,
        answered_ms=result.at_ms if result else None,
        answered_by=result.by if result else None,
        first_answered_ms=first_ms,
        last_id=last.call_id if last else None,
    )


def standing(facts: Facts) -> Standing:
    """Return where a school stands: what was learnt last decides, a person's word or a PC's."""
    contact = facts.last_contact_ms
    if contact is not None and not facts.begins_ms <= contact <= facts.as_of_ms:
        contact = None if contact < facts.begins_ms else facts.as_of_ms
    has_word = facts.answer is not None and facts.answer != Answer.NO_ANSWER and facts.answered_ms is not None
    if has_word and (contact is None or facts.answered_ms >= contact):  # type: ignore[operator]
        return Standing.CONFIRMED
    if contact is None or facts.as_of_ms - contact > HEARD_FOR_MS:
        return Standing.SILENT
    return Standing.DEGRADED if is_degraded(facts.word, facts.newest_bps, facts.usual_bps) else Standing.HEARD


def is_degraded(word: str | None, newest_bps: int | None, usual_bps: int | None) -> bool:
    """Return whether what is heard of a line says that it works badly."""
    is_slow = newest_bps is not None and usual_bps is not None and newest_bps < SLOW_SHARE * usual_bps
    return word in TROUBLED or is_slow


@dataclass(frozen=True)
class Step:
    """How many schools had been heard from at a moment."""

    at_ms: int
    heard: int


def curve(first_heard: Iterable[int | None], begins_ms: int, until_ms: int) -> list[Step]:
    """Return how many schools had been heard from, whenever that number rose; it never falls.

    Args:
        first_heard: When each school was heard or answered for the first time after the beginning; None: not yet.
        begins_ms: The beginning, UTC milliseconds.
        until_ms: Now, or the end.
    """
    steps = [Step(begins_ms, 0)]
    for at_ms in sorted(one for one in first_heard if one is not None and one <= until_ms):
        at = max(at_ms, begins_ms)
        if steps[-1].at_ms == at and len(steps) > 1:
            steps[-1] = Step(at, steps[-1].heard + 1)
        else:
            steps.append(Step(at, steps[-1].heard + 1))
    return [*steps, Step(until_ms, steps[-1].heard)]


def thinned(steps: Sequence[Step], most: int) -> list[Step]:
    """Return at most so many steps of a curve, its first and last among them."""
    if len(steps) <= most:
        return list(steps)
    return [steps[round(index * (len(steps) - 1) / (most - 1))] for index in range(most)]
