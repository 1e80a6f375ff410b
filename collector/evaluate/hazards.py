"""Hazards: who lies in one, since when nobody judges them, and what is heard of them. Nothing here commits.

A hazard is declared by a person; all that follows from it is worked out again by each run of the jobs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from collector.domain.calendars import local_day
from collector.domain.hazards import geojson
from collector.domain.hazards.shapes import Asked, Shape
from collector.domain.scope import lies_in
from collector.ports import Ports
from collector.store import locks
from collector.store.open import Store
from collector.store.queries import hazards
from collector.store.queries.hazards import Hazard, Placed
from collector.store.queries.judging import judgement
from collector.store.unit import Snapshot, UnitOfWork

Days = dict[str, tuple[str, str | None]]

DRILL_FROM_MS = 6 * 3_600_000
"""A drill began so long ago: some schools were heard since, some were not."""

REACH = timedelta(days=366)
"""How far before now a hazard may be said to have begun: so many days may have to be judged again."""

LATE_MS = 40 * 86_400_000
"""So long after its end what comes late still changes a hazard."""
ENDED_EVERY_MS = 3_600_000


@dataclass(frozen=True)
class Inside:
    """The schools of a shape and of some areas."""

    found: list[Placed]
    placeless: int  # schools without coordinates, of which a shape can say nothing


def inside(snapshot: Snapshot, shape: Shape | None, areas: Sequence[str], *, is_drill: bool = False) -> Inside:
    """Return the schools that the reader sees and that lie in a shape or in one of some areas.

    Args:
        snapshot: The database.
        shape: None: areas alone.
        areas: With everything inside each.
        is_drill: Only invented schools.
    """
    asked = Asked(shape) if shape is not None else None
    found, placeless = [], 0
    for school in hazards.placed_schools(snapshot):
        if is_drill and not school.is_demo:
            continue
        if any(lies_in(school.area, area) for area in areas):
            found.append(school)
        elif asked is not None and (school.longitude is None or school.latitude is None):
            placeless += 1
        elif asked is not None and asked.has(school.longitude or 0.0, school.latitude or 0.0):
            found.append(school)
    return Inside(found, placeless)


def declare(unit: UnitOfWork, hazard: Hazard, members: Sequence[Placed], *, profile: str, default_zone: str) -> None:
    """Store a hazard with its schools; from its first day on they are not judged, unless it is a drill.

    Args:
        unit: The transaction to write in.
        hazard: As declared.
        members: The schools in it.
        profile: Whose verdicts are the baseline.
        default_zone: Of schools without one.
    """
    zones = {one.code: one.timezone for one in members}
    days = _days(zones, hazard.begins_ms, hazard.ends_ms, default_zone)
    hazards.add(unit, replace(hazard, schools=len(members)), days, profile)
    _listen(unit, hazard, hazard.declared_ms)
    _reopen(unit, hazard, days)


def hold(unit: UnitOfWork, hazard_id: str) -> None:
    """Let nobody else declare, date or renew a hazard until the transaction ends."""
    locks.hold(unit, (f"hazard {hazard_id}",))


def redate(unit: UnitOfWork, hazard: Hazard, begins_ms: int, ends_ms: int | None, default_zone: str) -> bool:
    """Change when a hazard began and ended; the days concerned are judged again.

    Args:
        unit: The transaction to write in.
        hazard: As it was when that was decided.
        begins_ms: UTC milliseconds.
        ends_ms: None: it is open.
        default_zone: Of schools without one.

    Returns:
        Whether it was done; not where somebody had changed it meanwhile.
    """
    hold(unit, hazard.hazard_id)
    before = hazards.days_of(unit, hazard.hazard_id)
    days = _days(hazards.zones_of(unit, hazard.hazard_id), begins_ms, ends_ms, default_zone)
    dated = replace(hazard, begins_ms=begins_ms, ends_ms=ends_ms)
    if not hazards.set_dates(unit, dated, days):
        return False
    _reopen(unit, hazard, {code: found for code, found in before.items() if days.get(code) != found})
    _reopen(unit, hazard, {code: found for code, found in days.items() if before.get(code) != found})
    return True


def renew(unit: UnitOfWork, hazard: Hazard, now_ms: int, default_zone: str) -> int:
    """Work out again what is stored of the schools of a hazard, and return of how many it was another.

    A school that has another zone now has other days; what came late is heard at the time at which it was measured.
    """
    before = hazards.days_of(unit, hazard.hazard_id)
    days = _days(hazards.zones_of(unit, hazard.hazard_id), hazard.begins_ms, hazard.ends_ms, default_zone)
    moved = {code: found for code, found in days.items() if before[code] != found}
    hazards.set_days(unit, hazard.hazard_id, moved)
    _reopen(unit, hazard, {code: before[code] for code in moved})
    _reopen(unit, hazard, moved)
    return len(moved) + _listen(unit, hazard, now_ms)


def renew_open(store: Store, ports: Ports, default_zone: str) -> int:
    """Do so for every hazard that is open, each in a transaction of its own, and return how many there are.

    Those that ended lately have their turn once an hour: computers that come back tell what was, and the report of a
    hazard is read when it is over.
    """
    now_ms = ports.clock.now_ms()
    with store.reader() as snapshot:
        found = hazards.to_renew(snapshot, now_ms - LATE_MS, now_ms - ENDED_EVERY_MS)
    for hazard in found:
        with store.unit() as unit:
            hold(unit, hazard.hazard_id)  # as it is now, not as it was before somebody gave it other dates
            still = hazards.find(unit, hazard.hazard_id)
            if still is not None:
                renew(unit, still, now_ms, default_zone)
            unit.commit()
    return len(found)


def drill_of(snapshot: Snapshot) -> tuple[Shape, list[Placed]] | None:
    """Return a shape over the invented schools of the area that has most of them; None where there is none."""
    by_area: dict[str, list[Placed]] = {}
    for school in hazards.placed_schools(snapshot):
        if school.is_demo and school.longitude is not None and school.latitude is not None:
            by_area.setdefault(school.area or "", []).append(school)
    if not by_area:
        return None
    _area, schools = max(by_area.items(), key=lambda item: (len(item[1]), item[0]))
    shape = _around([(one.longitude or 0.0, one.latitude or 0.0) for one in schools])
    return shape, inside(snapshot, shape, (), is_drill=True).found


@dataclass(frozen=True)
class Drill:
    """A drill that is open, and whether it was begun just now."""

    hazard: Hazard
    is_new: bool


def start_drill(
    unit: UnitOfWork, name_of: Callable[[str], str], by: Hazard, *, profile: str, default_zone: str
) -> Drill | None:
    """Begin a drill on invented schools, or return the one that is open over them; None: no school is invented.

    It suppresses nothing and says everywhere that it is one.

    Args:
        unit: The transaction to write in.
        name_of: Returns its name for the area that it is about.
        by: Who declares it and when, under which identity; the rest of it is found here.
        profile: Whose verdicts are the baseline.
        default_zone: Of schools without one.
    """
    locks.hold(unit, ("hazard drill",))
    found = drill_of(unit)
    if found is None:
        return None
    shape, members = found
    begins_ms = by.declared_ms - DRILL_FROM_MS
    hazard = replace(
        by, name=name_of(members[0].area or ""), is_drill=True, shape=geojson.write(shape), begins_ms=begins_ms
    )
    for one in hazards.open_ones(unit):
        if one.is_drill and (one.name == hazard.name or one.shape == hazard.shape):
            return Drill(one, is_new=False)
    declare(unit, hazard, members, profile=profile, default_zone=default_zone)
    return Drill(replace(hazard, schools=len(members)), is_new=True)


def _around(points: Sequence[tuple[float, float]]) -> Shape:
    """Return an eight-cornered shape around places, a little larger than they need."""
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    (west, east), (south, north) = (min(xs) - 0.03, max(xs) + 0.03), (min(ys) - 0.03, max(ys) + 0.03)
    cut = 0.025
    ring = [(west + cut, south), (east - cut, south), (east, south + cut), (east, north - cut)]
    ring += [(east - cut, north), (west + cut, north), (west, north - cut), (west, south + cut), ring[0]]
    return geojson.read(geojson.write(((tuple(ring),),)).encode())


def _listen(unit: UnitOfWork, hazard: Hazard, now_ms: int) -> int:
    found = hazards.heard(unit, hazard, hazard.as_of_ms(now_ms))
    before = hazards.kept_heard(unit, hazard.hazard_id)
    changed = {code: one for code, one in found.items() if before.get(code) != one}
    hazards.set_heard(unit, hazard.hazard_id, changed, now_ms)
    return len(changed)


def _days(zones: Mapping[str, str | None], begins_ms: int, ends_ms: int | None, default_zone: str) -> Days:
    """Return the first and the last local day of a hazard, by school."""
    of_zone: dict[str | None, tuple[str, str | None]] = {}
    for name in set(zones.values()):
        zone = ZoneInfo(name or default_zone)
        last = local_day(ends_ms, zone).isoformat() if ends_ms is not None else None
        of_zone[name] = (local_day(begins_ms, zone).isoformat(), last)
    return {code: of_zone[zone] for code, zone in zones.items()}


def _reopen(unit: UnitOfWork, hazard: Hazard, days: Days) -> None:
    """Let the days from the first one on be judged again; a day of a drill is like any other."""
    if hazard.is_drill:
        return
    by_day: dict[str, list[str]] = {}
    for code, (first, _last) in days.items():
        by_day.setdefault(first, []).append(code)
    for first, codes in by_day.items():
        judgement.reopen_days(unit, first, codes)
