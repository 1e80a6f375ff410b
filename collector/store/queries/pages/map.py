"""Read models of the map: where the schools of a filter are, and what is judged of them."""

from dataclasses import dataclass

from sqlalchemy import select

from collector.store.queries.pages.schools import SORTS, Measure, SchoolFilter, judged_schools, where
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
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
