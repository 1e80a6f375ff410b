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
    Table,
    Text,
    Tuple,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)

from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages.school import TestFilter
from collector.store.tables.availability import AVAILABILITY_DAYS, LOCAL_OUTAGES
from collector.store.tables.browser_tests import BROWSER_TESTS
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import EVALUATIONS, FLAG_EVENTS, FLAG_WORK, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import NETWORK_DAYS, SITE_DAYS
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


@dataclass(frozen=True)
class _Shape:
    table: Table
    first: tuple[str, ...]  # columns in front, by their name in the file
    kind: str | None = None  # a constant column `kind`
    hidden: frozenset[str] = frozenset()  # of the table, not in the file
    renamed: tuple[tuple[str, str], ...] = ()  # table -> file, where the ending does not say it
    json: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()
    school: str = "school"
    key_of_school: str = "flag_id"  # where it has no column of the school: what says whose a row is
    time: str | None = None
    day: str | None = None
    is_by_time: bool = False  # an index gives its rows by time, near to how they lie on the disk
    beside: tuple[Column[Any], ...] = ()  # of one other table with the same primary key, that may lack the row


_SHAPES: Final[dict[str, _Shape]] = {
    "measurements": _Shape(
        MEASUREMENTS,
        first=(
            "rid",
            "device",
            "school",
            "kind",
            "status",
            "started_at",
            "started_at_raw",
            "time_quality",
            "time_width_ms",
            "received_at",
            "download_bps",
            "upload_bps",
            "idle_rtt_ms",
            "votes",
            "exclusion",
        ),
        kind="measurement",
        hidden=frozenset({"content_hash"}),
        renamed=(
            ("started_ms", "started_at"),
            ("started_raw_ms", "started_at_raw"),
            ("received_ms", "received_at"),
            ("retracted_ms", "retracted_at"),
        ),
        json=frozenset({"download_bins", "upload_bins", "tags", "detail"}),
        time="started_ms",
        is_by_time=True,
    ),
    "schools": _Shape(
        SCHOOLS,
        first=(),
        hidden=frozenset({"name_folded", "name_order", "phone"}),  # a telephone is looked up one by one
        renamed=(("created_ms", "created_at"), ("updated_ms", "updated_at")),
        json=frozenset({"extra"}),
        school="code",
    ),
    "school_days": _Shape(SCHOOL_DAYS, first=(), days=frozenset({"day"}), day="day"),
    "availability": _Shape(
        AVAILABILITY_DAYS,
        first=("school", "day", "is_open", "availability", "coverage"),
        hidden=frozenset({"spans", "seal"}),
        renamed=(("learnt_ms", "learnt_at"), ("start_ms", "start_at")),
        json=frozenset({"late"}),
        days=frozenset({"day"}),
        day="day",
    ),
    "local_outages": _Shape(
        LOCAL_OUTAGES,
        first=("school", "from_at", "to_at", "seen_at"),
        hidden=frozenset({"seal"}),
        renamed=(("from_ms", "from_at"), ("to_ms", "to_at"), ("seen_ms", "seen_at"), ("learnt_ms", "learnt_at")),
        time="from_ms",
    ),
    "evaluations": _Shape(
        EVALUATIONS,
        first=("school", "profile", "target_profile", "profile_version", "metric", "day"),
        days=frozenset({"day", "window_from"}),
        day="day",
    ),
    "flags": _Shape(
        FLAGS,
        first=(),
        days=frozenset({"below_since", "opened_on", "closed_on", "last_day", "snoozed_until"}),
        day="opened_on",
        beside=(FLAG_WORK.c.owner, FLAG_WORK.c.ticket, FLAG_WORK.c.snoozed_until),
    ),
    "flag_events": _Shape(FLAG_EVENTS, first=(), json=frozenset({"numbers"}), days=frozenset({"day"}), day="day"),
    "outages": _Shape(
        OUTAGES,
        first=("outage_id", "kind", "label", "state", "area", "provider", "opened_at", "closed_at", "from_at", "to_at"),
        # How the watch goes on from minute to minute is its own affair.
        hidden=frozenset({"suspected_ms", "recovered_ms", "whole_ms", "began_ms", "live_label"}),
        renamed=tuple((f"{name}_ms", f"{name}_at") for name in ("opened", "closed", "from", "to", "learnt")),
        json=frozenset({"timeline"}),
        key_of_school="outage_id",
        time="from_ms",
    ),
    "devices": _Shape(
        DEVICES,
        first=("device", "school", "state"),
        # What tells computers apart, and the inner life of the wire, serve the collector alone.
        hidden=frozenset(
            {
                "machine_hash",
                "hostname_hash",
                "token_id",
                "ratchet_issued",
                "ratchet_confirmed",
                "boot_id",
                "sent_mono_ms",
                "lineage",
            }
        ),
        renamed=tuple(
            (f"{name}_ms", f"{name}_at")
            for name in ("enrolled", "approved", "revoked", "last_contact", "last_measurement")
        ),
    ),
    "diary": _Shape(
        DIARY,
        first=("rid", "device", "school", "kind", "from_at", "to_at", "time_quality", "received_at"),
        kind="diary",
        hidden=frozenset({"content_hash"}),
        renamed=(("from_ms", "from_at"), ("to_ms", "to_at"), ("received_ms", "received_at")),
        json=frozenset({"probes", "detail"}),
        time="from_ms",
    ),
    # Beside the measurements and never among them: nobody judges by them.
    "browser_tests": _Shape(
        BROWSER_TESTS,
        first=("test_id", "school", "begun_at", "done_at", "begun_by"),
        hidden=frozenset({"lease_id"}),
        renamed=(("begun_ms", "begun_at"), ("done_ms", "done_at")),
        time="begun_ms",
    ),
    "sites": _Shape(SITE_DAYS, first=(), renamed=(("learnt_ms", "learnt_at"),), days=frozenset({"day"}), day="day"),
    "networks": _Shape(NETWORK_DAYS, first=(), days=frozenset({"day"}), day="day"),
}
TABLES: Final = tuple(_SHAPES)


