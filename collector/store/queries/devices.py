"""Devices, their keys, and the schools that they belonged to."""

from dataclasses import dataclass

from sqlalchemy import BindParameter, ColumnElement, bindparam, delete, insert, or_, select, update

from agent.wire.vocabulary import DeviceState
from collector.store.queries import availability_marks, newness
from collector.store.tables.devices import ASSIGNMENTS, DEVICE_KEYS, DEVICES
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update

DAY_MS = 86_400_000

# Put together once, because that takes longer than asking.
_OF: BindParameter[str] = bindparam("device")
_DEVICE = select(DEVICES).where(DEVICES.c.device == _OF)
_DEVICE_ALONE = _DEVICE.with_for_update()
_ASSIGNMENTS = (
    select(ASSIGNMENTS.c.from_ms, ASSIGNMENTS.c.to_ms, ASSIGNMENTS.c.school)
    .where(ASSIGNMENTS.c.device == _OF)
    .order_by(ASSIGNMENTS.c.from_ms)
)
# A new device, or a new key of a known one: both wait for one click. The keys that wait are few and looked up once.
_IS_PENDING = or_(
    DEVICES.c.state == DeviceState.PENDING,
    DEVICES.c.device.in_(select(DEVICE_KEYS.c.device).where(DEVICE_KEYS.c.state == DeviceState.PENDING)),
)


def is_pending() -> ColumnElement[bool]:
    """Return whether a device, or a new key of it, waits for approval."""
    return _IS_PENDING


@dataclass(frozen=True, kw_only=True)
class Device:
    """One installed agent as its last request left it."""

    device: str
    school: str
    state: str  # active | pending | revoked
    machine_hash: str
    hostname_hash: str | None = None
    os: str | None = None
    agent_version: str | None = None
    replaces: str | None = None
    token_id: str | None = None
    enrolled_ms: int
    approved_ms: int | None = None
    revoked_ms: int | None = None
    last_contact_ms: int | None = None
    last_measurement_ms: int | None = None
    ratchet_issued: int = 0
    ratchet_confirmed: int = 0
    is_volatile: bool = False
    boot_id: str | None = None
    sent_mono_ms: int | None = None
    clock_offset_ms: int | None = None
    lineage: str | None = None
    lineages: int = 0
    ledger_created: int | None = None
    ledger_acked: int | None = None
    ledger_ready: int | None = None
    ledger_dead: int | None = None
    ledger_dropped: int | None = None


@dataclass(frozen=True)
class DeviceKey:
    """One public key of a device."""

    device: str
    key_id: str
    public_key: str  # base64url
    state: str  # active | pending | revoked
    added_ms: int
    last_used_ms: int | None


@dataclass(frozen=True)
class Assignment:
    """A time during which a device belonged to a school."""

    from_ms: int
    to_ms: int | None
    school: str


def find_device(snapshot: Snapshot, device: str) -> Device | None:
    """Return the device of that id."""
    row = snapshot.connection.execute(_DEVICE, {"device": device}).first()
    return Device(**row._mapping) if row else None


def lock_device(unit: UnitOfWork, device: str) -> Device | None:
    """Return the device of that id; nobody else changes it until the unit ends (SQLite has one writer anyway)."""
    row = unit.connection.execute(_DEVICE_ALONE, {"device": device}).first()
    return Device(**row._mapping) if row else None


def find_by_machine(snapshot: Snapshot, school: str, machine_hash: str) -> Device | None:
    """Return the newest device of the school on that computer, whatever its state."""
    condition = (DEVICES.c.school == school) & (DEVICES.c.machine_hash == machine_hash)
    row = snapshot.connection.execute(
        select(DEVICES).where(condition).order_by(DEVICES.c.enrolled_ms.desc(), DEVICES.c.device).limit(1)
    ).first()
    return Device(**row._mapping) if row else None


def find_by_public_key(snapshot: Snapshot, public_key: str) -> tuple[Device, DeviceKey] | None:
    """Return the device that has or had this public key."""
    rows = snapshot.connection.execute(
        select(DEVICE_KEYS)
        .where(DEVICE_KEYS.c.public_key == public_key)
        .order_by(DEVICE_KEYS.c.added_ms.desc())
        .limit(1)
    ).first()
    if rows is None:
        return None
    key = DeviceKey(**rows._mapping)
    device = find_device(snapshot, key.device)
    return (device, key) if device else None


