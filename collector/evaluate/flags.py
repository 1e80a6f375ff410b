"""From the steps of the fold to rows: flags and their events, opened, carried on, closed or retracted. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from collector.domain import flagging
from collector.domain.criterion import Criterion
from collector.domain.flagging import Closing, FlagEvent, Standing, Step
from collector.domain.verdict import Judgement
from collector.domain.words import SPEED, FlagEventKind, FlagState
from collector.store.queries.judging.fold import Flag, Judged, NewEvent, Past

KIND = SPEED
RETRACTED = FlagEventKind.RETRACTED.value
_CLOSED = "closed"


@dataclass(frozen=True)
class Series:
    """What is judged of a school."""

    school: str
    profile: str
    metric: str


def flag_id_of(series: Series, opened_on: str, kind: str = KIND) -> str:
    """Return the identity of a flag: the same whenever and wherever it is worked out."""
    text = "\n".join((series.school, series.profile, series.metric, kind, opened_on))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Before:
    """Where the fold stands before a day."""

    standing: Standing
    closings: tuple[Closing, ...]  # from the day on
    severity: str | None  # newest one of the flag that is open
    last_day: date  # of the newest evaluation before; what stands of a later one in a flag is folded again, or gone


def stand_before(past: Past, closed: Sequence[date], from_day: date, criterion: Criterion) -> Before:
    """Return where the fold stood before a day.

    Args:
        past: What is stored of the school.
        closed: Days on which people closed a flag of the series, in order.
        from_day: The first day to fold.
        criterion: Says how long it is quiet after a closing.
    """
    standing, severity, last_day = Standing(), None, date.min
    if past.judged is not None:
        last_day = date.fromisoformat(past.judged.day)
        standing = _standing_at(past, past.judged)
        earlier = [day for day in closed if day < last_day]
        if earlier and standing.state is FlagState.NONE:
            standing = replace(standing, quiet_until=max(earlier) + timedelta(days=criterion.quiet_days))
        if standing.opened_on and past.severity and past.severity[0] >= standing.opened_on.isoformat():
            severity = past.severity[1]
    between = [Closing(day) for day in closed if last_day <= day < from_day]
    for step in flagging.fold(between, standing, criterion):
        standing = step.standing
    return Before(standing, tuple(Closing(day) for day in closed if day >= from_day), severity, last_day)


def _standing_at(past: Past, last: Judged) -> Standing:
    state = FlagState(last.state)
    if state is FlagState.WATCH:
        return Standing(state, last.state_count, below_since=date.fromisoformat(past.watch_began or last.day))
    if state in (FlagState.OPEN, FlagState.RECOVERING):
        flag = max((f for f in past.flags if f.opened_on <= last.day and f.state != RETRACTED), key=_opened_on)
        since, opened = date.fromisoformat(flag.below_since), date.fromisoformat(flag.opened_on)
        return Standing(state, last.state_count, below_since=since, opened_on=opened)
    return Standing()


def _opened_on(flag: Flag) -> str:
    return flag.opened_on


@dataclass(frozen=True)
class Folded:
    """What the fold from a day on gave."""

    steps: tuple[Step, ...]
    judged: Mapping[date, tuple[Judgement, dict[str, Any]]]  # with the evaluation row of the day


@dataclass
class FlagRows:
    """Flags as they stand after the fold, and what happened to them from the day on."""

    flags: list[Flag] = field(default_factory=list)
    refolded: list[str] = field(default_factory=list)  # whose events from the day on are all in `events`
    events: list[NewEvent] = field(default_factory=list)


def rows_of(
    series: Series, stored: Sequence[Flag], before: Before, folded: Folded, from_day: date, as_of: date
) -> FlagRows:
    """Return flags and events in line with the fold from a day on.

    What began before the day and is not touched by the fold was over before it, and stays as it is.

    Args:
        series: What was folded.
        stored: Every flag of the series as it is now.
        before: Where the fold stood before `from_day`.
        folded: Its steps from `from_day` on.
        from_day: The first day that was folded.
        as_of: The last one; a retraction is dated by it.
    """
    flags, events = _follow(series, stored, before, folded)
    rows = FlagRows(list(flags.values()), list(flags), events)
    for flag in stored:
        if flag.opened_on >= from_day.isoformat() and flag.flag_id not in flags and flag.state != RETRACTED:
            rows.flags.append(_retracted(flag, as_of))
            rows.events.append(_event(flag.flag_id, as_of, RETRACTED, {"was": flag.state}))
    return rows


def _event(flag_id: str, day: date, kind: str, numbers: Mapping[str, Any]) -> NewEvent:
    return NewEvent(flag_id, day.isoformat(), kind, json.dumps(numbers, sort_keys=True))


def _retracted(flag: Flag, as_of: date) -> Flag:
    day = as_of.isoformat()
    return replace(flag, state=RETRACTED, state_count=0, is_stale=False, closed_on=day, last_day=day)


def _follow(
    series: Series, stored: Sequence[Flag], before: Before, folded: Folded
) -> tuple[dict[str, Flag], list[NewEvent]]:
    """Return the flags that the steps touch, as they stand in the end, and their events in order."""
    flags: dict[str, Flag] = {}
    events: list[NewEvent] = []
    current = _carried(series, stored, before)
    if current:
        flags[current.flag_id] = current
    for step in folded.steps:
        judged = folded.judged.get(step.day)
        happened = step.event
        if happened and happened.kind is FlagEventKind.OPENED:
            current = _opened(series, happened)
        if current is None:
            continue
        current = _after(current, step, judged[0] if judged else None)
        flags[current.flag_id] = current
        if happened and happened.kind in flagging.EVENTS_OF_A_FLAG:
            is_by_person = happened.kind is FlagEventKind.CLOSED_BY_PERSON
            numbers = {} if is_by_person or judged is None else numbers_of(judged[1])
            events.append(_event(current.flag_id, step.day, happened.kind.value, numbers))
        if not step.standing.has_flag:
            current = None
    return flags, events


def _carried(series: Series, stored: Sequence[Flag], before: Before) -> Flag | None:
    standing = before.standing
    if not standing.has_flag or standing.opened_on is None:
        return None
    flag_id = flag_id_of(series, standing.opened_on.isoformat())
    known = next(flag for flag in stored if flag.flag_id == flag_id)
    return replace(
        known,
        state=standing.state.value,
        state_count=standing.count,
        severity=before.severity,
        closed_on=None,
        closed_by=None,
        is_stale=False,
        last_day=before.last_day.isoformat(),
    )


def _opened(series: Series, happened: FlagEvent) -> Flag:
    opened_on = happened.day.isoformat()
    return Flag(
        flag_id=flag_id_of(series, opened_on),
        school=series.school,
        kind=KIND,
        profile=series.profile,
        metric=series.metric,
        below_since=(happened.below_since or happened.day).isoformat(),
        opened_on=opened_on,
        closed_on=None,
        closed_by=None,
        state=FlagState.OPEN.value,
        state_count=0,
        severity=None,
        is_stale=False,
        last_day=opened_on,
    )


def _after(flag: Flag, step: Step, judged: Judgement | None) -> Flag:
    flag = replace(flag, last_day=step.day.isoformat())
    if judged is not None and judged.severity is not None:
        flag = replace(flag, severity=judged.severity.value)
    if step.standing.has_flag:
        return replace(flag, state=step.standing.state.value, state_count=step.standing.count)
    is_by_person = step.event is not None and step.event.kind is FlagEventKind.CLOSED_BY_PERSON
    by = "person" if is_by_person else "recovered"
    return replace(flag, state=_CLOSED, state_count=0, closed_on=step.day.isoformat(), closed_by=by)


# Of an evaluation: what explains an event years later.
_NUMBERS = (
    "target_profile",
    "profile_version",
    "window_from",
    "n",
    "days",
    "n_effective",
    "attained",
    "unknown",
    "failed",
    "a_lo",
    "a_hi",
    "lower",
    "upper",
    "share",
    "verdict",
    "target_bps",
    "is_estimated",
    "median_bps",
    "recover_share",
    "severity",
)


def numbers_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of an evaluation that an event keeps."""
    return {name: row[name] for name in _NUMBERS}
