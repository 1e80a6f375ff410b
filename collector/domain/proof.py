"""Which tests prove what a line gives, which thirty of them count, and what is missing; pure.

A proof is ten tests on each of three days, with a day between them, all within fourteen days. Nothing here ever looks
at a speed to choose a test or a day: the earliest that fit are taken, of the days the latest.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import combinations, pairwise
from typing import Final

from collector.domain import validity
from collector.domain.calendars import OpenDay, Period
from collector.domain.contracts import Terms
from collector.domain.observations import WIFI
from collector.domain.validity import Candidate, Circumstances

DAYS: Final = 3
HALF_DAY_TESTS: Final = 5
DAY_TESTS: Final = 2 * HALF_DAY_TESTS
TESTS: Final = DAYS * DAY_TESTS
SPAN_DAYS: Final = 14
DAY_APART: Final = 2  # from one day to the next: a calendar day lies between
APART_MS: Final = 5 * 60_000  # from one test to the next
PAUSE_MS: Final = 3 * 3_600_000  # between the fifth test of a day and the sixth
PORT_MARGIN: Final = 1.1  # what a port has to have above the contract, so that it can show it

WINDOW_MS: Final = 2 * 3_600_000  # in which half a day's tests are made
WINDOW_TESTS: Final = 6  # that a computer may try in it: one in reserve
_SHORTEST_MS: Final = 90 * 60_000  # with less, half a day's tests do not fit

_CABLE: Final = "ethernet"
_ALWAYS: Final = OpenDay(date.min, (Period(0, 2**53),), None)  # votes know hours; a proof has its own


class Hours(StrEnum):
    """When tests of a proof are made."""

    OUTSIDE = "outside"  # outside the school's hours: nobody else uses the line
    ALL = "all"


class Unfit(StrEnum):
    """Why a test that would be valid is no proof; the reasons of `Exclusion` come before these."""

    NOT_BY_CABLE = "not_by_cable"
    LINK_UNKNOWN = "link_unknown"
    SLOW_PORT = "slow_port"
    CUT_SHORT = "cut_short"
    CLASS_HOURS = "class_hours"
    OTHER_CONTRACT = "other_contract"


class Spare(StrEnum):
    """Why a test that is fit is not among those that count."""

    OF_DAY = "spare_of_day"  # its day has its ten, or it is too near to another
    DAY = "spare_day"  # its day has no ten, or another day was taken


@dataclass(frozen=True)
class Setting:
    """What the tests of one day are held against."""

    open_day: OpenDay
    terms: Terms
    hours: Hours
    is_same_contract: bool  # on that day the contract was the one that the proof is about
    reference: Circumstances  # whose engine and server are used, and how busy a computer may be

    @cached_property
    def circumstances(self) -> Circumstances:
        """What decides whether a test is valid at all, at any hour."""
        return replace(self.reference, open_day=_ALWAYS, target_bps=None)


def least_port_bps(terms: Terms) -> int:
    """Return the rate of the slowest port that can show a contract."""
    return round(PORT_MARGIN * terms.max_bps)


def is_in_class_hours(hours: Hours, open_day: OpenDay, started_ms: int) -> bool:
    """Return whether a test was made while classes use the line, and the proof asks for those outside these hours."""
    return hours is Hours.OUTSIDE and open_day.is_within(started_ms)


def unfit_reason(candidate: Candidate, given: Setting) -> str | None:
    """Return why a test is no proof, the first reason; None where it is fit."""
    exclusion = validity.exclusion_of(candidate, given.circumstances)
    if exclusion is not None:
        return exclusion.value
    return next((reason.value for reason, applies in _RULES if applies(candidate, given)), None)


def _not_by_cable(candidate: Candidate, _: Setting) -> bool:
    return candidate.medium in (WIFI, "cellular")


def _link_unknown(candidate: Candidate, _: Setting) -> bool:
    return candidate.medium != _CABLE or not candidate.link_bps


def _slow_port(candidate: Candidate, given: Setting) -> bool:
    return (candidate.link_bps or 0) < least_port_bps(given.terms)


def _cut_short(candidate: Candidate, given: Setting) -> bool:
    """Say of a test that ended before it saw the line full that it proves a fast line only."""
    return bool(candidate.lower_bound) and (candidate.value_bps or 0) < given.terms.nearly_bps


def _class_hours(candidate: Candidate, given: Setting) -> bool:
    return is_in_class_hours(given.hours, given.open_day, candidate.started_ms)


def _other_contract(_: Candidate, given: Setting) -> bool:
    return not given.is_same_contract


_RULES: Final[tuple[tuple[Unfit, Callable[[Candidate, Setting], bool]], ...]] = (
    (Unfit.NOT_BY_CABLE, _not_by_cable),
    (Unfit.LINK_UNKNOWN, _link_unknown),
    (Unfit.SLOW_PORT, _slow_port),
    (Unfit.CUT_SHORT, _cut_short),
    (Unfit.CLASS_HOURS, _class_hours),
    (Unfit.OTHER_CONTRACT, _other_contract),
)


def pick(starts_ms: Sequence[int]) -> tuple[int, ...]:
    """Return which tests of a day count, ten at most: five, and after a pause of three hours five more.

    Args:
        starts_ms: When they began, the earliest first.

    Returns:
        Their places, in order.
    """
    best: tuple[int, ...] = ()
    first = _spaced(starts_ms, 0, HALF_DAY_TESTS)
    for count in range(len(first), -1, -1):
        half = first[:count]
        after_ms = starts_ms[half[-1]] + PAUSE_MS if half else 0
        found = (*half, *_spaced(starts_ms, after_ms, HALF_DAY_TESTS))
        if len(found) > len(best):
            best = found
    return best


def _spaced(starts_ms: Sequence[int], after_ms: int, most: int) -> tuple[int, ...]:
    found: list[int] = []
    for place, start_ms in enumerate(starts_ms):
        if len(found) < most and start_ms >= after_ms:
            found.append(place)
            after_ms = start_ms + APART_MS
    return tuple(found)


@dataclass(frozen=True)
class Choice:
    """The days of a proof."""

    days: tuple[date, ...]  # those that have their ten, oldest first
    coming: tuple[date, ...]  # on which the missing tests can be made; empty: in this period they cannot
    by: date | None  # the last day for them; None: nothing has begun, or nothing is missing or can be

    @property
    def missing_days(self) -> int:
        """How many days are still without their ten."""
        return DAYS - len(self.days)


def choose(complete: Collection[date], usable: Sequence[date]) -> Choice:
    """Return the latest days that make a proof, or that can still become one; the most of them that can.

    Args:
        complete: Days that have their ten.
        usable: Days to come on which ten tests can be made, in order; the one under way may be among them.
    """
    fallback: tuple[date, ...] = ()
    for count in range(min(DAYS, len(complete)), -1, -1):
        for chosen in combinations(sorted(complete, reverse=True), count):
            days = tuple(sorted(chosen))
            if not _fits(days):
                continue
            coming = _coming(days, usable)
            if len(days) + len(coming) == DAYS:
                by = days[0] + timedelta(days=SPAN_DAYS - 1) if days and coming else None
                return Choice(days, coming, by)
            if len(days) > len(fallback):
                fallback = days
    return Choice(fallback, (), None)


def _fits(days: Sequence[date]) -> bool:
    is_apart = all((later - day).days >= DAY_APART for day, later in pairwise(days))
    return is_apart and (not days or (days[-1] - days[0]).days < SPAN_DAYS)


def _coming(days: tuple[date, ...], usable: Sequence[date]) -> tuple[date, ...]:
    taken: list[date] = []
    for day in usable:
        if len(days) + len(taken) < DAYS and _fits(sorted((*days, *taken, day))):
            taken.append(day)
    return tuple(taken)


def windows_of(open_day: OpenDay, hours: Hours, day: Period) -> tuple[Period, Period] | None:
    """Return when both halves of a day's tests can be made, near the school's hours: then computers are on.

    Args:
        open_day: The school's hours.
        hours: Whether they are used or kept free.
        day: The whole local day.

    Returns:
        None where there is no school, or no room.
    """
    if not open_day.is_open:
        return None
    opens_ms, closes_ms = open_day.periods[0].from_ms, open_day.periods[-1].to_ms
    if hours is Hours.OUTSIDE:
        first = Period(max(opens_ms - WINDOW_MS, day.from_ms), opens_ms)
        starts_ms = max(closes_ms, first.to_ms + PAUSE_MS)
    else:
        first = Period(opens_ms, opens_ms + WINDOW_MS)
        starts_ms = max(closes_ms - WINDOW_MS, first.to_ms + PAUSE_MS)
    second = Period(starts_ms, min(starts_ms + WINDOW_MS, day.to_ms))
    return (first, second) if min(first.length_ms, second.length_ms) >= _SHORTEST_MS else None
