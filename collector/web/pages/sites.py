"""Learning sites: at how many schools each cannot be opened and why, by provider, and the schools behind each count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, abort
from markupsafe import Markup

from agent.wire.answers import ProbeSite
from collector.domain.roles import Role
from collector.domain.sites import CLOSED, NO_LOOK, SiteWord
from collector.intake import rules
from collector.store.queries.agent_settings import EVERYWHERE
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import sites as pages_sites
from collector.store.queries.pages.sites import Counts, SiteFilter, StandingSchool
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.people import access
from collector.web.people.access import for_role
from collector.web.views import remembered
from collector.web.words import site_words

BLUEPRINT = Blueprint("sites", __name__)

_NONE: Final = "-"  # in the address: schools without a provider
_COLUMNS: Final = {
    **dict.fromkeys(("site", "school", "name", "area", "provider"), CellKind.TEXT),
    "day": CellKind.DAY,
    "word": CellKind.TEXT,
    "hours": CellKind.TEXT,
    "median_ms": CellKind.NUMBER,
}


@dataclass(frozen=True)
class Line:
    """One site, or one provider, with its counts of schools."""

    name: str | None
    counts: Counts
    url: str = ""

    @property
    def schools(self) -> int:
        """How many have looked."""
        return sum(self.counts.values())

    @property
    def cannot(self) -> int:
        """How many cannot open it."""
        return sum(self.counts.get(word, 0) for word in CLOSED)


@BLUEPRINT.get("/sites")
def show() -> str:
    """Show all sites, and one of them by provider and school."""
    parts = desk()
    with parts.store.reader() as snapshot:
        sites = _sites(snapshot)
        lines = _lines(pages_sites.counts(snapshot, [site.name for site in sites]), sites)
        chosen = _chosen(lines)
        wanted = _read()
        schools, found = _schools(snapshot, str(chosen.name), wanted) if chosen else ([], 0)
        return page(
            "sites/show.html",
            snapshot,
            headline=_headline(lines),
            lines=lines,
            chosen=chosen,
            providers=_providers(snapshot, chosen) if chosen else [],
            schools=schools,
            found=found,
            wanted=wanted,
            shown_provider=asked.text("provider"),
            every_word=list(SiteWord),
            site_words=site_words,
            none=_NONE,
            hours=_hours,
            may_change=access.may(access.person(), Role.ADMIN) and snapshot.scope.is_whole,
        )


@BLUEPRINT.get("/sites.csv")
@for_role(Role.ANALYST)
def download() -> Response:
    """Give the schools of the chosen site as a file."""
    with desk().store.reader() as snapshot:
        sites = _sites(snapshot)
        chosen = _chosen(_lines(pages_sites.counts(snapshot, [site.name for site in sites]), sites))
        name = str(chosen.name) if chosen else ""
        found = pages_sites.schools(snapshot, name, _read(), None) if chosen else []
    return rows.csv_file("sites", _COLUMNS, [(name, *row) for row in found])


def _sites(snapshot: Snapshot) -> list[ProbeSite]:
    return rules.for_school(snapshot, desk().config, EVERYWHERE).probes


def _lines(counts: Mapping[str, Counts], sites: Sequence[ProbeSite]) -> list[Line]:
    """Return the sites, the one that most schools cannot open first."""
    lines = [Line(site.name, counts[site.name], site.url) for site in sites]
    return sorted(lines, key=lambda line: -line.cannot)


def _chosen(lines: Sequence[Line]) -> Line | None:
    """Return the site that the address names, else the worst one."""
    name = asked.text("site")
    found = next((line for line in lines if line.name == name), None)
    if name and found is None:
        abort(404)
    return found or next(iter(lines), None)


def _read() -> SiteFilter:
    word, provider = asked.text("word"), asked.text("provider")
    known = word if word in site_words.CHOICES else ""
    return SiteFilter(known, None if provider == _NONE else provider, asked.text("area"))


def _schools(snapshot: Snapshot, site: str, wanted: SiteFilter) -> tuple[Sequence[StandingSchool], int]:
    """Return the first schools of a filter with what a site does there, and how many it has."""
    limit = asked.limit()

    def read() -> tuple[Sequence[StandingSchool], int]:
        return pages_sites.schools(snapshot, site, wanted, limit), pages_sites.count_schools(snapshot, site, wanted)

    return remembered.of_standings("sites", snapshot, read, (site, wanted, limit))


def _providers(snapshot: Snapshot, chosen: Line) -> list[Line]:
    """Return the providers whose schools have looked at a site, the worst share first."""
    site = str(chosen.name)
    of_site = remembered.of_standings(
        "sites_by_provider", snapshot, lambda: pages_sites.by_provider(snapshot, site), site
    )
    found = [Line(name, counts) for name, counts in of_site.items()]
    return sorted(found, key=lambda line: (-line.cannot / line.schools, -line.schools, line.name or ""))


def _headline(lines: Sequence[Line]) -> Markup:
    looked = [line for line in lines if line.schools]
    if not looked:
        return say("No school has looked at a learning site yet")
    worst = looked[0]
    if not worst.cannot:
        return say("Every learning site can be opened from the schools that looked")
    return say_many(
        "%(site)s cannot be opened from %(cannot)s of %(shown)s school",
        "%(site)s cannot be opened from %(cannot)s of %(shown)s schools",
        worst.schools,
        site=worst.name,
        cannot=present.number(worst.cannot),
        shown=present.number(worst.schools),
    )


def _hours(letters: str) -> list[tuple[int, str]]:
    """Return the hours of a day in which somebody looked, each with its word."""
    by_letter = {word.value[0]: word.value for word in SiteWord}
    return [(hour, by_letter[one]) for hour, one in enumerate(letters) if one != NO_LOOK]
