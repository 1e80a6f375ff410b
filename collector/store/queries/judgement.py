"""What the evaluation reads and writes: measurements, school days, evaluations, flags. Nothing here commits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, update

from collector.store.tables.judgement import EVALUATIONS, FLAG_ACTIONS, FLAG_EVENTS, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.unit import Snapshot, UnitOfWork

OPEN_STATES = ("open", "recovering")
CLOSED_ACTION = "closed"  # of FLAG_ACTIONS: a person closed the flag


@dataclass(frozen=True, slots=True)
class Measured:
    """The part of a measurement that decides whether it votes, and what it says."""

    device: str
    rid: str
    status: str
    trigger: str
    started_ms: int  # corrected
    received_ms: int
    time_quality: str
    time_width_ms: int
    engine: str | None
    server_id: str | None
    download_bps: int | None
    download_steady_s: float | None
    download_bytes: int | None
    download_stop_reason: str | None
    download_lower_bound: bool | None
    upload_bps: int | None
    idle_rtt_ms: float | None
    medium: str | None
    link_bps: int | None
    cpu_pct: float | None
    other_bps: int | None
    retracted_ms: int | None
    votes: bool | None
    exclusion: str | None


@dataclass(frozen=True)
class Series:
    """What is judged of a school."""

    school: str
    profile: str
    metric: str


@dataclass(frozen=True)
class Judged:
    """An evaluation as far as the fold needs it to go on."""

    day: str
    state: str
    state_count: int
    severity: str | None


@dataclass(frozen=True)
class Flag:
    """A flag as it is stored."""

    flag_id: str
    school: str
    kind: str
    profile: str
    metric: str
    below_since: str
    opened_on: str
    closed_on: str | None
    closed_by: str | None
    state: str
    state_count: int
    severity: str | None
    is_stale: bool
    last_day: str


@dataclass(frozen=True)
class Vote:
    """Whether a measurement votes, as worked out now."""

    device: str
    rid: str
    votes: bool
    exclusion: str | None


_MEASURED = [MEASUREMENTS.c[name] for name in Measured.__dataclass_fields__]
_FLAG = [FLAGS.c[name] for name in Flag.__dataclass_fields__]


def _pairs(snapshot: Snapshot, query: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in snapshot.connection.execute(query)}


# --- what there is to do --------------------------------------------------------------------------------------------


def unjudged(snapshot: Snapshot) -> dict[str, int]:
    """Return the schools with measurements that nobody has judged, with the corrected start of the oldest, ms."""
    query = (
        select(MEASUREMENTS.c.school, func.min(MEASUREMENTS.c.started_ms))
        .where(MEASUREMENTS.c.votes.is_(None), MEASUREMENTS.c.school.is_not(None))
        .group_by(MEASUREMENTS.c.school)
    )
    return _pairs(snapshot, query)


def unfolded_days(snapshot: Snapshot) -> dict[str, str]:
    """Return the schools with days that are not final, with the oldest such day."""
    query = select(SCHOOL_DAYS.c.school, func.min(SCHOOL_DAYS.c.day)).where(SCHOOL_DAYS.c.is_final.is_(False))
    return _pairs(snapshot, query.group_by(SCHOOL_DAYS.c.school))


def open_flags(snapshot: Snapshot) -> dict[str, bool]:
    """Return the schools with a flag that is open or recovering, and whether it is stale."""
    return _pairs(snapshot, select(FLAGS.c.school, FLAGS.c.is_stale).where(FLAGS.c.state.in_(OPEN_STATES)))


def unfolded_closings(snapshot: Snapshot) -> dict[str, str]:
    """Return the schools whose flag a person closed and the fold does not know of yet, with the oldest such day."""
    query = (
        select(FLAGS.c.school, func.min(FLAG_ACTIONS.c.day))
        .join(FLAG_ACTIONS, FLAG_ACTIONS.c.flag_id == FLAGS.c.flag_id)
        .where(FLAGS.c.state.in_(OPEN_STATES), FLAG_ACTIONS.c.action == CLOSED_ACTION)
    )
    return _pairs(snapshot, query.group_by(FLAGS.c.school))


def closings(snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the local days on which people closed flags, by the flag's id; a flag may be gone meanwhile."""
    query = select(FLAG_ACTIONS.c.flag_id, FLAG_ACTIONS.c.day).where(FLAG_ACTIONS.c.action == CLOSED_ACTION)
    found: dict[str, list[str]] = {}
    for flag_id, day in snapshot.connection.execute(query.order_by(FLAG_ACTIONS.c.day)):
        found.setdefault(flag_id, []).append(day)
    return found


