"""What people do about flags: their deeds, where they stand with each flag, and what a closing does to it at once.

Nothing here commits. The evaluation is the judge of a flag's state; what is written here into `flags` when a person
closes one is exactly what the next fold would write, so that nobody waits for it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from collector.domain.casework import Act
from collector.domain.scope import NOTHING, Scope, scope_of
from collector.domain.words import OPEN_STATES, SPEED, FlagEventKind
from collector.store import locks
from collector.store.queries.judging import judgement
from collector.store.queries.pieces import in_pieces
from collector.store.tables.judgement import EVALUATIONS, FLAG_ACTIONS, FLAG_EVENTS, FLAG_WORK, FLAGS
from collector.store.tables.people import USERS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork

BY_PERSON: Final = "person"  # closed_by


@dataclass(frozen=True)
class Subject:
    """A flag as a deed meets it."""

    flag_id: str
    school: str
    name: str
    timezone: str | None
    kind: str
    profile: str
    metric: str
    state: str
    opened_on: str
    last_day: str
    version: int


@dataclass(frozen=True)
class StoredAct:
    """A deed as it is stored."""

    action_id: str
    flag_id: str
    seq: int
    at_ms: int
    day: str  # local to the school
    user_name: str
    action: str
    value: str | None
    note: str | None
    batch_id: str | None
    school: str
    kind: str
    profile: str
    metric: str

    @property
    def act(self) -> Act:
        """The part that the fold reads."""
        return Act(self.action_id, self.action, self.user_name, self.value, self.note)


_STORED = [FLAG_ACTIONS.c[name] for name in StoredAct.__dataclass_fields__]
_ORDER = (FLAG_ACTIONS.c.flag_id, FLAG_ACTIONS.c.seq, FLAG_ACTIONS.c.at_ms, FLAG_ACTIONS.c.action_id)
_SUBJECT = (
    FLAGS.c.flag_id,
    FLAGS.c.school,
    SCHOOLS.c.name,
    SCHOOLS.c.timezone,
    *(FLAGS.c[name] for name in ("kind", "profile", "metric", "state", "opened_on", "last_day")),
    func.coalesce(FLAG_WORK.c.version, 0).label("version"),
)


def _pieces(values: Iterable[str]) -> Iterator[list[str]]:
    return in_pieces(sorted(set(values)))


def schools_of(snapshot: Snapshot, flag_ids: Iterable[str]) -> set[str]:
    """Return the schools that some flags are of."""
    found: set[str] = set()
    for ids in _pieces(flag_ids):
        found.update(snapshot.connection.scalars(select(FLAGS.c.school).where(FLAGS.c.flag_id.in_(ids))))
    return found


def lock(unit: UnitOfWork, flag_ids: Sequence[str]) -> None:
    """Let nobody fold the schools of some flags, or do anything about these, until the transaction ends."""
    locks.hold(unit, schools_of(unit, flag_ids))


def subjects(snapshot: Snapshot, flag_ids: Iterable[str]) -> dict[str, Subject]:
    """Return some flags, without those that are not there."""
    source = FLAGS.join(SCHOOLS, SCHOOLS.c.code == FLAGS.c.school).outerjoin(
        FLAG_WORK, FLAG_WORK.c.flag_id == FLAGS.c.flag_id
    )
    found: dict[str, Subject] = {}
    for ids in _pieces(flag_ids):
        query = select(*_SUBJECT).select_from(source).where(FLAGS.c.flag_id.in_(ids))
        for row in snapshot.connection.execute(query).mappings():
            found[row["flag_id"]] = Subject(**row)
    return found


def acts(snapshot: Snapshot, flag_ids: Iterable[str]) -> dict[str, list[StoredAct]]:
    """Return what people did about some flags, in order."""
    found: dict[str, list[StoredAct]] = {}
    for ids in _pieces(flag_ids):
        query = select(*_STORED).where(FLAG_ACTIONS.c.flag_id.in_(ids)).order_by(*_ORDER)
        for row in snapshot.connection.execute(query).mappings():
            found.setdefault(row["flag_id"], []).append(StoredAct(**row))
    return found


def batch(snapshot: Snapshot, batch_id: str) -> list[StoredAct]:
    """Return what one form did, in the order of the flags."""
    query = select(*_STORED).where(FLAG_ACTIONS.c.batch_id == batch_id).order_by(*_ORDER)
    return [StoredAct(**row) for row in snapshot.connection.execute(query).mappings()]


def undone_in(snapshot: Snapshot, given: Sequence[StoredAct]) -> set[str]:
    """Return which of some deeds were taken back."""
    found: set[str] = set()
    ids = {act.action_id for act in given}
    for flags in _pieces(act.flag_id for act in given):
        query = select(FLAG_ACTIONS.c.value).where(FLAG_ACTIONS.c.flag_id.in_(flags), FLAG_ACTIONS.c.action == "undone")
        found.update(value for value in snapshot.connection.scalars(query) if value in ids)
    return found


def add_acts(unit: UnitOfWork, given: Sequence[StoredAct]) -> None:
    """Write deeds down."""
    unit.connection.execute(insert(FLAG_ACTIONS), [act.__dict__ for act in given])


def set_work(unit: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write where people stand with some flags, over what was there."""
    for ids in _pieces(row["flag_id"] for row in rows):
        unit.connection.execute(delete(FLAG_WORK).where(FLAG_WORK.c.flag_id.in_(ids)))
    unit.connection.execute(insert(FLAG_WORK), [dict(row) for row in rows])


