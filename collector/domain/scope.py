"""Which part of the country somebody may see: a set of areas, with everything that lies in them.

An area is the text of the registry. Where the registry has levels, they are written in one text from the greatest to
the smallest with a slash between them, `North/River Bend`: who has `North` has that too, and `Northwest` is another.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LEVEL: Final = "/"
"""Stands between two levels of an area, with or without a blank before it."""


def beginnings(area: str) -> tuple[str, ...]:
    """Return how the areas inside an area begin."""
    return (f"{area}{LEVEL}", f"{area} {LEVEL}")


def lies_in(area: str | None, parent: str) -> bool:
    """Return whether an area is another one or inside it; no area lies in none."""
    return area is not None and (area == parent or area.startswith(beginnings(parent)))


@dataclass(frozen=True)
class Scope:
    """What may be seen."""

    areas: frozenset[str] | None  # None: the whole country; empty: nothing
    school: str | None = None  # a code: this school alone, whatever its area

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.areas is None and self.school is None

    def covers(self, area: str | None) -> bool:
        """Return whether a school of this area is seen; a school without one only by who sees the whole country."""
        if self.school is not None:
            return False  # one school of it at most
        return self.areas is None or any(lies_in(area, one) for one in self.areas)

    def touches(self, area: str) -> bool:
        """Return whether a school of the scope can lie in an area: it is in the scope, or a part of the scope in it."""
        return self.covers(area) or any(lies_in(one, area) for one in self.areas or ())

    def meet(self, other: "Scope") -> "Scope":
        """Return what both cover; one school and some areas have nothing that could be said without the registry."""
        if self.school is not None or other.school is not None:
            return self if other.is_whole or other == self else other if self.is_whole else NOTHING
        if self.areas is None or other.areas is None:
            return other if self.areas is None else self
        inside = {one for one in self.areas if other.covers(one)} | {one for one in other.areas if self.covers(one)}
        return Scope(frozenset(inside))


WHOLE: Final = Scope(None)
NOTHING: Final = Scope(frozenset())


def scope_of(areas: Iterable[str]) -> Scope:
    """Return the scope of somebody with these areas; without any it is the whole country."""
    found = frozenset(areas)
    return Scope(found) if found else WHOLE
