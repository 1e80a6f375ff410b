"""The numbers of a monthly report, worked out from its schools alone: whoever has the rows can work them out again.

Pure, and without words: the page says them in the reader's language.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from collector.domain.cures import CONTRACT_KEPT, Cure, cure_of
from collector.domain.targets import BPS_PER_MBPS
from collector.domain.words import Verdict
from collector.store.queries.pages.progress import FELL_FROM
from collector.store.queries.pages.reports import SchoolRow
from collector.store.queries.pages.schools import NO_VERDICT

FEWEST: Final = 5  # schools with a contract, for what a provider typically delivers of it
WORST: Final = 10
_THIN: Final = (None, Verdict.INSUFFICIENT.value)


class Need(StrEnum):
    """What to do about schools that are not judged, beside the `Cure` of those that are below."""

    BETTER_PORT = "better_port"  # a cable, or a port that can show the target
    SECOND_PC = "second_pc"  # too few tests for a verdict
    HEAR = "hear"  # nothing came that could be judged


@dataclass(frozen=True)
class Advice:
    """One thing to do at some schools."""

    what: Cure | Need
    provider: str | None  # of a complaint; None: not named in the registry
    schools: tuple[str, ...]  # codes


@dataclass(frozen=True)
class Counted:
    """Some schools by their verdicts."""

    counts: Mapping[str, int]  # by verdict, NO_VERDICT among them

    @property
    def schools(self) -> int:
        """How many the registry has."""
        return sum(self.counts.values())

    @property
    def judged(self) -> int:
        """How many have enough data."""
        return judged_of(self.counts)

    @property
    def meets(self) -> int:
        """How many meet their target."""
        return self.counts.get(Verdict.MEETS.value, 0)


@dataclass(frozen=True)
class AreaLine(Counted):
    """The schools of one area."""

    area: str | None
    change: int | None  # how many more meet, of those judged in both months; None: there are none


@dataclass(frozen=True)
class ProviderLine:
    """The judged schools of one provider."""

    provider: str
    judged: int
    below: int  # their target
    share: float | None  # of its contract that the middle school gets; None: too few have one
    kept: int  # schools that get 80 % of their contract or more
    short: int  # less than that


@dataclass(frozen=True)
class Both:
    """The schools that have enough data in this month and in the one before."""

    schools: int
    met: int  # in the month before
    meet: int

    @property
    def change(self) -> int:
        """How many more meet."""
        return self.meet - self.met


@dataclass(frozen=True)
class Roll:
    """The pupils of some schools."""

    pupils: int | None  # of those whose roll is known; None: no roll is
    is_whole: bool  # every roll is known


@dataclass(frozen=True)
class Monthly(Counted):
    """One month of the schools that a reader sees."""

    first_day: str
    pupils: Roll
    pupils_below: Roll
    last_day: str | None  # the newest that was judged; None: none in this month
    both: Both
    fell: int
    recovered: int
    targets: tuple[tuple[str | None, str | None], ...]  # profile and version, that of most schools first
    areas: tuple[AreaLine, ...]
    providers: tuple[ProviderLine, ...]  # the one with most judged schools first
    advice: tuple[Advice, ...]
    worst: tuple[SchoolRow, ...]  # far below the target with many pupils

    @property
    def below(self) -> int:
        """How many are below their target."""
        return self.counts.get(Verdict.BELOW.value, 0)

    @property
    def leaning(self) -> ProviderLine | None:
        """The provider on which more than half of the schools below depend; None: there is none, or one school."""
        most = max(self.providers, key=lambda one: one.below, default=None)
        return most if most is not None and most.below > max(1, self.below / 2) else None


def judged_of(counts: Mapping[str, int]) -> int:
    """Return how many schools have enough data."""
    return sum(counts.values()) - counts.get(Verdict.INSUFFICIENT.value, 0) - counts.get(NO_VERDICT, 0)


def roll_of(rows: Iterable[SchoolRow]) -> Roll:
    """Return how many pupils some schools have, as far as their rolls are known; without schools there are none."""
    rolls = [row.pupils for row in rows]
    known = [pupils for pupils in rolls if pupils is not None]
    return Roll(sum(known) if known or not rolls else None, len(known) == len(rolls))


def put_together(first_day: str, rows: Sequence[SchoolRow]) -> Monthly:
    """Return the report of a month.

    Args:
        first_day: Of the month.
        rows: Every school that the reader sees, at its end.
    """
    below = [row for row in rows if row.verdict == Verdict.BELOW]
    return Monthly(
        first_day=first_day,
        counts=_counts(rows),
        pupils=roll_of(rows),
        pupils_below=roll_of(below),
        last_day=max((row.day for row in rows if row.day is not None), default=None),
        both=_both(rows),
        fell=sum(row.verdict_before in FELL_FROM for row in below),
        recovered=sum(row.verdict == Verdict.MEETS and row.verdict_before == Verdict.BELOW for row in rows),
        targets=_targets(rows),
        areas=_areas(rows),
        providers=_providers(rows),
        advice=tuple(_advice(rows)),
        worst=tuple(sorted(below, key=lambda row: (-shortage(row), row.code))[:WORST]),
    )


def advised(row: SchoolRow) -> Cure | Need | None:
    """Return what to do about one school; None where nothing is."""
    if row.verdict == Verdict.BELOW:
        return cure_of(row.median_bps, row.target_bps, row.contract_mbps)
    needs = {Verdict.NOT_TESTABLE.value: Need.BETTER_PORT, Verdict.INSUFFICIENT.value: Need.SECOND_PC, None: Need.HEAR}
    return needs.get(row.verdict)


def shortage(row: SchoolRow) -> float:
    """Return what the overview puts its worst schools in order by: how far from the target, times the pupils."""
    if row.median_bps is None or not row.target_bps:
        return 0.0
    return (1 - row.median_bps / row.target_bps) * (1 if row.pupils is None else row.pupils)


def delivered(row: SchoolRow) -> float | None:
    """Return what a school gets of its contract; None without a contract or enough data."""
    if not row.contract_mbps or row.median_bps is None or row.verdict in _THIN:
        return None
    return row.median_bps / (row.contract_mbps * BPS_PER_MBPS)


def _counts(rows: Iterable[SchoolRow]) -> dict[str, int]:
    return dict(Counter(row.verdict or NO_VERDICT for row in rows))


def _both(rows: Iterable[SchoolRow]) -> Both:
    some = [row for row in rows if row.verdict not in _THIN and row.verdict_before not in _THIN]
    met = sum(row.verdict_before == Verdict.MEETS for row in some)
    return Both(len(some), met, sum(row.verdict == Verdict.MEETS for row in some))


def _targets(rows: Iterable[SchoolRow]) -> tuple[tuple[str | None, str | None], ...]:
    schools = Counter((row.target_profile, row.profile_version) for row in rows if row.verdict is not None)
    return tuple(sorted(schools, key=lambda one: (-schools[one], one[0] or "", one[1] or "")))


def _areas(rows: Iterable[SchoolRow]) -> tuple[AreaLine, ...]:
    by_area: dict[str | None, list[SchoolRow]] = {}
    for row in rows:
        by_area.setdefault(row.area, []).append(row)
    lines = []
    for area, some in by_area.items():
        both = _both(some)
        lines.append(AreaLine(_counts(some), area, both.change if both.schools else None))
    return tuple(sorted(lines, key=lambda line: (line.area is None, line.area or "")))


def _providers(rows: Iterable[SchoolRow]) -> tuple[ProviderLine, ...]:
    by_provider: dict[str, list[SchoolRow]] = {}
    for row in rows:
        if row.provider is not None and row.verdict not in _THIN:
            by_provider.setdefault(row.provider, []).append(row)
    lines = []
    for provider, some in by_provider.items():
        shares = [share for row in some if (share := delivered(row)) is not None]
        kept = sum(share >= CONTRACT_KEPT for share in shares)
        below = sum(row.verdict == Verdict.BELOW for row in some)
        typical = median(shares) if len(shares) >= FEWEST else None
        lines.append(ProviderLine(provider, len(some), below, typical, kept, len(shares) - kept))
    return tuple(sorted(lines, key=lambda line: (-line.judged, line.provider)))


def _advice(rows: Iterable[SchoolRow]) -> list[Advice]:
    """Return what to do: complaints by provider first, the one about most schools before the others."""
    found: dict[tuple[Cure | Need, str | None], list[str]] = {}
    for row in rows:
        if (what := advised(row)) is not None:
            provider = row.provider if what is Cure.COMPLAIN else None
            found.setdefault((what, provider), []).append(row.code)
    order = [*Cure, *Need]
    lines = [Advice(what, provider, tuple(codes)) for (what, provider), codes in found.items()]
    return sorted(lines, key=lambda one: (order.index(one.what), -len(one.schools), one.provider or ""))
