"""What schools have in common: the country, an area, a provider, and a provider in an area."""

from collections.abc import Iterator
from typing import NamedTuple

from collector.domain.in_force import upwards
from collector.domain.words import Cut


class Group(NamedTuple):
    """One thing that schools have in common; an empty text means any."""

    area: str = ""
    provider: str = ""

    @property
    def cut(self) -> Cut:
        """By what it is told apart."""
        if self.area:
            return Cut.CROSSING if self.provider else Cut.AREA
        return Cut.PROVIDER if self.provider else Cut.ALL


EVERYBODY = Group()


class Place(NamedTuple):
    """What the registry says of a school that decides its groups."""

    area: str | None
    provider: str | None


def groups_of(place: Place) -> Iterator[Group]:
    """Yield the groups of a school, the widest first; an area lies in wider ones."""
    yield EVERYBODY
    provider = place.provider or ""
    if provider:
        yield Group("", provider)
    for area in upwards(place.area):
        yield Group(area)
        if provider:
            yield Group(area, provider)
