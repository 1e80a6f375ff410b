"""Whether the lines of schools were up, worked out from their diaries: what is new, school by school.

Days are never counted on: whatever comes or changes, its days are folded again from the runs that are stored, and what
differs is written. So any order of arrival gives the same rows, and running again changes nothing.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

from collector.domain.conditions import ConditionKind
from collector.errors import StorageError
from collector.evaluate import conditions, line_checks, line_days, turns
from collector.evaluate.inputs import Deployment, SchoolInputs
from collector.evaluate.line_checks import Checked
from collector.evaluate.line_days import Known, Outcome, Span
from collector.store import locks
from collector.store.open import Store
from collector.store.queries import availability_marks, facts, schools
from collector.store.queries.availability_marks import Mark
from collector.store.queries.judging import availability as stored
from collector.store.queries.judging.availability import NowRow
from collector.store.queries.judging.condition_days import Series
from collector.store.queries.pieces import in_pieces
from collector.store.unit import Snapshot, UnitOfWork

LOG = logging.getLogger(__name__)

_AT_ONCE = 50
_BACK = timedelta(days=21)  # nearly always ten school days, and where an outage that lasts began


@dataclass
class AvailabilityReport:
    """What a run did."""

    schools: int = 0  # that had something new
    days: int = 0  # looked at
    changed: int = 0  # days written
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Task:
    inputs: SchoolInputs
    span: Span
    mark: Mark | None  # that the span follows from


def write(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Work out what is new, as one of the writers of `daily`.

    Raises:
        RuntimeError: If a school failed; the others are written, and it is tried again next time.
    """
    if failed := work_out(store, deployment, now_ms).failed:
        raise RuntimeError(f"{len(failed)} schools could not be worked out")


def work_out(store: Store, deployment: Deployment, now_ms: int) -> AvailabilityReport:
    """Work out what is new.

    Args:
        store: The database.
        deployment: What holds for all schools.
        now_ms: The collector's time: it says which days are over.

    Returns:
        Counts, and the schools that failed; they are tried again next time.
    """
    with store.unit() as unit:
        _notice(unit, deployment.default_timezone)
        unit.commit()
    report = AvailabilityReport()
    with store.reader() as snapshot:
        tasks = _tasks(snapshot, deployment, now_ms, report)
    for batch in _batches(tasks):
        _work_batch(store, batch, report)
    return report


def _notice(unit: UnitOfWork, default_timezone: str) -> None:
    """Mark everything where all days begin at another moment, or somebody deleted what was worked out."""
    zone = facts.find_fact(unit, facts.AVAILABILITY_ZONE)
    if zone not in (None, default_timezone) or stored.has_losses(unit):
        availability_marks.work_out_again(unit, schools.FIRST_DAY)
    elif astray := stored.astray(unit):
        availability_marks.work_out_again(unit, schools.FIRST_DAY, astray)
    if zone != default_timezone:
        facts.set_fact(unit, facts.AVAILABILITY_ZONE, default_timezone)


def _tasks(snapshot: Snapshot, deployment: Deployment, now_ms: int, report: AvailabilityReport) -> list[_Task]:
    marks = {mark.school: mark for mark in availability_marks.marks(snapshot)}
    now = stored.now_rows(snapshot)
    checked = line_checks.check(snapshot, now)
    for code in checked.without_days:  # as if nothing had been worked out
        del now[code]
    again = turns.in_turn(snapshot, now, now_ms)
    found = schools.by_code(snapshot, marks.keys() | now.keys() | checked.without_days)
    dated = schools.facts_of(snapshot, found)
    wide = [code for code, mark in marks.items() if code in found and (mark.to_ms is None or code not in now)]
    wide += sorted(checked.without_days & found.keys() - marks.keys())
    first_ms = stored.first_moments(snapshot, wide)
    tasks = []
    for code in sorted(found):
        try:
            inputs = SchoolInputs(found[code], dated[code], deployment)
            broken = _broken(inputs, checked, first_ms.get(code), now_ms, is_in_turn=code in again)
            span = _span(inputs, marks.get(code), now.get(code), first_ms.get(code), now_ms, broken)
        except (ValueError, LookupError, OSError):  # what the registry's checks would not have let in
            LOG.exception("availability.school_failed", extra={"school": code})
            report.failed.append(code)
            continue
        if span is not None:
            tasks.append(_Task(inputs, span, marks.get(code)))
    return tasks


def _broken(
    inputs: SchoolInputs, checked: Checked, first_ms: int | None, now_ms: int, *, is_in_turn: bool
) -> date | None:
    """Return from which day on a school is folded again although nothing is new; None: it is as it should be."""
    code, today = inputs.code, inputs.local_day(now_ms)
    found = [checked.since[code]] if code in checked.since else []
    if code in checked.without_today and inputs.at(today).periods:
        found.append(today)
    if code in checked.without_days:
        found.append(today if first_ms is None else inputs.local_day(first_ms))
    if is_in_turn:
        found.append(today - timedelta(days=turns.BACK_DAYS))
    return min(found, default=None)


