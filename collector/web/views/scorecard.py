"""Providers compared by what their schools get: pure figures from the newest verdict of each school.

A school is judged once it has enough data for a verdict. A provider with fewer than `FEWEST` judged schools is never
ranked: its share could be anything.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from collector.domain.inference import Interval, wilson
from collector.store.queries.pages.providers import ServedSchool
from collector.store.queries.pages.schools import CONTRACT_UNDER
from collector.web.views.figures import median

FEWEST: Final = 5  # judged schools; and schools with a contract, for what is delivered of it
WORST_AREAS: Final = 2


class Delivered(NamedTuple):  # one for each school of a country
    """What a school gets of its contract."""

    school: ServedSchool
    share: float | None  # typical download against the contract, above 1 where it gets more; None without a contract


@dataclass(frozen=True)
class AreaScore:
    """The judged schools of a provider in one area."""

    area: str
    meets: int
    judged: int


@dataclass(frozen=True)
class Score:
    """One provider."""

    provider: str
    technologies: tuple[str, ...]  # the most common first
    schools: int
    judged: int
    meets: int
    below: int
    interval: Interval | None  # of the share that meets; None where too few schools are judged
    delivered: tuple[Delivered, ...]  # of judged schools with a contract, the least first
    shares: tuple[float, ...]  # of these
    typical: float | None  # share of its contract that the middle school gets; None where too few have a contract
    under: int  # schools that get less than 80 % of their contract
    worst_areas: tuple[AreaScore, ...]
    idle_rtt_ms: float | None  # of the middle school; None where too few have one
    delays: tuple[Delivered, ...]  # of judged schools with an idle round trip, the longest first
    loaded_ms: float | None  # under load, of the middle school; None where too few have one
    loads: tuple[Delivered, ...]  # of judged schools whose delay under load is known, the longest first
    flags: int

    @property
    def is_ranked(self) -> bool:
        """Whether enough of its schools are judged to compare it with others."""
        return self.judged >= FEWEST

    @property
    def share(self) -> float | None:
        """The share of judged schools that meet their target."""
        return self.meets / self.judged if self.judged else None


def is_judged(verdict: str | None) -> bool:
    """Return whether a school has enough data for a verdict."""
    return verdict is not None and verdict != "INSUFFICIENT"


def delivered(school: ServedSchool) -> float | None:
    """Return the typical download as a share of the contract; None without a contract or a verdict."""
    if not school.contract_mbps or school.median_bps is None or not is_judged(school.verdict):
        return None
    return school.median_bps / (school.contract_mbps * 1e6)


def score(schools: Iterable[ServedSchool], flags: Mapping[str, int]) -> list[Score]:
    """Return every provider's score, by name.

    Args:
        schools: With their providers.
        flags: Open flags by provider.
    """
    by_provider: dict[str, list[ServedSchool]] = {}
    for school in schools:
        by_provider.setdefault(school.provider, []).append(school)
    return [_score(name, by_provider[name], flags.get(name, 0)) for name in sorted(by_provider)]


def _score(provider: str, schools: Sequence[ServedSchool], flags: int) -> Score:
    judged = [school for school in schools if is_judged(school.verdict)]
    meets = sum(school.verdict == "MEETS" for school in judged)
    found = [Delivered(school, delivered(school)) for school in judged]
    contracts = sorted((one.share, one.school.code, one) for one in found if one.share is not None)
    shares = [share for share, _code, _one in contracts]
    delays, idle_ms = _slowest(found, lambda school: school.idle_rtt_ms)
    loads, loaded_ms = _slowest(found, lambda school: school.loaded_ms)
    technologies = Counter(school.technology for school in schools if school.technology)
    return Score(
        provider=provider,
        technologies=tuple(name for name, _count in sorted(technologies.items(), key=lambda one: (-one[1], one[0]))),
        schools=len(schools),
        judged=len(judged),
        meets=meets,
        below=sum(school.verdict == "BELOW" for school in judged),
        interval=wilson(meets / len(judged), len(judged)) if len(judged) >= FEWEST else None,
        delivered=tuple(one for _share, _code, one in contracts),
        shares=tuple(shares),
        typical=median(shares) if len(shares) >= FEWEST else None,
        under=sum(share < CONTRACT_UNDER for share in shares),
        worst_areas=_worst_areas(judged),
        idle_rtt_ms=idle_ms,
        delays=delays,
        loaded_ms=loaded_ms,
        loads=loads,
        flags=flags,
    )


def _slowest(
    found: Sequence[Delivered], ms_of: Callable[[ServedSchool], float | None]
) -> tuple[tuple[Delivered, ...], float | None]:
    """Return the schools whose delay is known, the longest first, and that of the middle one; None of too few."""
    # Codes differ, so that no two schools are ever compared: of a country it is thrice as quick as a key for each.
    known = sorted((-ms, one.school.code, one) for one in found if (ms := ms_of(one.school)) is not None)
    middle_ms = median([-ms for ms, _code, _one in known]) if len(known) >= FEWEST else None
    return tuple(one for _ms, _code, one in known), middle_ms


def _worst_areas(judged: Sequence[ServedSchool]) -> tuple[AreaScore, ...]:
    """Return the areas where the fewest meet, of those with enough judged schools in which any does not."""
    total = Counter(school.area for school in judged if school.area)
    meets = Counter(school.area for school in judged if school.area and school.verdict == "MEETS")
    areas = [AreaScore(area, meets[area], count) for area, count in total.items() if count >= FEWEST]
    short = [one for one in areas if one.meets < one.judged]
    return tuple(sorted(short, key=lambda one: (one.meets / one.judged, one.area))[:WORST_AREAS])


# The value that each order goes by, so that what is worst comes first; None stands at the end.
_KEYS: Final[Mapping[str, Callable[[Score], float | None]]] = {
    "delivered": lambda one: one.typical,
    "meets": lambda one: one.share,
    "schools": lambda one: -one.schools,
    "flags": lambda one: -one.flags,
    "delay": lambda one: None if one.idle_rtt_ms is None else -one.idle_rtt_ms,
    "loaded": lambda one: None if one.loaded_ms is None else -one.loaded_ms,
    "name": lambda one: 0,
}
ORDERS: Final = tuple(_KEYS)


def ranked(scores: Iterable[Score], order: str = "delivered") -> list[Score]:
    """Return the providers that can be compared, the worst first or as `order` (one of `ORDERS`) says."""
    key = _KEYS[order]
    some = [one for one in scores if one.is_ranked]
    return sorted(some, key=lambda one: ((value := key(one)) is None, 0 if value is None else value, one.provider))


def unranked(scores: Iterable[Score]) -> list[Score]:
    """Return the providers with too few judged schools, by name."""
    return sorted((one for one in scores if not one.is_ranked), key=lambda one: one.provider)
