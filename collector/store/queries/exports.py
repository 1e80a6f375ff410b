"""Whole tables for exports, in pieces that are each read at once: nothing stays open while a slow reader takes them.

A piece continues after the last key of the one before. Rows that come after the last key of the beginning are not
given, so that an export ends; a row that was there throughout is given once, as it is when its piece is read.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Select,
    Text,
    Tuple,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from collector.store.queries.export_shapes import SHAPES, Shape
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages.school import TestFilter
from collector.store.queries.pieces import plain_rows
from collector.store.tables.judgement import FLAGS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.outages import OUTAGE_SCHOOLS
from collector.store.unit import Snapshot

ROWS_AT_ONCE: Final = 1000


class CellKind(StrEnum):
    """How a value is written."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"  # Unix milliseconds here, ISO 8601 in the file
    DAY = "day"
    JSON = "json"  # JSON text here


@dataclass(frozen=True)
class ExportColumn:
    """One column of a file."""

    name: str
    kind: CellKind
    is_nullable: bool


@dataclass(frozen=True)
class ExportFilter:
    """Which rows; None means all."""

    school: str | None = None
    from_ms: int | None = None  # of tables with moments: by corrected start
    to_ms: int | None = None  # not included
    from_day: str | None = None  # of tables with local days
    last_day: str | None = None  # included
    tests: TestFilter | None = None  # of measurements: only these


TABLES: Final = tuple(SHAPES)


def columns(table: str) -> tuple[ExportColumn, ...]:
    """Return the columns of a table's file, in order.

    Raises:
        KeyError: If no such table is exported.
    """
    shape = SHAPES[table]
    return tuple(_export_column(name, column, shape) for name, column in _columns(shape))


def count(snapshot: Snapshot, table: str, wanted: ExportFilter, most: int | None = None) -> int:
    """Return how many rows `stream` gives, counted no further than to `most`: no database knows without counting."""
    shape = SHAPES[table]
    rows = select(literal(1)).select_from(shape.table).where(*_where(shape, wanted)).limit(most).subquery()
    return int(snapshot.connection.execute(select(func.count()).select_from(rows)).scalar_one())


def count_all(snapshot: Snapshot, most: int) -> dict[str, int]:
    """Return how many rows each table has, each counted no further than to `most`, in one question."""
    parts = []
    for name, shape in SHAPES.items():
        rows = select(literal(1)).select_from(shape.table).limit(most).subquery()
        parts.append(select(literal(name), select(func.count()).select_from(rows).scalar_subquery()))
    return {name: int(rows) for name, rows in snapshot.connection.execute(union_all(*parts))}


def is_quick(table: str, wanted: ExportFilter) -> bool:
    """Return whether the first rows of a choice are found without reading the whole table."""
    shape = SHAPES[table]
    if wanted.school is not None:
        return True
    if wanted.tests is not None:
        return False
    is_timed = wanted.from_day is not None or wanted.last_day is not None
    when = shape.time or shape.day
    firsts = {next(iter(index.columns)).name for index in shape.table.indexes}
    return not is_timed or when is None or when in firsts


def first_rows(snapshot: Snapshot, table: str, wanted: ExportFilter, limit: int) -> Sequence[tuple[Any, ...]]:
    """Return the first rows of a choice as `stream` gives them."""
    shape = SHAPES[table]
    values = [_value(name, column, shape) for name, column in _columns(shape)]
    query = select(*values).select_from(_source(shape)).where(*_where(shape, wanted)).order_by(*_keys(shape))
    return _seen(snapshot, shape, plain_rows(snapshot, query.limit(limit)))


