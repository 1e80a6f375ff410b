"""What pages count of every school at once, remembered by each process until a school or a verdict changes.

Never older than the snapshot that is shown: the key is read in it. Only what the whole list of a reader needs is
kept; what a filter finds is asked for anew. Of a unit of work nothing is kept: what it has written may still be undone,
and whoever comes next raises the same numbers with other rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from flask import g, request
from markupsafe import Markup

from collector.store.queries import newness
from collector.store.queries.newness import Newness
from collector.store.queries.pages import providers as pages_providers
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages import standings
from collector.store.queries.pages.providers import ProviderFilter
from collector.store.queries.pages.schools import Measure, SchoolFilter, SchoolRow
from collector.store.queries.pages.standings import Standing
from collector.store.unit import Snapshot, UnitOfWork
from collector.web.http.kept import Kept
from collector.web.language.i18n import language
from collector.web.views import scorecard
from collector.web.views.scorecard import Score

T = TypeVar("T")

_PLAIN: Final = SchoolFilter()
_LISTS: Final = 24  # of each kind: orders and verdicts, for the scopes of those who read
COUNTRIES: Final = 8  # of what has every school in it: a country takes some megabytes


def standings_of(snapshot: Snapshot, measure: Measure, wanted: SchoolFilter = _PLAIN) -> Sequence[Standing]:
    """Return the schools by area and newest verdict, as `standings.standings` counts them."""
    if replace(wanted, verdict="") != _PLAIN:
        return standings.standings(snapshot, measure, wanted)
    return _kept("standings", snapshot, measure, lambda: tuple(standings.standings(snapshot, measure)))


def scores(snapshot: Snapshot, measure: Measure, wanted: ProviderFilter) -> list[Score]:
    """Return every provider's score, by name; its open flags are counted now."""
    flags = pages_providers.open_flags(snapshot, wanted)

    def score() -> list[Score]:
        return scorecard.score(pages_providers.served_schools(snapshot, measure, wanted), {})

    found = score() if any(wanted) else _kept("scores", snapshot, measure, score)
    return [replace(one, flags=flags.get(one.provider, 0)) for one in found]


def school_rows(
    snapshot: Snapshot,
    measure: Measure,
    wanted: SchoolFilter,
    *,
    sort: str,
    descending: bool = False,
    limit: int,
    offset: int = 0,
) -> list[SchoolRow]:
    """Return the schools of a filter as `pages_schools.school_rows` does."""

    def codes() -> Sequence[str]:
        return pages_schools.school_codes(
            snapshot, measure, wanted, sort=sort, descending=descending, limit=limit, offset=offset
        )

    is_any = replace(wanted, verdict="") != _PLAIN or offset or sort not in pages_schools.OF_VERDICTS
    asked = (wanted.verdict, sort, descending, limit)
    found = codes() if is_any else _kept("codes", snapshot, measure, codes, asked)
    return pages_schools.rows_of(snapshot, measure, found)


def drawn(name: str, snapshot: Snapshot, measure: Measure, make: Callable[[], str], asked: object = None) -> Markup:
    """Return a part of a page that follows from the schools and their newest verdicts alone, drawn once.

    Args:
        name: Of the part.
        snapshot: What is shown.
        measure: Which verdicts.
        make: Draws it: text that is escaped already.
        asked: What else it follows from.
    """
    of_page = (language(), request.root_path, asked)
    return _kept(f"drawn_{name}", snapshot, measure, lambda: Markup(make()), of_page)  # noqa: S704 -- as `make` says


def of_votes(name: str, snapshot: Snapshot, measure: Measure, make: Callable[[], T], asked: object = None) -> T:
    """Return what follows from the schools, their verdicts and votes, and from what is asked."""
    return _kept(name, snapshot, measure, make, asked)


def of_schools(name: str, snapshot: Snapshot, make: Callable[[], T], at_most: int = _LISTS) -> T:
    """Return what follows from the registry alone.

    Args:
        name: Of it.
        snapshot: What is shown.
        make: Makes it.
        at_most: How many are kept: of the scopes of those who read, and of a registry that has changed since.
    """
    known = _newness(snapshot)
    return _made(name, snapshot, (known.schools, known.updated_ms), make, at_most)


def count_of_schools(snapshot: Snapshot) -> int:
    """Return how many schools the reader sees: what is remembered is known by it, so that it is counted already."""
    return _newness(snapshot).schools


def facets(snapshot: Snapshot) -> Mapping[str, list[str]]:
    """Return the areas, providers and technologies that occur, as `pages_schools.facets` does."""
    return of_schools("facets", snapshot, lambda: pages_schools.facets(snapshot))


def of_availability(name: str, snapshot: Snapshot, make: Callable[[], T], asked: object = None) -> T:
    """Return what follows from the registry, from how much lines were up in their last school days, and from this."""
    known = _newness(snapshot)
    return _made(name, snapshot, (known.schools, known.updated_ms, known.availability, asked), make)


def of_standings(name: str, snapshot: Snapshot, make: Callable[[], T], asked: object = None) -> T:
    """Return what follows from the registry and what schools last did with learning sites and networks."""
    return _made(name, snapshot, (newness.standings(snapshot), asked), make)


def of_values(name: str, values: object, make: Callable[[], T]) -> T:
    """Return what follows from these values alone, whoever asks and whatever else changes: a picture of points, say."""
    kept = Kept[T].of_app(name, _LISTS)
    found = kept.find(values)
    return kept.keep(values, make()) if found is None else found


def _newness(snapshot: Snapshot) -> Newness:
    """Return how new a snapshot is: asked once of each."""
    known: tuple[Snapshot, Newness] | None = g.get("newness")
    if known is None or known[0] is not snapshot:
        known = g.newness = (snapshot, newness.newness(snapshot))
    return known[1]


def _kept(name: str, snapshot: Snapshot, measure: Measure, make: Callable[[], T], asked: object = None) -> T:
    """Return what was made of the same schools and verdicts for a reader who sees the same, or make it."""
    of_verdicts = _newness(snapshot)._replace(availability="")
    return _made(name, snapshot, (measure, of_verdicts, asked), make)


def _made(name: str, snapshot: Snapshot, of: object, make: Callable[[], T], at_most: int = _LISTS) -> T:
    if isinstance(snapshot, UnitOfWork):
        return make()
    kept = Kept[T].of_app(name, at_most)
    key = (snapshot.scope, of)
    found = kept.find(key)
    return kept.keep(key, make()) if found is None else found
