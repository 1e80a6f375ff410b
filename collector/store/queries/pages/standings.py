"""Schools counted by area and newest verdict: what the overview, the map and its districts add up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import case, func, select

from collector.store.queries.pages.schools import NO_VERDICT, Measure, SchoolFilter, is_placeless, judged_schools, where
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

_NOT_JUDGED = ("INSUFFICIENT", NO_VERDICT)


@dataclass(frozen=True)
class Standing:
    """Schools of one area with one verdict."""

    area: str | None
    verdict: str  # NO_VERDICT where there is none
    schools: int
    pupils: int
    placeless: int  # schools whose place on the map nobody knows


@dataclass(frozen=True)
class AreaShare:
    """How many schools of one area there are, have enough data to be judged, meet their target, and are below it."""

    area: str | None
    schools: int
    judged: int
    meets: int
    below: int

    @property
    def share(self) -> float | None:
        """The part of the judged schools that meet their target, None where none is judged."""
        return self.meets / self.judged if self.judged else None


def standings(snapshot: Snapshot, measure: Measure, wanted: SchoolFilter | None = None) -> list[Standing]:
    """Return the schools by area and newest verdict, under every filter but the one of the verdict."""
    verdict = NEWEST.c.verdict
    query = (
        select(
            SCHOOLS.c.area,
            func.coalesce(verdict, NO_VERDICT),
            func.count(),
            func.sum(func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift, 0)),
            func.sum(case((is_placeless(), 1), else_=0)),
        )
        .select_from(judged_schools(measure))
        .where(*where(replace(wanted or SchoolFilter(), verdict="")))
        # The verdict first: for the area SQLite would walk an index and fetch every school out of its order.
        .group_by(verdict, SCHOOLS.c.area)
    )
    return [Standing(row[0], row[1], *map(int, row[2:])) for row in snapshot.connection.execute(query)]


def count_verdicts(found: Iterable[Standing]) -> dict[str, int]:
    """Return the number of schools by verdict."""
    counts: Counter[str] = Counter()
    for one in found:
        counts[one.verdict] += one.schools
    return dict(counts)


def shares_of(found: Iterable[Standing]) -> list[AreaShare]:
    """Return the areas of some counts; as `area_shares`."""
    return area_shares((one.area, one.verdict, one.schools) for one in found)


def area_shares(counted: Iterable[tuple[str | None, str, int]]) -> list[AreaShare]:
    """Return the areas in order of their names, the schools of none at the end.

    Args:
        counted: Area, verdict, and how many schools there are of both.
    """
    by_area: dict[str | None, Counter[str]] = {}
    for area, verdict, schools in counted:
        by_area.setdefault(area, Counter())[verdict] += schools
    found = []
    for area, counts in by_area.items():
        schools = counts.total()
        judged = schools - sum(counts[name] for name in _NOT_JUDGED)
        found.append(AreaShare(area, schools, judged, counts["MEETS"], counts["BELOW"]))
    return sorted(found, key=lambda one: (one.area is None, one.area or ""))
