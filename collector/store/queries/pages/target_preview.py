"""What was said last of each school, for the preview of a target."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from collector.store.queries.judging.fold import Voted
from collector.store.queries.pages.schools import Measure, newest_evaluation
from collector.store.queries.schools import DatedFacts
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOL_FACTS, SCHOOLS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class LastJudged:
    """The newest day of a school that can be judged again."""

    code: str
    day: str
    verdict: str | None  # None: there was no target that day
    target_bps: int | None
    median_bps: int | None
    n: int | None


def last_judged(
    snapshot: Snapshot, profile: str, metric: str, codes: Collection[str] | None = None
) -> dict[str, LastJudged]:
    """Return for each school its newest evaluation, or its newest day with a test that counts.

    Args:
        snapshot: The database.
        profile: Of the series.
        metric: Of the series.
        codes: Schools asked for, a few; None for all.
    """
    of_them = [] if codes is None else [SCHOOLS.c.code.in_(list(codes))]
    numbers = [NEWEST.c[name] for name in ("day", "verdict", "target_bps", "median_bps", "n")]
    judged = (
        select(SCHOOLS.c.code, *numbers)
        .select_from(SCHOOLS.join(NEWEST, newest_evaluation(Measure(profile, metric))))
        .where(*of_them)
    )
    found = {row[0]: LastJudged(*row) for row in snapshot.connection.execute(judged)}
    mine = [] if codes is None else [SCHOOL_DAYS.c.school.in_(list(codes))]
    days = (
        select(SCHOOL_DAYS.c.school, func.max(SCHOOL_DAYS.c.day))
        .where(SCHOOL_DAYS.c.voting > 0, SCHOOL_DAYS.c.is_final.is_(True), *mine)
        .group_by(SCHOOL_DAYS.c.school)
    )
    for code, day in snapshot.connection.execute(days):
        if code not in found:
            found[code] = LastJudged(code, day, None, None, None, None)
    return found


_AT_ONCE = 10_000  # rows that are held while the next are fetched


def votes(snapshot: Snapshot, from_ms: int, codes: Collection[str] | None = None) -> Iterator[Voted]:
    """Yield the measurements that vote, school by school, oldest first.

    Args:
        snapshot: The database.
        from_ms: Those with an earlier corrected start concern nobody.
        codes: Schools asked for, a few; None for all.
    """
    table = MEASUREMENTS.c
    of_them = [table.school.is_not(None)] if codes is None else [table.school.in_(list(codes))]
    query = (
        select(*[table[name] for name in Voted._fields])
        .where(table.started_ms >= from_ms, table.votes.is_(True), table.download_bps.is_not(None), *of_them)
        .order_by(table.school, table.started_ms)
    )
    found = snapshot.connection.execute(query, execution_options={"yield_per": _AT_ONCE})
    return (Voted._make(row) for row in found)


def facts(snapshot: Snapshot, codes: Collection[str] | None = None) -> dict[str, list[DatedFacts]]:
    """Return the dated facts of schools, oldest first; codes None for all."""
    table = SCHOOL_FACTS.c
    of_them = [] if codes is None else [table.school.in_(list(codes))]
    columns = [table[name] for name in DatedFacts.__dataclass_fields__]
    query = select(table.school, *columns).where(*of_them).order_by(table.school, table.valid_from)
    found: dict[str, list[DatedFacts]] = {}
    for code, *values in snapshot.connection.execute(query):
        found.setdefault(code, []).append(DatedFacts(*values))
    return found
