"""Many rows in one statement, the values given to the driver as they are.

SQLite's driver goes through rows by itself. PostgreSQL's sends one message a row with a value a column, and turning
values into text is then most of the work: it gets all rows as one JSON text, which the server takes apart.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Dialect, Table

from collector.store.unit import UnitOfWork

Row = dict[str, Any]  # texts, numbers, truth values and None by column


def insert_all(unit: UnitOfWork, table: Table, rows: Sequence[Row]) -> bool:
    """Insert many rows, all with the same columns in the same order; those whose key is taken are passed over.

    Returns:
        Whether every row was inserted. If not, which ones were is not known: go back to a savepoint.
    """
    made = _insert(unit.connection.dialect, table, tuple(rows[0]), or_nothing=True)
    return _run(unit, made, rows) == len(rows)


def insert_new(unit: UnitOfWork, table: Table, rows: Sequence[Row]) -> None:
    """Insert many rows, all with the same columns in the same order; none of the keys is taken."""
    if rows:
        _run(unit, _insert(unit.connection.dialect, table, tuple(rows[0]), or_nothing=False), rows)


def update_all(unit: UnitOfWork, table: Table, rows: Sequence[Row]) -> None:
    """Write the other columns that are given of the rows with these primary keys.

    Args:
        unit: The open unit of work.
        table: Any table with a primary key.
        rows: All with the same columns in the same order, the whole primary key among them.
    """
    if rows:
        _run(unit, _update(unit.connection.dialect, table, tuple(rows[0])), rows)


# A statement, and the order of its values in each row; None: it takes one text of all rows.
Made = tuple[str, list[str] | None]


@lru_cache(maxsize=100)
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...], *, or_nothing: bool) -> Made:
    quoting = dialect.identifier_preparer
    whole, names = quoting.format_table(table), ", ".join(map(quoting.quote, columns))
    # No conflict target: on a sharded table a target fails, and any conflict means the same here.
    end = " ON CONFLICT DO NOTHING" if or_nothing else ""
    if dialect.name == "postgresql":
        given = f"SELECT {names} FROM json_populate_recordset(NULL::{whole}, %s::json)"  # noqa: S608 -- names of ours
        return f"INSERT INTO {whole} ({names}) {given}{end}", None
    values = ", ".join("?" * len(columns))
    return f"INSERT INTO {whole} ({names}) VALUES ({values}){end}", list(columns)  # noqa: S608 -- names of ours


@lru_cache(maxsize=100)
def _update(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> Made:
    quote, whole = dialect.identifier_preparer.quote, dialect.identifier_preparer.format_table(table)
    keys = [column.name for column in table.primary_key]
    others = [name for name in columns if name not in keys]
    if dialect.name == "postgresql":
        values = ", ".join(f"{quote(name)} = given.{quote(name)}" for name in others)
        same = " AND ".join(f"known.{quote(name)} = given.{quote(name)}" for name in keys)
        typed = ", ".join(f"{quote(name)} {table.c[name].type.compile(dialect)}" for name in columns)
        given = f"json_to_recordset(%s::json) AS given({typed})"
        return f"UPDATE {whole} AS known SET {values} FROM {given} WHERE {same}", None  # noqa: S608 -- names of ours
    values, same = (
        mark.join(f"{quote(name)} = ?" for name in some) for mark, some in ((", ", others), (" AND ", keys))
    )
    return f"UPDATE {whole} SET {values} WHERE {same}", [*others, *keys]  # noqa: S608 -- names of ours


def _run(unit: UnitOfWork, made: Made, rows: Sequence[Row]) -> int:
    """Return how many rows were written."""
    sql, order = made
    values: Any = (_text(rows),) if order is None else [tuple([row[name] for name in order]) for row in rows]
    return unit.connection.exec_driver_sql(sql, values).rowcount


def _text(rows: Sequence[Row]) -> str:
    """Return rows as JSON; a NUL, which PostgreSQL knows in no text, becomes what the driver makes of it elsewhere."""
    encoded = msgspec.json.encode(rows)
    if b"\\u0000" in encoded:
        encoded = msgspec.json.encode([{name: _nul_free(value) for name, value in row.items()} for row in rows])
    return encoded.decode()


def _nul_free(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
