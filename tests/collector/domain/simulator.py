"""Seeded school terms through the shipped judgement: how soon it flags, how often wrongly, how soon it lets go.

Noise is log-normal: a factor per day and one per test. A tenth of the days has no test at all.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from collector.domain.flagging import START, FlagEvent, evidence_of, step
from collector.domain.judge import judge_day
from collector.domain.observations import Observation
from collector.domain.words import FlagEventKind, Verdict

TARGET_BPS = 20_000_000
SCHOOL_DAYS = 90
STEP_DAY = 45
REACH_SCHOOL_DAYS = 20  # that 27 calendar days and the day itself can hold
MISSING = 0.10
DAY_SD, TEST_SD = 0.25, 0.35
FIRST_DAY = date(2026, 3, 2)
RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5)
TESTS_A_DAY = (6, 2, 1)


@dataclass(frozen=True)
class Scenario:
    """What the line truly does: its median as a part of the target, before and after a day."""

    before: float
    after: float
    tests_a_day: int
    step_day: int = STEP_DAY
    day_sd: float = DAY_SD

    def ratio_on(self, index: int) -> float:
        return self.before if index < self.step_day else self.after


@dataclass(frozen=True)
class Term:
    """One simulated term: events with the index of their school day (0 = first), and the last verdict."""

    events: tuple[tuple[int, FlagEvent], ...]
    verdicts: tuple[Verdict, ...]

    def first(self, kind: FlagEventKind, since: int = 0) -> int | None:
        return next((index for index, event in self.events if event.kind is kind and index >= since), None)

    def count(self, kind: FlagEventKind) -> int:
        return sum(event.kind is kind for _, event in self.events)


@dataclass(frozen=True)
class Summary:
    """Many terms of one scenario."""

    terms: int
    flagged_share: float
    opening_day: float | None  # median over the flagged terms, 1 = first school day of the term
    opening_day_p90: float | None
    openings: float  # per term
    closing_days: float | None  # median from the step to the closing
    closed_share: float  # of the terms with a flag at the step
    reopening_days: float | None  # median from the step to an opening after it


def school_days() -> Iterator[date]:
    day = FIRST_DAY
    while True:
        if day.weekday() < 5:
            yield day
        day += timedelta(days=1)


def simulate_term(scenario: Scenario, rng: random.Random) -> Term:
    seen: list[Observation] = []
    events: list[tuple[int, FlagEvent]] = []
    verdicts: list[Verdict] = []
    standing = START
    for index, day in zip(range(SCHOOL_DAYS), school_days(), strict=False):
        if rng.random() < MISSING:
            continue
        of_day = rng.gauss(0, scenario.day_sd)
        for _ in range(scenario.tests_a_day):
            factor = math.exp(of_day + rng.gauss(0, TEST_SD))
            speed = round(TARGET_BPS * scenario.ratio_on(index) * factor)
            seen.append(Observation(day=day, value_bps=speed, half=rng.choice((1, 2))))
        judgement = judge_day(seen[-REACH_SCHOOL_DAYS * scenario.tests_a_day :], day, TARGET_BPS)
        taken = step(standing, evidence_of(judgement))
        standing = taken.standing
        verdicts.append(judgement.verdict)
        if taken.event is not None:
            events.append((index, taken.event))
    return Term(tuple(events), tuple(verdicts))


def simulate(scenario: Scenario, terms: int, seed: int) -> tuple[Term, ...]:
    rng = random.Random(f"{seed} {scenario}")
    return tuple(simulate_term(scenario, rng) for _ in range(terms))


def summarise(terms: tuple[Term, ...], step_day: int = STEP_DAY) -> Summary:
    opened = [day + 1 for term in terms if (day := term.first(FlagEventKind.OPENED)) is not None]
    early = [term for term in terms if (day := term.first(FlagEventKind.OPENED)) is not None and day < step_day]
    closed = _after(early, lambda term: term.first(FlagEventKind.CLOSED, step_day), step_day)
    reopened = _after(terms, lambda term: term.first(FlagEventKind.OPENED, step_day), step_day)
    return Summary(
        terms=len(terms),
        flagged_share=len(opened) / len(terms),
        opening_day=median(opened) if opened else None,
        opening_day_p90=_p90(opened),
        openings=sum(term.count(FlagEventKind.OPENED) for term in terms) / len(terms),
        closing_days=median(closed) if closed else None,
        closed_share=len(closed) / len(early) if early else 0.0,
        reopening_days=median(reopened) if reopened else None,
    )


def _after(terms: "list[Term] | tuple[Term, ...]", pick: Callable[[Term], int | None], step_day: int) -> list[int]:
    return [day - step_day for term in terms if (day := pick(term)) is not None]


def _p90(values: list[int]) -> float | None:
    return sorted(values)[math.ceil(0.9 * len(values)) - 1] if values else None


def table(terms: int, seed: int = 1) -> str:
    """Return the whole table as Markdown."""
    lines = [
        "| true median | " + " | ".join(f"{count} a day" for count in TESTS_A_DAY) + " |",
        "|---|" + "---|" * len(TESTS_A_DAY),
    ]
    for ratio in RATIOS:
        cells = [_cell(summarise(simulate(Scenario(ratio, ratio, count), terms, seed))) for count in TESTS_A_DAY]
        lines.append(f"| {_percent(ratio)} | " + " | ".join(cells) + " |")
    repaired = [summarise(simulate(Scenario(0.7, 1.3, count), terms, seed)) for count in TESTS_A_DAY]
    worse = [summarise(simulate(Scenario(1.3, 0.7, count), terms, seed)) for count in TESTS_A_DAY]
    lines.append("| 70 % to 130 % on day 45: closed | " + " | ".join(_closing(s) for s in repaired) + " |")
    lines.append("| 130 % to 70 % on day 45: flagged | " + " | ".join(_reopening(s) for s in worse) + " |")
    return "\n".join(lines)


def _cell(summary: Summary) -> str:
    share = _percent(summary.flagged_share, digits=1 if summary.flagged_share < 0.1 else 0)
    # A median of a handful of terms says nothing.
    if summary.opening_day is None or summary.flagged_share < 0.02:
        return f"{share} flagged, {summary.openings:.2f} openings"
    days = f"day {summary.opening_day:g} (p90 {summary.opening_day_p90:g})"
    return f"{share} flagged, {days}, {summary.openings:.2f} openings"


def _closing(summary: Summary) -> str:
    return f"{_percent(summary.closed_share)} after {summary.closing_days:g} days" if summary.closing_days else "none"


def _reopening(summary: Summary) -> str:
    return f"after {summary.reopening_days:g} days" if summary.reopening_days else "none"


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"
