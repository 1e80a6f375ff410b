"""The flag of a school: a pure fold over its evaluated days (CONTRACTS 5).

    none           BELOW -> watch(1)
    watch(k)       BELOW -> watch(k+1), or open   BORDERLINE MEETS -> none
    open           BORDERLINE MEETS, and enough clears the target by the margin -> recovering(1)
    recovering(k)  the same -> recovering(k+1), closes at 5   BORDERLINE MEETS without it -> recovering(0)
                   BELOW -> open

INSUFFICIENT and NOT_TESTABLE change nothing: silence never closes a flag. A day without an evaluation is no step.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple, assert_never

from collector.domain.criterion import DEFAULT, Criterion
from collector.domain.verdict import Judgement
from collector.domain.words import FlagEventKind, FlagState, Verdict

# Events that belong to a flag; the others tell of the watch before it.
EVENTS_OF_A_FLAG = frozenset(FlagEventKind) - {FlagEventKind.WATCHING, FlagEventKind.CALMED}

_SILENT = frozenset({Verdict.INSUFFICIENT, Verdict.NOT_TESTABLE})


@dataclass(frozen=True)
class Standing:
    """Where the fold stands after a day."""

    state: FlagState = FlagState.NONE
    count: int = 0  # k of watch(k) and recovering(k), else 0
    below_since: date | None = None  # first BELOW day of the run; None in `none`
    opened_on: date | None = None  # of the flag that is open or recovering
    quiet_until: date | None = None  # a person closed a flag: no new watch up to and with this day

    @property
    def has_flag(self) -> bool:
        """Whether there is a flag now."""
        return self.state in (FlagState.OPEN, FlagState.RECOVERING)


@dataclass(frozen=True)
class Evidence:
    """What one evaluated day tells the fold."""

    day: date
    verdict: Verdict
    n: int  # tests in the window
    low_days: int  # of the last 5 observed days, with a median under the target
    may_recover: bool  # share(v >= 1.10 T) >= s


@dataclass(frozen=True)
class Closing:
    """A person closed the flag on this day."""

    day: date


@dataclass(frozen=True)
class FlagEvent:
    """A transition; the numbers behind it are those of the day's judgement."""

    kind: FlagEventKind
    day: date
    below_since: date | None
    opened_on: date | None  # of the flag; None for events of a watch


class Step(NamedTuple):  # one for each day of each school
    """One input folded in."""

    day: date
    standing: Standing  # after it
    event: FlagEvent | None  # None: the state stayed what it was


START = Standing()


def evidence_of(judgement: Judgement) -> Evidence:
    """Return what a judgement tells the fold."""
    return Evidence(
        day=judgement.day,
        verdict=judgement.verdict,
        n=judgement.n,
        low_days=judgement.low_days,
        may_recover=judgement.may_recover,
    )


def step(standing: Standing, given: Evidence | Closing, criterion: Criterion = DEFAULT) -> Step:
    """Return the standing after one dated input, and what happened.

    Args:
        standing: Before the input.
        given: An evaluated day, or a closing by a person. Of the same day, the evaluation comes first.
        criterion: The counts that opening and closing ask for.
    """
    if isinstance(given, Closing):
        return _closed_by_person(standing, given.day, criterion)
    if given.verdict in _SILENT:
        return Step(given.day, standing, None)
    match standing.state:
        case FlagState.NONE:
            return _from_none(standing, given)
        case FlagState.WATCH:
            return _from_watch(standing, given, criterion)
        case FlagState.OPEN:
            return _from_open(standing, given)
        case FlagState.RECOVERING:
            return _from_recovering(standing, given, criterion)
        case _:
            assert_never(standing.state)


def fold(
    inputs: Iterable[Evidence | Closing], standing: Standing = START, criterion: Criterion = DEFAULT
) -> tuple[Step, ...]:
    """Return one step per input, in order of their days.

    Args:
        inputs: Evaluated days and closings in any order; of one day the evaluation comes first.
        standing: Where to go on from.
        criterion: The counts that opening and closing ask for.
    """
    steps = []
    for given in sorted(inputs, key=lambda item: (item.day, isinstance(item, Closing))):
        taken = step(standing, given, criterion)
        standing = taken.standing
        steps.append(taken)
    return tuple(steps)


def may_open(count: int, given: Evidence, criterion: Criterion = DEFAULT) -> bool:
    """Return whether a watch of so many BELOW evaluations becomes a flag on this day."""
    wanted = criterion.open_after_few if given.n < criterion.few_tests else criterion.open_after
    return count >= wanted and given.low_days >= criterion.low_days


def _moved(after: Standing, kind: FlagEventKind, day: date, of: Standing) -> Step:
    """Return a step whose event names the run and the flag of `of`."""
    return Step(day, after, FlagEvent(kind, day, of.below_since, of.opened_on))


def _from_none(standing: Standing, given: Evidence) -> Step:
    is_quiet = standing.quiet_until is not None and given.day <= standing.quiet_until
    if given.verdict is not Verdict.BELOW or is_quiet:
        return Step(given.day, standing, None)
    after = Standing(FlagState.WATCH, 1, below_since=given.day)
    return _moved(after, FlagEventKind.WATCHING, given.day, after)


def _from_watch(standing: Standing, given: Evidence, criterion: Criterion) -> Step:
    if given.verdict is not Verdict.BELOW:
        return _moved(START, FlagEventKind.CALMED, given.day, standing)
    count = standing.count + 1
    if may_open(count, given, criterion):
        after = replace(standing, state=FlagState.OPEN, count=0, opened_on=given.day)
        return _moved(after, FlagEventKind.OPENED, given.day, after)
    return Step(given.day, replace(standing, count=count), None)


def _from_open(standing: Standing, given: Evidence) -> Step:
    if given.verdict is Verdict.BELOW or not given.may_recover:
        return Step(given.day, standing, None)
    after = replace(standing, state=FlagState.RECOVERING, count=1)
    return _moved(after, FlagEventKind.RECOVERING, given.day, after)


def _from_recovering(standing: Standing, given: Evidence, criterion: Criterion) -> Step:
    if given.verdict is Verdict.BELOW:
        after = replace(standing, state=FlagState.OPEN, count=0)
        return _moved(after, FlagEventKind.REOPENED, given.day, after)
    if not given.may_recover:
        after = replace(standing, count=0)
        return (
            Step(given.day, after, None)
            if standing.count == 0
            else _moved(after, FlagEventKind.RELAPSED, given.day, after)
        )
    count = standing.count + 1
    if count >= criterion.close_after:
        return _moved(START, FlagEventKind.CLOSED, given.day, standing)
    return Step(given.day, replace(standing, count=count), None)


def _closed_by_person(standing: Standing, day: date, criterion: Criterion) -> Step:
    """A closing keeps its quiet period even where late data moved or took away the flag that it was meant for."""
    after = Standing(quiet_until=day + timedelta(days=criterion.quiet_days))
    if not standing.has_flag:
        return Step(day, after, None)
    return _moved(after, FlagEventKind.CLOSED_BY_PERSON, day, standing)
