"""What is odd about a registry's schools: nothing is refused for it, but somebody should look.

The ideas are those of Giga's checks of school data: places that are missing, coarse or shared, schools that stand twice
or with figures that no school has, columns that contradict each other.
"""

import difflib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Final

NEAR_M: Final = 110.0  # two schools of one name closer than this are one school
SIMILAR: Final = 0.7  # of 1: how alike two names at one place have to be
CROWD: Final = 5  # more schools than this at one place share an address, or a village's middle
FAR_KM: Final = 300.0  # from the nearest other school
MOST_PUPILS: Final = 10_000
MOST_STAFF: Final = 200
MOST_MBPS: Final = 10_000.0
_EARTH_M: Final = 6_371_000.0
_NAMED: Final = 20  # so many neighbours are named; a whole registry may stand at one point
_CELL_DEG: Final = 0.001  # 111 m to the north


class Check(StrEnum):
    """One kind of oddity, in the order in which a person should look at them."""

    NO_PLACE = "no_place"
    ZERO_PLACE = "zero_place"
    FAR_AWAY = "far_away"
    COARSE_PLACE = "coarse_place"
    CROWDED_PLACE = "crowded_place"
    TWICE = "twice"
    SIMILAR = "similar"
    NO_PUPILS = "no_pupils"
    ZERO_PUPILS = "zero_pupils"
    MANY_PUPILS = "many_pupils"
    STAFF = "staff"
    NO_PROVIDER = "no_provider"
    NO_CONTRACT = "no_contract"
    ODD_CONTRACT = "odd_contract"
    NO_TECHNOLOGY = "no_technology"
    NO_AREA = "no_area"


@dataclass(frozen=True)
class Site:
    """What the checks look at of one school."""

    code: str
    name: str
    name_folded: str
    level: str | None
    latitude: float | None
    longitude: float | None
    area: str | None
    pupils: int | None
    staff: int | None
    provider: str | None
    technology: str | None
    contract_mbps: float | None


@dataclass(frozen=True)
class Finding:
    """One school and why it is odd; `others` are the schools that it has to do with."""

    code: str
    check: Check
    others: tuple[str, ...] = ()
    figure: float | None = None  # what is odd: pupils, staff, Mbit/s, kilometres


def find(sites: Iterable[Site]) -> list[Finding]:
    """Return what is odd, by check and then by code."""
    schools = sorted(sites, key=lambda site: site.code)
    found = [finding for site in schools for finding in _alone(site)]
    placed = [site for site in schools if site.latitude is not None and site.longitude is not None]
    found += _shared(placed)
    found += _far(placed)
    order = {check: number for number, check in enumerate(Check)}
    return sorted(found, key=lambda one: (order[one.check], one.code))


def counts(findings: Iterable[Finding]) -> Counter[Check]:
    """Return how many schools each check names."""
    return Counter(one.check for one in findings)


def _alone(site: Site) -> list[Finding]:
    """Return what is odd about a school whatever the others are."""
    speed, pupils, staff = site.contract_mbps, site.pupils, site.staff
    rules: Sequence[tuple[Check, bool, float | None]] = (
        (Check.NO_PLACE, site.latitude is None or site.longitude is None, None),
        (Check.ZERO_PLACE, _is_zero(site), None),
        (Check.COARSE_PLACE, _is_coarse(site), None),
        (Check.NO_PUPILS, pupils is None, None),
        (Check.ZERO_PUPILS, pupils == 0, None),
        (Check.MANY_PUPILS, pupils is not None and pupils > MOST_PUPILS, pupils),
        (Check.STAFF, staff is not None and (staff == 0 or staff > MOST_STAFF), staff),
        (Check.NO_PROVIDER, not site.provider, speed),
        (Check.NO_CONTRACT, speed is None, None),
        (Check.ODD_CONTRACT, speed is not None and not 0 < speed <= MOST_MBPS, speed),
        (Check.NO_TECHNOLOGY, speed is not None and not site.technology, speed),
        (Check.NO_AREA, not site.area, None),
    )
    return [Finding(site.code, check, figure=figure) for check, holds, figure in rules if holds]


