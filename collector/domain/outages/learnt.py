"""Outages of many schools that nobody saw live: known only from what their diaries said later; pure.

A line that is gone for a quarter of an hour between two posts loses no contact, and while our own jobs rest nobody
watches. What the diaries of each school say of its line is put beside that of the others, slot by slot, and the same
test as for silence asks whether so many of a group are down by accident, and which group explains it best. The same
records give the same outages, in whatever order they came.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.domain.diary_states import Said
from collector.domain.outages import explain, odds
from collector.domain.outages.explain import Drop
from collector.domain.outages.groups import Place
from collector.domain.outages.odds import FEWEST, FLOOR
from collector.domain.outages.revise import JOINED_SLOTS, SLOT_MIN, Run
from collector.domain.outages.tally import Tally
from collector.domain.words import Cut, OutageLabel

SHORTEST_SLOTS: Final = 2


@dataclass
class Learnt:
    """One outage, in minutes of Unix time; the end not included."""

    start: int
    stop: int
    drop: Drop  # of the slot in which most schools were down
    schools: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def label(self) -> OutageLabel:
        """What it is put down to: lines that were gone by their own diaries are never our failure."""
        return OutageLabel.AREA if self.drop.group.cut is Cut.ALL else explain.label_of(self.drop)


def find(places: Mapping[str, Place], tracks: Mapping[str, Sequence[Run]]) -> list[Learnt]:
    """Return the outages of a time, in order.

    Args:
        places: What the registry says of every school, by code.
        tracks: What is known of the line of each school, in runs that do not overlap; what they leave out is not
            known. Computers that were off say nothing, and neither do those to which somebody else answered.
    """
    tally = Tally(places)
    alpha = odds.limit(len(tally.schools))
    found: list[Learnt] = []
    slots = _doubtful(tracks)
    for slot, down, fine in zip(slots, *_standing(tracks, slots), strict=True):
        tally.stand(fine, dict.fromkeys(down, slot))
        for drop in explain.drops(tally, lambda _group: FLOOR, alpha):
            _add(found, drop, slot)
    return [one for one in found if one.stop - one.start >= SHORTEST_SLOTS * SLOT_MIN]


def _doubtful(tracks: Mapping[str, Sequence[Run]]) -> list[int]:
    """Return the slots, in order, in which enough lines are down to ask."""
    counts: dict[int, int] = {}
    for runs in tracks.values():
        for run in runs:
            if run.said is Said.DOWN:
                for slot in range(run.start - run.start % SLOT_MIN, run.stop, SLOT_MIN):
                    counts[slot] = counts.get(slot, 0) + 1
    return sorted(slot for slot, count in counts.items() if count >= FEWEST)


def _standing(
    tracks: Mapping[str, Sequence[Run]], slots: Sequence[int]
) -> tuple[Sequence[set[str]], Sequence[set[str]]]:
    """Return the schools that were down, and those that were fine, in the middle of each slot."""
    middles = [slot + SLOT_MIN // 2 for slot in slots]
    down: list[set[str]] = [set() for _ in slots]
    fine: list[set[str]] = [set() for _ in slots]
    alike: dict[Run, list[str]] = {}  # most schools say the same: each run is placed once for all of them
    for code, runs in tracks.items():
        for run in runs:
            alike.setdefault(run, []).append(code)
    for run, codes in alike.items():
        if run.said in (Said.DOWN, Said.FINE, Said.OURS):
            where = down if run.said is Said.DOWN else fine
            for at in range(bisect_left(middles, run.start), bisect_left(middles, run.stop)):
                where[at].update(codes)
    return down, fine


def _add(found: list[Learnt], drop: Drop, slot: int) -> None:
    """Let an outage go on that has half of the schools of a drop, or begin one."""
    reach = (JOINED_SLOTS + 1) * SLOT_MIN
    known = [one for one in found if slot - one.stop < reach and _is_same(one, drop)]
    one = known[0] if known else Learnt(slot, slot, drop)
    if not known:
        found.append(one)
    one.stop = slot + SLOT_MIN
    if drop.counts.fell > one.drop.counts.fell:
        one.drop = drop
    for code in sorted(drop.fallen):
        first, _last = one.schools.get(code, (slot, slot))
        one.schools[code] = first, slot + SLOT_MIN


def _is_same(one: Learnt, drop: Drop) -> bool:
    return 2 * len(drop.fallen & one.schools.keys()) >= min(len(drop.fallen), len(one.schools))


def is_known(one: Learnt, schools: set[str]) -> bool:
    """Return whether an outage that was seen at the time explains this one: four fifths of its schools are in it."""
    return len(schools & one.schools.keys()) >= explain.SHARED * len(one.schools)
