"""A simulated country for the detection of outages: who is heard when, with what ordinary days bring. Seeded.

Days of schools are drawn from a store of days that went through the shipped `presence.events`: computers that post
every 15 minutes give or take a tenth, switched on and off around the shifts, with faults of their own. Schools that an
outage hits get a day of their own, made by the same code.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from collector.domain.outages import presence
from collector.domain.outages.groups import Place
from collector.domain.outages.presence import Event

DAY_MIN = 1440
SHIFTS = (
    ((420, 720), (780, 1020)),  # 07:00-12:00 13:00-17:00
    ((420, 1020),),
    ((420, 750), (780, 1080)),
    ((480, 840),),
)
OFFSETS = (-10, -5, 0, 5, 10)  # minutes: on some days an area leaves earlier or later than its hours
STORED = 150  # days of each kind
LOCAL_FAULT = 0.04  # of school days: the line is gone for a while
SHUT_MIN = 12  # how far apart the computers of a shift are switched off, standard deviation


@dataclass(frozen=True)
class Pupil:
    """One school of the simulated country."""

    code: str
    place: Place
    shifts: int
    computers: int


@dataclass
class Cut:
    """A line that is gone, in minutes of the day."""

    start: int
    end: int


@dataclass
class Country:
    """Schools, and their days."""

    seed: int
    schools: list[Pupil] = field(default_factory=list)
    store: dict[tuple[int, int, int, bool], list[list[Event]]] = field(default_factory=dict)

    def day_of(
        self, random_: random.Random, school: Pupil, offset: int, *, is_slow: bool, cut: Cut | None
    ) -> list[Event]:
        """Return what happens to a school on one day, minutes from midnight on."""
        if cut is not None:
            return made_day(random_, school.shifts, school.computers, offset, is_slow=is_slow, cut=cut)
        key = (school.shifts, school.computers, offset, is_slow)
        stored = self.store.setdefault(key, [])
        if len(stored) < STORED:
            stored.append(made_day(random_, *key[:3], is_slow=is_slow))
            return stored[-1]
        return stored[int(random_.random() * STORED)]


def a_country(schools: int, seed: int) -> Country:
    """Return a country of so many schools, with areas and providers of very different sizes."""
    random_ = random.Random(seed)
    areas = [f"Area {number:02}" for number in range(max(4, schools // 200))]
    providers = [f"Provider {letter}" for letter in "ABCDEFGH"]
    area_weights = [random_.uniform(0.5, 2.0) for _ in areas]
    shares = {area: [random_.expovariate(1.0) * weight for weight in (6, 4, 3, 2, 2, 1, 1, 0.5)] for area in areas}
    country = Country(seed)
    for number, area in enumerate(random_.choices(areas, area_weights, k=schools)):
        provider = random_.choices(providers, shares[area])[0]
        kind = random_.choices(range(len(SHIFTS)), (4, 3, 2, 1))[0]
        computers = random_.choices((1, 2, 4), (6, 3, 1))[0]
        country.schools.append(Pupil(f"{number:05}", Place(area, provider), kind, computers))
    return country


@cache
def opening(shifts: int) -> tuple[tuple[int, int], ...]:
    """Return the opening hours of a kind of school."""
    return SHIFTS[shifts]


def made_day(
    random_: random.Random, shifts: int, computers: int, offset: int, *, is_slow: bool = False, cut: Cut | None = None
) -> list[Event]:
    """Return the events of one day of a school, found by the shipped code from the minutes in which it was heard."""
    cuts = [cut] if cut else []
    if random_.random() < LOCAL_FAULT:
        start = random_.randrange(420, 1000)
        cuts.append(Cut(start, start + int(random_.expovariate(1 / 90)) + 5))
    minutes: set[int] = set()
    for start, end in opening(shifts):
        off = random_.gauss(end + offset - 5, SHUT_MIN)
        late = abs(random_.gauss(40, 15)) if is_slow else 0.0
        for _ in range(computers):
            on = start + random_.gauss(5, 10) + late
            minutes.update(_words(random_, on, off + random_.gauss(0, 4), cuts, is_slow=is_slow))
    return list(presence.events("", sorted(minutes), opening(shifts), DAY_MIN))


def _words(random_: random.Random, on: float, off: float, cuts: Sequence[Cut], *, is_slow: bool) -> Iterator[int]:
    """Yield the minutes in which one computer is heard; on the slow morning a third of the posts take minutes."""
    moment = on + random_.random()
    while moment < off:
        delay = random_.expovariate(1 / 4) if is_slow and moment < 660 and random_.random() < 1 / 3 else 0.0
        when = moment + delay
        if not any(one.start <= when < one.end for one in cuts):
            yield int(when)
        elif (back := max(one.end for one in cuts if one.start <= when < one.end)) < off:
            wait = min(15 * random_.uniform(0.9, 1.1), (back - when) % 15 + random_.random())
            yield int(back + wait)
        moment += 15 * random_.uniform(0.9, 1.1)
