"""Rows of the tables as plain dictionaries."""

from typing import Any

from sqlalchemy import Table, select

from collector.store.open import Store
from collector.store.queries import devices
from collector.store.tables.measurements import CONFLICTS, DIARY, MEASUREMENTS, QUARANTINE
from tests.fakes.wire_device import WireDevice


def _all(store: Store, table: Table) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        return [dict(row._mapping) for row in snapshot.connection.execute(select(table))]


def measurement_rows(store: Store) -> list[dict[str, Any]]:
    return _all(store, MEASUREMENTS)


def diary_rows(store: Store) -> list[dict[str, Any]]:
    return _all(store, DIARY)


def conflicts(store: Store) -> list[dict[str, Any]]:
    return _all(store, CONFLICTS)


def quarantined(store: Store) -> list[dict[str, Any]]:
    return _all(store, QUARANTINE)


def device_row(device: WireDevice, store: Store) -> devices.Device:
    with store.reader() as snapshot:
        found = devices.find_device(snapshot, device.device)
    assert found is not None
    return found