def list_devices(snapshot: Snapshot, school: str | None = None) -> list[Device]:
    """Return all devices, or a school's, in the order of their schools and enrolment."""
    query = select(DEVICES).order_by(DEVICES.c.school, DEVICES.c.enrolled_ms, DEVICES.c.device)
    if school is not None:
        query = query.where(DEVICES.c.school == school)
    return [Device(**row._mapping) for row in snapshot.connection.execute(query)]


def list_keys_of(snapshot: Snapshot, device: str) -> list[DeviceKey]:
    """Return every key that the device had, the newest first."""
    rows = snapshot.connection.execute(
        select(DEVICE_KEYS).where(DEVICE_KEYS.c.device == device).order_by(DEVICE_KEYS.c.added_ms.desc())
    )
    return [DeviceKey(**row._mapping) for row in rows]


def list_assignments(snapshot: Snapshot, device: str) -> list[Assignment]:
    """Return where the device belonged and when, in order."""
    rows = snapshot.connection.execute(_ASSIGNMENTS, {"device": device})
    return [Assignment(**row._mapping) for row in rows]


def find_school_name(snapshot: Snapshot, code: str) -> str | None:
    """Return the name of the school with that code."""
    name: str | None = snapshot.connection.scalar(select(SCHOOLS.c.name).where(SCHOOLS.c.code == code))
    return name


def list_school_codes(snapshot: Snapshot) -> list[str]:
    """Return the code of every school."""
    return list(snapshot.connection.scalars(select(SCHOOLS.c.code).order_by(SCHOOLS.c.code)))


def set_school(unit: UnitOfWork, device: str, school: str) -> None:
    """Let a pending device wait for another school."""
    unit.connection.execute(update(DEVICES).where(DEVICES.c.device == device).values(school=school))


def add_device(unit: UnitOfWork, device: Device) -> None:
    """Write a new device down; a device that is not pending belongs to its school from its enrolment on."""
    unit.connection.execute(insert(DEVICES).values(**device.__dict__))
    if device.state == DeviceState.ACTIVE:
        assign(unit, device.device, device.school, device.enrolled_ms)


def update_facts(unit: UnitOfWork, device: str, hostname_hash: str, os: str, agent_version: str) -> None:
    """Take what a device said of itself when it enrolled again."""
    unit.connection.execute(
        update(DEVICES)
        .where(DEVICES.c.device == device)
        .values(hostname_hash=hostname_hash, os=os, agent_version=agent_version)
    )


def add_key(unit: UnitOfWork, key: DeviceKey) -> None:
    """Write a key of a device, or change the state of one that it had."""
    insert_or_update(unit, DEVICE_KEYS, dict(key.__dict__))


def revoke_other_keys(unit: UnitOfWork, device: str, key_id: str) -> None:
    """End every key of the device but this one."""
    condition = (DEVICE_KEYS.c.device == device) & (DEVICE_KEYS.c.key_id != key_id)
    unit.connection.execute(update(DEVICE_KEYS).where(condition).values(state=DeviceState.REVOKED))


def revoke_key(unit: UnitOfWork, device: str, key_id: str) -> None:
    """End one key of the device; the others stay as they are."""
    condition = (DEVICE_KEYS.c.device == device) & (DEVICE_KEYS.c.key_id == key_id)
    unit.connection.execute(update(DEVICE_KEYS).where(condition).values(state="revoked"))


def forget_pending_keys(unit: UnitOfWork, device: str, *, keep: int) -> None:
    """Forget all but the newest pending keys of a device: nobody has approved them, and none of them counted."""
    waiting = [key for key in list_keys_of(unit, device) if key.state == DeviceState.PENDING]
    for key in waiting[keep:]:
        condition = (DEVICE_KEYS.c.device == device) & (DEVICE_KEYS.c.key_id == key.key_id)
        unit.connection.execute(delete(DEVICE_KEYS).where(condition))


