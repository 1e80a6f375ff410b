"""What diaries that came later say of an outage: longer, in pieces, of fewer schools, or none at all; pure.

Each school is looked at for each 5 minutes of the time in which it was measured. A diary goes before silence: it says
whether the line was gone, was fine while we were away, or the computer was off. Where none has come, silence stands for
a line that is gone; where one has, what it leaves out is unknown, and so is the line while a page to sign in at or a
filter answered (`domain.diary_states`). The same records give the same answer, in whatever
order they came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from collector.domain.diary_states import Said
from collector.domain.outages.odds import FEWEST, SHARE

SLOT_MIN: Final = 5
AROUND_MIN: Final = 120  # so far before and after what was seen is looked for more of it
JOINED_SLOTS: Final = 3  # good ones in between that do not make two outages of one


# Of several computers one that gets through decides; of those that did not, the one that got furthest, as for slots.
_BEFORE: Final = (Said.FINE, Said.OURS, Said.DOWN, Said.PORTAL, Said.OFF)


class Run(NamedTuple):
    """A stretch of a computer's diary, in minutes of Unix time, the end not included."""

    start: int
    stop: int
    said: Said


class Silence(NamedTuple):
    """How a school was seen live: its last word, and the first one after; None: not yet."""

    heard: int
    back: int | None


class Span(NamedTuple):
    """The time in which a line was gone, in minutes of Unix time, the end not included; None: it still is."""

    start: int
    stop: int | None


@dataclass(frozen=True)
class Stretch:
    """One outage as it is known now."""

    span: Span
    schools: Mapping[str, Span]


@dataclass(frozen=True)
class Revised:
    """What is known of an outage now."""

    stretches: Sequence[Stretch]  # in order; none: there was no outage
    said: Mapping[str, Said]  # what each diary says of the time seen live; without those that have not come
    is_ours: bool  # most diaries say that we could not be reached


def revise(silences: Mapping[str, Silence], diaries: Mapping[str, Sequence[Run]], now: int) -> Revised:
    """Return what is known of an outage.

    Args:
        silences: Of each of its schools.
        diaries: The runs of its schools that touch the time, in any order.
        now: The minute up to which silence is known.
    """
    said = {code: heard for code in silences if (heard := _mostly(silences[code], diaries.get(code, ()), now))}
    told = [one for one in said.values() if one is not Said.OFF]
    is_ours = bool(told) and 2 * sum(one is Said.OURS for one in told) > len(told)
    first = min(one.heard for one in silences.values()) - AROUND_MIN
    last = min(max(now if one.back is None else one.back for one in silences.values()) + AROUND_MIN, now)
    slots = range(first - first % SLOT_MIN, last + 1, SLOT_MIN)
    tracks = {code: _track(silences[code], diaries.get(code, ()), slots, now) for code in silences}
    cut = _joined([_is_cut([track[n] for track in tracks.values()]) for n in range(len(slots))])
    stretches = [_stretch(tracks, silences, slots, start, stop, now) for start, stop in _spans(cut)]
    return Revised([one for one in stretches if len(one.schools) >= FEWEST], said, is_ours)


def _at(runs: Iterable[Run], minute: int) -> Said | None:
    words = {run.said for run in runs if run.start <= minute < run.stop}
    return next((word for word in _BEFORE if word in words), None)


def _track(silence: Silence, runs: Sequence[Run], slots: range, now: int) -> list[Said | None]:
    back = now + 1 if silence.back is None else silence.back
    is_told = any(run.start < back and run.stop > silence.heard for run in runs)
    found: list[Said | None] = []
    for slot in slots:
        said = _at(runs, slot + SLOT_MIN // 2)
        is_silent = not is_told and silence.heard < slot + SLOT_MIN // 2 < back
        found.append(said or (Said.DOWN if is_silent else None))
    return found


def _is_cut(states: Sequence[Said | None]) -> bool:
    down = sum(state is Said.DOWN for state in states)
    there = sum(state is not Said.OFF for state in states)
    return down >= FEWEST and down >= SHARE * there


def _joined(cut: list[bool]) -> list[bool]:
    found, since = list(cut), None
    for n, is_cut in enumerate(cut):
        if is_cut:
            if since is not None and n - since - 1 <= JOINED_SLOTS:
                found[since + 1 : n] = [True] * (n - since - 1)
            since = n
    return found


def _spans(cut: Sequence[bool]) -> list[tuple[int, int]]:
    edges = [n for n in range(len(cut) + 1) if (n < len(cut) and cut[n]) != (n > 0 and cut[n - 1])]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _stretch(
    tracks: Mapping[str, list[Said | None]],
    silences: Mapping[str, Silence],
    slots: range,
    start: int,
    stop: int,
    now: int,
) -> Stretch:
    schools: dict[str, Span] = {}
    for code, track in tracks.items():
        down = [n for n in range(start, stop) if track[n] is Said.DOWN]
        if down:
            end = slots[down[-1]] + SLOT_MIN
            goes_on = silences[code].back is None and end > now - SLOT_MIN
            schools[code] = Span(slots[down[0]], None if goes_on else end)
    # Over when fewer than half are silent: one that does not come back has a reason of its own.
    is_over = stop < len(slots) or all(span.stop is not None for span in schools.values())
    return Stretch(Span(slots[start], slots[stop - 1] + SLOT_MIN if is_over else None), schools)


def _mostly(silence: Silence, runs: Sequence[Run], now: int) -> Said | None:
    """Return what a diary says of most of the time in which its school was silent; None: it has not come."""
    back = now if silence.back is None else silence.back
    counts: dict[Said, int] = {}
    for minute in range(silence.heard + 1, max(back, silence.heard + 2), SLOT_MIN):
        word = _at(runs, minute)
        if word is not None:
            counts[word] = counts.get(word, 0) + 1
    return max(counts, key=lambda word: (counts[word], word)) if counts else None