def people(snapshot: Snapshot, roles: Sequence[str], scope: Scope) -> list[str]:
    """Return the names of those who may sign in with one of some roles and see something of a scope."""
    query = select(USERS.c.name, USERS.c.areas).where(USERS.c.role.in_(roles), USERS.c.disabled_ms.is_(None))
    found = snapshot.connection.execute(query.order_by(USERS.c.name_folded)).all()
    return [name for name, areas in found if scope.meet(scope_of(json.loads(areas))) != NOTHING]


def close_now(unit: UnitOfWork, subject: Subject, day: str) -> None:
    """Close a flag as the fold would on this day.

    Where it is judged beyond the day already, the next evaluation does it.
    """
    if subject.state not in OPEN_STATES or subject.last_day > day:
        return
    closed = {"state": "closed", "state_count": 0, "is_stale": False, "last_day": day, "closed_on": day}
    flag = FLAGS.c.flag_id == subject.flag_id
    unit.connection.execute(update(FLAGS).where(flag).values(closed_by=BY_PERSON, **closed))
    last = select(func.max(FLAG_EVENTS.c.seq)).where(FLAG_EVENTS.c.flag_id == subject.flag_id)
    event = {"day": day, "event": FlagEventKind.CLOSED_BY_PERSON.value, "numbers": "{}"}
    seq = int(unit.connection.scalar(last) or 0) + 1
    unit.connection.execute(insert(FLAG_EVENTS).values(flag_id=subject.flag_id, seq=seq, **event))


def reopen_now(unit: UnitOfWork, subject: Subject, day: str) -> None:
    """Open a flag again whose closing on a day is taken back, and let the next evaluation fold the school from it."""
    if subject.kind == SPEED:  # the others are folded from their first day anyway
        judgement.reopen_days(unit, day, [subject.school])
    flag = (FLAGS.c.flag_id == subject.flag_id) & (FLAGS.c.closed_by == BY_PERSON) & (FLAGS.c.closed_on == day)
    stood = _stood(unit, subject, day)
    opened = {"closed_on": None, "closed_by": None, "is_stale": False, **stood}
    if not unit.connection.execute(update(FLAGS).where(flag).values(**opened)).rowcount:
        return
    event = (FLAG_EVENTS.c.flag_id == subject.flag_id) & (FLAG_EVENTS.c.day == day)
    is_closing = FLAG_EVENTS.c.event == FlagEventKind.CLOSED_BY_PERSON.value
    unit.connection.execute(delete(FLAG_EVENTS).where(event, is_closing))


def _stood(snapshot: Snapshot, subject: Subject, day: str) -> dict[str, Any]:
    """Return where the evaluation stood with a flag on a day."""
    query = (
        select(EVALUATIONS.c.state, EVALUATIONS.c.state_count, EVALUATIONS.c.day)
        .where(
            EVALUATIONS.c.school == subject.school,
            EVALUATIONS.c.profile == subject.profile,
            EVALUATIONS.c.metric == subject.metric,
            EVALUATIONS.c.day.between(subject.opened_on, day),
            EVALUATIONS.c.state.in_(OPEN_STATES),
        )
        .order_by(EVALUATIONS.c.day.desc())
        .limit(1)
    )
    row = snapshot.connection.execute(query).first()
    if row is None:
        return {"state": "open", "state_count": 0, "last_day": subject.opened_on}
    return {"state": row.state, "state_count": row.state_count, "last_day": row.day}
