"""From the steps of the fold to rows: flags and their events, opened, carried on, closed or retracted."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from collector.domain import flagging
from collector.domain.criterion import Criterion
from collector.domain.flagging import Closing, FlagEvent, Standing, Step
from collector.domain.verdict import Judgement
from collector.domain.words import FlagEventKind, FlagState
from collector.store.queries import judgement
from collector.store.queries.judgement import Flag, Series
from collector.store.unit import Snapshot, UnitOfWork

KIND = "below_target"
RETRACTED = FlagEventKind.RETRACTED.value
_CLOSED = "closed"


def flag_id_of(series: Series, opened_on: str) -> str:
    """Return the identity of a flag: the same whenever and wherever it is worked out."""
    text = "\n".join((series.school, series.profile, series.metric, KIND, opened_on))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Before:
    """Where the fold stands before a day, and what is stored of its flags."""

    standing: Standing
    flags: tuple[Flag, ...]  # all of the series
    closings: tuple[Closing, ...]  # from the day on
    severity: str | None  # newest one of the flag that is open


def closed_days(
    series: Series, closings: Mapping[str, Sequence[str]], flags: Iterable[Flag], days: Iterable[date]
) -> list[date]:
    """Return the days on which people closed a flag of the series, in order.

    Args:
        series: Whose flags.
        closings: Of all flags, by id.
        flags: Those that are stored.
        days: On which one may open now: a closing is found again although its flag was deleted.
    """
    if not closings:
        return []
    ids = {flag.flag_id for flag in flags} | {flag_id_of(series, day.isoformat()) for day in days}
    return sorted(date.fromisoformat(day) for flag_id in ids for day in closings.get(flag_id, ()))


def stand_before(
    snapshot: Snapshot,
    series: Series,
    span_days: tuple[date, Iterable[date]],
    closings: Mapping[str, Sequence[str]],
    criterion: Criterion,
) -> Before:
    """Return where the fold stood before a day.

    Args:
        snapshot: The database.
        series: What is folded.
        span_days: The first day to fold, and all days that are judged from it on.
        closings: Days on which people closed flags, by the flag's id.
        criterion: Says how long it is quiet after a closing.
    """
    from_day, judged_days = span_days
    flags = tuple(judgement.flags_of(snapshot, series))
    closed = closed_days(series, closings, flags, judged_days)
    last = judgement.judged_before(snapshot, series, from_day.isoformat())
    standing, severity = Standing(), None
    last_day = date.min
    if last is not None:
        last_day = date.fromisoformat(last.day)
        standing = _standing_at(snapshot, series, last, flags)
        earlier = [day for day in closed if day < last_day]
        if earlier and standing.state is FlagState.NONE:
            standing = replace(standing, quiet_until=max(earlier) + timedelta(days=criterion.quiet_days))
        if standing.has_flag and standing.opened_on:
            severity = judgement.newest_severity(snapshot, series, standing.opened_on.isoformat(), last.day)
    between = [Closing(day) for day in closed if last_day <= day < from_day]
    for step in flagging.fold(between, standing, criterion):
        standing = step.standing
    return Before(standing, flags, tuple(Closing(day) for day in closed if day >= from_day), severity)


def _standing_at(snapshot: Snapshot, series: Series, last: judgement.Judged, flags: Sequence[Flag]) -> Standing:
    state = FlagState(last.state)
    if state is FlagState.WATCH:
        began = judgement.watch_began(snapshot, series, last.day) or last.day
        return Standing(state, last.state_count, below_since=date.fromisoformat(began))
    if state in (FlagState.OPEN, FlagState.RECOVERING):
        flag = max((f for f in flags if f.opened_on <= last.day and f.state != RETRACTED), key=lambda f: f.opened_on)
        since, opened = date.fromisoformat(flag.below_since), date.fromisoformat(flag.opened_on)
        return Standing(state, last.state_count, below_since=since, opened_on=opened)
    return Standing()


@dataclass(frozen=True)
class Folded:
    """What the fold from a day on gave."""

    steps: tuple[Step, ...]
    judged: Mapping[date, tuple[Judgement, dict[str, Any]]]  # with the evaluation row of the day

    def state_on(self, day: date) -> Standing:
        """Return the standing after the evaluation of a day, before any closing on it."""
        return next(step.standing for step in self.steps if step.day == day)


def write(unit: UnitOfWork, series: Series, before: Before, folded: Folded, from_day: date, as_of: date) -> None:
    """Bring flags and events in line with the fold from a day on.

    Args:
        unit: The transaction to write in.
        series: What was folded.
        before: Where the fold stood before `from_day`.
        folded: Its steps from `from_day` on.
        from_day: The first day that was folded.
        as_of: The last one; a retraction is dated by it.
    """
    from_text = from_day.isoformat()
    known = {flag.flag_id: flag for flag in before.flags}
    flags, events = _follow(series, before, folded)
    gone = [
        flag
        for flag in before.flags
        if flag.opened_on >= from_text and flag.flag_id not in flags and flag.state != RETRACTED
    ]
    # What began before the day and is not touched by the fold is over since before it, and stays.
    numbers = judgement.cut_events(unit, list(flags), from_text) | judgement.last_events(unit, _ids(gone))
    judgement.write_flags(unit, list(flags.values()) + [_retracted(flag, as_of) for flag in gone])
    rows: list[dict[str, Any]] = []
    for flag in gone:
        events.append((flag.flag_id, RETRACTED, as_of, {"was": known[flag.flag_id].state}))
    for flag_id, kind, day, content in events:
        numbers[flag_id] += 1
        row = {"flag_id": flag_id, "seq": numbers[flag_id], "day": day.isoformat(), "event": kind}
        rows.append({**row, "numbers": json.dumps(content, sort_keys=True)})
    judgement.add_events(unit, rows)


def _ids(flags: Sequence[Flag]) -> list[str]:
    return [flag.flag_id for flag in flags]


def _retracted(flag: Flag, as_of: date) -> Flag:
    return replace(
        flag, state=RETRACTED, state_count=0, is_stale=False, closed_on=as_of.isoformat(), last_day=as_of.isoformat()
    )


_Event = tuple[str, str, date, dict[str, Any]]


def _follow(series: Series, before: Before, folded: Folded) -> tuple[dict[str, Flag], list[_Event]]:
    """Return the flags that the steps touch, as they stand in the end, and their events in order."""
    flags: dict[str, Flag] = {}
    events: list[_Event] = []
    current = _carried(series, before)
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
            by_person = happened.kind is FlagEventKind.CLOSED_BY_PERSON
            content = {} if by_person or judged is None else numbers_of(judged[1])
            events.append((current.flag_id, happened.kind.value, step.day, content))
        if not step.standing.has_flag:
            current = None
    return flags, events


def _carried(series: Series, before: Before) -> Flag | None:
    standing = before.standing
    if not standing.has_flag or standing.opened_on is None:
        return None
    flag_id = flag_id_of(series, standing.opened_on.isoformat())
    known = next(flag for flag in before.flags if flag.flag_id == flag_id)
    return replace(
        known,
        state=standing.state.value,
        state_count=standing.count,
        severity=before.severity,
        closed_on=None,
        closed_by=None,
        is_stale=False,
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
