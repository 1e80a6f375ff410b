"""Weeks and months compared by the verdict that each school had at the end of each; pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from collector.domain.periods import Period
from collector.domain.words import Verdict
from collector.profiles.choices import OWN
from collector.publish.monthly import judged_of
from collector.store.queries.pages.progress import FELL_FROM, Tally

VERDICTS: Final = ("MEETS", "BORDERLINE", "BELOW", "INSUFFICIENT", "NOT_TESTABLE")
_THIN = (None, Verdict.INSUFFICIENT.value)


class New(StrEnum):
    """How the targets of a period differ from those of the one before."""

    TARGET = "target"  # another profile, whole or for some schools
    VERSION = "version"  # the same profiles, another version of one


class Target(NamedTuple):
    """By what schools were judged."""

    profile: str
    version: str

    @property
    def name(self) -> str:
        """What a version is one of; of targets of one's own each is another."""
        return f"{self.profile} {self.version}" if self.profile == OWN else self.profile


@dataclass(frozen=True)
class Progress:
    """One period of the schools of a filter."""

    period: Period
    counts: dict[str, int]  # by verdict
    schools: int  # of the registry now
    compared: int  # with a verdict of enough data in this period and the one before
    fell: int  # met it or stood at the border, now below
    recovered: int  # below, now meets
    typical: float | None  # typical download of the middle school against its target
    targets: tuple[Target, ...]  # by which the schools were judged, the one of most schools first
    new: New | None  # what is new of them since the period before
    change: int | None  # of the schools with a verdict, since the period before; None for the first

    @property
    def with_verdict(self) -> int:
        """Schools with a verdict, not enough data included."""
        return sum(self.counts.values())

    @property
    def judged(self) -> int:
        """Schools with enough data."""
        return judged_of(self.counts)

    @property
    def none(self) -> int:
        """Schools of the registry without a verdict in the period."""
        return self.schools - self.with_verdict


def count(tallies: Sequence[Tally]) -> dict[str, dict[str, int]]:
    """Return the number of schools by the first day of the period, and by verdict."""
    found: dict[str, dict[str, int]] = {}
    for tally in tallies:
        counts = found.setdefault(tally.first_day, {})
        counts[tally.verdict] = counts.get(tally.verdict, 0) + tally.schools
    return found


def compare(
    periods: Sequence[Period], tallies: Sequence[Tally], typical: Mapping[str, float], schools: int
) -> list[Progress]:
    """Return the periods from the first one with a verdict on.

    Args:
        periods: Oldest first.
        tallies: The verdicts of all of them.
        typical: What the middle school has of its target, by first day.
        schools: How many there are now.
    """
    by_period = count(tallies)
    lines: list[Progress] = []
    for period in periods:
        mine = [tally for tally in tallies if tally.first_day == period.first]
        if lines or mine:
            counts = by_period.get(period.first, {})
            lines.append(_progress(period, mine, counts, typical.get(period.first), schools, lines))
    return lines


def _progress(
    period: Period,
    tallies: Sequence[Tally],
    counts: Mapping[str, int],
    typical: float | None,
    schools: int,
    before: Sequence[Progress],
) -> Progress:
    targets = _targets(tallies)
    return Progress(
        period=period,
        counts={name: counts[name] for name in VERDICTS if name in counts},
        schools=schools,
        compared=_sum(tallies, lambda now, was: now not in _THIN and was not in _THIN),
        fell=_sum(tallies, lambda now, was: now == Verdict.BELOW and was in FELL_FROM),
        recovered=_sum(tallies, lambda now, was: now == Verdict.MEETS and was == Verdict.BELOW),
        typical=typical,
        targets=targets,
        new=next((_new(targets, one.targets) for one in reversed(before) if targets and one.targets), None),
        change=sum(counts.values()) - before[-1].with_verdict if before else None,
    )


def _targets(tallies: Sequence[Tally]) -> tuple[Target, ...]:
    schools: Counter[Target] = Counter()
    for tally in tallies:
        schools[Target(tally.target_profile, tally.profile_version)] += tally.schools
    return tuple(sorted(schools, key=lambda one: (-schools[one], one)))


def _new(now: Sequence[Target], before: Sequence[Target]) -> New | None:
    if set(now) == set(before):
        return None
    is_same = {one.name for one in now} == {one.name for one in before}
    return New.VERSION if is_same else New.TARGET


def _sum(tallies: Sequence[Tally], is_one: Callable[[str, str | None], bool]) -> int:
    """Return the schools whose verdicts, now and before, fulfil a condition."""
    return sum(tally.schools for tally in tallies if is_one(tally.verdict, tally.verdict_before))