def last_voting_days(snapshot: Snapshot) -> dict[str, str]:
    """Return the newest local day with a voting measurement of the schools with an open flag."""
    flagged = select(FLAGS.c.school).where(FLAGS.c.state.in_(OPEN_STATES))
    query = select(SCHOOL_DAYS.c.school, func.max(SCHOOL_DAYS.c.day)).where(
        SCHOOL_DAYS.c.school.in_(flagged), SCHOOL_DAYS.c.voting > 0
    )
    return _pairs(snapshot, query.group_by(SCHOOL_DAYS.c.school))


def set_stale(unit: UnitOfWork, school: str, is_stale: bool) -> None:
    """Lay the overlay `stale` over the open flags of a school, or take it away."""
    of_it = (FLAGS.c.school == school) & FLAGS.c.state.in_(OPEN_STATES)
    unit.connection.execute(update(FLAGS).where(of_it).values(is_stale=is_stale))


def set_aside_unassigned(unit: UnitOfWork, exclusion: str) -> None:
    """Say of measurements that belong to no school that they do not vote; approving their device undoes it."""
    rows = MEASUREMENTS.c.votes.is_(None) & MEASUREMENTS.c.school.is_(None)
    unit.connection.execute(update(MEASUREMENTS).where(rows).values(votes=False, exclusion=exclusion))


def reopen_days(unit: UnitOfWork, from_day: str, codes: Sequence[str] | None = None) -> None:
    """Let the next evaluation fold days again, from a local day on: an input of theirs has changed.

    Args:
        unit: The transaction to write in.
        from_day: The first day concerned.
        codes: The schools concerned; None for all.
    """
    statement = update(SCHOOL_DAYS).where(SCHOOL_DAYS.c.day >= from_day).values(is_final=False)
    if codes is None:
        unit.connection.execute(statement)
        return
    for code in codes:
        unit.connection.execute(statement.where(SCHOOL_DAYS.c.school == code))


@contextmanager
def isolated(unit: UnitOfWork, school: str) -> Iterator[None]:
    """Undo what the block wrote of a school if it raises, and let nobody else evaluate the school meanwhile."""
    with unit.connection.begin_nested():
        if unit.connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
            unit.connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(school))))
        yield


# --- one school -----------------------------------------------------------------------------------------------------


def measured(snapshot: Snapshot, school: str, from_ms: int, to_ms: int) -> list[Measured]:
    """Return the measurements of a school with a corrected start in [from_ms, to_ms), oldest first."""
    query = (
        select(*_MEASURED)
        .where(MEASUREMENTS.c.school == school, MEASUREMENTS.c.started_ms >= from_ms, MEASUREMENTS.c.started_ms < to_ms)
        .order_by(MEASUREMENTS.c.started_ms, MEASUREMENTS.c.device, MEASUREMENTS.c.rid)
    )
    return [Measured(*row) for row in snapshot.connection.execute(query)]


def first_measured_ms(snapshot: Snapshot, school: str) -> int | None:
    """Return the corrected start of a school's oldest measurement."""
    query = select(func.min(MEASUREMENTS.c.started_ms)).where(MEASUREMENTS.c.school == school)
    value: int | None = snapshot.connection.scalar(query)
    return value


