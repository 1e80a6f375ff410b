"""Flags by daily conditions: days are written as their facts say, and what is stored is brought in line with the fold.

Every fold begins at the first day. So a flag is a pure function of the days and of what people closed: a row that
somebody put there, or took away, is right again after the next run, and a run that finds everything as it should be
writes nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from collector.domain import conditions, flagging
from collector.domain.conditions import RULES, ConditionKind, DayState, Observed
from collector.domain.flagging import Closing, Step
from collector.domain.words import FlagEventKind, FlagState
from collector.evaluate import flags as speed_flags
from collector.evaluate.inputs import SchoolInputs
from collector.store import locks
from collector.store.open import Store
from collector.store.queries.judging import condition_days
from collector.store.queries.judging.condition_days import Series, StoredDay, StoredEvent
from collector.store.queries.judging.fold import Flag
from collector.store.queries.pieces import in_pieces
from collector.store.unit import UnitOfWork

_AT_ONCE: Final = 200  # schools in one transaction
_MILD: Final = "mild"
_RETRACTED: Final = FlagEventKind.RETRACTED.value


def write_days(
    unit: UnitOfWork,
    kind: ConditionKind,
    found: Mapping[Series, Sequence[Observed]],
    from_day: date,
    until_day: date = date.max,
) -> int:
    """Let the days of some series say what they say now; the caller folds and commits.

    Args:
        unit: The transaction to write in.
        kind: Of the condition.
        found: By series, every day of the span that says something, in order. A stored day of one of these series
            that is not among them is taken away.
        from_day: First local day of the span.
        until_day: Last one.

    Returns:
        How many days were written or taken away; 0 where everything stood there already.
    """
    schools = sorted({series.school for series in found})
    stored = condition_days.days(unit, kind.value, schools, from_day.isoformat(), until_day.isoformat())
    gone: list[tuple[Series, str]] = []
    new: list[tuple[Series, StoredDay]] = []
    for series, observed in found.items():
        before = {one.day: one for one in stored.get(series, ())}
        after = {one.day: one for one in map(_stored, observed)}
        gone += [(series, day) for day, one in before.items() if after.get(day) != one]
        new += [(series, one) for day, one in after.items() if before.get(day) != one]
    if kind is not ConditionKind.SITE_UNREACHABLE:  # of all others a school has one series: who wrote a second?
        gone += [(one, day.day) for one, days in stored.items() if one not in found and one.subject for day in days]
    condition_days.replace_days(unit, kind.value, gone, new)
    return len({*gone, *((series, one.day) for series, one in new)})


def unless_on_hold(observed: Observed, inputs: SchoolInputs) -> Observed:
    """Return what a school day says; nothing on a day that an outage or a hazard takes from the school."""
    if inputs.at(observed.day).suppression is None:
        return observed
    return observed._replace(state=DayState.UNKNOWN)


def _stored(one: Observed) -> StoredDay:
    return StoredDay(one.day.isoformat(), one.state.value, json.dumps(dict(one.numbers), sort_keys=True))


def fold_all(store: Store, kinds: Iterable[ConditionKind], as_of: date) -> int:
    """Fold every school of which a condition can say something, a few in one transaction.

    Args:
        store: The open database.
        kinds: The conditions to fold.
        as_of: Local day of the run; what no longer stands is taken back on it.

    Returns:
        How many flags were written.
    """
    written = 0
    for kind in kinds:
        with store.reader() as snapshot:
            schools = condition_days.schools_to_fold(snapshot, kind.value)
        for some in in_pieces(schools, _AT_ONCE):
            with store.unit() as unit:
                if count := fold_conditions(unit, kind, some, as_of):
                    unit.commit()
                written += count
    return written


def fold_conditions(unit: UnitOfWork, kind: ConditionKind, schools: Sequence[str], as_of: date) -> int:
    """Bring the flags of a kind of some schools in line with their days; the caller commits.

    Args:
        unit: The transaction to write in.
        kind: Of the condition.
        schools: Their codes.
        as_of: Local day of the run; what no longer stands is taken back on it.

    Returns:
        How many flags were written; 0 where all stood as they should.
    """
    locks.hold(unit, schools)  # nobody else folds them, or acts on their flags
    days = condition_days.days(unit, kind.value, schools)
    closings = condition_days.closings(unit, kind.value, schools)
    stored = condition_days.flags(unit, kind.value, schools)
    happened = condition_days.events(unit, [flag.flag_id for those in stored.values() for flag in those])
    new: list[Flag] = []
    events: dict[str, list[StoredEvent]] = {}
    for series in sorted({*days, *stored}):
        found = fold_series(kind, series, days.get(series, ()), closings.get(series, ()))
        known = {flag.flag_id: flag for flag in stored.get(series, ())}
        _take_back(found, known, happened, as_of)
        for flag_id, flag in found.flags.items():
            if known.get(flag_id) != flag or happened.get(flag_id, []) != found.events[flag_id]:
                new.append(flag)
                events[flag_id] = found.events[flag_id]
    condition_days.write_flags(unit, new, events)
    return len(new)


@dataclass
class Found:
    """The flags of one series as they stand, and all that happened to each."""

    flags: dict[str, Flag] = field(default_factory=dict)
    events: dict[str, list[StoredEvent]] = field(default_factory=dict)


def fold_series(kind: ConditionKind, series: Series, days: Sequence[StoredDay], closed_on: Sequence[str]) -> Found:
    """Return the flags that the days of a series and people's closings give. Pure.

    Args:
        kind: Of the condition.
        series: Of what it is.
        days: In order.
        closed_on: Local days on which people closed a flag of the series.
    """
    numbers = {one.day: one.numbers for one in days}
    given: list[Observed | Closing] = [_observed(one) for one in days]
    given += [Closing(date.fromisoformat(day)) for day in closed_on]
    found = Found()
    current: Flag | None = None
    steps = conditions.fold(given, RULES[kind])
    for at, step in enumerate(steps):
        happened = step.event
        if happened is not None and happened.kind is FlagEventKind.OPENED:
            current = _opened(kind, series, step)
            found.events[current.flag_id] = []
        if current is None:
            continue
        if happened is not None and happened.kind in flagging.EVENTS_OF_A_FLAG:
            is_by_person, day = _is_by_person(step), step.day.isoformat()
            said = StoredEvent(day, happened.kind.value, "{}" if is_by_person else numbers[day])
            found.events[current.flag_id].append(said)
        is_over = not step.standing.has_flag
        if is_over or at + 1 == len(steps):  # only how it stands in the end is kept
            lasted = steps[:at] if is_over else steps  # what closes it is no part of how bad it was
            found.flags[current.flag_id] = _after(current, step, _severity(lasted, numbers))
        current = None if is_over else current
    return found


def _observed(one: StoredDay) -> Observed:
    return Observed(date.fromisoformat(one.day), DayState(one.state), {})


def _severity(steps: Sequence[Step], numbers: Mapping[str, str]) -> str:
    """Return the severity of the newest day that has one; a person's closing has none."""
    for step in reversed(steps):
        said = "" if _is_by_person(step) else numbers.get(step.day.isoformat(), "")
        found: Any = json.loads(said).get("severity") if "severity" in said else None
        if isinstance(found, str):
            return found
    return _MILD