def columns(table: str) -> tuple[ExportColumn, ...]:
    """Return the columns of a table's file, in order.

    Raises:
        KeyError: If no such table is exported.
    """
    shape = _SHAPES[table]
    return tuple(_export_column(name, column, shape) for name, column in _columns(shape))


def count(snapshot: Snapshot, table: str, wanted: ExportFilter, most: int | None = None) -> int:
    """Return how many rows `stream` gives, counted no further than to `most`: no database knows without counting."""
    shape = _SHAPES[table]
    rows = select(literal(1)).select_from(shape.table).where(*_where(shape, wanted)).limit(most).subquery()
    return int(snapshot.connection.execute(select(func.count()).select_from(rows)).scalar_one())


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
    shape = _SHAPES[table]
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
            piece = _fetch(snapshot, rows, places | _places("upto", end))
        yield piece


def _statements(
    shape: _Shape, where: list[ColumnElement[bool]], keys: list[Column[Any]], *, is_first: bool
) -> tuple[Select[Any], Select[Any]]:
    """Return what finds the last key of a piece and what reads its rows, with places for the keys around it.

    They are made once for all pieces: looking at so many columns takes SQLAlchemy milliseconds.
    """
    bounds = [tuple_(*keys) <= _bound_tuple("upto", keys)]
    if not is_first:
        bounds.append(tuple_(*keys) > _bound_tuple("after", keys))
    values = [_value(name, column, shape) for name, column in _columns(shape)]
    ends = select(*keys).where(*where, *bounds).order_by(*keys).offset(ROWS_AT_ONCE - 1)
    return ends, select(*values).select_from(_source(shape)).where(*where, *bounds)


def _source(shape: _Shape) -> FromClause:
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


def _keys(shape: _Shape) -> list[Column[Any]]:
    """Return the columns that pieces are in the order of; together they are unique."""
    primary = list(shape.table.primary_key.columns)
    return [shape.table.c[shape.time], *primary] if shape.is_by_time and shape.time else primary


def _fetch(snapshot: Snapshot, query: Select[Any], places: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return plain tuples from the driver: a `Row` with its conversions costs twice as much."""
    cursor = snapshot.connection.execute(query, places).cursor
    return [] if cursor is None else list(cursor.fetchall())


def _columns(shape: _Shape) -> list[tuple[str, Column[Any] | None]]:
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


def _value(name: str, column: Column[Any] | None, shape: _Shape) -> ColumnElement[Any]:
    return literal(shape.kind).label(name) if column is None else column.label(name)


def _export_column(name: str, column: Column[Any] | None, shape: _Shape) -> ExportColumn:
    if column is None:
        return ExportColumn(name, CellKind.TEXT, is_nullable=False)
    return ExportColumn(name, _kind(column, shape), bool(column.nullable))


def _kind(column: Column[Any], shape: _Shape) -> CellKind:
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


def _where(shape: _Shape, wanted: ExportFilter) -> list[ColumnElement[bool]]:
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


def _in_time(shape: _Shape, wanted: ExportFilter) -> Iterator[ColumnElement[bool]]:
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
