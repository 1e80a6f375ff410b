"""Read model of the providers page: every school that has a provider, with its newest verdict and its contract."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, select

from collector.domain.words import OPEN_STATES, SPEED
from collector.store.queries.pages.availability import Slots
from collector.store.queries.pages.schools import Measure, judged_schools
from collector.store.queries.pieces import in_pieces
from collector.store.tables.availability import AVAILABILITY_NOW
from collector.store.tables.judgement import FLAGS
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.proofs import PACKS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


class ProviderFilter(NamedTuple):
    """Which schools; an empty text means all."""

    area: str = ""
    technology: str = ""


class ServedSchool(NamedTuple):
    """One school of a provider; the numbers are None where it has no verdict."""

    provider: str
    technology: str | None
    area: str | None
    code: str
    name: str
    contract_mbps: float | None
    verdict: str | None
    median_bps: int | None
    idle_rtt_ms: float | None  # median of the day of the newest verdict
    loaded_ms: float | None = None  # delay under load in its last test, see `views.busy_lines`; None: not measured
    loaded_day: str | None = None  # of that test, local to the school
    loaded_at: str | None = None  # its minute of that day, as 07:30


class LoadedTest(NamedTuple):
    """One test that counts and saw how late answers come while it filled the line."""

    code: str
    timezone: str | None  # of the school
    started_ms: int
    p95_ms: float  # of the round trips under load, of the worse direction


def _where(wanted: ProviderFilter) -> list[ColumnElement[bool]]:
    return [SCHOOLS.c[name] == value for name, value in wanted._asdict().items() if value]


def served_schools(snapshot: Snapshot, measure: Measure, wanted: ProviderFilter) -> list[ServedSchool]:
    """Return the schools that have a provider, in a definite order."""
    query = (
        select(
            SCHOOLS.c.provider,
            SCHOOLS.c.technology,
            SCHOOLS.c.area,
            SCHOOLS.c.code,
            SCHOOLS.c.name,
            SCHOOLS.c.contract_download_mbps,
            NEWEST.c.verdict,
            NEWEST.c.median_bps,
            NEWEST.c.median_idle_rtt_ms,
        )
        .select_from(judged_schools(measure))
        .where(SCHOOLS.c.provider.is_not(None), *_where(wanted))
        .order_by(SCHOOLS.c.code)
    )
    return [ServedSchool(*row) for row in snapshot.connection.execute(query).all()]


def open_flags(snapshot: Snapshot, wanted: ProviderFilter) -> dict[str, int]:
    """Return how many flags of the speed are open or recovering, by the provider of their school."""
    query = (
        select(SCHOOLS.c.provider, func.count())
        .select_from(FLAGS.join(SCHOOLS, SCHOOLS.c.code == FLAGS.c.school))
        .where(FLAGS.c.state.in_(OPEN_STATES), FLAGS.c.kind == SPEED, SCHOOLS.c.provider.is_not(None), *_where(wanted))
        .group_by(SCHOOLS.c.provider)
    )
    return {provider: int(count) for provider, count in snapshot.connection.execute(query)}


def count_without_provider(snapshot: Snapshot, wanted: ProviderFilter) -> int:
    """Return how many schools have no provider in the registry."""
    query = select(func.count()).select_from(SCHOOLS).where(SCHOOLS.c.provider.is_(None), *_where(wanted))
    return int(snapshot.connection.execute(query).scalar_one())


def loaded_tests(snapshot: Snapshot) -> list[LoadedTest]:
    """Return how late answers came under load in the last test that counts of each school that has a provider.

    One row of each school, whose moment the index of votes gives. A test that does not tell idle and loaded by one
    method says nothing: methods are never compared with each other.
    """
    votes, last = MEASUREMENTS.alias("votes"), MEASUREMENTS.alias("last")
    # Values of a school, not joins: no planner then begins with the tests and looks at all of them.
    newest_ms = (
        select(func.max(votes.c.started_ms))
        .where(votes.c.school == SCHOOLS.c.code, votes.c.votes.is_(True))
        .correlate(SCHOOLS)
        .scalar_subquery()
    )
    down_ms, up_ms = last.c.loaded_download_p95_ms, last.c.loaded_upload_p95_ms
    later_ms = case((up_ms > func.coalesce(down_ms, 0.0), up_ms), else_=down_ms)
    p95_ms = (
        select(func.max(later_ms))
        .where(last.c.school == SCHOOLS.c.code, last.c.votes.is_(True), last.c.started_ms == newest_ms)
        .where(last.c.loaded_method == last.c.idle_method)
        .correlate(SCHOOLS)
        .scalar_subquery()
    )
    query = select(SCHOOLS.c.code, SCHOOLS.c.timezone, newest_ms, p95_ms).where(SCHOOLS.c.provider.is_not(None))
    return [LoadedTest(*row) for row in snapshot.connection.execute(query) if row[3] is not None]


def seen_slots(snapshot: Snapshot, wanted: ProviderFilter) -> dict[str, Slots]:
    """Return what was seen of the lines of each provider's schools in their last school days."""
    good, down = (func.sum(AVAILABILITY_NOW.c[name]) for name in ("good_slots", "down_slots"))
    query = (
        select(SCHOOLS.c.provider, good, down)
        .select_from(SCHOOLS.join(AVAILABILITY_NOW, AVAILABILITY_NOW.c.school == SCHOOLS.c.code))
        .where(SCHOOLS.c.provider.is_not(None), *_where(wanted))
        .group_by(SCHOOLS.c.provider)
    )
    return {row[0]: Slots(int(row[1]), int(row[2])) for row in snapshot.connection.execute(query)}


def pack_tests(snapshot: Snapshot, codes: Collection[str]) -> dict[str, int]:
    """Return how many tests count in the newest evidence pack of each of some schools that has one."""
    found: dict[str, int] = {}
    for some in in_pieces(codes):
        query = select(PACKS.c.school, PACKS.c.tests).where(PACKS.c.school.in_(some))
        found.update((row[0], int(row[1])) for row in snapshot.connection.execute(query.order_by(PACKS.c.made_ms)))
    return found


def cable_tests(snapshot: Snapshot, codes: Collection[str], from_ms: int) -> dict[str, int]:
    """Return how many tests by cable count since a moment, at each of some schools; an index has all of it."""
    found: dict[str, int] = {}
    test = MEASUREMENTS.c
    for some in in_pieces(codes):
        query = select(test.school, func.count()).where(test.school.in_(some), test.started_ms >= from_ms)
        query = query.where(test.votes.is_(True), test.medium == "ethernet").group_by(test.school)
        found.update((row[0], int(row[1])) for row in snapshot.connection.execute(query))
    return found