def _is_by_person(step: Step) -> bool:
    return step.event is not None and step.event.kind is FlagEventKind.CLOSED_BY_PERSON


def _opened(kind: ConditionKind, series: Series, step: Step) -> Flag:
    opened_on = step.day.isoformat()
    of_flag = speed_flags.Series(series.school, "", series.subject)
    return Flag(
        flag_id=speed_flags.flag_id_of(of_flag, opened_on, kind.value),
        school=series.school,
        kind=kind.value,
        profile="",
        metric=series.subject,
        below_since=(step.standing.below_since or step.day).isoformat(),
        opened_on=opened_on,
        closed_on=None,
        closed_by=None,
        state=FlagState.OPEN.value,
        state_count=0,
        severity=None,
        is_stale=False,
        last_day=opened_on,
    )


def _after(flag: Flag, step: Step, severity: str) -> Flag:
    day = step.day.isoformat()
    flag = replace(flag, severity=severity, last_day=day)
    if step.standing.has_flag:
        state, count = step.standing.state.value, step.standing.count
        return replace(flag, state=state, state_count=count)
    by = "person" if _is_by_person(step) else "recovered"
    return replace(flag, state="closed", state_count=0, closed_on=day, closed_by=by)


def _take_back(
    found: Found, known: Mapping[str, Flag], happened: Mapping[str, Sequence[StoredEvent]], as_of: date
) -> None:
    """Keep what is stored and the fold does not give (any more), as taken back."""
    day = as_of.isoformat()
    for flag_id, flag in known.items():
        if flag_id in found.flags:
            continue
        events = list(happened.get(flag_id, ()))
        if flag.state != _RETRACTED:
            events.append(StoredEvent(day, _RETRACTED, json.dumps({"was": flag.state})))
            flag = replace(flag, state=_RETRACTED, state_count=0, is_stale=False, closed_on=day, last_day=day)
        found.flags[flag_id], found.events[flag_id] = flag, events
