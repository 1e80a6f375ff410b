"""Inserts that meet their twin without failing, in the dialect of the database."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from collector.store.unit import UnitOfWork

AnyInsert = sqlite.Insert | postgresql.Insert


def insert(unit: UnitOfWork, table: Table) -> AnyInsert:
    """Return an insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if unit.connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_or_update(unit: UnitOfWork, table: Table, row: dict[str, Any]) -> None:
    """Write one row by its primary key, replacing the other columns of a row that is there.

    Args:
        unit: The open unit of work.
        table: Any table with a primary key.
        row: Values by column, the whole primary key among them.
    """
    key = (unit.connection.dialect.name, table.name, tuple(row))
    if key not in _WHOLE:
        _WHOLE[key] = _insert_or_update(unit, table, row)
    unit.connection.execute(_WHOLE[key], row)


_WHOLE: dict[tuple[str, str, tuple[str, ...]], AnyInsert] = {}  # put together once, because that takes the longest


def _insert_or_update(unit: UnitOfWork, table: Table, names: Iterable[str]) -> AnyInsert:
    keys = [column.name for column in table.primary_key]
    statement = insert(unit, table)
    others = {name: statement.excluded[name] for name in names if name not in keys}
    return (
        statement.on_conflict_do_update(index_elements=keys, set_=others)
        if others
        else statement.on_conflict_do_nothing()
    )
