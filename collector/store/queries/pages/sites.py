"""Read model of the page of learning sites: how each stands at the schools, by word and provider, and the schools."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, select

from collector.domain.sites import CLOSED, SiteWord
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import SITE_DAYS, SITE_STANDINGS
from collector.store.unit import Snapshot

CANNOT = "cannot"
"""Any of the words that say that a site cannot be opened."""


class SiteFilter(NamedTuple):
    """Which schools; an empty text means all."""

    word: str = ""  # a word of a site, or CANNOT
    provider: str | None = ""  # None: those without one
    area: str = ""


class StandingSchool(NamedTuple):
    """One school with what a site does there."""

    code: str
    name: str
    area: str | None
    provider: str | None
    day: str
    word: str
    hours: str
    median_ms: float | None


Counts = dict[str, int]
"""Schools by word."""


def counts(snapshot: Snapshot, sites: Collection[str]) -> dict[str, Counts]:
    """Return of each site how many schools have each word."""
    s = SITE_STANDINGS.c
    query = select(s.site, s.word, func.count()).where(s.site.in_(sites)).group_by(s.site, s.word)
    found: dict[str, Counts] = {site: {} for site in sites}
    for site, word, count in snapshot.connection.execute(query):
        found[site][word] = int(count)
    return found


def by_provider(snapshot: Snapshot, site: str) -> dict[str | None, Counts]:
    """Return of each provider at how many of its schools a site has each word."""
    s = SITE_STANDINGS.c
    query = (
        select(SCHOOLS.c.provider, s.word, func.count())
        .select_from(SITE_STANDINGS.join(SCHOOLS, SCHOOLS.c.code == s.school))
        .where(s.site == site)
        .group_by(SCHOOLS.c.provider, s.word)
    )
    found: dict[str | None, Counts] = {}
    for provider, word, count in snapshot.connection.execute(query):
        found.setdefault(provider, {})[word] = int(count)
    return found


def _where(site: str, wanted: SiteFilter) -> list[ColumnElement[bool]]:
    where = [SITE_STANDINGS.c.site == site]
    if wanted.word:
        words = [word.value for word in CLOSED] if wanted.word == CANNOT else [wanted.word]
        where.append(SITE_STANDINGS.c.word.in_(words))
    if wanted.provider is None:
        where.append(SCHOOLS.c.provider.is_(None))
    elif wanted.provider:
        where.append(SCHOOLS.c.provider == wanted.provider)
    if wanted.area:
        where.append(SCHOOLS.c.area == wanted.area)
    return where


_OF_SCHOOLS = SITE_STANDINGS.join(SCHOOLS, SCHOOLS.c.code == SITE_STANDINGS.c.school)


def count_schools(snapshot: Snapshot, site: str, wanted: SiteFilter) -> int:
    """Return at how many schools a site stands as the filter says."""
    query = select(func.count()).select_from(_OF_SCHOOLS).where(*_where(site, wanted))
    return int(snapshot.connection.execute(query).scalar_one())


def schools(snapshot: Snapshot, site: str, wanted: SiteFilter, limit: int | None) -> list[StandingSchool]:
    """Return the schools of a filter with what a site does there, those that cannot open it first."""
    s, days, c = SITE_STANDINGS.c, SITE_DAYS.c, SCHOOLS.c
    of_day = and_(days.school == s.school, days.site == s.site, days.day == s.day)
    query = (
        select(c.code, c.name, c.area, c.provider, s.day, s.word, days.hours, days.median_ms)
        .select_from(_OF_SCHOOLS.join(SITE_DAYS, of_day))
        .where(*_where(site, wanted))
        .order_by(s.word.not_in([word.value for word in CLOSED]), s.word != SiteWord.SLOW.value, c.name_order)
        .limit(limit)
    )
    return [StandingSchool(*row) for row in snapshot.connection.execute(query)]
