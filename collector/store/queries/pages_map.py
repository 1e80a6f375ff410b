"""Read models of the map: where the schools of a filter are, what is judged of them, and the same by area."""

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, case, func, select

from collector.store.queries.pages_schools import NO_VERDICT, SORTS, Measure, SchoolFilter, judged_schools, where
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.people import FACTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class MapSchool:
    """One school with what the map shows of it."""

    code: str
    name: str
    latitude: float | None
    longitude: float | None
    area: str | None
    provider: str | None
    verdict: str | None
    median_bps: int | None
    target_bps: int | None


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


def map_schools(snapshot: Snapshot, measure: Measure, wanted: SchoolFilter) -> list[MapSchool]:
    """Return the schools of a filter, the worst first: in the order in which `school_rows` sorts by verdict."""
    columns = [
        *(SCHOOLS.c[name] for name in ("code", "name", "latitude", "longitude", "area", "provider")),
        *(NEWEST.c[name] for name in ("verdict", "median_bps", "target_bps")),
    ]
    rank, ratio = SORTS["verdict"], SORTS["ratio"]
    query = (
        select(*columns)
        .select_from(judged_schools(measure))
        .where(*where(wanted))
        .order_by(rank.is_(None), rank, ratio, SCHOOLS.c.name_order, SCHOOLS.c.code)
    )
    return [MapSchool(*row) for row in snapshot.connection.execute(query)]


def verdict_counts(snapshot: Snapshot, measure: Measure, wanted: SchoolFilter) -> dict[str, int]:
    """Return how many schools have which verdict, under every filter but the one of the verdict."""
    query = (
        select(func.coalesce(NEWEST.c.verdict, NO_VERDICT), func.count())
        .select_from(judged_schools(measure))
        .where(*where(replace(wanted, verdict="")))
        .group_by(NEWEST.c.verdict)
    )
    return {verdict: int(schools) for verdict, schools in snapshot.connection.execute(query)}


def area_shares(snapshot: Snapshot, measure: Measure, wanted: SchoolFilter) -> list[AreaShare]:
    """Return the areas under every filter but the one of the verdict, in order of their names."""
    verdict = NEWEST.c.verdict

    def how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    query = (
        select(
            SCHOOLS.c.area,
            func.count(),
            how_many(verdict != "INSUFFICIENT"),
            how_many(verdict == "MEETS"),
            how_many(verdict == "BELOW"),
        )
        .select_from(judged_schools(measure))
        .where(*where(replace(wanted, verdict="")))
        .group_by(SCHOOLS.c.area)
    )
    found = [AreaShare(row[0], *(int(value) for value in row[1:])) for row in snapshot.connection.execute(query)]
    return sorted(found, key=lambda one: (one.area is None, one.area or ""))


def newness(snapshot: Snapshot) -> str:
    """Return a text that changes whenever a school of the registry or a verdict does."""
    fact = select(FACTS.c.value).where(FACTS.c.name == "last_evaluation_ms").scalar_subquery()
    row = snapshot.connection.execute(select(fact, func.count(), func.max(SCHOOLS.c.updated_ms))).one()
    return " ".join(str(value) for value in row)
