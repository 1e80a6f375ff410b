"""Flags by daily conditions: each school-day is good, bad or unknown, and a pure fold makes flags of them.

    none           BAD -> watch(1), or open
    watch(k)       BAD -> watch(k+1), or open        GOOD -> none
    open           GOOD -> recovering(1), or closed
    recovering(k)  GOOD -> recovering(k+1), or closed    BAD -> open

UNKNOWN changes nothing: a day on which nothing could be seen neither opens nor closes a flag. A person's closing is a
dated input as in `flagging`, whose standings, steps and events these are too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from collector.domain.flagging import START, Closing, FlagEvent, Standing, Step
from collector.domain.words import FlagEventKind, FlagState


class ConditionKind(StrEnum):
    """The questions that are asked of each school-day; each is a kind of flag."""

    NOT_REPORTING = "not_reporting"
    LOW_AVAILABILITY = "low_availability"
    POOR_QUALITY = "poor_quality"
    DATA_QUALITY = "data_quality"
    SITE_UNREACHABLE = "site_unreachable"
    OTHER_NETWORK = "other_network"


class DayState(StrEnum):
    """What a school-day says of a condition."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


class Observed(NamedTuple):
    """One school-day of one condition."""

    day: date
    state: DayState
    numbers: Mapping[str, Any]  # what explains it years later; `severity` of a bad day says how bad the flag is


@dataclass(frozen=True)
class Rule:
    """How many school-days it takes; days that are unknown are none of them."""

    open_after: int  # bad ones in a row
    close_after: int  # good ones in a row
    quiet_days: int = 10  # calendar days without a new watch after a person closed the flag


RULES: Final[Mapping[ConditionKind, Rule]] = {
    ConditionKind.NOT_REPORTING: Rule(open_after=3, close_after=1),
    ConditionKind.LOW_AVAILABILITY: Rule(open_after=2, close_after=3),
    ConditionKind.POOR_QUALITY: Rule(open_after=2, close_after=3),
    ConditionKind.DATA_QUALITY: Rule(open_after=2, close_after=3),
    ConditionKind.SITE_UNREACHABLE: Rule(open_after=3, close_after=2),
    ConditionKind.OTHER_NETWORK: Rule(open_after=5, close_after=3),
}


def fold(given: Iterable[Observed | Closing], rule: Rule, standing: Standing = START) -> tuple[Step, ...]:
    """Return one step per input, in order of their days.

    Args:
        given: Observed days and closings in any order; of one day the observation comes first.
        rule: The counts that opening and closing ask for.
        standing: Where to go on from.
    """
    steps = []
    for one in sorted(given, key=lambda item: (item.day, isinstance(item, Closing))):
        taken = step(standing, one, rule)
        standing = taken.standing
        steps.append(taken)
    return tuple(steps)


def step(standing: Standing, given: Observed | Closing, rule: Rule) -> Step:
    """Return the standing after one dated input, and what happened.

    Args:
        standing: Before the input.
        given: An observed day, or a closing by a person.
        rule: The counts that opening and closing ask for.
    """
    if isinstance(given, Closing):
        after = Standing(quiet_until=given.day + timedelta(days=rule.quiet_days))
        closed = _moved(after, FlagEventKind.CLOSED_BY_PERSON, given.day, standing)
        return closed if standing.has_flag else Step(given.day, after, None)
    if given.state is DayState.UNKNOWN:
        return Step(given.day, standing, None)
    if given.state is DayState.BAD:
        return _bad(standing, given.day, rule)
    return _good(standing, given.day, rule)


def _moved(after: Standing, kind: FlagEventKind, day: date, of: Standing) -> Step:
    return Step(day, after, FlagEvent(kind, day, of.below_since, of.opened_on))


def _bad(standing: Standing, day: date, rule: Rule) -> Step:
    if standing.state is FlagState.OPEN:
        return Step(day, standing, None)
    if standing.state is FlagState.RECOVERING:
        after = replace(standing, state=FlagState.OPEN, count=0)
        return _moved(after, FlagEventKind.REOPENED, day, after)
    if standing.state is FlagState.NONE and standing.quiet_until is not None and day <= standing.quiet_until:
        return Step(day, standing, None)
    count = standing.count + 1
    after = Standing(FlagState.WATCH, count, below_since=standing.below_since or day)
    if count >= rule.open_after:
        after = replace(after, state=FlagState.OPEN, count=0, opened_on=day)
        return _moved(after, FlagEventKind.OPENED, day, after)
    return _moved(after, FlagEventKind.WATCHING, day, after) if count == 1 else Step(day, after, None)


def _good(standing: Standing, day: date, rule: Rule) -> Step:
    if standing.state is FlagState.NONE:
        return Step(day, standing, None)
    if standing.state is FlagState.WATCH:
        return _moved(START, FlagEventKind.CALMED, day, standing)
    count = standing.count + 1
    if count >= rule.close_after:
        return _moved(START, FlagEventKind.CLOSED, day, standing)
    after = replace(standing, state=FlagState.RECOVERING, count=count)
    if standing.state is FlagState.OPEN:
        return _moved(after, FlagEventKind.RECOVERING, day, after)
    return Step(day, after, None)