def newest_day(snapshot: Snapshot, school: str) -> str | None:
    """Return the newest local day that the evaluation has written of a school."""
    value: str | None = snapshot.connection.scalar(
        select(func.max(SCHOOL_DAYS.c.day)).where(SCHOOL_DAYS.c.school == school)
    )
    return value


def judged_before(snapshot: Snapshot, series: Series, day: str) -> Judged | None:
    """Return the newest evaluation before a day."""
    query = (
        select(EVALUATIONS.c.day, EVALUATIONS.c.state, EVALUATIONS.c.state_count, EVALUATIONS.c.severity)
        .where(*_of(series), EVALUATIONS.c.day < day)
        .order_by(EVALUATIONS.c.day.desc())
        .limit(1)
    )
    row = snapshot.connection.execute(query).first()
    return Judged(*row) if row is not None else None


def watch_began(snapshot: Snapshot, series: Series, until: str) -> str | None:
    """Return the day on which the watch began that stands on a day."""
    query = select(func.max(EVALUATIONS.c.day)).where(
        *_of(series), EVALUATIONS.c.day <= until, EVALUATIONS.c.state == "watch", EVALUATIONS.c.state_count == 1
    )
    value: str | None = snapshot.connection.scalar(query)
    return value


def newest_severity(snapshot: Snapshot, series: Series, from_day: str, until: str) -> str | None:
    """Return the severity of the newest evaluation that has one, both days included."""
    query = (
        select(EVALUATIONS.c.severity)
        .where(*_of(series), EVALUATIONS.c.day.between(from_day, until), EVALUATIONS.c.severity.is_not(None))
        .order_by(EVALUATIONS.c.day.desc())
        .limit(1)
    )
    value: str | None = snapshot.connection.scalar(query)
    return value


def _of(series: Series) -> tuple[Any, ...]:
    return (
        EVALUATIONS.c.school == series.school,
        EVALUATIONS.c.profile == series.profile,
        EVALUATIONS.c.metric == series.metric,
    )


def flags_of(snapshot: Snapshot, series: Series) -> list[Flag]:
    """Return every flag of a series, the oldest first."""
    query = select(*_FLAG).where(
        FLAGS.c.school == series.school, FLAGS.c.profile == series.profile, FLAGS.c.metric == series.metric
    )
    return [Flag(*row) for row in snapshot.connection.execute(query.order_by(FLAGS.c.opened_on, FLAGS.c.flag_id))]


def set_votes(unit: UnitOfWork, votes: Sequence[Vote]) -> None:
    """Write down of measurements whether they vote, and why not."""
    if not votes:
        return
    statement = (
        update(MEASUREMENTS)
        .where(MEASUREMENTS.c.device == bindparam("of_device"), MEASUREMENTS.c.rid == bindparam("of_rid"))
        .values(votes=bindparam("now_votes"), exclusion=bindparam("now_exclusion"))
    )
    unit.connection.execute(
        statement,
        [{"of_device": v.device, "of_rid": v.rid, "now_votes": v.votes, "now_exclusion": v.exclusion} for v in votes],
    )


def replace_days(unit: UnitOfWork, school: str, from_day: str, rows: list[dict[str, Any]]) -> None:
    """Write the days of a school from a day on over those that are there."""
    unit.connection.execute(delete(SCHOOL_DAYS).where(SCHOOL_DAYS.c.school == school, SCHOOL_DAYS.c.day >= from_day))
    if rows:
        unit.connection.execute(insert(SCHOOL_DAYS), rows)


def replace_evaluations(unit: UnitOfWork, series: Series, from_day: str, rows: list[dict[str, Any]]) -> None:
    """Write the evaluations of a series from a day on over those that are there."""
    unit.connection.execute(delete(EVALUATIONS).where(*_of(series), EVALUATIONS.c.day >= from_day))
    if rows:
        unit.connection.execute(insert(EVALUATIONS), rows)


