"""From the minutes in which a school was heard to the moments at which it falls silent and comes back; pure.

A computer posts every 15 minutes, give or take a tenth, so that silence shows only as a word that did not come. How
long a school may be silent before that means something follows from its own last two hours: one with many computers
is missed sooner than one with a single one, and computers that were switched on together are late together.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

LOOKBACK_MIN: Final = 120  # how much of the past says how often a school is heard
LATE_MIN: Final = 15
LONGEST_MIN: Final = 16  # in whole minutes; two posts are 16.5 minutes apart at most
SHORTEST_MIN: Final = 8
SLACK_MIN: Final = 2  # a post that fails is tried again within a minute or so
BEFORE_CLOSING_MIN: Final = 30  # while the ends of shifts are not known yet, falling silent so near to them is no news
STEADY_MIN: Final = 60  # heard without a break for so long: many words after a return say nothing of the rhythm
_KNOWN_AFTER: Final = 3  # gaps; fewer say nothing of the rhythm


class Change(StrEnum):
    """What happens to a school at a minute."""

    BACK = "back"  # heard, after it was not counted
    LATE = "late"  # a quarter of an hour without a word; it may be nothing
    FELL = "fell"  # its word did not come, in opening hours
    LEFT = "left"  # no longer counted: its hours are over


class Event(NamedTuple):
    """One change of one school."""

    minute: int  # Unix time in minutes
    change: Change
    school: str
    heard: int  # minute of its last word


Open = Sequence[tuple[int, int]]
"""Opening hours in minutes of Unix time, the end not included, in order."""


def patience_min(contacts: Sequence[int]) -> int | None:
    """Return how long a school may be silent before its word is missed; None: it speaks too seldom to be watched.

    The second longest gap decides: one that was longer may have been an outage itself.

    Args:
        contacts: The minutes of the last two hours in which it was heard, in order.
    """
    gaps = sorted(later - earlier for earlier, later in pairwise(contacts))
    usual = gaps[-2] if len(gaps) > 1 else LONGEST_MIN
    if usual > LONGEST_MIN + SLACK_MIN:
        return None
    if len(gaps) < _KNOWN_AFTER or _steady_min(contacts) < STEADY_MIN:
        return LONGEST_MIN
    return min(max(usual + SLACK_MIN, SHORTEST_MIN), LONGEST_MIN)


def _steady_min(contacts: Sequence[int]) -> int:
    """Return for how long a school has been heard without a break."""
    start = contacts[0]
    for earlier, later in pairwise(contacts):
        if later - earlier > LONGEST_MIN + SLACK_MIN:
            start = later
    return contacts[-1] - start


def events(school: str, contacts: Sequence[int], opening: Open, until: int) -> Iterator[Event]:
    """Yield what happens to a school, in order.

    Args:
        school: Its code.
        contacts: Minutes in which it was heard, in order, from `LOOKBACK_MIN` before the first moment of interest on.
        opening: Its opening hours around them; outside of them it is not counted.
        until: The minute up to and with which it is known whether it was heard.
    """
    for run in _runs(contacts, until):
        for start, stop in opening:
            first, after = max(run.words[0], start), min(run.end + 1, stop)
            if first >= after:
                continue
            yield from _heard(school, run, first, after)
            last = _last_word(run, after)
            if after == run.end + 1 and after < stop and run.is_missed:
                yield Event(after, Change.FELL, school, last)
            elif after <= until:
                yield Event(after, Change.LEFT, school, last)


def is_open(opening: Open, minute: int) -> bool:
    """Return whether a minute lies in opening hours."""
    return any(start <= minute < end for start, end in opening)


def trimmed(opening: Open) -> list[tuple[int, int]]:
    """Return opening hours without the last half hour of each period."""
    return [(start, stop - BEFORE_CLOSING_MIN) for start, stop in opening if stop - start > BEFORE_CLOSING_MIN]


def minutes_of(rows: Sequence[tuple[int, int]]) -> list[int]:
    """Return the minutes, in order, that rows of (hour of Unix time, bits of its minutes) name."""
    found: list[int] = []
    for hour, bits in sorted(rows):
        start = hour * 60
        while bits:
            low = bits & -bits
            found.append(start + low.bit_length() - 1)
            bits ^= low
    return found


def _recent(contacts: Sequence[int], number: int) -> Sequence[int]:
    first, oldest = number, contacts[number] - LOOKBACK_MIN
    while first > 0 and contacts[first - 1] >= oldest:
        first -= 1
    return contacts[first : number + 1]


class _Run(NamedTuple):
    """A time in which a school counts as heard."""

    words: list[int]  # minutes, in order
    end: int  # the last minute of it
    is_missed: bool  # it ends because a word did not come


def _runs(contacts: Sequence[int], until: int) -> Iterator[_Run]:
    words: list[int] = []
    end = 0
    for number, heard in enumerate(contacts):
        patience = patience_min(_recent(contacts, number))
        if words and (heard > end + 1 or patience is None):
            yield _Run(words, min(end, heard - 1), patience is not None)
            words = []
        if patience is not None:
            words.append(heard)
            end = heard + patience
    if words:
        yield _Run(words, min(end, until), end < until)


def _heard(school: str, run: _Run, first: int, after: int) -> Iterator[Event]:
    """Yield that a school is heard from a minute on, and when it was late meanwhile."""
    known = _last_word(run, first + 1)
    yield Event(first, Change.BACK, school, known)
    for word, following in pairwise([*run.words, run.end + 1]):
        late = word + LATE_MIN
        if first < late < min(after, following):
            yield Event(late, Change.LATE, school, word)
            if following < after and following <= run.end:
                yield Event(following, Change.BACK, school, following)


def _last_word(run: _Run, before: int) -> int:
    """Return the last word before a minute, or the first of all."""
    return next((word for word in reversed(run.words) if word < before), run.words[0])
