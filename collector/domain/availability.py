"""Whether a school's line was up, from the diaries of all its computers: a pure fold of runs into the slots of a day.

A slot is up where any computer reached the Internet; down where none did and one that was on says that the way ends
before it; else nobody saw it, and it counts neither way. What is worked out depends on the runs alone, never on the
order in which they came or on when it is worked out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from collector.domain.calendars import Period
from collector.domain.diary_states import DOWN, GOOD, MEANINGS
from collector.domain.slots import DAY_MS, SLOT_MS, Slot
from collector.domain.words import TimeQuality

SLACK_MS: Final = 5_000  # corrected times of one computer differ by the delay of its requests
LONGEST_MS: Final = 6 * 3_600_000  # an agent closes a run after four hours: of a longer one the rest is not believed
OWN_FAULT_SLOTS: Final = 6  # two looks at the line: fewer may be the edges of a real outage, seen at other moments
CLOCK_OFF_MS: Final = SLOT_MS // 2  # a clock that was right to this on both sides places a run in the right slot
LATE_MS: Final = DAY_MS
# What a computer wrote in its last minutes comes with its next start, after a week-end or holidays: less than half an
# hour that was learnt late is no news of a day.
LATE_SLOTS: Final = 6

_ORDER: Final = {slot: rank for rank, slot in enumerate(Slot)}
_MAY_LAST: Final = frozenset({Slot.OFF, Slot.ASLEEP})


def is_placed(quality: str, clock_off_ms: int | None) -> bool:
    """Return whether it is known when a run was: else it says nothing of the line at any moment.

    Args:
        quality: How its time is known.
        clock_off_ms: Of one that is only bounded: how far the computer's clock was off at the contacts before and
            after; None: not known.
    """
    return quality != TimeQuality.BOUNDED or (clock_off_ms is not None and clock_off_ms <= CLOCK_OFF_MS)


@dataclass(frozen=True)
class Heard:
    """A run of one computer's diary, placed in time."""

    device: str
    from_ms: int
    to_ms: int
    state: str  # a word of the diary; one of a newer version says nothing
    received_ms: int
    is_placed: bool = True  # False: its time is only bounded, and nothing says that the clock was right


@dataclass(frozen=True)
class Late:
    """Slots that were learnt more than a day after they had passed."""

    first: int
    count: int
    learnt_ms: int


@dataclass(frozen=True)
class SlotDay:
    """One local day of a school."""

    day: date
    start_ms: int  # local midnight, or the first moment of a day that has none
    slots: tuple[Slot, ...]  # of the whole day: a day of a clock change has 23 or 25 hours
    school: tuple[bool, ...]  # which of them lie in opening hours
    good: int  # slots of opening hours in which the line was up
    down: int  # and in which it was down
    unobserved: int  # that nobody saw: those to come are among them
    learnt_ms: int | None  # when the newest run came that said something new; None: nobody said anything
    late: tuple[Late, ...] = ()

    @property
    def is_heard(self) -> bool:
        """Whether any computer said anything of any slot."""
        return any(slot is not Slot.SILENT for slot in self.slots)


def availability_of(good: int, down: int) -> float | None:
    """Return the share of the slots seen in which the line was up; None where none was seen."""
    return good / (good + down) if good + down else None


def coverage_of(good: int, down: int, unobserved: int) -> float | None:
    """Return the share of the opening hours that somebody saw; None where there were none."""
    total = good + down + unobserved
    return (good + down) / total if total else None