def stream(
    open_reader: Callable[[], AbstractContextManager[Snapshot]], table: str, wanted: ExportFilter
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Yield the rows of a table in pieces, as the database has them: a truth value can be 0 or 1.

    The end of a piece is looked for first, among the keys alone: sorting whole rows would cost more than reading them.

    Args:
        open_reader: Gives the database for one piece; while a piece is used nothing is open.
        table: One of `TABLES`.
        wanted: Which rows.
    """
    shape = SHAPES[table]
    keys = _keys(shape)
    where = _where(shape, wanted)
    begin, rest = _statements(shape, where, keys, is_first=True), _statements(shape, where, keys, is_first=False)
    with open_reader() as snapshot:
        last = _first(snapshot, select(*keys).where(*where).order_by(*(key.desc() for key in keys)), {})
    end: tuple[Any, ...] | None = None
    while last is not None and end != last:
        ends, rows = begin if end is None else rest
        places = _places("after", end or ())
        with open_reader() as snapshot:
            end = _first(snapshot, ends, places | _places("upto", last)) or last
            piece = _seen(snapshot, shape, plain_rows(snapshot, rows, places | _places("upto", end)))
        yield piece


def _statements(
    shape: Shape, where: list[ColumnElement[bool]], keys: list[Column[Any]], *, is_first: bool
) -> tuple[Select[Any], Select[Any]]:
    """Return what finds the last key of a piece and what reads its rows, with places for the keys around it.

    They are made once for all pieces: looking at so many columns takes SQLAlchemy milliseconds.
    """
    bounds = [tuple_(*keys) <= _bound_tuple("upto", keys)]
    if not is_first:
        bounds.append(tuple_(*keys) > _bound_tuple("after", keys))
    values = [_value(name, column, shape) for name, column in _columns(shape)]
    ends = select(*keys).where(*where, *bounds).order_by(*keys).offset(ROWS_AT_ONCE - 1)
    return ends, select(*values).select_from(_source(shape)).where(*where, *bounds).order_by(*keys)


def _source(shape: Shape) -> FromClause:
    """Return the table, with the other one beside it."""
    if not shape.beside:
        return shape.table
    other = shape.beside[0].table
    (key,) = shape.table.primary_key.columns
    return shape.table.outerjoin(other, other.c[key.name] == key)


def _bound_tuple(name: str, keys: list[Column[Any]]) -> Tuple:
    return tuple_(*[bindparam(f"{name}_{at}", type_=key.type) for at, key in enumerate(keys)])


def _places(name: str, key: Sequence[Any]) -> dict[str, Any]:
    return {f"{name}_{at}": value for at, value in enumerate(key)}


def _first(snapshot: Snapshot, query: Select[Any], places: dict[str, Any]) -> tuple[Any, ...] | None:
    row = snapshot.connection.execute(query.limit(1), places).first()
    return None if row is None else tuple(row)


def _keys(shape: Shape) -> list[Column[Any]]:
    """Return the columns that pieces are in the order of; together they are unique."""
    primary = list(shape.table.primary_key.columns)
    return [shape.table.c[shape.time], *primary] if shape.is_by_time and shape.time else primary


def _seen(snapshot: Snapshot, shape: Shape, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
    """Return rows without what is told of the whole country where somebody sees a part of it."""
    if snapshot.scope.is_whole or not shape.of_all:
        return rows
    is_told = [name not in shape.of_all for name, _ in _columns(shape)]
    return [tuple(value if told else None for value, told in zip(row, is_told, strict=True)) for row in rows]


def _columns(shape: Shape) -> list[tuple[str, Column[Any] | None]]:
    """Return (name in the file, column); the constant `kind` has no column."""
    renamed = dict(shape.renamed)
    named: dict[str, Column[Any] | None] = {
        renamed.get(column.name, column.name): column for column in shape.table.c if column.name not in shape.hidden
    }
    named |= {column.name: column for column in shape.beside}
    if shape.kind is not None:
        named["kind"] = None
    order = [*shape.first, *(name for name in named if name not in shape.first)]
    return [(name, named[name]) for name in order]


def _value(name: str, column: Column[Any] | None, shape: Shape) -> ColumnElement[Any]:
    return literal(shape.kind).label(name) if column is None else column.label(name)


def _export_column(name: str, column: Column[Any] | None, shape: Shape) -> ExportColumn:
    if column is None:
        return ExportColumn(name, CellKind.TEXT, is_nullable=False)
    return ExportColumn(name, _kind(column, shape), bool(column.nullable) or name in shape.of_all)


def _kind(column: Column[Any], shape: Shape) -> CellKind:
    if column.name in shape.json:
        return CellKind.JSON
    if column.name in shape.days:
        return CellKind.DAY
    if column.name in dict(shape.renamed):
        return CellKind.TIME
    for types, kind in (
        (Boolean, CellKind.BOOLEAN),
        (Float, CellKind.NUMBER),
        ((Integer, BigInteger), CellKind.INTEGER),
        (Text, CellKind.TEXT),
    ):
        if isinstance(column.type, types):
            return kind
    raise TypeError(f"{column}: no way to write {column.type!r}")


def _where(shape: Shape, wanted: ExportFilter) -> list[ColumnElement[bool]]:
    table = shape.table
    conditions: list[ColumnElement[bool]] = []
    if wanted.school is not None:
        if shape.school in table.c:
            conditions.append(table.c[shape.school] == wanted.school)
        else:
            key = shape.key_of_school
            owners = {"flag_id": FLAGS, "outage_id": OUTAGE_SCHOOLS}[key]
            conditions.append(table.c[key].in_(select(owners.c[key]).where(owners.c.school == wanted.school)))
    if wanted.tests is not None and table is MEASUREMENTS:
        conditions += pages_school.conditions_of(wanted.tests)
    return [*conditions, *_in_time(shape, wanted)]


def _in_time(shape: Shape, wanted: ExportFilter) -> Iterator[ColumnElement[bool]]:
    if shape.time is not None:
        moment = shape.table.c[shape.time]
        if wanted.from_ms is not None:
            yield moment >= wanted.from_ms
        if wanted.to_ms is not None:
            yield moment < wanted.to_ms
    elif shape.day is not None:
        day = shape.table.c[shape.day]
        if wanted.from_day is not None:
            yield day >= wanted.from_day
        if wanted.last_day is not None:
            yield day <= wanted.last_day