def _is_zero(site: Site) -> bool:
    """Return whether somebody wrote zero for unknown: that place lies in the sea."""
    return site.latitude == 0 and site.longitude == 0


def _is_coarse(site: Site) -> bool:
    """Return whether both coordinates have at most two decimals: a place as large as a town."""
    if site.latitude is None or site.longitude is None or _is_zero(site):
        return False
    return round(site.latitude, 2) == site.latitude and round(site.longitude, 2) == site.longitude


def distance_m(one: Site, other: Site) -> float:
    """Return metres between two placed schools, along the great circle (haversine)."""
    lat1, lat2 = math.radians(one.latitude or 0.0), math.radians(other.latitude or 0.0)
    east = math.radians((other.longitude or 0.0) - (one.longitude or 0.0))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(east / 2) ** 2
    return 2 * _EARTH_M * math.asin(math.sqrt(min(1.0, half)))


class _Cells:
    """Schools by squares of the globe, so that neighbours are found without looking at all."""

    def __init__(self, sites: Iterable[Site], size_deg: float) -> None:
        self._size = size_deg
        self._columns = round(360 / size_deg)
        self._at: dict[tuple[int, int], list[Site]] = {}
        for site in sites:
            self._at.setdefault(self._cell(site), []).append(site)

    def _cell(self, site: Site) -> tuple[int, int]:
        column = math.floor((site.longitude or 0.0) / self._size) % self._columns
        return math.floor((site.latitude or 0.0) / self._size), column

    def around(self, site: Site, rings: int = 1) -> Iterable[Site]:
        """Yield the schools of a school's square and of those around it, about the nearest first, itself left out."""
        row, column = self._cell(site)
        # Meridians come together: nearer to a pole more squares lie within the same distance.
        shrink = max(0.05, math.cos(math.radians(min(89.0, abs(site.latitude or 0.0)))))
        wide = min(math.ceil(rings / shrink), self._columns // 2)
        for down in _outward(rings):
            for across in _outward(wide):
                for other in self._at.get((row + down, (column + across) % self._columns), ()):
                    if other.code != site.code:
                        yield other


@lru_cache(maxsize=64)
def _outward(steps: int) -> tuple[int, ...]:
    """Return 0, -1, 1, -2, 2 and so on."""
    return tuple(sorted(range(-steps, steps + 1), key=abs))


def _shared(placed: Sequence[Site]) -> list[Finding]:
    """Return schools that share a place with others."""
    cells = _Cells(placed, _CELL_DEG)
    found: list[Finding] = []
    for site in placed:
        near = list(islice((one for one in cells.around(site) if distance_m(site, one) <= NEAR_M), _NAMED))
        if len(near) >= CROWD:
            found.append(Finding(site.code, Check.CROWDED_PLACE, _codes(near)))
            continue  # names of a crowd are alike by nature
        twins = [other for other in near if other.name_folded == site.name_folded and other.level == site.level]
        alike = [other for other in near if other not in twins and _are_alike(site, other)]
        if twins:
            found.append(Finding(site.code, Check.TWICE, _codes(twins)))
        elif alike:
            found.append(Finding(site.code, Check.SIMILAR, _codes(alike)))
    return found


def _are_alike(one: Site, other: Site) -> bool:
    first, second = sorted((one.name_folded, other.name_folded))  # the ratio depends on the order
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio() >= SIMILAR


def _codes(sites: Sequence[Site]) -> tuple[str, ...]:
    return tuple(sorted(site.code for site in sites))


def _far(placed: Sequence[Site]) -> list[Finding]:
    """Return schools that no other is near: coordinates with another sign, or exchanged."""
    cells = _Cells(placed, size_deg=1.0)
    rings = math.ceil(FAR_KM / 111.0)
    found: list[Finding] = []
    for site in placed:
        if any(distance_m(site, other) <= FAR_KM * 1000 for other in cells.around(site, rings)):
            continue
        distances = [distance_m(site, other) / 1000 for other in placed if other.code != site.code]
        if distances:
            found.append(Finding(site.code, Check.FAR_AWAY, figure=round(min(distances))))
    return found