def _span(
    inputs: SchoolInputs,
    mark: Mark | None,
    now: NowRow | None,
    first_ms: int | None,
    now_ms: int,
    broken: date | None = None,
) -> Span | None:
    """Return which days of a school are folded; None: nothing is new.

    Args:
        inputs: The school.
        mark: What is new of it.
        now: What it has come to.
        first_ms: When its first run began, where the mark has no end or nothing was worked out; None: it has none.
        now_ms: The collector's time.
        broken: Since when what is stored is not what was written; None: all of it is.
    """
    today = inputs.local_day(now_ms)
    days = [] if now is None or now.as_of == today.isoformat() else [date.fromisoformat(now.as_of)]
    days += [] if broken is None else [broken]
    last, is_whole = today, False
    if mark is not None:
        from_ms = max(mark.from_ms, first_ms or 0)
        is_whole = mark.to_ms is None and mark.from_ms < from_ms
        days.append(inputs.local_day(from_ms))
        if mark.to_ms is not None and now is not None and len(days) == 1:
            last = min(today, inputs.local_day(mark.to_ms))
    if not days:
        return None
    if now is None and first_ms is None:
        return Span(today, today, today, is_heard=False)  # an input of a school that nobody was heard of
    if is_whole:
        last += timedelta(days=1)  # a day that has begun no longer where the school moved to the west
    first = min(*days, today)
    return Span(first, max(last, first), today, is_whole=is_whole)


def _batches(tasks: Sequence[_Task]) -> Iterator[Sequence[_Task]]:
    """Yield a few schools at a time, those of one batch with the same days."""

    def key(task: _Task) -> tuple[date, date]:
        return task.span.first, task.span.last

    for _days, same in groupby(sorted(tasks, key=key), key=key):
        yield from in_pieces(same, _AT_ONCE)


def _work_batch(store: Store, batch: Sequence[_Task], report: AvailabilityReport) -> None:
    """Work out the schools of a batch together; if that fails, each alone, so that one keeps no other waiting."""
    try:
        with store.unit() as unit:
            outcomes = _fold_together(unit, batch)
            unit.commit()
    except StorageError:
        raise
    except Exception:  # one school's fault must not keep the others from being worked out
        if len(batch) > 1:
            for task in batch:
                _work_batch(store, [task], report)
            return
        LOG.exception("availability.school_failed", extra={"school": batch[0].inputs.code})
        report.failed.append(batch[0].inputs.code)
        return
    report.schools += len(outcomes)
    report.days += sum(outcome.days for outcome in outcomes)
    report.changed += sum(len(outcome.rows) for outcome in outcomes)


def _fold_together(unit: UnitOfWork, batch: Sequence[_Task]) -> list[Outcome]:
    codes = [task.inputs.code for task in batch]
    locks.hold(unit, codes)  # nobody else works them out
    _take_marks(unit, batch)
    heard = [task for task in batch if task.span.is_heard]
    stored.forget(unit, [task.inputs.code for task in batch if not task.span.is_heard])
    if not heard:
        return []
    codes = [task.inputs.code for task in heard]
    known = _known(unit, heard, codes)
    outcomes = [line_days.work_out(task.inputs, task.span, known[task.inputs.code]) for task in heard]
    _write(unit, outcomes, stored.now_rows(unit, codes))
    return outcomes


def _take_marks(unit: UnitOfWork, batch: Sequence[_Task]) -> None:
    """Take the marks of a batch, before the runs are read: what comes meanwhile leaves a new one.

    What came since the run was planned stays for the next one: of other days, or inputs that are not those read here.
    """
    # First: who changes inputs writes marks while nobody else holds any and waits for the inputs.
    is_same = availability_marks.inputs_are(unit, batch[0].inputs.deployment.inputs_version)
    taken = availability_marks.take(unit, [task.inputs.code for task in batch])
    planned = {task.mark for task in batch} if is_same else set()
    availability_marks.put_back(unit, [mark for mark in taken.values() if mark not in planned])


def _known(unit: UnitOfWork, batch: Sequence[_Task], codes: Sequence[str]) -> dict[str, Known]:
    """Return what is stored of the schools of a batch: runs of the days to fold, and days around them."""
    first_days = stored.first_days(unit, codes)
    spans = {task.inputs.code: line_days.widened(task.span, first_days.get(task.inputs.code)) for task in batch}
    from_ms = min(task.inputs.start_ms(task.span.first) for task in batch)
    until_ms = max(task.inputs.start_ms(spans[task.inputs.code].last + timedelta(days=1)) for task in batch)
    first = min(min(task.span.first, task.span.today) for task in batch)
    rows = stored.days_since(unit, codes, (first - _BACK).isoformat())
    known = {code: Known(spans[code], rows[code], first_days.get(code)) for code in codes}
    for run in stored.runs(unit, codes, from_ms, until_ms, line_days.REACH_MS):
        known[run.school].runs.append(run)
    for stay in stored.stays(unit, codes):
        known[stay.school].stays.append(stay)
    short = [code for code in codes if line_days.needs_more(known[code])]
    if short:
        for code, more in stored.days_before(unit, short, (first - _BACK).isoformat()).items():
            known[code].rows[:0] = more
    return known


def _write(unit: UnitOfWork, outcomes: Sequence[Outcome], before: Mapping[str, NowRow]) -> None:
    stored.write_days(
        unit, [key for one in outcomes for key in one.gone], [row for one in outcomes for row in one.rows]
    )
    changed = [one.now for one in outcomes if before.get(one.now.school) != one.now]
    if changed:
        stored.write_now(unit, changed)
    codes = [one.now.school for one in outcomes]
    then = stored.outages(unit, codes)
    since_ms = {}
    for one in outcomes:
        if [row for row in then[one.now.school] if row.from_ms >= one.outages_since_ms] != one.outages:
            since_ms[one.now.school] = one.outages_since_ms
    for since, some in groupby(sorted(outcomes, key=_seen_since), key=_seen_since):
        series = {Series(one.now.school, ""): [seen.observed for seen in one.seen] for one in some}
        conditions.write_days(unit, ConditionKind.LOW_AVAILABILITY, series, since)
    told = [row for one in outcomes if one.now.school in since_ms for row in one.outages]
    stored.write_outages(unit, since_ms, told)


def _seen_since(outcome: Outcome) -> date:
    return outcome.seen_since
