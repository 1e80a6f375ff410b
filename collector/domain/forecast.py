"""When a school that meets its target will no longer do so, if what it needs grows every year by the same part."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from collector.domain.words import Verdict

DAYS_A_YEAR: Final = 365.25
# Nobody knows what is needed further away.
HORIZON_YEARS: Final = 10
# Older evaluations say nothing of the line of today: a window reaches no further back either.
OLDEST_DAYS: Final = 28


class Silence(StrEnum):
    """Why no forecast is given."""

    NOT_MEETING = "not_meeting"  # it is under the target already, or nobody can say
    TOO_OLD = "too_old"
    ESTIMATED = "estimated"  # the target itself is a guess
    AT_LEAST = "at_least"  # the typical test was cut short: the line is faster than is known


@dataclass(frozen=True)
class Standing:
    """What is known of a school."""

    verdict: str | None
    day: date | None  # of the evaluation
    median_bps: int | None
    target_bps: int | None
    is_estimated: bool
    is_lower_bound: bool  # of the median


@dataclass(frozen=True)
class Forecast:
    """When the target outgrows the typical test."""

    falls_on: date | None  # None: not within the horizon
    growth: float  # part a year


def foresee(standing: Standing, growth: float, today: date) -> Forecast | Silence:
    """Return when the target reaches the typical test, growing from today.

    Target T grows to T (1 + g)^t after t years; the line stays as it is, so that it falls under its target after
    t = ln(median / T) / ln(1 + g).

    Args:
        standing: The newest evaluation of the school.
        growth: g, > 0: 0.3 is 30 % a year.
        today: The school's local day.

    Raises:
        ValueError: If the growth is not above 0.
    """
    if not growth > 0:
        raise ValueError("growth must be above 0")
    if standing.verdict != Verdict.MEETS or standing.day is None or not standing.median_bps or not standing.target_bps:
        return Silence.NOT_MEETING
    if (today - standing.day).days > OLDEST_DAYS:
        return Silence.TOO_OLD
    if standing.is_estimated:
        return Silence.ESTIMATED
    if standing.is_lower_bound:
        return Silence.AT_LEAST
    years = max(0.0, math.log(standing.median_bps / standing.target_bps)) / math.log1p(growth)
    if years > HORIZON_YEARS:
        return Forecast(None, growth)
    return Forecast(today + timedelta(days=math.floor(years * DAYS_A_YEAR)), growth)
