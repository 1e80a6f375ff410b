"""What every request of a device asks of the database, and what it leaves there."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Row, and_, bindparam, select, union_all, update

from collector.store.queries.devices import Device, DeviceKey
from collector.store.tables.devices import BOOTS, DEVICE_KEYS, DEVICES
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update

# All of these are put together once, because that takes longer than asking.
_OF: BindParameter[str] = bindparam("device")
_DEVICE_NAMES, _KEY_NAMES = DEVICES.c.keys(), DEVICE_KEYS.c.keys()
_THIS_KEY = and_(DEVICE_KEYS.c.device == DEVICES.c.device, DEVICE_KEYS.c.key_id == bindparam("key_id"))
_SENDER = select(DEVICES, DEVICE_KEYS).where(DEVICES.c.device == _OF)
_SENDER_READ = _SENDER.outerjoin_from(DEVICES, DEVICE_KEYS, _THIS_KEY)
# Both rows are held, not the device alone: after a wait, PostgreSQL reads again only what it was to hold.
_SENDER_HELD = _SENDER.join_from(DEVICES, DEVICE_KEYS, _THIS_KEY).with_for_update()

_BOOTS = select(BOOTS.c.boot_id, BOOTS.c.offset_ms, BOOTS.c.mono_ms, BOOTS.c.seen_ms).where(BOOTS.c.device == _OF)
_THIS_BOOT: BindParameter[str] = bindparam("boot_id")
_BOOT_BEFORE = _BOOTS.where(BOOTS.c.boot_id != _THIS_BOOT).order_by(BOOTS.c.seen_ms.desc()).limit(1)
_NEWEST_BOOTS = union_all(_BOOTS.where(BOOTS.c.boot_id == _THIS_BOOT), select(_BOOT_BEFORE.subquery()))
_OTHER_BOOTS = _BOOTS.where(BOOTS.c.boot_id.in_(bindparam("boot_ids", expanding=True)))

# Sets the columns that it is executed with.
_SET_DEVICE = update(DEVICES).where(DEVICES.c.device == bindparam("of_device"))
_SET_NEW_LINEAGE = _SET_DEVICE.values(lineages=DEVICES.c.lineages + 1)
_SET_KEY = update(DEVICE_KEYS).where(
    DEVICE_KEYS.c.device == bindparam("of_device"), DEVICE_KEYS.c.key_id == bindparam("of_key")
)


@dataclass(frozen=True)
class Boot:
    """What is known of one start of a device's computer."""

    boot_id: str
    offset_ms: int  # add to the raw clock to get ours
    mono_ms: int  # newest monotonic time seen
    seen_ms: int


@dataclass(frozen=True)
class Boots:
    """Those boots of a device that a request is about."""

    known: dict[str, Boot]
    before: Boot | None  # in which we last heard of the device, other than the one that speaks


@dataclass(frozen=True)
class Progress:
    """What one accepted request changes of a device."""

    contact_ms: int
    boot_id: str
    mono_ms: int
    offset_ms: int  # of this boot: ours minus the device's
    key_id: str


@dataclass(frozen=True)
class BatchProgress:
    """What one committed batch changes of a device beyond its contact."""

    ratchet_issued: int
    ratchet_confirmed: int
    is_volatile: bool
    lineage: str
    is_new_lineage: bool
    created: int
    acked: int
    ready: int
    dead: int
    dropped: int
    last_measurement_ms: int | None  # None: unchanged


def find_sender(snapshot: Snapshot, device: str, key_id: str) -> tuple[Device | None, DeviceKey | None]:
    """Return the device of that id and its key, whatever their states; None for what there is not."""
    row = snapshot.connection.execute(_SENDER_READ, {"device": device, "key_id": key_id}).first()
    if row is None:
        return None, None
    found, key = _device_and_key(row)
    return found, key if key.key_id is not None else None


def hold_sender(unit: UnitOfWork, device: str, key_id: str) -> tuple[Device, DeviceKey] | None:
    """Return the device and its key as they are now; nobody else changes them until the unit ends.

    On SQLite there is one writer anyway. None: one of the two is not there.
    """
    row = unit.connection.execute(_SENDER_HELD, {"device": device, "key_id": key_id}).first()
    return None if row is None else _device_and_key(row)


def _device_and_key(row: Row[Any]) -> tuple[Device, DeviceKey]:
    values, count = tuple(row), len(_DEVICE_NAMES)
    device = Device(**dict(zip(_DEVICE_NAMES, values[:count], strict=True)))
    return device, DeviceKey(**dict(zip(_KEY_NAMES, values[count:], strict=True)))


def find_boots(snapshot: Snapshot, device: str, boot_id: str, others: set[str] | frozenset[str]) -> Boots:
    """Return what is known of some boots of a device.

    Args:
        snapshot: The database.
        device: Whose.
        boot_id: The one in which the device speaks.
        others: Those in which its records were made.
    """
    rows = list(snapshot.connection.execute(_NEWEST_BOOTS, {"device": device, "boot_id": boot_id}))
    before = next((Boot(*row) for row in rows if row.boot_id != boot_id), None)
    if older := others - {boot_id} - {row.boot_id for row in rows}:  # few records are older than one start
        rows += snapshot.connection.execute(_OTHER_BOOTS, {"device": device, "boot_ids": list(older)})
    return Boots({row.boot_id: Boot(*row) for row in rows}, before)


def note_contact(unit: UnitOfWork, device: str, progress: Progress, batch: BatchProgress | None = None) -> None:
    """Write down that we heard of the device, and how its clocks stand in this boot.

    Args:
        unit: The transaction.
        device: Which one.
        progress: What its request says of it.
        batch: Where ratchet and ledger stand, if the request is a batch.
    """
    now = {
        "of_device": device,
        "last_contact_ms": progress.contact_ms,
        "boot_id": progress.boot_id,
        "sent_mono_ms": progress.mono_ms,
        "clock_offset_ms": -progress.offset_ms,
    }
    is_new_lineage = batch is not None and batch.is_new_lineage
    values = now if batch is None else now | _batch_values(batch)
    unit.connection.execute(_SET_NEW_LINEAGE if is_new_lineage else _SET_DEVICE, values)
    used = {"of_device": device, "of_key": progress.key_id, "last_used_ms": progress.contact_ms}
    unit.connection.execute(_SET_KEY, used)
    boot = {
        "device": device,
        "boot_id": progress.boot_id,
        "offset_ms": progress.offset_ms,
        "mono_ms": progress.mono_ms,
        "seen_ms": progress.contact_ms,
    }
    insert_or_update(unit, BOOTS, boot)


def _batch_values(progress: BatchProgress) -> dict[str, Any]:
    values: dict[str, Any] = {
        "ratchet_issued": progress.ratchet_issued,
        "ratchet_confirmed": progress.ratchet_confirmed,
        "is_volatile": progress.is_volatile,
        "lineage": progress.lineage,
        "ledger_created": progress.created,
        "ledger_acked": progress.acked,
        "ledger_ready": progress.ready,
        "ledger_dead": progress.dead,
        "ledger_dropped": progress.dropped,
    }
    if progress.last_measurement_ms is not None:
        values["last_measurement_ms"] = progress.last_measurement_ms
    return values
