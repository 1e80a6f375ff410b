"""Read models of what waits for approval: which schools have something, and everything that is seen of it."""

from dataclasses import dataclass

from sqlalchemy import func, select

from collector.store.queries.devices import Device, DeviceKey, is_pending, waiting_keys_by_device
from collector.store.queries.tokens import Token
from collector.store.tables.devices import DEVICE_KEYS, DEVICES, TOKENS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class WaitingSchool:
    """A school with computers that wait."""

    code: str
    name: str | None
    area: str | None
    devices: int


@dataclass(frozen=True)
class Waiting:
    """One device that waits, or one of its keys, with what helps to know it."""

    device: Device
    key: DeviceKey | None  # None: a device that waits without any key
    keys: int  # that wait of this device
    old_used_ms: int | None  # when a key of it that counts was used last
    same_name: int  # other computers in use at the school with the same host name
    original: Device | None  # whose copy it says it is, if that is known and seen
    token: Token | None


def schools(snapshot: Snapshot, limit: int = 50) -> list[WaitingSchool]:
    """Return the schools where something waits, the most first."""
    count = func.count().label("devices")
    query = (
        select(DEVICES.c.school.label("code"), SCHOOLS.c.name, SCHOOLS.c.area, count)
        .select_from(DEVICES.outerjoin(SCHOOLS, SCHOOLS.c.code == DEVICES.c.school))
        .where(DEVICES.c.state != "revoked", is_pending())
        .group_by(DEVICES.c.school, SCHOOLS.c.name, SCHOOLS.c.area)
        .order_by(count.desc(), DEVICES.c.school)
        .limit(limit)
    )
    return [WaitingSchool(**row) for row in snapshot.connection.execute(query).mappings()]


def of_school(snapshot: Snapshot, code: str, limit: int) -> list[Waiting]:
    """Return what waits at a school, the oldest first; a device with several keys once for each."""
    query = (
        select(DEVICES)
        .where(DEVICES.c.school == code, DEVICES.c.state != "revoked", is_pending())
        .order_by(DEVICES.c.enrolled_ms, DEVICES.c.device)
        .limit(limit)
    )
    found = [Device(**row._mapping) for row in snapshot.connection.execute(query)]
    names = [device.device for device in found]
    keys, used = waiting_keys_by_device(snapshot, names), _last_use(snapshot, names)
    originals = _originals(snapshot, [device.replaces for device in found if device.replaces])
    tokens = _tokens(snapshot, [device.token_id for device in found if device.token_id])
    same = _same_names(snapshot, code)
    return [
        Waiting(
            device=device,
            key=key,
            keys=len(keys.get(device.device, [])),
            old_used_ms=used.get(device.device) if device.state == "active" else None,
            same_name=same.get(device.hostname_hash or "", 1) - 1,
            original=originals.get(device.replaces or ""),
            token=tokens.get(device.token_id or ""),
        )
        for device in found
        for key in keys.get(device.device, [None])
    ]


def _last_use(snapshot: Snapshot, names: list[str]) -> dict[str, int]:
    """Return when a key that counts was used last, by device."""
    keys = DEVICE_KEYS.c
    query = (
        select(keys.device, func.max(keys.last_used_ms).label("used_ms"))
        .where(keys.device.in_(names), keys.state == "active", keys.last_used_ms.is_not(None))
        .group_by(keys.device)
    )
    return {row.device: row.used_ms for row in snapshot.connection.execute(query)}


def _originals(snapshot: Snapshot, names: list[str]) -> dict[str, Device]:
    query = select(DEVICES).where(DEVICES.c.device.in_(names))
    return {row.device: Device(**row._mapping) for row in snapshot.connection.execute(query)}


def _tokens(snapshot: Snapshot, ids: list[str]) -> dict[str, Token]:
    query = select(TOKENS).where(TOKENS.c.token_id.in_(ids))
    return {row.token_id: Token(**row._mapping) for row in snapshot.connection.execute(query)}


def _same_names(snapshot: Snapshot, code: str) -> dict[str, int]:
    """Return how many computers in use at the school have the same host name, by its hash."""
    query = (
        select(DEVICES.c.hostname_hash, func.count())
        .where(DEVICES.c.school == code, DEVICES.c.state != "revoked", DEVICES.c.hostname_hash.is_not(None))
        .group_by(DEVICES.c.hostname_hash)
    )
    return {name: int(count) for name, count in snapshot.connection.execute(query)}
