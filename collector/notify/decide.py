"""Decides what is to be told, and writes it into the outbox in the same transaction that remembers it as told.

Deciding twice writes nothing new: what a reader was told is read in the transaction that writes, one process at a
time, and a notice's identity is made from its reader, its topic and what it tells.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from collector.config import CollectorConfig
from collector.domain import notices
from collector.domain.calendars import calendar_of
from collector.domain.notice_delivery import State
from collector.domain.notice_facts import FlagFact, IllnessFact, OutageFact, Plan, Standing
from collector.domain.notice_rules import Topic
from collector.domain.scope import Scope
from collector.domain.words import DayKind
from collector.notify import readers
from collector.notify.readers import Listed
from collector.notify.settings import NotifyConfig
from collector.notify.watch import ill_now
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries.notices import facts, outbox
from collector.store.queries.notices.outbox import Notice
from collector.store.unit import Snapshot, UnitOfWork

LOG = logging.getLogger(__name__)

OutageSource = Callable[[Snapshot, int], Sequence[OutageFact]]
"""Gives the outages of the snapshot's scope: all that are open at the moment, and those that ended in the last days."""

_ID_CHARS: Final = 40


def no_outages(_snapshot: Snapshot, _now_ms: int) -> Sequence[OutageFact]:
    """Know of no outage."""
    return ()


@dataclass(frozen=True)
class _Seen:
    """What is known of one scope at one moment."""

    outages: Sequence[OutageFact]
    is_school_day: bool


def decide(
    store: Store, config: CollectorConfig, notify: NotifyConfig, ports: Ports, outages: OutageSource = no_outages
) -> int:
    """Write what is to be told now, and return how many notices were written.

    Args:
        store: The database.
        config: Language and zone of the deployment.
        notify: The time of digests.
        ports: The clock.
        outages: Where outages are known.
    """
    now_ms = ports.clock.now_ms()
    with store.reader() as snapshot:
        scopes = readers.scopes_of(snapshot)
    zones = {scope: zone for scope in scopes if (zone := _zone_of(store, scope)) is not None}
    with store.reader() as snapshot:
        listed = readers.list_readers(snapshot, config, now_ms, zones, has_mail=notify.has_mail)
        ill = ill_now(snapshot)
    known: dict[tuple[Scope, str], _Seen] = {}
    written = 0
    for one in listed:
        key = (one.scope, one.reader.zone.key)
        if key not in known:
            known[key] = _look(store, one, outages, now_ms)
        written += _tell(store, one, known[key], ill, notify, now_ms)
    return written


def _zone_of(store: Store, scope: Scope) -> str | None:
    with store.reader(scope) as snapshot:
        return facts.zone_of_most(snapshot)


def _look(store: Store, listed: Listed, outages: OutageSource, now_ms: int) -> _Seen:
    day = notices.local_day(now_ms, listed.reader)
    areas = sorted(listed.scope.areas or ())
    with store.reader(listed.scope) as snapshot:
        found = tuple(outages(snapshot, now_ms))
        exceptions = facts.common_days(snapshot, areas, day, day)
    return _Seen(found, is_school_day(day, exceptions.get(day)))


def is_school_day(day: str, kind: str | None) -> bool:
    """Return whether there is school by the usual week and what the common calendar says of the day."""
    when = date.fromisoformat(day)
    exceptions = {when: DayKind(kind)} if kind in set(DayKind) else {}
    return calendar_of(None, ZoneInfo("UTC"), exceptions).at(when).is_open


def _tell(
    store: Store, listed: Listed, seen: _Seen, ill: Sequence[IllnessFact], notify: NotifyConfig, now_ms: int
) -> int:
    """Decide for one reader: looked at first without holding anything, because most of the time there is nothing."""
    reader = listed.reader

    def plans(snapshot: Snapshot) -> list[Plan]:
        before = outbox.standing(snapshot, reader.reader, now_ms)
        found = [
            notices.outage(reader, now_ms, seen.outages, before),
            notices.illness(reader, now_ms, ill, before),
            _digest(store, listed, seen, before, notify, now_ms),
        ]
        return [plan for plan in found if plan is not None and not plan.is_empty]

    with store.reader() as snapshot:
        if not plans(snapshot):
            return 0
    with store.unit() as unit:
        outbox.hold(unit)
        written = sum(_write(unit, listed, plan, now_ms) for plan in plans(unit))
        unit.commit()
    return written


def _digest(
    store: Store, listed: Listed, seen: _Seen, before: Standing, notify: NotifyConfig, now_ms: int
) -> Plan | None:
    reader = listed.reader
    is_due = notices.is_digest_due(
        reader, now_ms, notify.digest_min, before.last_turn, is_school_day=seen.is_school_day
    )
    if not is_due:
        return None
    told = [subject.removeprefix("flag:") for subject in before.told if subject.startswith("flag:")]
    with store.reader(listed.scope) as snapshot:
        flags: list[FlagFact] = facts.flags_of(snapshot, now_ms, told)
    return notices.digest(reader, now_ms, flags, seen.outages, before)


def _write(unit: UnitOfWork, listed: Listed, plan: Plan, now_ms: int) -> int:
    reader = listed.reader
    notice_id, is_new = None, False
    if plan.payload is not None:
        notice_id = _identity_now(unit, reader.reader, plan)
        payload = outbox.stored(plan.payload)
        notice = Notice(notice_id, reader.reader, plan.topic, listed.language, reader.zone.key, payload, now_ms)
        due = replace(notice, next_ms=now_ms, due_ms=now_ms, areas=outbox.areas_of(listed.scope))
        is_new = outbox.add(unit, due)
    outbox.remember(unit, reader.reader, plan.told, plan.over, notice_id, now_ms)
    if plan.turn is not None:
        outbox.add_turn(unit, reader.reader, plan.turn, notice_id, now_ms)
    return int(is_new)


def _identity_now(unit: UnitOfWork, reader: str, plan: Plan) -> str:
    """Return the identity of what is planned; where a notice of it was taken back, the next one.

    What was taken back may have been tried, and a receiver takes each identity only once.
    """
    occasion = plan.occasion
    while True:
        notice_id = identity(reader, plan.topic, occasion)
        found = outbox.find(unit, notice_id)
        if found is None or found.state != State.TAKEN_BACK:
            return notice_id
        occasion += "\nanew"


def identity(reader: str, topic: str, occasion: str) -> str:
    """Return the identity of a notice, the same whoever decides it and however often."""
    return hashlib.sha256(f"{reader}\n{topic}\n{occasion}".encode()).hexdigest()[:_ID_CHARS]


def a_test(reader: str, language: str, zone: str, now_ms: int) -> Notice:
    """Return a notice that only says that it came."""
    notice_id = identity(reader, Topic.TEST, str(now_ms))
    return Notice(notice_id, reader, Topic.TEST, language, zone, "{}", now_ms, next_ms=now_ms, due_ms=now_ms)


def copy_of(notice: Notice, now_ms: int) -> Notice:
    """Return a notice that was sent once more, under an identity of its own: its receiver takes each only once."""
    notice_id = identity(notice.reader, notice.topic, f"{notice.notice_id} {now_ms}")
    told = Notice(notice_id, notice.reader, notice.topic, notice.language, notice.zone, notice.payload, now_ms)
    return replace(told, next_ms=now_ms, due_ms=now_ms, areas=notice.areas)