def school_slots(start_ms: int, count: int, periods: Sequence[Period]) -> tuple[bool, ...]:
    """Return which slots of a day lie in opening hours: those whose middle does."""
    inside = [False] * count
    for period in periods:
        first, after = (
            max(0, min(count, -(-(edge - start_ms - SLOT_MS // 2) // SLOT_MS)))
            for edge in (period.from_ms, period.to_ms)
        )
        inside[first:after] = [True] * (after - first)
    return tuple(inside)


def fold_day(day: date, start_ms: int, end_ms: int, periods: Sequence[Period], heard: Iterable[Heard]) -> SlotDay:
    """Return the slots of a local day.

    Args:
        day: The school's local day.
        start_ms: Its first moment, UTC milliseconds.
        end_ms: The first moment of the next day.
        periods: Opening hours of the day.
        heard: Runs of all computers of the school, in any order; those of other days are passed over.
    """
    count = (end_ms - start_ms) // SLOT_MS
    said = sorted(_said(heard, start_ms, count), key=_order_of)
    found = _merged(said)
    learnt_ms, late = _learnt(said, found, start_ms)
    slots = [Slot.SILENT] * count
    for slot, mask in found.items():
        for first, after in _stretches(mask):
            slots[first:after] = [slot] * (after - first)
    school = school_slots(start_ms, count, periods)
    inside = int("".join("1" if is_school else "0" for is_school in reversed(school)) or "0", 2)
    good, down = ((_union(found.get(slot, 0) for slot in kinds) & inside).bit_count() for kinds in (GOOD, DOWN))
    unobserved = inside.bit_count() - good - down
    return SlotDay(day, start_ms, tuple(slots), school, good, down, unobserved, learnt_ms, late)


# --- inside: sets of slots are whole numbers, one bit for each slot -------------------------------------------------


@dataclass
class _Said:
    device: str
    slot: Slot
    mask: int
    received_ms: int


def _order_of(said: _Said) -> tuple[int, str, str, int]:
    return said.received_ms, said.device, said.slot, said.mask


def _said(heard: Iterable[Heard], start_ms: int, count: int) -> Iterable[_Said]:
    """Yield what each run says of which slots: of those that it covers by half, a few seconds more or less."""
    edge = SLOT_MS // 2 - SLACK_MS
    for run in heard:
        meaning = MEANINGS.get(run.state)
        if meaning is None:
            continue
        slot = meaning.slot
        to_ms = run.to_ms if slot in _MAY_LAST else min(run.to_ms, run.from_ms + LONGEST_MS)
        first = max(0, -(-(run.from_ms - start_ms - (SLOT_MS - edge)) // SLOT_MS))
        after = min(count, (to_ms - start_ms - edge) // SLOT_MS + 1)
        if first < after and to_ms - run.from_ms >= edge:
            is_known = run.is_placed or slot in _MAY_LAST
            mask = (1 << after) - (1 << first)
            yield _Said(run.device, slot if is_known else Slot.UNSURE, mask, run.received_ms)


def _merged(said: Sequence[_Said]) -> dict[Slot, int]:
    """Return which slots count as what; a slot of nobody is in none.

    What a computer says that is its own fault is changed in `said` as well.
    """
    good: dict[str, int] = {}
    for one in said:
        if one.slot in GOOD:
            good[one.device] = good.get(one.device, 0) | one.mask
    _blame_computers(said, good)
    masks: dict[Slot, int] = {}
    for one in said:
        masks[one.slot] = masks.get(one.slot, 0) | one.mask
    taken = 0
    for slot in sorted(masks, key=_ORDER.__getitem__, reverse=True):
        masks[slot] &= ~taken
        taken |= masks[slot]
    return masks


def _blame_computers(said: Sequence[_Said], good: dict[str, int]) -> None:
    """Let a computer that could not reach the Internet while others of its school did say nothing of the line.

    That holds as long as it could not, also when the others have been switched off.
    """
    bad: dict[str, int] = {}
    for one in said:
        if one.slot in DOWN:
            bad[one.device] = bad.get(one.device, 0) | one.mask
    for device, mask in bad.items():
        beside = _union(others for name, others in good.items() if name != device)
        mask &= ~good.get(device, 0)
        if not mask & beside:
            continue
        own = 0
        for first, after in _stretches(mask):
            stretch = (1 << after) - (1 << first)
            if (stretch & beside).bit_count() >= OWN_FAULT_SLOTS:
                own |= stretch
        if own:
            _split(said, device, own)


def _split(said: Sequence[_Said], device: str, own: int) -> None:
    for one in said:
        if one.device == device and one.slot in DOWN and one.mask & own:
            # A run lies in one stretch as a whole, but for slots that the same computer calls good.
            one.slot = Slot.OWN_FAULT


def _learnt(said: Sequence[_Said], found: dict[Slot, int], start_ms: int) -> tuple[int | None, tuple[Late, ...]]:
    """Return when the newest run came that told whether the line was up, and what was told late.

    A slot was learnt with the first run that says of it what holds. That a computer was off tells nothing of the line.
    """
    groups = [_union(found.get(slot, 0) for slot in kinds) for kinds in (GOOD, DOWN)]
    pending = groups[0] | groups[1]
    learnt_ms: int | None = None
    late: list[Late] = []
    for one in said:
        holds = groups[0] if one.slot in GOOD else groups[1] if one.slot in DOWN else 0
        new = one.mask & pending & holds
        if not new:
            continue
        pending &= ~new
        learnt_ms = one.received_ms  # they come in the order of their receipt
        passed = max(0, (one.received_ms - LATE_MS - start_ms - 1) // SLOT_MS)
        late += [Late(a, b - a, one.received_ms) for a, b in _stretches(new & ((1 << passed) - 1))]
    return learnt_ms, _joined(late)


def _joined(late: list[Late]) -> tuple[Late, ...]:
    joined: list[Late] = []
    for one in sorted(late, key=lambda item: item.first):
        if joined and (joined[-1].first + joined[-1].count, joined[-1].learnt_ms) == (one.first, one.learnt_ms):
            joined[-1] = Late(joined[-1].first, joined[-1].count + one.count, one.learnt_ms)
        else:
            joined.append(one)
    return tuple(joined)


def _stretches(mask: int) -> Iterable[tuple[int, int]]:
    """Yield the stretches of a set of slots: first slot, and the one after the last."""
    at = 0
    while mask:
        skipped = (mask & -mask).bit_length() - 1
        mask >>= skipped
        length = (~mask & (mask + 1)).bit_length() - 1
        mask >>= length
        yield at + skipped, at + skipped + length
        at += skipped + length


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
