"""A person lets computers that wait count, or refuses them: those that were seen, and never another key."""

from dataclasses import dataclass

from collector.store.queries import devices
from collector.store.queries.devices import Device, DeviceKey
from collector.store.unit import UnitOfWork


@dataclass(frozen=True)
class Seen:
    """What of a device a person looked at and chose."""

    device: str
    key_id: str | None  # None: a device that waited without any key


def approve(unit: UnitOfWork, seen: Seen, now_ms: int) -> bool:
    """Let exactly what was seen count, from its enrolment on; False if it does not wait any more, and nothing is done.

    A key that came after it was looked at goes on waiting, or gives way: it is never approved unseen.
    """
    found = _find(unit, seen)
    if found is None:
        return False
    devices.approve(unit, found[0], now_ms, found[1])
    return True


def refuse(unit: UnitOfWork, seen: Seen, now_ms: int) -> bool:
    """Take nothing from what was seen; False if it does not wait any more, and nothing is done.

    A device that waited is revoked with its last key. Of a device that counts only the new key ends: its old one goes
    on.
    """
    found = _find(unit, seen)
    if found is None:
        return False
    device, key = found
    if key is not None:
        devices.revoke_key(unit, device.device, key.key_id)
    if device.state == "pending" and not devices.list_waiting_keys(unit, device):
        devices.revoke(unit, device.device, now_ms)
    return True


def _find(unit: UnitOfWork, seen: Seen) -> tuple[Device, DeviceKey | None] | None:
    """Return what was seen if it still waits as it was seen."""
    device = devices.lock_device(unit, seen.device)
    if device is None or device.state == "revoked":
        return None
    waiting = devices.list_waiting_keys(unit, device)
    if seen.key_id is None:
        return (device, None) if device.state == "pending" and not waiting else None
    key = next((one for one in waiting if one.key_id == seen.key_id), None)
    return (device, key) if key is not None else None
