"""Read model of the providers page: every school that has a provider, with its newest verdict and its contract."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

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
    timezone: str | None
    contract_mbps: float | None
    verdict: str | None
    median_bps: int | None
    idle_rtt_ms: float | None  # middle of the medians of the days of the newest verdict's window
    loaded_ms: float | None  # the same under load
    loaded_tests: int | None  # of the window, that tell it
    window_from: str | None  # local days of the school
    day: str | None


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
            SCHOOLS.c.timezone,
            SCHOOLS.c.contract_download_mbps,
            NEWEST.c.verdict,
            NEWEST.c.median_bps,
            NEWEST.c.window_idle_ms,
            NEWEST.c.window_loaded_ms,
            NEWEST.c.loaded_n,
            NEWEST.c.window_from,
            NEWEST.c.day,
        )
        .select_from(judged_schools(measure))
        .where(SCHOOLS.c.provider.is_not(None), *_where(wanted))
        .order_by(SCHOOLS.c.code)
    )
    return [ServedSchool._make(row) for row in snapshot.connection.execute(query).all()]


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