def assign(unit: UnitOfWork, device: str, school: str, from_ms: int) -> None:
    """Let the device belong to the school from then on; where it belonged before ends."""
    open_ones = (ASSIGNMENTS.c.device == device) & ASSIGNMENTS.c.to_ms.is_(None)
    ended = update(ASSIGNMENTS).where(open_ones).values(to_ms=from_ms).returning(ASSIGNMENTS.c.school)
    for touched in sorted({school, *unit.connection.scalars(ended)}):
        availability_marks.mark_span(unit, touched, from_ms, None)
    insert_or_update(unit, ASSIGNMENTS, {"device": device, "from_ms": from_ms, "to_ms": None, "school": school})
    unit.connection.execute(update(DEVICES).where(DEVICES.c.device == device).values(school=school))


def list_waiting_keys(snapshot: Snapshot, device: Device) -> list[DeviceKey]:
    """Return the keys that wait for a person, the newest first; a pending device waits with every key it has."""
    return waiting_keys_by_device(snapshot, [device.device]).get(device.device, [])


def waiting_keys_by_device(snapshot: Snapshot, names: list[str]) -> dict[str, list[DeviceKey]]:
    """Return the same of several devices, in one question."""
    if not names:
        return {}  # an empty list is looked for in every row
    waits = (DEVICES.c.state == DeviceState.ACTIVE) & (DEVICE_KEYS.c.state == DeviceState.PENDING)
    waits |= (DEVICES.c.state == DeviceState.PENDING) & DEVICE_KEYS.c.state.in_(
        (DeviceState.PENDING, DeviceState.ACTIVE)
    )
    found = select(DEVICE_KEYS).join(DEVICES, DEVICES.c.device == DEVICE_KEYS.c.device)
    found = found.where(DEVICE_KEYS.c.device.in_(names), waits).order_by(DEVICE_KEYS.c.added_ms.desc())
    by_device: dict[str, list[DeviceKey]] = {}
    for row in snapshot.connection.execute(found):
        by_device.setdefault(row.device, []).append(DeviceKey(**row._mapping))
    return by_device


def approve(unit: UnitOfWork, device: Device, now_ms: int, key: DeviceKey | None = None) -> None:
    """Let a pending device, or a pending key of a device, count; what it sent meanwhile counts from enrolment on.

    Args:
        unit: The transaction.
        device: Whose it is.
        now_ms: UTC, milliseconds.
        key: The waiting key that is approved, never another; None = only the pending device.
    """
    if device.state == DeviceState.PENDING:
        assign(unit, device.device, device.school, device.enrolled_ms)
        unit.connection.execute(
            update(DEVICES)
            .where(DEVICES.c.device == device.device)
            .values(state=DeviceState.ACTIVE, approved_ms=now_ms)
        )
    if key is not None and key.state == DeviceState.PENDING:
        unit.connection.execute(
            update(DEVICE_KEYS)
            .where(DEVICE_KEYS.c.device == device.device, DEVICE_KEYS.c.key_id == key.key_id)
            .values(state=DeviceState.ACTIVE)
        )
        revoke_other_keys(unit, device.device, key.key_id)
    _give_school(unit, device.device)


def _give_school(unit: UnitOfWork, device: str) -> None:
    """Give the rows that came while something was pending the school of the assignment at their time."""
    for one in list_assignments(unit, device):
        for table, time in ((MEASUREMENTS, MEASUREMENTS.c.started_ms), (DIARY, DIARY.c.from_ms)):
            condition = (table.c.device == device) & table.c.school.is_(None) & (time >= one.from_ms)
            if one.to_ms is not None:
                condition &= time < one.to_ms
            values: dict[str, str | None] = {"school": one.school}
            if table is MEASUREMENTS:
                values |= {"votes": None, "exclusion": None}  # judged again by the next evaluation
            unit.connection.execute(update(table).where(condition).values(values))
        availability_marks.mark_span(unit, one.school, one.from_ms, one.to_ms)
    newness.raise_verdicts(unit)


def revoke(unit: UnitOfWork, device: str, now_ms: int) -> None:
    """Take nothing more from the device; what it sent stays."""
    unit.connection.execute(
        update(DEVICES).where(DEVICES.c.device == device).values(state=DeviceState.REVOKED, revoked_ms=now_ms)
    )
    open_ones = (ASSIGNMENTS.c.device == device) & ASSIGNMENTS.c.to_ms.is_(None)
    unit.connection.execute(update(ASSIGNMENTS).where(open_ones).values(to_ms=now_ms))
