"""Read model of the providers page: every school that has a provider, with its newest verdict and its contract."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from collector.domain.words import OPEN_STATES, SPEED
from collector.store.queries.pages.schools import Measure, judged_schools
from collector.store.tables.judgement import FLAGS
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
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