def write_flags(unit: UnitOfWork, flags: Sequence[Flag]) -> None:
    """Write flags over those with the same id."""
    if not flags:
        return
    unit.connection.execute(delete(FLAGS).where(FLAGS.c.flag_id.in_([flag.flag_id for flag in flags])))
    unit.connection.execute(
        insert(FLAGS), [{name: getattr(flag, name) for name in Flag.__dataclass_fields__} for flag in flags]
    )


def cut_events(unit: UnitOfWork, flag_ids: Sequence[str], from_day: str) -> dict[str, int]:
    """Delete the events of flags from a day on; return the highest number that is left of each, 0 for none."""
    if not flag_ids:
        return {}
    of_them = FLAG_EVENTS.c.flag_id.in_(flag_ids)
    unit.connection.execute(delete(FLAG_EVENTS).where(of_them, FLAG_EVENTS.c.day >= from_day))
    return last_events(unit, flag_ids)


def last_events(snapshot: Snapshot, flag_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of the newest event of each flag, 0 for none."""
    query = select(FLAG_EVENTS.c.flag_id, func.max(FLAG_EVENTS.c.seq)).where(FLAG_EVENTS.c.flag_id.in_(flag_ids))
    found = _pairs(snapshot, query.group_by(FLAG_EVENTS.c.flag_id))
    return {flag_id: found.get(flag_id, 0) for flag_id in flag_ids}


def add_events(unit: UnitOfWork, rows: list[dict[str, Any]]) -> None:
    """Store events of flags."""
    if rows:
        unit.connection.execute(insert(FLAG_EVENTS), rows)


# --- all of it ------------------------------------------------------------------------------------------------------


def verdict_counts(snapshot: Snapshot, profile: str, metric: str) -> dict[str, int]:
    """Return how many schools have which verdict in their newest evaluation."""
    newest = (
        select(EVALUATIONS.c.school, func.max(EVALUATIONS.c.day).label("day"))
        .where(EVALUATIONS.c.profile == profile, EVALUATIONS.c.metric == metric)
        .group_by(EVALUATIONS.c.school)
        .subquery()
    )
    query = (
        select(EVALUATIONS.c.verdict, func.count())
        .join(newest, (newest.c.school == EVALUATIONS.c.school) & (newest.c.day == EVALUATIONS.c.day))
        .where(EVALUATIONS.c.profile == profile, EVALUATIONS.c.metric == metric)
        .group_by(EVALUATIONS.c.verdict)
    )
    return _pairs(snapshot, query)


def count_open_flags(snapshot: Snapshot) -> int:
    """Return how many flags are open or recovering."""
    query = select(func.count()).select_from(FLAGS).where(FLAGS.c.state.in_(OPEN_STATES))
    return int(snapshot.connection.execute(query).scalar_one())


def is_folded(snapshot: Snapshot, profile: str) -> bool:
    """Return whether there are evaluations by this profile, or no days to judge."""
    some = select(EVALUATIONS.c.school).where(EVALUATIONS.c.profile == profile).limit(1)
    if snapshot.connection.execute(some).first() is not None:
        return True
    return snapshot.connection.execute(select(SCHOOL_DAYS.c.school).limit(1)).first() is None


def has_days_lost(snapshot: Snapshot) -> bool:
    """Return whether measurements have votes but there is no day that they lie on: somebody deleted the days."""
    if snapshot.connection.execute(select(SCHOOL_DAYS.c.school).limit(1)).first() is not None:
        return False
    voted = select(MEASUREMENTS.c.rid).where(MEASUREMENTS.c.votes.is_(True)).limit(1)
    return snapshot.connection.execute(voted).first() is not None


def forget_everything(unit: UnitOfWork) -> None:
    """Delete all that the evaluation has written; measurements and what people did stay."""
    for table in (FLAG_EVENTS, FLAGS, EVALUATIONS, SCHOOL_DAYS):
        unit.connection.execute(delete(table))
    unjudge_everything(unit)


def unjudge_everything(unit: UnitOfWork) -> None:
    """Let the next evaluation look at every measurement again."""
    unit.connection.execute(update(MEASUREMENTS).values(votes=None, exclusion=None))
