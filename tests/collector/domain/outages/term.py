"""Sixty simulated school days through the shipped watch: what is found, how soon, and what is called an outage falsely.

The watch is given events only, as in the collector; which outages were real is known here alone.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from collector.domain.outages.groups import Group
from collector.domain.outages.odds import FEWEST, Counts
from collector.domain.outages.presence import Event
from collector.domain.outages.tally import Tally
from collector.domain.outages.usual import ENOUGH_DAYS, TICK_MIN, Ticks, Usual
from collector.domain.outages.watch import Outage, Watch
from collector.domain.words import Cut as GroupCut
from collector.domain.words import OutageLabel
from tests.collector.domain.outages.country import DAY_MIN, OFFSETS, Country, Cut, Pupil, a_country

SLOW_DAY = 30
UNDECLARED = 0.5  # of the holidays of an area: the calendar does not know them
HOLIDAY = 0.03  # of an area's days
WARM_UP = 6  # days on which nothing is counted: a past is gathered
SCHOOL_DAYS_A_MONTH = 20
ENDS, NEAR_END_MIN, BREAK_MIN = (720, 840, 1020), 40, 60


@dataclass
class Real:
    """An outage that was caused."""

    day: int
    group: Group
    start: int
    end: int
    schools: set[str]
    found_after: int | None = None
    called: OutageLabel | None = None

    @property
    def is_near_an_end(self) -> bool:
        """Whether it began when computers are switched off: half an hour before a shift ends, or in the break."""
        return any(edge - NEAR_END_MIN <= self.start < edge + BREAK_MIN for edge in ENDS)


@dataclass
class Term:
    """What came of a simulation."""

    schools: int
    days: int
    seed: int
    real: list[Real] = field(default_factory=list)
    wrong: list[tuple[int, Outage]] = field(default_factory=list)
    everywhere: int = 0  # drops of everybody: said to be ours

    def wrong_a_month(self) -> float:
        """Return how many outages that were none are reported in a month of school."""
        return len(self.wrong) * SCHOOL_DAYS_A_MONTH / max(self.days - WARM_UP, 1)

    def steady(self, fewest: int, most: int, within_min: int) -> tuple[int, int]:
        """Return the same of those that began when nobody was about to switch off."""
        return self._found([one for one in self.real if not one.is_near_an_end], fewest, most, within_min)

    def found(self, fewest: int, most: int, within_min: int) -> tuple[int, int]:
        """Return how many real ones of so many schools were found within so many minutes, and how many there were."""
        return self._found(self.real, fewest, most, within_min)

    @staticmethod
    def _found(real: list[Real], fewest: int, most: int, within_min: int) -> tuple[int, int]:
        of_size = [one for one in real if fewest <= len(one.schools) <= most]
        return sum(one.found_after is not None and one.found_after <= within_min for one in of_size), len(of_size)


def run(schools: int, days: int, seed: int, *, real_a_day: int = 6) -> Term:
    """Simulate a term and watch it."""
    random_ = random.Random(seed)
    country = a_country(schools, seed)
    tally = Tally({one.code: one.place for one in country.schools})
    usual, term = Usual(), Term(schools, days, seed)
    watch = Watch(tally, lambda group, minute: usual.of(group, minute % DAY_MIN))
    for day in range(days):
        caused = _cause(random_, country, tally, day, real_a_day) if day >= WARM_UP else []
        ticks = _one_day(random_, country, watch, day, caused, term)
        for group, seen in ticks.items():
            usual.add_day(group, seen)
        term.real += caused
    return term


def _cause(random_: random.Random, country: Country, tally: Tally, day: int, many: int) -> list[Real]:
    """Return the outages of a day: half of 20 schools and more, half of about eight, none beside another."""
    sizes = {group: len(codes) for group, codes in tally.schools.items() if group.cut is GroupCut.CROSSING}
    large = sorted(group for group, size in sizes.items() if size >= 24)
    small = sorted(group for group, size in sizes.items() if 9 <= size <= 12)
    caused: list[Real] = []
    for number in range(many):
        group = random_.choice((large, small)[number % 2] or large or small)
        if any(group.area == one.group.area or group.provider == one.group.provider for one in caused):
            continue
        start = random_.randrange(450, 960)
        caused.append(Real(day, group, start, start + random_.randrange(40, 240), set()))
    return caused


def _one_day(
    random_: random.Random, country: Country, watch: Watch, day: int, caused: list[Real], term: Term
) -> dict[Group, Ticks]:
    """Let one day pass; returns what was usual on it."""
    by_minute = _events(random_, country, day, caused)
    base = day * DAY_MIN
    ticks: dict[Group, Ticks] = {}
    for minute in range(360, 1200):
        if day < ENOUGH_DAYS:  # nothing is known of the ends of shifts: as the collector does, nobody is called silent
            watch.tally.take(base + minute, by_minute.get(minute, ()))
        elif minute in by_minute or watch.outages or minute % TICK_MIN == 0:
            for outage in watch.step(base + minute, by_minute.get(minute, ())):
                if outage.opened == base + minute:
                    _note(outage, day, minute, caused, term)
        if minute % TICK_MIN == 0:
            _keep(watch, minute, ticks)
    return ticks


def _keep(watch: Watch, minute: int, ticks: dict[Group, Ticks]) -> None:
    busy = {outage.group for outage in watch.outages}
    for group in watch.tally.schools:
        counts = watch.tally.counts(group)
        if counts.online >= FEWEST and group not in busy:
            ticks.setdefault(group, {})[minute] = Counts(*counts)


def _events(random_: random.Random, country: Country, day: int, caused: list[Real]) -> dict[int, list[Event]]:
    areas = sorted({one.place.area or "" for one in country.schools})
    off = {area for area in areas if random_.random() < HOLIDAY}
    known = {area for area in sorted(off) if random_.random() >= UNDECLARED}
    offsets = {area: random_.choice(OFFSETS) for area in areas}
    base, by_minute = day * DAY_MIN, {}
    found: dict[int, list[Event]] = by_minute
    for school in country.schools:
        area = school.place.area or ""
        if area in known or (area in off and random_.random() < 0.8):
            continue
        real = next((one for one in caused if _is_hit(one, school)), None)
        cut = Cut(real.start, real.end) if real else None
        events = country.day_of(random_, school, offsets[area], is_slow=day == SLOW_DAY, cut=cut)
        if real is not None and _was_heard(events, real.start):
            real.schools.add(school.code)
        for event in events:
            moved = Event(base + event.minute, event.change, school.code, base + event.heard)
            found.setdefault(event.minute, []).append(moved)
    return found


def _is_hit(real: Real, school: Pupil) -> bool:
    return real.group == Group(school.place.area or "", school.place.provider or "")


def _was_heard(events: list[Event], start: int) -> bool:
    """Return whether a school was heard until an outage began, and not switched off by itself in that moment."""
    return any(event.change.value == "fell" and start - 18 <= event.heard <= start for event in events)


def _note(outage: Outage, day: int, minute: int, caused: list[Real], term: Term) -> None:
    if outage.label is OutageLabel.COLLECTOR:
        term.everywhere += 1
        return
    for one in caused:
        if 2 * len(one.schools & outage.members.keys()) >= len(outage.members):
            if one.found_after is None:
                one.found_after, one.called = minute + 1 - one.start, outage.label  # a minute is judged when it is over
            return
    term.wrong.append((day, outage))


def table(term: Term) -> str:
    """Return what came of it, as a table."""
    lines = [
        f"{term.schools:,} schools, {term.days} school days ({WARM_UP} of them to learn what is usual), "
        f"seed {term.seed}; one slow morning of everybody, holidays by area, half of them in no calendar.",
        "",
        "| | found | of | share | bar |",
        "|---|---|---|---|---|",
    ]
    for name, fewest, most, within, bar in (
        ("20 schools and more, within 15 minutes", 20, 10**6, 15, ">= 95 %"),
        ("8 to 12 schools, within 30 minutes", 8, 12, 30, ">= 95 %"),
        ("8 to 12 schools, within 15 minutes", 8, 12, 15, ""),
    ):
        lines.append(_line(name, term.found(fewest, most, within), bar))
        lines.append(_line(f"{name}, not near the end of a shift", term.steady(fewest, most, within), bar))
    after = [one.found_after for one in term.real if one.found_after is not None]
    lines.append(
        f"| wrong regional outages | {len(term.wrong)} | | {term.wrong_a_month():.2f} a month | <= 1 a month |"
    )
    called = Counter(one.called.value for one in term.real if one.called is not None)
    lines += [
        "",
        f"Median time to the alarm {median(after) if after else 0:.0f} minutes. Put down to: "
        + ", ".join(f"{name} {count}" for name, count in sorted(called.items()))
        + f". Drops of everybody at once, said to be ours: {term.everywhere}.",
    ]
    return "\n".join(lines)


def _line(name: str, counts: tuple[int, int], bar: str) -> str:
    found, known = counts
    return f"| {name} | {found} | {known} | {100 * found / max(known, 1):.1f} % | {bar} |"
