"""Rows of the tables as plain dictionaries."""

from typing import Any

from sqlalchemy import Table, select

from collector.store.open import Store
from collector.store.tables.measurements import CONFLICTS, DIARY, MEASUREMENTS, QUARANTINE


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
