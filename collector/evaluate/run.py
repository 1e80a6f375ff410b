"""The evaluation: everything that is new, school by school, day by day. Running it again changes nothing.

Each school is folded on its own: one that fails is logged and tried again next time, the others go on. Writing is
done in short transactions, so that devices are answered meanwhile.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

from collector.config import CollectorConfig, check_profile
from collector.domain.calendars import local_day
from collector.domain.judge import METRIC
from collector.domain.observations import Observation
from collector.domain.words import Exclusion
from collector.errors import StorageError
from collector.evaluate import daily, delays, flags, observe, school, turns, work
from collector.evaluate.inputs import Deployment, Reference
from collector.evaluate.school import Span
from collector.evaluate.work import Task
from collector.ports import Ports
from collector.profiles import catalogue as profiles
from collector.store import locks
from collector.store.open import Store
from collector.store.queries import availability_marks, facts, schools
from collector.store.queries.judging import fold, judgement, summaries
from collector.store.queries.judging.fold import Past, Scope
from collector.store.queries.judging.summaries import Series
from collector.store.queries.pieces import in_pieces
from collector.store.unit import UnitOfWork

LOG = logging.getLogger(__name__)

EARLIEST = date(1970, 1, 1)  # no measurement is older

# Schools in one transaction: a few, because each commit waits for the disk, and devices wait for each commit.
_AT_ONCE = 50


@dataclass
class EvaluationReport:
    """What an evaluation did."""

    schools: int = 0  # that had something new
    days: int = 0  # judged, again or for the first time
    measurements: int = 0  # looked at
    failed: list[str] = field(default_factory=list)  # codes of schools that could not be evaluated

    def add(self, other: "EvaluationReport") -> None:
        """Count what another report counts."""
        self.schools += other.schools
        self.days += other.days
        self.measurements += other.measurements


def evaluate(
    store: Store,
    config: CollectorConfig,
    ports: Ports,
    *,
    as_of: date | None = None,
    from_day: date | None = None,
    reference: Reference | None = None,
) -> EvaluationReport:
    """Judge what is new, or fold again from a day on.

    Args:
        store: The database.
        config: Profile and default time zone.
        ports: The clock says which days are over.
        as_of: Treat the days up to this one as over, and look at none after it; None: as the clock says. Days that
            are judged already stay judged.
        from_day: Delete what was judged from this local day on and fold it again with the inputs of each day.
        reference: The series that is judged; None: any.

    Returns:
        Counts, and the schools that failed.

    Raises:
        CollectorError: If the deployment's profile is not known.
    """
    catalogue = profiles.load()
    check_profile(config.profile, catalogue.ids, "[collector] profile")
    now_ms = ports.clock.now_ms()
    with store.unit() as unit:
        judgement.set_aside_unassigned(unit, Exclusion.NOT_ASSIGNED.value)
        if work.notice_losses(unit, config):
            from_day = EARLIEST
        if from_day is not None:
            availability_marks.work_out_again(unit, max(from_day, EARLIEST).isoformat())
        unit.commit()
    with store.reader() as snapshot:
        deployment = work.deployment_of(snapshot, config, catalogue, reference or Reference())
        from_day = max(from_day, EARLIEST) if from_day else None
        tasks, failed = work.tasks(snapshot, deployment, now_ms, as_of=as_of, from_day=from_day)
    report = EvaluationReport(failed=failed)
    for batch in _batches(tasks):
        _evaluate_batch(store, batch, now_ms, as_of, report)
    _mend_summaries(store, deployment, now_ms)
    _finish(store, deployment, ports)
    report.failed += daily.observe(store, deployment, ports)
    return report


def replay(
    store: Store,
    config: CollectorConfig,
    ports: Ports,
    *,
    as_of: date | None = None,
    reference: Reference | None = None,
) -> EvaluationReport:
    """Forget every vote, day, evaluation and flag, and fold all of it again.

    Flags that late data had retracted are not found again; everything else comes out as it was. What each day says of
    a condition is no verdict: its writers work that out again in any run, and here it is folded again.
    """
    with store.unit() as unit:
        judgement.forget_everything(unit)
        unit.commit()
    return evaluate(store, config, ports, as_of=as_of, reference=reference)


def _batches(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    """Yield a few schools at a time; those of one batch begin with the same day."""
    for _day, same in groupby(sorted(tasks, key=_from_day), key=_from_day):
        yield from in_pieces(same, _AT_ONCE)


def _from_day(task: Task) -> date:
    return task.from_day


def _evaluate_batch(
    store: Store, batch: Sequence[Task], now_ms: int, as_of: date | None, report: EvaluationReport
) -> None:
    """Fold the schools of a batch together; if that fails, each alone, so that one fault keeps no other waiting."""
    done = EvaluationReport()
    try:
        with store.unit() as unit:
            _fold_together(unit, batch, now_ms, as_of, done)
            unit.commit()
    except StorageError:
        raise
    except Exception:  # one school's fault must not keep the others from being judged
        if len(batch) > 1:
            for task in batch:
                _evaluate_batch(store, [task], now_ms, as_of, report)
            return
        (task,) = batch
        if task.from_day > EARLIEST:  # what is stored of it may not fit together: fold it from the beginning
            _evaluate_batch(store, [Task(task.inputs, EARLIEST)], now_ms, as_of, report)
            return
        LOG.exception("evaluate.school_failed", extra={"school": task.inputs.code})
        report.failed.append(task.inputs.code)
        return
    report.add(done)


def _fold_together(
    unit: UnitOfWork, batch: Sequence[Task], now_ms: int, as_of: date | None, done: EvaluationReport
) -> None:
    first = batch[0]
    begins_ms = [task.inputs.start_ms(task.from_day) for task in batch]
    scope = Scope(
        schools=tuple(task.inputs.code for task in batch),
        profile=first.inputs.deployment.profile_id,
        metric=METRIC,
        from_day=first.from_day.isoformat(),
        near_ms=min(task.inputs.start_ms(task.from_day - school.NEAR) for task in batch),
        reach_ms=min(task.inputs.start_ms(task.from_day - school.REACH) for task in batch),
        from_ms=min(begins_ms),
        until_ms=max(begins_ms),
    )
    locks.hold(unit, scope.schools)  # nobody else folds them, or acts on their flags
    is_same = availability_marks.inputs_are(unit, first.inputs.deployment.inputs_version)
    past, earlier = fold.load(unit, scope), _earlier(unit, scope, batch)
    # Read now: somebody may have closed a flag, or taken that back, a moment ago.
    closings = judgement.closings(unit, scope.schools, flags.KIND, scope.profile, scope.metric)
    outcomes = []
    for task in batch:
        known = past[task.inputs.code]
        closed_on = closings.get(task.inputs.code, ())
        span = _span(task, known, now_ms, as_of)
        outcome = school.fold_school(known, earlier[task.inputs.code], task.inputs, span, closed_on)
        outcomes.append(outcome)
        done.schools += 1
        done.days += len(outcome.evaluations)
        done.measurements += sum(row["measurements"] for row in outcome.days)
    fold.write(unit, scope, outcomes)
    delays.write(unit, {code: one.observed for code, one in zip(scope.schools, outcomes, strict=True)}, first.from_day)
    if not is_same:  # calendars, say, changed since they were read: the next run folds these days again
        judgement.leave_unfolded(unit, scope.from_day, scope.schools)


def _earlier(unit: UnitOfWork, scope: Scope, batch: Sequence[Task]) -> dict[str, list[Observation]]:
    """Return what was observed before the days to fold, by school.

    Votes of the last weeks are enough for nearly every school; of the others all that a window may hold are read.
    """
    found: dict[str, list[Observation]] = {}
    tasks = list(batch)
    for from_ms in (scope.near_ms, scope.reach_ms):
        voted = fold.voted(unit, scope, [task.inputs.code for task in tasks], from_ms) if tasks else {}
        seen = {
            task.inputs.code: observe.remembered(voted[task.inputs.code], task.inputs, task.from_day) for task in tasks
        }
        found |= {code: one.observations for code, one in seen.items()}
        tasks = [task for task in tasks if not seen[task.inputs.code].is_enough]
    return found


def _span(task: Task, past: Past, now_ms: int, as_of: date | None) -> Span:
    """Return the days to fold; those that were judged before are folded again, never dropped."""
    if as_of is None:
        today = task.inputs.local_day(now_ms)
        return Span(task.from_day, task.inputs.last_full_day(now_ms), today)
    last = max(as_of, date.fromisoformat(past.newest_day)) if past.newest_day else as_of
    return Span(task.from_day, last, last)


def _mend_summaries(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Make newest evaluations that somebody wrote over anew, and all periods of the schools whose turn it is."""
    series = Series(deployment.profile_id, METRIC)
    with store.reader() as snapshot:
        wrong = summaries.wrong_newest(snapshot, series)
        again = turns.in_turn(snapshot, schools.codes(snapshot), now_ms)
    for some in in_pieces(sorted({*wrong, *again}), _AT_ONCE):
        with store.unit() as unit:
            locks.hold(unit, some)
            summaries.renew(unit, series, some, EARLIEST.isoformat())
            unit.commit()


def _finish(store: Store, deployment: Deployment, ports: Ports) -> None:
    now_ms = ports.clock.now_ms()
    with store.reader() as snapshot:
        changes = work.stale_flags(snapshot, deployment, now_ms)
    with store.unit() as unit:
        for code, is_stale in changes.items():
            judgement.set_stale(unit, code, is_stale)
        work.note_profile(unit, deployment.profile_id, local_day(now_ms, ZoneInfo(deployment.default_timezone)))
        facts.set_fact(unit, facts.LAST_EVALUATION_MS, str(now_ms))
        unit.commit()
