"""What is known of when PCs were heard, read for all schools at once; and why the silent ones are. Nothing commits."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import and_, delete, insert, select

from agent.wire.vocabulary import DeviceState
from collector.domain.diary_states import Hears, words_of
from collector.store.queries.devices import is_pending
from collector.store.queries.pieces import in_pieces, plain_rows
from collector.store.tables.devices import BOOTS, DEVICES
from collector.store.tables.judgement import SCHOOL_DAYS, SILENCES
from collector.store.tables.measurements import CONFLICTS, DIARY
from collector.store.tables.sites import NETWORK_DAYS
from collector.store.unit import Snapshot, UnitOfWork

_WORDS_REACH_MS = 86_400_000  # a last word that is older than this at the last contact is none


class Contact(NamedTuple):
    """A PC that is in use, as far as it matters when it was heard."""

    device: str
    school: str
    machine_hash: str
    replaces: str | None
    enrolled_ms: int
    last_contact_ms: int | None
    clock_offset_ms: int | None
    is_volatile: bool
    is_pending: bool
    lineages: int
    ledger_created: int | None
    ledger_acked: int | None
    ledger_ready: int | None
    ledger_dead: int | None
    ledger_dropped: int | None


class Silence(NamedTuple):
    """Why a PC is silent, as it is stored."""

    device: str
    school: str
    contact_ms: int | None
    school_days: int
    reason: str
    last_word: str | None
    others: int
    others_heard: int
    is_together: bool


class SeenOn(NamedTuple):
    """A network on which a PC was seen on a local day of its school."""

    device: str
    day: str
    asn: int
    in_hours: bool


_SILENCE = [SILENCES.c[name] for name in Silence._fields]


def contacts(snapshot: Snapshot) -> list[Contact]:
    """Return every PC that is in use, by school."""
    columns = [is_pending().label(name) if name == "is_pending" else DEVICES.c[name] for name in Contact._fields]
    query = select(*columns).where(DEVICES.c.state != DeviceState.REVOKED)
    return [
        Contact(*row) for row in snapshot.connection.execute(query.order_by(DEVICES.c.school, DEVICES.c.device)).all()
    ]


def last_words(snapshot: Snapshot, devices: Iterable[str]) -> dict[str, str]:
    """Return the state of the newest diary run before the last contact of some PCs."""
    reach = DIARY.c.from_ms.between(DEVICES.c.last_contact_ms - _WORDS_REACH_MS, DEVICES.c.last_contact_ms)
    same = and_(DIARY.c.school == DEVICES.c.school, DIARY.c.device == DEVICES.c.device, reach)
    found: dict[str, str] = {}
    for some in in_pieces(devices):
        query = select(DEVICES.c.device, DIARY.c.state).select_from(DEVICES.join(DIARY, same))
        query = query.where(DEVICES.c.device.in_(some)).order_by(DEVICES.c.device, DIARY.c.to_ms, DIARY.c.rid)
        found.update((device, state) for device, state in snapshot.connection.execute(query))
    return found


def measured_days(snapshot: Snapshot, first: str) -> dict[str, set[str]]:
    """Return by school the local days, from one on, of which a measurement is known."""
    found: dict[str, set[str]] = {}
    days = SCHOOL_DAYS.c
    query = select(days.school, days.day).where(days.day >= first, days.measurements > 0)
    for school, day in plain_rows(snapshot, query):
        found.setdefault(school, set()).add(day)
    return found


def signs_of_life(snapshot: Snapshot, schools: Sequence[str], from_ms: int) -> dict[str, list[tuple[int, int]]]:
    """Return by school when its PCs are known to have been on, since a moment: diary runs and starts, UTC ms."""
    found: dict[str, list[tuple[int, int]]] = {}
    for some in in_pieces(schools):
        is_on = DIARY.c.state.not_in(words_of(Hears.NOTHING))
        runs = select(DIARY.c.school, DIARY.c.from_ms, DIARY.c.to_ms).where(
            DIARY.c.school.in_(some), DIARY.c.from_ms >= from_ms, is_on
        )
        boots = (
            select(DEVICES.c.school, BOOTS.c.seen_ms, BOOTS.c.seen_ms)
            .select_from(DEVICES.join(BOOTS, BOOTS.c.device == DEVICES.c.device))
            .where(DEVICES.c.school.in_(some), BOOTS.c.seen_ms >= from_ms)
        )
        for query in (runs, boots):
            for school, first_ms, last_ms in snapshot.connection.execute(query):
                found.setdefault(school, []).append((first_ms, last_ms))
    return found


def conflicts_since(snapshot: Snapshot, from_ms: int) -> dict[str, list[int]]:
    """Return by PC when copies of its records came that differ from what it had sent, since a moment, UTC ms."""
    found: dict[str, list[int]] = {}
    query = select(CONFLICTS.c.device, CONFLICTS.c.received_ms).where(CONFLICTS.c.received_ms >= from_ms)
    for device, received_ms in snapshot.connection.execute(query):
        found.setdefault(device, []).append(received_ms)
    return found


def networks_seen(snapshot: Snapshot, schools: Iterable[str]) -> dict[str, list[SeenOn]]:
    """Return by school on which networks its PCs were seen, as far as a file of networks tells them apart."""
    found: dict[str, list[SeenOn]] = {}
    columns = (NETWORK_DAYS.c.school, *(NETWORK_DAYS.c[name] for name in SeenOn._fields))
    for some in in_pieces(schools):
        for school, *row in snapshot.connection.execute(select(*columns).where(NETWORK_DAYS.c.school.in_(some))):
            found.setdefault(school, []).append(SeenOn(*row))
    return found


def silences(snapshot: Snapshot) -> dict[str, Silence]:
    """Return what is stored of silent PCs."""
    return {row[0]: Silence(*row) for row in snapshot.connection.execute(select(*_SILENCE)).all()}


def write_silences(unit: UnitOfWork, gone: Sequence[str], new: Sequence[Silence]) -> None:
    """Delete what is stored of some PCs, then write others; what is written over is among those that go."""
    for some in in_pieces(gone):
        unit.connection.execute(delete(SILENCES).where(SILENCES.c.device.in_(some)))
    if new:
        unit.connection.execute(insert(SILENCES), [one._asdict() for one in new])
