"""The outbox: notices that wait, are being sent, were sent or failed, each try, and what each reader was told.

Nothing here commits. Who sends claims a notice for a while in one transaction, sends it without holding any, and
writes what became of it in another: a process that dies in between loses nothing, because the claim ends by itself.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from collector.domain.notice_delivery import After, Outcome, Result, State
from collector.domain.notice_facts import Standing, Told
from collector.domain.scope import Scope
from collector.store import locks
from collector.store.queries.pieces import in_pieces
from collector.store.tables.notices import NOTICE_ATTEMPTS, NOTICE_ITEMS, NOTICE_TURNS, NOTICES
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert as insert_once

_REMEMBERED_MS: Final = 60 * 86_400_000  # what is over is asked for so long: nothing older can be news again
DETAIL_CHARS: Final = 300
AHEAD_MS: Final = 12 * 3_600_000  # what was decided so far from now was decided by a clock that was ahead


@dataclass(frozen=True)
class Notice:
    """One notice."""

    notice_id: str
    reader: str
    topic: str
    language: str
    zone: str
    payload: str  # JSON
    made_ms: int
    state: str = State.WAITING.value
    tries: int = 0
    next_ms: int = 0
    claimed_until_ms: int | None = None
    done_ms: int | None = None
    areas: str = "[]"  # JSON: of the scope that it was written for
    due_ms: int = 0  # when it was first to be sent


@dataclass(frozen=True)
class Attempt:
    """One try to send a notice."""

    notice_id: str
    seq: int
    at_ms: int
    address: str
    word: str
    detail: str | None


@dataclass(frozen=True)
class Queue:
    """How many notices wait and failed."""

    waiting: int
    waiting_since_ms: int | None  # when the first of those that wait was to be sent
    failed: int


_NOTICE = [NOTICES.c[name] for name in Notice.__dataclass_fields__]
_ATTEMPT = [NOTICE_ATTEMPTS.c[name] for name in Attempt.__dataclass_fields__]


def hold(unit: UnitOfWork) -> None:
    """Let nobody else decide what is told until the transaction ends."""
    locks.hold(unit, ("notices",))


def areas_of(scope: Scope) -> str:
    """Return a scope as notices keep it: the same scope is the same text."""
    return json.dumps(sorted(scope.areas or ()), ensure_ascii=False)


def is_for(notice: Notice, scope: Scope) -> bool:
    """Return whether a notice was written for a scope."""
    return set(json.loads(notice.areas)) == set(scope.areas or ())


def add(unit: UnitOfWork, notice: Notice) -> bool:
    """Write a notice unless one of this identity is there, and return whether it was written."""
    statement = insert_once(unit, NOTICES).values(**notice.__dict__).on_conflict_do_nothing()
    return unit.connection.execute(statement.returning(NOTICES.c.notice_id)).first() is not None


def find(snapshot: Snapshot, notice_id: str) -> Notice | None:
    """Return a notice."""
    row = snapshot.connection.execute(select(*_NOTICE).where(NOTICES.c.notice_id == notice_id)).first()
    return Notice(*row) if row else None


def _is_due(now_ms: int) -> ColumnElement[bool]:
    table = NOTICES.c
    is_free = or_(table.claimed_until_ms.is_(None), table.claimed_until_ms <= now_ms)
    return and_(table.state == State.WAITING.value, table.next_ms <= now_ms, is_free)


def list_due(snapshot: Snapshot, now_ms: int, prefix: str, limit: int) -> list[str]:
    """Return the notices that are to be sent now to readers of a kind, those that wait longest first."""
    query = (
        select(NOTICES.c.notice_id)
        .where(_is_due(now_ms), func.substr(NOTICES.c.reader, 1, len(prefix)) == prefix)
        .order_by(NOTICES.c.next_ms, NOTICES.c.notice_id)
        .limit(limit)
    )
    return list(snapshot.connection.scalars(query))


def claim(unit: UnitOfWork, notice_id: str, now_ms: int, until_ms: int) -> Notice | None:
    """Take a notice in hand until a moment; None where somebody else has it, or it is not due any more."""
    this = (NOTICES.c.notice_id == notice_id) & _is_due(now_ms)
    row = unit.connection.execute(
        update(NOTICES).where(this).values(claimed_until_ms=until_ms).returning(*_NOTICE)
    ).first()
    return Notice(*row) if row else None


def settle(unit: UnitOfWork, notice: Notice, result: Result, after: After, now_ms: int) -> None:
    """Write what became of a try, and where the notice stands now."""
    seq = select(func.coalesce(func.max(NOTICE_ATTEMPTS.c.seq), 0) + 1)
    number = unit.connection.scalar(seq.where(NOTICE_ATTEMPTS.c.notice_id == notice.notice_id))
    attempt = Attempt(
        notice.notice_id, int(number or 1), now_ms, result.address, result.outcome.value, result.detail[:DETAIL_CHARS]
    )
    unit.connection.execute(insert(NOTICE_ATTEMPTS).values(**attempt.__dict__))
    values = {"state": after.state.value, "tries": after.tries, "next_ms": after.next_ms, "done_ms": after.done_ms}
    if result.outcome is Outcome.QUIET:
        values["due_ms"] = after.next_ms
    this = update(NOTICES).where(NOTICES.c.notice_id == notice.notice_id)
    unit.connection.execute(this.values(**values, claimed_until_ms=None))


def untell(unit: UnitOfWork, notice: Notice) -> None:
    """Forget that a notice that never went out told anything: what is still to be told is decided anew.

    Args:
        unit: The transaction; it holds what `hold` holds.
        notice: Taken back.
    """
    items, turns = NOTICE_ITEMS.c, NOTICE_TURNS.c
    mine = items.reader == notice.reader
    unit.connection.execute(delete(NOTICE_ITEMS).where(mine, items.told_by == notice.notice_id))
    reopened = update(NOTICE_ITEMS).where(mine, items.over_by == notice.notice_id)
    unit.connection.execute(reopened.values(over_ms=None, over_by=None))
    unit.connection.execute(
        delete(NOTICE_TURNS).where(turns.reader == notice.reader, turns.notice_id == notice.notice_id)
    )


def try_again(unit: UnitOfWork, notice_id: str, now_ms: int) -> bool:
    """Let a notice that failed be tried again from the beginning, and return whether it had failed."""
    this = (NOTICES.c.notice_id == notice_id) & NOTICES.c.state.in_((State.FAILED.value, State.DROPPED.value))
    values = {"state": State.WAITING.value, "tries": 0, "next_ms": now_ms, "due_ms": now_ms}
    values |= {"done_ms": None, "claimed_until_ms": None}
    done = unit.connection.execute(update(NOTICES).where(this).values(**values).returning(NOTICES.c.notice_id))
    return done.first() is not None


def drop(unit: UnitOfWork, notice_id: str) -> bool:
    """Note that a person has seen that a notice failed, and return whether it had."""
    this = (NOTICES.c.notice_id == notice_id) & (NOTICES.c.state == State.FAILED.value)
    done = unit.connection.execute(
        update(NOTICES).where(this).values(state=State.DROPPED.value).returning(NOTICES.c.notice_id)
    )
    return done.first() is not None


def queue(snapshot: Snapshot) -> Queue:
    """Return how many notices wait and failed, from the index of states."""
    states = (State.WAITING.value, State.FAILED.value)
    query = select(NOTICES.c.state, func.count(), func.min(NOTICES.c.due_ms)).where(NOTICES.c.state.in_(states))
    found = {row[0]: row for row in snapshot.connection.execute(query.group_by(NOTICES.c.state))}
    waiting, failed = found.get(State.WAITING.value), found.get(State.FAILED.value)
    return Queue(waiting[1] if waiting else 0, waiting[2] if waiting else None, failed[1] if failed else 0)


def newest(
    snapshot: Snapshot, limit: int, *, state: str = "", reader: str = "", after: tuple[int, str] | None = None
) -> list[Notice]:
    """Return the newest notices first.

    Args:
        snapshot: Where to look.
        limit: At most so many.
        state: Only of this one; "": all.
        reader: Only to this one; "": to all.
        after: Only those that come after this one in that order: when it was made, and its name; many are made at once.
    """
    query = select(*_NOTICE).order_by(NOTICES.c.made_ms.desc(), NOTICES.c.notice_id).limit(limit)
    if state:
        query = query.where(NOTICES.c.state == state)
    if reader:
        query = query.where(NOTICES.c.reader == reader)
    if after is not None:
        made_ms, name = after
        is_next = and_(NOTICES.c.made_ms == made_ms, NOTICES.c.notice_id > name)
        query = query.where(or_(NOTICES.c.made_ms < made_ms, is_next))
    return [Notice(*row) for row in snapshot.connection.execute(query)]


def attempts(snapshot: Snapshot, notice_ids: Iterable[str]) -> dict[str, list[Attempt]]:
    """Return the tries of some notices, the newest first."""
    found: dict[str, list[Attempt]] = {}
    for piece in in_pieces(list(notice_ids)):
        query = select(*_ATTEMPT).where(NOTICE_ATTEMPTS.c.notice_id.in_(piece)).order_by(NOTICE_ATTEMPTS.c.seq.desc())
        for row in snapshot.connection.execute(query):
            found.setdefault(row.notice_id, []).append(Attempt(*row))
    return found


def standing(snapshot: Snapshot, reader: str, now_ms: int) -> Standing:
    """Return what was told to a reader so far."""
    table, turns = NOTICE_ITEMS.c, NOTICE_TURNS.c
    lately = or_(table.over_ms.is_(None), table.over_ms > now_ms - _REMEMBERED_MS)
    items = snapshot.connection.execute(
        select(table.subject, table.told_ms, table.over_ms).where(table.reader == reader, lately)
    )
    sent = func.max(turns.day).filter(turns.notice_id.is_not(None))
    mine = (turns.reader == reader) & (turns.at_ms <= now_ms + AHEAD_MS)  # of a day to come nobody has decided
    turn = snapshot.connection.execute(select(func.max(turns.day), sent).where(mine)).one()
    last = select(NOTICES.c.topic, func.max(NOTICES.c.made_ms))
    last = last.where(NOTICES.c.reader == reader, NOTICES.c.state != State.TAKEN_BACK.value)
    lasts: dict[str, int] = {
        row[0]: row[1] for row in snapshot.connection.execute(last.group_by(NOTICES.c.topic)).all()
    }
    told = {row.subject: Told(row.told_ms, row.over_ms) for row in items}
    return Standing(told, turn[0], turn[1], lasts.get("outage"), lasts.get("illness"))


def remember(
    unit: UnitOfWork, reader: str, told: Iterable[str], over: Iterable[str], notice_id: str | None, now_ms: int
) -> None:
    """Note what a reader was told for the first time, and what is over for them."""
    for subject in told:
        row = {"reader": reader, "subject": subject, "told_ms": now_ms, "told_by": notice_id}
        unit.connection.execute(insert_once(unit, NOTICE_ITEMS).values(**row).on_conflict_do_nothing())
    for piece in in_pieces(list(over)):
        this = (NOTICE_ITEMS.c.reader == reader) & NOTICE_ITEMS.c.subject.in_(piece) & NOTICE_ITEMS.c.over_ms.is_(None)
        unit.connection.execute(update(NOTICE_ITEMS).where(this).values(over_ms=now_ms, over_by=notice_id))


def add_turn(unit: UnitOfWork, reader: str, day: str, notice_id: str | None, now_ms: int) -> None:
    """Note that a reader's digest of a day was decided."""
    row = {"reader": reader, "day": day, "notice_id": notice_id, "at_ms": now_ms}
    unit.connection.execute(insert_once(unit, NOTICE_TURNS).values(**row).on_conflict_do_nothing())


def stored(payload: Mapping[str, Any]) -> str:
    """Return a payload as it is stored: the same facts are the same text."""
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
