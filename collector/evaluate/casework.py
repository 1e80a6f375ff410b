"""A person does something about flags: all of it is written down, or nothing.

A form carries the version of each flag that it was made from. Where somebody else has done something since, nothing is
written and the answer says what: two people never overwrite each other. Whoever changed their mind takes a deed back as
a whole; what others did meanwhile stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from collector.domain import calendars
from collector.domain.casework import Deed, may_do, work_of
from collector.store.queries import audit, casework
from collector.store.queries.audit import AuditEntry
from collector.store.queries.casework import StoredAct, Subject
from collector.store.unit import Snapshot, UnitOfWork

UNDO_WITHIN_MS: Final = 24 * 3_600_000  # a replay of older days would be news that nobody expects


@dataclass(frozen=True)
class Person:
    """Who acts, when, and what gives new names."""

    name: str
    now_ms: int
    new_id: Callable[[], str]
    default_timezone: str  # of schools that have none of their own


@dataclass(frozen=True)
class Order:
    """What is to be done about which flags."""

    deed: Deed
    flags: Mapping[str, int]  # flag -> version that the form was made from
    value: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Refusal:
    """Why a flag was left as it is."""

    flag_id: str
    why: str  # gone: no such flag; changed: somebody did something since; settled: it has ended
    subject: Subject | None = None
    since: tuple[StoredAct, ...] = ()  # what others did


@dataclass(frozen=True)
class Done:
    """What was written, or why nothing was."""

    batch_id: str
    count: int
    refused: tuple[Refusal, ...] = ()


def do(unit: UnitOfWork, order: Order, person: Person) -> Done:
    """Do one thing about one or many flags; the caller commits.

    Args:
        unit: The transaction; if any flag is refused, nothing is written into it.
        order: What to do, checked already: a date is a date, a name that of a person.
        person: Who does it.

    Returns:
        The name of the batch, by which it can be taken back; or the refusals.
    """
    casework.lock(unit, list(order.flags))
    subjects = casework.subjects(unit, order.flags)
    known = casework.acts(unit, subjects)
    refused = _refused(order.deed, order.flags, subjects, known)
    if refused or not order.flags:
        return Done("", 0, refused)
    batch_id = person.new_id()
    given = [_act(subjects[flag_id], order, person, batch_id) for flag_id in sorted(order.flags)]
    _write(unit, given, subjects, known, person)
    if order.deed is Deed.CLOSED:
        for act in given:
            casework.close_now(unit, subjects[act.flag_id], act.day)
    return Done(batch_id, len(given))


def refusals(snapshot: Snapshot, deed: Deed, flags: Mapping[str, int]) -> tuple[Refusal, ...]:
    """Return which flags a deed would be refused for now; `flags` are versions by flag."""
    subjects = casework.subjects(snapshot, flags)
    return _refused(deed, flags, subjects, casework.acts(snapshot, subjects))


def _refused(
    deed: Deed,
    flags: Mapping[str, int],
    subjects: Mapping[str, Subject],
    known: Mapping[str, Sequence[StoredAct]],
) -> tuple[Refusal, ...]:
    found = []
    for flag_id, version in sorted(flags.items()):
        subject = subjects.get(flag_id)
        if subject is None:
            found.append(Refusal(flag_id, "gone"))
        elif subject.version != version:
            since = tuple(act for act in known.get(flag_id, ()) if act.seq > version)
            found.append(Refusal(flag_id, "changed", subject, since))
        elif not may_do(deed, subject.state):
            found.append(Refusal(flag_id, "settled", subject))
    return tuple(found)


def _act(subject: Subject, order: Order, person: Person, batch_id: str) -> StoredAct:
    return StoredAct(
        action_id=person.new_id(),
        flag_id=subject.flag_id,
        seq=subject.version + 1,
        at_ms=person.now_ms,
        day=calendars.local_day(person.now_ms, _zone(subject, person)).isoformat(),
        user_name=person.name,
        action=order.deed.value,
        value=order.value,
        note=order.note,
        batch_id=batch_id,
        school=subject.school,
        kind=subject.kind,
        profile=subject.profile,
        metric=subject.metric,
    )


def _zone(subject: Subject, person: Person) -> ZoneInfo:
    return ZoneInfo(subject.timezone or person.default_timezone)


def _write(
    unit: UnitOfWork,
    given: Sequence[StoredAct],
    subjects: Mapping[str, Subject],
    known: Mapping[str, Sequence[StoredAct]],
    person: Person,
) -> None:
    """Write deeds, where people stand after them, and one line each in the audit log."""
    casework.add_acts(unit, given)
    casework.set_work(
        unit, [_work_row(subjects[act.flag_id], [*known.get(act.flag_id, ()), act], person) for act in given]
    )
    for act in given:
        detail = f"{act.value or ''} {act.note or ''}".strip() or None
        audit.add_entry(
            unit, AuditEntry(act.action_id, act.at_ms, person.name, f"flag_{act.action}", act.flag_id, detail)
        )


def _work_row(subject: Subject, acts: Sequence[StoredAct], person: Person) -> dict[str, Any]:
    work = work_of([stored.act for stored in acts])
    back_ms = None
    if work.snoozed_until is not None:
        midnight = datetime.fromisoformat(work.snoozed_until).replace(tzinfo=_zone(subject, person))
        back_ms = round(midnight.timestamp() * 1000)
    return {
        "flag_id": subject.flag_id,
        "version": acts[-1].seq,
        "owner": work.owner,
        "seen_by": work.seen_by,
        "ticket": work.ticket,
        "snoozed_until": work.snoozed_until,
        "snoozed_until_ms": back_ms,
        "snooze_reason": work.snooze_reason,
    }


def may_undo(given: Sequence[StoredAct], undone: set[str], name: str, now_ms: int) -> bool:
    """Return whether a person may take back what one form did: their own, of the last day, once.

    Args:
        given: What it did.
        undone: Deeds that were taken back.
        name: Of the person who asks.
        now_ms: When.
    """
    return bool(given) and all(
        act.user_name == name
        and act.action != Deed.UNDONE
        and act.action_id not in undone
        and 0 <= now_ms - act.at_ms <= UNDO_WITHIN_MS
        for act in given
    )


def undo(unit: UnitOfWork, batch_id: str, person: Person) -> Done:
    """Take back what one form did, on every flag; the caller commits.

    Returns:
        How many flags; 0 where it may not be taken back (any more).
    """
    before = casework.batch(unit, batch_id) if batch_id else []
    casework.lock(unit, [act.flag_id for act in before])
    given = casework.batch(unit, batch_id) if before else []
    if not may_undo(given, casework.undone_in(unit, given), person.name, person.now_ms):
        return Done("", 0)
    subjects = casework.subjects(unit, [act.flag_id for act in given])
    given = [act for act in given if act.flag_id in subjects]
    known = casework.acts(unit, subjects)
    new_batch = person.new_id()
    back = [_act(subjects[act.flag_id], Order(Deed.UNDONE, {}, act.action_id), person, new_batch) for act in given]
    _write(unit, back, subjects, known, person)
    for act in given:
        if act.action == Deed.CLOSED:
            casework.reopen_now(unit, subjects[act.flag_id], act.day)
    return Done(new_batch, len(back))
