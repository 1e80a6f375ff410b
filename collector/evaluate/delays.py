"""How late a busy line answers: what is kept of the tests of a school day, and what the days say for the flag."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median
from typing import Any, Final

from collector.domain import slow_response
from collector.domain.conditions import ConditionKind, DayState, Observed
from collector.domain.criterion import DEFAULT
from collector.domain.slow_response import DelayDay, Limit, Typical
from collector.domain.targets import technology_of
from collector.domain.words import Technology
from collector.evaluate import conditions
from collector.evaluate.inputs import SchoolInputs
from collector.store.queries.judging import condition_days
from collector.store.queries.judging.condition_days import Series
from collector.store.queries.judging.fold import Measured
from collector.store.unit import UnitOfWork

METRIC: Final = "loaded_p95_ms"  # of the profiles
_REACH_ROWS: Final = DEFAULT.reach_days + 1  # a window has no more days: one row is one day


@dataclass
class Said:
    """What the days of a school say."""

    typical: dict[date, Typical] = field(default_factory=dict)  # of the window that ends with the day
    observed: list[Observed] = field(default_factory=list)  # of the days that are over


def limit_on(inputs: SchoolInputs, day: date) -> Limit:
    """Return what is asked of a school's tests on a day: by its profile, else by the limits that held as it began."""
    profile = inputs.profile_on(day)
    asked = next((one for one in profile.companions if one.metric == METRIC), None) if profile else None
    held = inputs.deployment.limits.at(inputs.start_ms(day))
    if asked is None:
        return Limit(held.class_delay_ms, held.share)
    return Limit(asked.value, held.share if asked.share is None else asked.share, is_of_profile=True)


def columns(voting: Sequence[Measured], limit_ms: float | None) -> dict[str, Any]:
    """Return what `school_days` keeps of the delays of a day.

    Args:
        voting: Its tests that count.
        limit_ms: That holds on the day; None: nothing is asked.
    """
    delays = [row.loaded_ms for row in voting if row.loaded_ms is not None]
    return {
        "loaded_n": len(delays),
        "loaded_slow_n": None if limit_ms is None else sum(ms > limit_ms for ms in delays),
        "loaded_limit_ms": limit_ms,
        "median_loaded_ms": median(delays) if delays else None,
    }


def day_of(row: Mapping[str, Any]) -> DelayDay:
    """Return a row of `school_days` that is to be written as the window takes it."""
    return DelayDay(
        day=date.fromisoformat(row["day"]),
        voting=row["voting"],
        n=row["loaded_n"],
        slow=row["loaded_slow_n"] or 0,
        limit_ms=row["loaded_limit_ms"],
        loaded_ms=row["median_loaded_ms"],
        idle_ms=row["median_idle_rtt_ms"],
    )


def look(days: Sequence[DelayDay], inputs: SchoolInputs, from_day: date, as_of: date) -> Said:
    """Return what each day from one on says.

    Args:
        days: Of the school, oldest first; those before `from_day` are what the windows reach back to.
        inputs: The school with its dated inputs.
        from_day: First local day.
        as_of: Last one that is over: a day that goes on moves no flag.
    """
    said = Said()
    for at, one in enumerate(days):
        if one.day < from_day or not one.voting:
            continue
        window = slow_response.window_of(days[max(0, at + 1 - _REACH_ROWS) : at + 1])
        said.typical[one.day] = slow_response.typical(window)
        if one.n and one.day <= as_of and (observed := _observed(window, inputs)) is not None:
            said.observed.append(observed)
    return said


def _observed(window: Sequence[DelayDay], inputs: SchoolInputs) -> Observed | None:
    day = window[-1].day
    profile, facts = inputs.profile_on(day), inputs.facts_on(day)
    found = slow_response.observe(
        window,
        limit_on(inputs, day),
        is_satellite=facts is not None and technology_of(facts.technology) is Technology.SATELLITE,
        criterion=profile.criterion if profile else DEFAULT,
    )
    return None if found is None else Observed(day, found.state, found.numbers)


def write(unit: UnitOfWork, said: Mapping[str, Sequence[Observed]], from_day: date) -> None:
    """Let the days of the flag say what they say now; the caller folds and commits.

    Days before a school's first bad one move no flag and are not kept: of nearly all schools there is no bad day.

    Args:
        unit: The transaction to write in.
        said: By school, every day from `from_day` on that says something, in order.
        from_day: First local day.
    """
    kind = ConditionKind.POOR_QUALITY
    known = condition_days.schools_with_bad(unit, kind.value, list(said), from_day.isoformat())
    kept = {Series(code): days if code in known else _from_first_bad(days) for code, days in said.items()}
    conditions.write_days(unit, kind, kept, from_day)


def _from_first_bad(days: Sequence[Observed]) -> Sequence[Observed]:
    first = next((at for at, one in enumerate(days) if one.state is DayState.BAD), len(days))
    return days[first:]
