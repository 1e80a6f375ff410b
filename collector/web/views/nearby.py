"""Schools near by: whether one place is slow, or one school. Who asks sees only what the reader may see."""

from dataclasses import dataclass
from typing import Final

from collector.domain.nearness import Places
from collector.store.queries.pages import nearby as pages_nearby
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.nearby import PlacedSchool
from collector.store.unit import Snapshot
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.conventions import NBSP
from collector.web.views import lines, remembered
from collector.web.views.lines import SchoolLine

COUNT: Final = 5
WITHIN_KM: Final = 50.0
_TENTHS_TO_KM: Final = 10.0


@dataclass(frozen=True)
class Neighbour:
    """One school of the card."""

    line: SchoolLine
    way: str  # how far; empty of the school itself


def neighbours(snapshot: Snapshot, here: PlacedSchool) -> list[Neighbour]:
    """Return the school itself and the nearest others; nothing where nobody knows its place, or none is near."""
    if here.latitude is None or here.longitude is None:
        return []
    places = _places(snapshot)
    near = places.nearest(here.latitude, here.longitude, COUNT + 1, WITHIN_KM)
    ways = {one.name: one.km for one in near if one.name != here.row.code}
    codes = list(ways)[:COUNT]
    rows = pages_schools.rows_of(snapshot, desk().measure, codes) if codes else []
    if not rows:
        return []
    first, *others = lines.school_lines(snapshot, [here.row, *rows], with_sparks=False)
    return [Neighbour(first, ""), *(Neighbour(line, _way(ways[line.row.code])) for line in others)]


def _places(snapshot: Snapshot) -> Places:
    """Return where every school that the reader sees stands."""
    return remembered.of_schools(
        "places", snapshot, lambda: Places(pages_nearby.places(snapshot)), remembered.COUNTRIES
    )


def _way(km: float) -> str:
    return f"{present.number(km, 1 if km < _TENTHS_TO_KM else 0)}{NBSP}km"
