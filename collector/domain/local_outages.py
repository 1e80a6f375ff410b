"""When a school's own line was down: opened by three slots down in a row, closed by two slots up. A pure fold.

    quiet      down -> failing(1)
    failing(k) down -> failing(k+1), opens at 3      up -> quiet      half an hour that nobody saw -> quiet
    open       up -> returning(1)
    returning  up -> closed at 2                     down -> open

Slots that nobody saw open nothing and close nothing: a computer that is switched off in the middle of an outage does
not end it, and the next word of it decides. It may have ended at any moment since it was last seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collector.domain.diary_states import DOWN, GOOD
from collector.domain.slots import SLOT_MS, Slot, SlotRun

OPEN_SLOTS: Final = 3
CLOSE_SLOTS: Final = 2
FORGET_SLOTS: Final = 6  # of silence: what was seen before it no longer adds up to an outage


@dataclass(frozen=True)
class LocalOutage:
    """One outage of one school."""

    from_ms: int  # first slot down
    seen_ms: int  # end of the last slot down
    to_ms: int | None  # first slot up again; None: it has not been seen up since
    down_slots: int  # seen down, in and out of school hours
    school_slots: int  # of those, in opening hours
    word: Slot  # what most of them say


@dataclass
class _State:
    words: dict[Slot, int]
    from_ms: int = 0
    seen_ms: int = 0
    school: int = 0
    row: int = 0  # slots down in a row, before it is open
    is_open: bool = False
    up: int = 0
    up_ms: int = 0


@dataclass(frozen=True)
class Stretch:
    """Equal slots in a row, placed in time; `in_school` of them lie in opening hours."""

    slot: Slot
    from_ms: int
    count: int
    in_school: int


def stretches(runs: Iterable[SlotRun], start_ms: int, school: Iterable[bool]) -> list[Stretch]:
    """Return the runs of a day, placed in time.

    Args:
        runs: Of the whole day, in order.
        start_ms: Beginning of its first slot.
        school: Which of its slots lie in opening hours.
    """
    inside = list(school)
    return [
        Stretch(run.slot, start_ms + run.first * SLOT_MS, run.count, sum(inside[run.first : run.end])) for run in runs
    ]


def fold(given: Iterable[Stretch]) -> list[LocalOutage]:
    """Return the outages, oldest first; only the last one can be open.

    Args:
        given: Stretches in the order of time, days one after another; a gap between them was seen by nobody.
    """
    found: list[LocalOutage] = []
    state = _State({})
    silent, end_ms = 0, None
    for one in given:
        if end_ms is not None and one.from_ms > end_ms:
            silent += (one.from_ms - end_ms) // SLOT_MS
        end_ms = one.from_ms + one.count * SLOT_MS
        if one.slot in DOWN:
            state = _down(_State({}) if not state.is_open and silent >= FORGET_SLOTS else state, one)
            silent = 0
        elif one.slot in GOOD:
            silent = 0
            state, closed = _up(state, one)
            found += closed
        else:
            silent += one.count
    if state.is_open:
        found.append(_outage(state, None))
    return found


def _down(state: _State, one: Stretch) -> _State:
    now = replace(state, words={**state.words, one.slot: state.words.get(one.slot, 0) + one.count})
    now.from_ms = state.from_ms if state.words else one.from_ms
    now.seen_ms = one.from_ms + one.count * SLOT_MS
    now.school, now.row, now.up = state.school + one.in_school, state.row + one.count, 0
    now.is_open = state.is_open or now.row >= OPEN_SLOTS
    return now


def _up(state: _State, one: Stretch) -> tuple[_State, list[LocalOutage]]:
    if not state.is_open:
        return _State({}), []
    began_ms = state.up_ms if state.up else one.from_ms
    if state.up + one.count < CLOSE_SLOTS:
        return replace(state, up=state.up + one.count, up_ms=began_ms), []
    return _State({}), [_outage(state, began_ms)]


def _outage(state: _State, to_ms: int | None) -> LocalOutage:
    word = max(state.words, key=lambda slot: (state.words[slot], slot))
    return LocalOutage(state.from_ms, state.seen_ms, to_ms, sum(state.words.values()), state.school, word)


def first_settled(given: Sequence[Stretch]) -> int | None:
    """Return the place of the first stretch that no outage outlives, whatever came before; None: there is none."""
    up = 0
    for at, one in enumerate(given):
        up = up + one.count if one.slot in GOOD else 0 if one.slot in DOWN else up
        if one.slot in GOOD and up >= CLOSE_SLOTS:
            return at
    return None


def settled_from(given: Sequence[Stretch]) -> int | None:
    """Return the place of the last stretch that no outage outlives, whatever came before these; None: there is none.

    A fold may begin with it: it finds every outage that begins after it.
    """
    up, found = 0, None
    for at, one in enumerate(given):
        up = up + one.count if one.slot in GOOD else 0 if one.slot in DOWN else up
        if one.slot in GOOD and up >= CLOSE_SLOTS:
            found = at
    return found
