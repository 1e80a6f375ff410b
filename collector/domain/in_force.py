"""Which version of a target holds where and since when: the nearest place wins, of one place the newest begun."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Reach(StrEnum):
    """How far a version reaches, the widest first."""

    DEPLOYMENT = "deployment"
    AREA = "area"
    SCHOOL = "school"


@dataclass(frozen=True)
class Version:
    """What somebody decided: from this day on the schools of a place are held against this."""

    version_id: str  # grows with time: of two for one place and day the later one holds
    reach: Reach
    place: str  # name of the area or code of the school; empty: everywhere
    valid_from: date  # local to each school
    profile: str | None  # None: as the wider place has it
    rule: str | None = None  # a profile of one's own, as TOML; None: a published one


class Versions:
    """All versions that hold or will hold; nothing ever changes what held on a day that has begun."""

    def __init__(self, versions: Iterable[Version] = ()) -> None:
        self._by_place: dict[tuple[Reach, str], list[Version]] = {}
        for version in sorted(versions, key=_order):
            self._by_place.setdefault((version.reach, version.place), []).append(version)

    def on(self, day: date, code: str, area: str | None) -> Version | None:
        """Return the version that a school is held against on one of its days; None: the deployment's own profile.

        Args:
            day: Local to the school.
            code: Of the school.
            area: That it belonged to on that day; None where it is unknown.
        """
        areas = [(Reach.AREA, one) for one in upwards(area)]
        for reach, place in [(Reach.SCHOOL, code), *areas, (Reach.DEPLOYMENT, "")]:
            found = self.of_place(reach, place, day)
            if found is not None and found.profile is not None:
                return found
        return None

    def of_place(self, reach: Reach, place: str, day: date) -> Version | None:
        """Return the newest version of one place that has begun by a day."""
        begun = [one for one in self._by_place.get((reach, place), ()) if one.valid_from <= day]
        return begun[-1] if begun else None


def upwards(area: str | None) -> Iterator[str]:
    """Yield an area and those that it lies in, the smallest first: `North/River Bend`, `North`."""
    while area:
        yield area
        area = area.rpartition("/")[0].rstrip()


def _order(version: Version) -> tuple[date, str]:
    return version.valid_from, version.version_id
