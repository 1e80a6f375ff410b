"""What is new for the evaluation, and what it has come to; `fold` does the rest. Nothing here commits."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update

from collector.domain.words import OPEN_STATES, SPEED, FlagEventKind
from collector.store.queries import availability_marks, newness
from collector.store.queries.pieces import in_pieces
from collector.store.tables.judgement import (
    EVALUATIONS,
    FLAG_ACTIONS,
    FLAG_EVENTS,
    FLAGS,
    NEWEST_EVALUATIONS,
    PERIOD_VERDICTS,
    SCHOOL_DAYS,
    SCHOOL_MONTHS,
)
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.unit import Snapshot, UnitOfWork

CLOSED_ACTION, UNDONE_ACTION = "closed", "undone"  # of FLAG_ACTIONS: a person closed the flag; took a deed back
_UNDO = FLAG_ACTIONS.alias()
CLOSED = (FLAG_ACTIONS.c.action == CLOSED_ACTION) & ~(
    select(_UNDO.c.action_id)
    .where(
        _UNDO.c.flag_id == FLAG_ACTIONS.c.flag_id,
        _UNDO.c.action == UNDONE_ACTION,
        _UNDO.c.value == FLAG_ACTIONS.c.action_id,
    )
    .exists()
)
_OPEN = FLAGS.c.state.in_(OPEN_STATES) & (FLAGS.c.kind == SPEED)  # the flags that verdicts open and close


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
    """Return the schools with a flag by verdicts that is open or recovering, and whether it is stale."""
    return _pairs(snapshot, select(FLAGS.c.school, FLAGS.c.is_stale).where(_OPEN))


def unfolded_closings(snapshot: Snapshot) -> dict[str, str]:
    """Return the schools whose flag a person closed and verdicts do not know of it yet, with the oldest such day."""
    query = (
        select(FLAGS.c.school, func.min(FLAG_ACTIONS.c.day))
        .join(FLAG_ACTIONS, FLAG_ACTIONS.c.flag_id == FLAGS.c.flag_id)
        .where(_OPEN, CLOSED)
    )
    return _pairs(snapshot, query.group_by(FLAGS.c.school))


def closings(snapshot: Snapshot, schools: Sequence[str], kind: str, profile: str, metric: str) -> dict[str, list[str]]:
    """Return the local days on which people closed flags of a series, in order, by school.

    A flag may be gone meanwhile; closings that were taken back are not among them.
    """
    acts = FLAG_ACTIONS.c
    of_them = acts.school.in_(schools) & (acts.kind == kind) & (acts.profile == profile) & (acts.metric == metric)
    query = select(acts.school, acts.day).where(CLOSED, of_them).order_by(acts.day)
    found: dict[str, list[str]] = {}
    for school, day in snapshot.connection.execute(query):
        found.setdefault(school, []).append(day)
    return found


def last_voting_days(snapshot: Snapshot) -> dict[str, str]:
    """Return the newest local day with a voting measurement of the schools with an open flag by verdicts."""
    flagged = select(FLAGS.c.school).where(_OPEN)
    query = select(SCHOOL_DAYS.c.school, func.max(SCHOOL_DAYS.c.day)).where(
        SCHOOL_DAYS.c.school.in_(flagged), SCHOOL_DAYS.c.voting > 0
    )
    return _pairs(snapshot, query.group_by(SCHOOL_DAYS.c.school))


def set_stale(unit: UnitOfWork, school: str, is_stale: bool) -> None:
    """Lay the overlay `stale` over the open flag by verdicts of a school, or take it away."""
    of_it = (FLAGS.c.school == school) & _OPEN
    unit.connection.execute(update(FLAGS).where(of_it).values(is_stale=is_stale))


def set_aside_unassigned(unit: UnitOfWork, exclusion: str) -> None:
    """Say of measurements that belong to no school that they do not vote; approving their device undoes it.

    In the same transaction `newness` says so: a kill leaves no page with votes of before.
    """
    rows = MEASUREMENTS.c.votes.is_(None) & MEASUREMENTS.c.school.is_(None)
    done = unit.connection.execute(update(MEASUREMENTS).where(rows).values(votes=False, exclusion=exclusion))
    if done.rowcount:
        newness.raise_set_aside(unit)


def reopen_days(unit: UnitOfWork, from_day: str, codes: Sequence[str] | None = None) -> None:
    """Let the next evaluation fold days again, from a local day on: an input of theirs has changed.

    Args:
        unit: The transaction to write in.
        from_day: The first day concerned.
        codes: The schools concerned; None for all.
    """
    availability_marks.mark_days(unit, from_day, codes)
    leave_unfolded(unit, from_day, codes)


def leave_unfolded(unit: UnitOfWork, from_day: str, codes: Sequence[str] | None = None) -> None:
    """Let the next evaluation fold days again, from a local day on, of some schools or of all."""
    statement = update(SCHOOL_DAYS).where(SCHOOL_DAYS.c.day >= from_day).values(is_final=False)
    if codes is None:
        unit.connection.execute(statement)
        return
    for some in in_pieces(codes):
        unit.connection.execute(statement.where(SCHOOL_DAYS.c.school.in_(some)))


# --- all of it ------------------------------------------------------------------------------------------------------


def verdict_counts(snapshot: Snapshot, profile: str, metric: str) -> dict[str, int]:
    """Return how many schools have which verdict in their newest evaluation."""
    newest = NEWEST_EVALUATIONS.c
    query = select(newest.verdict, func.count()).where(newest.profile == profile, newest.metric == metric)
    return _pairs(snapshot, query.group_by(newest.verdict))


def count_open_flags(snapshot: Snapshot) -> int:
    """Return how many flags are open or recovering, of every kind."""
    query = select(func.count()).select_from(FLAGS).where(FLAGS.c.state.in_(OPEN_STATES))
    return int(snapshot.connection.execute(query).scalar_one())


def has_evaluations(snapshot: Snapshot, profile: str) -> bool:
    """Return whether anything has been judged by this profile."""
    some = select(EVALUATIONS.c.school).where(EVALUATIONS.c.profile == profile).limit(1)
    return snapshot.connection.execute(some).first() is not None


def retract_flags_of_others(unit: UnitOfWork, profile: str, day: str) -> None:
    """Take back the flags that a profile of before has open: nobody judges any more whether they may close."""
    others = _OPEN & (FLAGS.c.profile != profile)
    was = {row[0]: row[1] for row in unit.connection.execute(select(FLAGS.c.flag_id, FLAGS.c.state).where(others))}
    for some in in_pieces(sorted(was)):
        of_some = FLAGS.c.flag_id.in_(some)
        taken_back = {"state": FlagEventKind.RETRACTED.value, "state_count": 0, "is_stale": False, "closed_on": day}
        unit.connection.execute(update(FLAGS).where(of_some).values(**taken_back, last_day=day))
        last = select(FLAG_EVENTS.c.flag_id, func.max(FLAG_EVENTS.c.seq)).where(FLAG_EVENTS.c.flag_id.in_(some))
        seqs = _pairs(unit, last.group_by(FLAG_EVENTS.c.flag_id))
        unit.connection.execute(
            insert(FLAG_EVENTS),
            [
                {
                    "flag_id": flag_id,
                    "seq": seqs.get(flag_id, 0) + 1,
                    "day": day,
                    "event": FlagEventKind.RETRACTED.value,
                    "numbers": json.dumps({"now": profile, "was": was[flag_id]}),
                }
                for flag_id in some
            ],
        )


def is_folded(snapshot: Snapshot, profile: str) -> bool:
    """Return whether there are evaluations by this profile and what is made from them, or no days to judge."""
    some = [
        select(table.c.school).where(table.c.profile == profile).limit(1)
        for table in (EVALUATIONS, NEWEST_EVALUATIONS, PERIOD_VERDICTS)
    ]
    if all(snapshot.connection.execute(query).first() is not None for query in some):
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
    for table in (FLAG_EVENTS, FLAGS, EVALUATIONS, NEWEST_EVALUATIONS, PERIOD_VERDICTS, SCHOOL_DAYS, SCHOOL_MONTHS):
        unit.connection.execute(delete(table))
    unjudge_everything(unit)


def unjudge_everything(unit: UnitOfWork) -> None:
    """Let the next evaluation look at every measurement again."""
    unit.connection.execute(update(MEASUREMENTS).values(votes=None, exclusion=None))
    newness.raise_verdicts(unit)
