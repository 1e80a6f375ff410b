"""From the runs of one school to what is written of its days: rows, outages, and the last ten school days. Pure."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from collector.domain import local_outages
from collector.domain.availability import (
    LONGEST_MS,
    Heard,
    SlotDay,
    availability_of,
    coverage_of,
    fold_day,
    is_placed,
    school_slots,
)
from collector.domain.calendars import Period
from collector.domain.diary_states import DOWN
from collector.domain.local_outages import LocalOutage, Stretch
from collector.domain.low_availability import DEFAULT_PCT, WINDOW_DAYS, Counted, Seen, observations
from collector.domain.slots import SLOT_MS, read_runs, written
from collector.evaluate.inputs import SchoolInputs
from collector.store.queries.judging.availability import DayRow, NowRow, OutageRow, Run, Stay, sealed

REACH_MS: Final = LONGEST_MS
METRIC: Final = "availability_pct"  # of the profiles


@dataclass(frozen=True)
class Span:
    """Which days of a school are folded."""

    first: date
    last: date
    today: date  # at the school: those before it are over
    is_heard: bool = True  # False: there is nothing to fold
    is_whole: bool = False  # every day there is: its days may begin at another moment now


@dataclass
class Known:
    """What is stored of one school."""

    span: Span  # as it is folded in the end
    rows: list[DayRow]  # oldest first: those of the days to fold, of the weeks before, and all after
    first_day: str | None  # the first that is stored of it
    runs: list[Run] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)


@dataclass
class Outcome:
    """What is to be written of one school."""

    now: NowRow
    outages: list[OutageRow]
    outages_since_ms: int  # those that began before stay as they are
    seen_since: date
    seen: list[Seen]  # what each school day since then says, as far as it is over
    days: int = 0  # folded
    rows: list[DayRow] = field(default_factory=list)  # that differ from what is stored
    gone: list[tuple[str, str]] = field(default_factory=list)


def widened(span: Span, first_day: str | None) -> Span:
    """Return the days with those up to the first one stored: between them no school day may be missing."""
    if first_day is None:
        return span
    known = date.fromisoformat(first_day)
    if span.is_whole:
        return replace(span, first=min(span.first, known))
    return replace(span, last=max(span.last, known)) if span.first < known else span


def needs_more(known: Known) -> bool:
    """Return whether what is stored of earlier weeks has to be read as well."""
    if known.first_day is None or (known.rows and known.rows[0].day == known.first_day):
        return False
    before = [row for row in known.rows if row.day < known.span.first.isoformat()]
    return sum(row.is_open for row in before) < WINDOW_DAYS or local_outages.settled_from(_placed(before)) is None


def work_out(inputs: SchoolInputs, span: Span, known: Known) -> Outcome:
    """Return what is to be written of a school.

    Args:
        inputs: The school with its dated inputs.
        span: The days that something is new of.
        known: What is stored, with the days that are folded.
    """
    first, last = known.span.first.isoformat(), known.span.last.isoformat()
    stored = {row.day: row for row in known.rows if first <= row.day <= last}
    folded = {row.day: row for row in _rows(inputs, known)}
    changed = [row for day, row in folded.items() if stored.get(day) != row]
    gone = [day for day, row in stored.items() if folded.get(day) != row]
    rows = [row for row in known.rows if row.day not in stored]
    rows = sorted([*rows, *folded.values()], key=lambda row: row.day)
    outages, since_ms = _outages(rows, first, inputs)
    seen_since = date.min if span.is_whole else known.span.first
    return Outcome(
        now=last_days(inputs.code, rows, span.today),
        outages=outages,
        outages_since_ms=since_ms,
        seen_since=seen_since,
        seen=_observed(inputs, rows, seen_since, span.today),
        days=(known.span.last - known.span.first).days + 1,
        rows=changed,
        gone=[(inputs.code, day) for day in gone],
    )


# --- days -----------------------------------------------------------------------------------------------------------


def _rows(inputs: SchoolInputs, known: Known) -> Iterable[DayRow]:
    """Yield the days that are written: each that was heard of, and school days since the first of them."""
    span = known.span
    days = [span.first + timedelta(days=at) for at in range((span.last - span.first).days + 2)]
    starts = [inputs.start_ms(day) for day in days]
    heard = _by_day(list(_heard(known.runs, known.stays)), starts)
    has_begun = known.first_day is not None and known.first_day < span.first.isoformat()
    for at, day in enumerate(days[:-1]):
        periods = inputs.at(day).periods
        found = fold_day(day, starts[at], starts[at + 1], periods, heard[at])
        has_begun = has_begun or found.is_heard
        if found.is_heard or (has_begun and periods and day <= span.today):
            yield _row(inputs.code, found, periods)


def _heard(runs: Sequence[Run], stays: Sequence[Stay]) -> Iterable[Heard]:
    """Yield runs as far as their devices belonged to the school; where nobody knows of a stay, all of them."""
    own: dict[str, list[Stay]] = {}
    for stay in stays:
        own.setdefault(stay.device, []).append(stay)
    for _school, device, from_ms, to_ms, state, quality, off_ms, received_ms in runs:
        is_known = is_placed(quality, off_ms)
        if device not in own:
            yield Heard(device, from_ms, to_ms, state, received_ms, is_known)
        for stay in own.get(device, ()):
            first = max(stay.from_ms, from_ms)
            after = to_ms if stay.to_ms is None else min(stay.to_ms, to_ms)
            if first < after:
                yield Heard(device, first, after, state, received_ms, is_known)


def _by_day(heard: Sequence[Heard], starts: Sequence[int]) -> list[list[Heard]]:
    days: list[list[Heard]] = [[] for _ in starts]
    for one in heard:
        first = max(0, bisect_right(starts, one.from_ms) - 1)
        last = bisect_right(starts, one.to_ms) - 1
        for at in range(first, last + 1):
            days[at].append(one)
    return days


def _row(school: str, found: SlotDay, periods: Sequence[Period]) -> DayRow:
    good, down, unobserved = found.good, found.down, found.unobserved
    late = [[one.first, one.count, one.learnt_ms] for one in found.late]
    row = DayRow(
        school=school,
        day=found.day.isoformat(),
        is_open=bool(periods),
        good_slots=good,
        down_slots=down,
        unobserved_slots=unobserved,
        availability=availability_of(good, down),
        coverage=coverage_of(good, down, unobserved),
        learnt_ms=found.learnt_ms,
        start_ms=found.start_ms,
        spans=json.dumps([[period.from_ms, period.to_ms] for period in periods], separators=(",", ":")),
        states=written(found.slots),
        late=json.dumps(late, separators=(",", ":")) if late else None,
    )
    return sealed(row)


# --- outages --------------------------------------------------------------------------------------------------------


def _placed(rows: Sequence[DayRow]) -> list[Stretch]:
    found: list[Stretch] = []
    for row in rows:
        runs = list(read_runs(row.states))
        inside = _inside(row.start_ms, sum(run.count for run in runs), row.spans)
        found += local_outages.stretches(runs, row.start_ms, inside)
    return found


@lru_cache(maxsize=1_000)
def _inside(start_ms: int, count: int, spans: str) -> tuple[bool, ...]:
    """Return which slots of a day lie in opening hours: most schools share them."""
    return school_slots(start_ms, count, [Period(first, after) for first, after in json.loads(spans)])


def _outages(rows: Sequence[DayRow], first: str, inputs: SchoolInputs) -> tuple[list[OutageRow], int]:
    """Return the outages that the days from one on can change, and since when they are told.

    The fold begins at the last place before that day at which no outage can have been open.
    """
    before = _placed([row for row in rows if row.day < first])
    at = local_outages.settled_from(before)
    begin = before[at:] if at is not None else before
    since_ms = begin[0].from_ms if at is not None else 0
    given = begin + _placed([row for row in rows if row.day >= first])
    return _folded(inputs.code, given, rows), since_ms


def _folded(school: str, given: Sequence[Stretch], rows: Sequence[DayRow]) -> list[OutageRow]:
    late = [
        (row.start_ms + slot * SLOT_MS, row.start_ms + (slot + count) * SLOT_MS, learnt_ms)
        for row in rows
        if row.late
        for slot, count, learnt_ms in json.loads(row.late)
    ]
    return [_outage(school, one, late) for one in local_outages.fold(given)]


def outages_told(school: str, rows: Sequence[DayRow], *, is_all: bool) -> tuple[list[OutageRow], int] | None:
    """Return the outages that days tell of and the moment since which these are all; None: they cannot tell.

    Args:
        school: Its code.
        rows: Days of it, oldest first, none missing between them.
        is_all: Whether there is no day before these; else an outage may have begun before the first of them.
    """
    if not rows or not any(slot in row.states for row in rows for slot in DOWN):
        return [], rows[0].start_ms if rows else 0  # nearly every school: nothing is read
    given = _placed(rows)
    at = 0 if is_all else local_outages.first_settled(given)
    return None if at is None else (_folded(school, given[at:], rows), given[at].from_ms)


def _outage(school: str, one: LocalOutage, late: Sequence[tuple[int, int, int]]) -> OutageRow:
    # It was learnt with the slots that opened it; how it went on may have come later.
    opened_ms = one.from_ms + local_outages.OPEN_SLOTS * SLOT_MS
    learnt = [ms for from_ms, to_ms, ms in late if from_ms < opened_ms and to_ms > one.from_ms]
    word = one.word.name.lower()
    last = max(learnt, default=None)
    return sealed(OutageRow(school, one.from_ms, one.seen_ms, one.to_ms, one.down_slots, one.school_slots, word, last))


# --- the last school days -------------------------------------------------------------------------------------------


def last_days(school: str, rows: Sequence[DayRow], today: date) -> NowRow:
    """Return what the last ten school days before one say of a school.

    Args:
        school: Its code.
        rows: Days of it, oldest first; those ten are among them.
        today: At the school.
    """
    as_of = today.isoformat()
    window = [row for row in rows if row.is_open and row.day < as_of][-WINDOW_DAYS:]
    good, down, unobserved = (
        sum(getattr(row, name) for row in window) for name in ("good_slots", "down_slots", "unobserved_slots")
    )
    return NowRow(
        school=school,
        as_of=as_of,
        from_day=window[0].day if window else None,
        last_day=window[-1].day if window else None,
        days=len(window),
        good_slots=good,
        down_slots=down,
        unobserved_slots=unobserved,
        availability=availability_of(good, down),
        coverage=coverage_of(good, down, unobserved),
    )


def _observed(inputs: SchoolInputs, rows: Sequence[DayRow], since: date, today: date) -> list[Seen]:
    days = [_counted(inputs, row) for row in rows if row.is_open and row.day < today.isoformat()]
    return observations(days, since, lambda day: needed_pct(inputs, day))


def _counted(inputs: SchoolInputs, row: DayRow) -> Counted:
    day = date.fromisoformat(row.day)
    is_on_hold = inputs.at(day).suppression is not None
    return Counted(day, row.good_slots, row.down_slots, row.unobserved_slots, is_on_hold)


def needed_pct(inputs: SchoolInputs, day: date) -> float:
    """Return the availability that the profile in force at a school asks for on a day, percent."""
    profile = inputs.profile_on(day)
    wanted = [one.value for one in profile.companions if one.metric == METRIC] if profile else []
    return wanted[0] if wanted else DEFAULT_PCT
