"""What a line is good for: whether the tests of a window hold the limits of a use. What was not measured has no score.

A limit is asked of the share of the tests, so that one good hour does not make a line good. A test that was cut short,
or whose computer could not have shown more, is neither for nor against (CONTRACTS 5: three values).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Final

from collector.domain.diagnosis.distance import usual_method
from collector.domain.diagnosis.facts import Fact, Key
from collector.domain.observations import Observation, value_of
from collector.domain.words import ObservationValue

MIN_TESTS: Final = 12
MIN_DAYS: Final = 5
# Tests that load the line for long are made once a week: the ten school days of a window have two.
MIN_LONG_TESTS: Final = 2
# None lost of so many, over the limit: the true share is under the limit, 19 times in 20 (the rule of three).
PROBES_PER_LIMIT: Final = 3


class Quality(StrEnum):
    """What is limited."""

    DOWNLOAD = "download"  # of all pupils at once
    UPLOAD = "upload"
    LATENCY = "latency"  # 95th percentile under load, of the worse direction
    LOSS = "loss"  # while the line is idle


class Outcome(StrEnum):
    """What the tests say about one limit."""

    HOLDS = "holds"
    FAILS = "fails"
    SHORT = "short"  # cannot be told: tests were too short, or the computer could not show more
    FEW = "few"
    NOT_MEASURED = "not_measured"


class Fitness(StrEnum):
    """What is said of one use."""

    GOOD = "good"
    AS_MEASURED = "as_measured"  # what was measured holds; something was not, or not often enough
    NOT_GOOD = "not_good"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Use:
    """A use with its limits; None: not asked."""

    id: str
    pupils: int  # at the same time
    download_bps: int | None  # for each
    upload_bps: int | None
    latency_p95_ms: float | None
    loss_pct: float | None
    share: float  # of the tests that must hold each limit

    def at_once(self, roll: int | None) -> int:
        """Return for how many pupils it is asked: a small school has no larger class than its roll."""
        return min(self.pupils, roll) if roll else self.pupils


@dataclass(frozen=True)
class Finding:
    """What the tests say about one limit, with the tests."""

    quality: Quality
    outcome: Outcome
    limit: float  # bit/s for all at once, ms or per cent
    held: int  # tests that hold it; of loss: probes that were lost; of latency that is SHORT: tests that were long
    of: int  # tests; of loss: probes
    needed: int  # of the tests or probes, before anything is said
    facts: tuple[Fact, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """Which measurements it rests on."""
        return frozenset(fact.key for fact in self.facts)


@dataclass(frozen=True)
class Judged:
    """One use at one school."""

    use: Use
    pupils: int  # at once
    fitness: Fitness
    findings: tuple[Finding, ...]

    def finding(self, quality: Quality) -> Finding | None:
        """Return what is said about one limit; None where it is not asked."""
        return next((one for one in self.findings if one.quality is quality), None)


def judge(use: Use, facts: Sequence[Fact], roll: int | None) -> Judged:
    """Return what the tests that count say about a use.

    Args:
        use: With its limits.
        facts: Tests of a window.
        roll: Pupils of the school; None: unknown.
    """
    tests = [fact for fact in facts if fact.votes]
    pupils = use.at_once(roll)
    findings: list[Finding] = []
    for quality, each_bps in ((Quality.DOWNLOAD, use.download_bps), (Quality.UPLOAD, use.upload_bps)):
        if each_bps is not None:
            findings.append(_capacity(quality, each_bps * pupils, tests, use.share))
    if use.latency_p95_ms is not None:
        findings.append(_latency(use.latency_p95_ms, tests, use.share))
    if use.loss_pct is not None:
        findings.append(_loss(use.loss_pct, tests))
    return Judged(use, pupils, _fitness(findings), tuple(findings))


def _fitness(findings: Sequence[Finding]) -> Fitness:
    outcomes = {one.quality: one.outcome for one in findings}
    if Outcome.FAILS in outcomes.values():
        return Fitness.NOT_GOOD
    if findings and all(outcome is Outcome.HOLDS for outcome in outcomes.values()):
        return Fitness.GOOD
    return Fitness.AS_MEASURED if outcomes.get(Quality.DOWNLOAD) is Outcome.HOLDS else Fitness.UNKNOWN


def _capacity(quality: Quality, need_bps: int, tests: Sequence[Fact], share: float) -> Finding:
    read = _READERS[quality]
    known = tuple(fact for fact in tests if read(fact)[0] is not None)
    values = [_value(fact, read, need_bps) for fact in known]
    held, unknown = values.count(ObservationValue.ATTAINED), values.count(ObservationValue.UNKNOWN)
    outcome = _outcome(held, unknown, known, share)
    return Finding(quality, outcome, need_bps, held, len(known), MIN_TESTS, known)


_Read = Callable[[Fact], tuple[int | None, bool]]
_READERS: Final[dict[Quality, _Read]] = {
    Quality.DOWNLOAD: lambda fact: (fact.download_bps, fact.download_lower_bound),
    Quality.UPLOAD: lambda fact: (fact.upload_bps, fact.upload_lower_bound),
}


def _value(fact: Fact, read: _Read, need_bps: int) -> ObservationValue:
    bps, is_lower_bound = read(fact)
    seen = Observation(fact.day, bps or 0, None, is_lower_bound, fact.medium, fact.link_bps)
    return value_of(seen, need_bps)


def _outcome(held: int, unknown: int, tests: Sequence[Fact], share: float) -> Outcome:
    if not tests:
        return Outcome.NOT_MEASURED
    if len(tests) < MIN_TESTS or _days(tests) < MIN_DAYS:
        return Outcome.FEW
    if _is_share(held, len(tests), share):
        return Outcome.HOLDS
    return Outcome.SHORT if _is_share(held + unknown, len(tests), share) else Outcome.FAILS


def _is_share(part: int, of: int, share: float) -> bool:
    return part >= share * of - 1e-9


def _days(tests: Iterable[Fact]) -> int:
    return len({fact.day for fact in tests})


def p95_ms(fact: Fact) -> float | None:
    """Return the 95th percentile under load, of the worse direction; None where it was not measured."""
    found = [ms for ms in (fact.loaded_download_p95_ms, fact.loaded_upload_p95_ms) if ms is not None]
    return max(found, default=None)


def _latency(limit_ms: float, tests: Sequence[Fact], share: float) -> Finding:
    """Return what the tests by the usual method say.

    A short test hardly fills a queue: late answers of it count against the line, quick ones say nothing.
    """
    method = usual_method(fact.loaded_method for fact in tests)
    known = tuple(fact for fact in tests if fact.loaded_method == method and p95_ms(fact) is not None) if method else ()
    long = tuple(fact for fact in known if fact.is_fully_loaded)
    quick = [fact for fact in known if (p95_ms(fact) or 0.0) <= limit_ms]
    is_plenty = len(known) >= MIN_TESTS and _days(known) >= MIN_DAYS
    if is_plenty and not _is_share(len(quick), len(known), share):
        return Finding(Quality.LATENCY, Outcome.FAILS, limit_ms, len(quick), len(known), MIN_TESTS, known)
    if _days(long) >= MIN_LONG_TESTS:
        held = sum(fact.is_fully_loaded for fact in quick)
        outcome = Outcome.HOLDS if _is_share(held, len(long), share) else Outcome.FAILS
        return Finding(Quality.LATENCY, outcome, limit_ms, held, len(long), MIN_LONG_TESTS, long)
    outcome = Outcome.SHORT if known else Outcome.NOT_MEASURED
    return Finding(Quality.LATENCY, outcome, limit_ms, len(long), len(known), MIN_LONG_TESTS, known)


def _loss(limit_pct: float, tests: Sequence[Fact]) -> Finding:
    """Return what the probes of all tests together say: those of one test cannot show one per cent."""
    method = usual_method(fact.idle_method for fact in tests if fact.idle_loss_pct is not None)
    known = tuple(fact for fact in tests if method and fact.idle_method == method and probes_of(fact)[1])
    lost, sent = (sum(probes_of(fact)[at] for fact in known) for at in (0, 1))
    needed = ceil(PROBES_PER_LIMIT * 100 / limit_pct)
    if not sent:
        outcome = Outcome.NOT_MEASURED
    elif lost * 100 > limit_pct * max(sent, needed):
        outcome = Outcome.FAILS
    else:
        outcome = Outcome.HOLDS if sent >= needed else Outcome.FEW
    return Finding(Quality.LOSS, outcome, limit_pct, lost, sent, needed, known)


def probes_of(fact: Fact) -> tuple[int, int]:
    """Return how many probes of a test were lost, and how many were sent while the line was idle."""
    if fact.idle_loss_pct is None or not fact.idle_n:
        return 0, 0
    return round(fact.idle_n * fact.idle_loss_pct / 100), fact.idle_n
