"""Inserts that meet their twin without failing, in the dialect of the database."""

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
    keys = [column.name for column in table.primary_key]
    others = {name: value for name, value in row.items() if name not in keys}
    statement = insert(unit, table).values(row)
    if others:
        unit.connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))
    else:
        unit.connection.execute(statement.on_conflict_do_nothing())
