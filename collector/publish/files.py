"""Rows as the bytes of CSV and JSON Lines, a piece at a time.

The JSON encoder writes ten times as many cells a second as the `csv` module, so CSV is made from its output: a line of
JSON without its brackets is a line of CSV, if what the two write differently is put right.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from collector.domain import formulas
from collector.store.queries.exports import CellKind, ExportColumn

Row = tuple[Any, ...]
Pieces = Iterable[Sequence[Row]]
Cell = Callable[[Any], Any]

# The rule of `domain.formulas` at the beginning of a text in JSON: a quote inside of a text has a backslash before it,
# and so has each blank of that rule.
_SIGN: Final = "|".join(map(re.escape, formulas.SIGNS))
_JSON_FORMULA: Final = re.compile(f"(?<=[\\[,]\")(?='*(?:{_SIGN}))".encode())
_JSON_SUSPECT: Final = tuple(sign.encode() for sign in f"'{formulas.SIGNS}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_MS: Final = 60_000
_ENCODER: Final = msgspec.json.Encoder()


def csv(columns: Sequence[ExportColumn], pieces: Pieces) -> Iterator[bytes]:
    """Yield CSV of RFC 4180 with a heading: texts in quotes, also an empty one; nothing where a value is unknown."""
    yield ",".join(column.name for column in columns).encode() + b"\r\n"
    cells = {at: _CSV_CELLS[column.kind] for at, column in enumerate(columns) if column.kind in _CSV_CELLS}
    for piece in pieces:
        rows = converted(piece, cells)
        quick = _quick_csv(rows)
        yield quick if quick is not None else "".join(map(_csv_line, rows)).encode()


def json_lines(columns: Sequence[ExportColumn], pieces: Pieces) -> Iterator[bytes]:
    """Yield one JSON object a line; what is unknown is null."""
    made = objects(columns)
    for piece in pieces:
        yield _ENCODER.encode_lines(made(piece))


def objects(columns: Sequence[ExportColumn]) -> Callable[[Sequence[Row]], list[msgspec.Struct]]:
    """Return what makes rows to objects that msgspec writes as JSON, with a member for each column."""
    line = msgspec.defstruct("Line", [(str(column.name), Any) for column in columns])
    cells = {at: _JSON_CELLS[column.kind] for at, column in enumerate(columns) if column.kind in _JSON_CELLS}
    return lambda piece: [line(*row) for row in converted(piece, cells)]


def iso_time(utc_ms: int) -> str:
    """Return Unix milliseconds as `2026-11-24T13:05:09.123Z`; any year that a calendar has."""
    minute, rest_ms = divmod(utc_ms, _MINUTE_MS)
    return f"{_iso_minute(minute)}{rest_ms / 1000:06.3f}Z"


@lru_cache(maxsize=4096)
def _iso_minute(utc_minutes: int) -> str:
    return (_EPOCH + timedelta(minutes=utc_minutes)).isoformat()[:17]


def converted(piece: Sequence[Row], cells: Mapping[int, Cell]) -> list[list[Any]]:
    """Return rows whose known values at some places were put through what writes them."""
    rows = [list(row) for row in piece]
    for at, cell in cells.items():
        for row in rows:
            value = row[at]
            if value is not None:
                row[at] = cell(value)
    return rows


def _quick_csv(rows: list[list[Any]]) -> bytes | None:
    r"""Return lines of CSV made from JSON, None where a text says what only `_csv_line` can tell apart.

    A quote in a text is `\"` in JSON and `""` in CSV; any backslash that is left after that is another sign that JSON
    writes differently. Unknown values are `,null` in JSON and `,` in CSV, if no text has those signs in it.
    """
    if not rows:
        return b""
    text: bytes = _ENCODER.encode_lines(rows)
    if any(sign in text and b'"' + sign in text for sign in _JSON_SUSPECT):
        text = _JSON_FORMULA.sub(b"'", text)
    text = text.replace(b'\\"', b'""')
    unknown = len([None for row in rows for value in row[1:] if value is None])
    if b"\\" in text or text.count(b",null") != unknown or any(row[0] is None for row in rows):
        return None
    return text[1:-2].replace(b",null", b",").replace(b"]\n[", b"\r\n") + b"\r\n"


def _csv_line(row: list[Any]) -> str:
    return ",".join(map(_csv_cell, row)) + "\r\n"


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return '"' + formulas.escape(value).replace('"', '""') + '"'
    shown = _ENCODER.encode(value).decode()
    return "" if shown == "null" else shown


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


_CSV_CELLS: Final[dict[CellKind, Cell]] = {CellKind.TIME: iso_time, CellKind.BOOLEAN: bool}
_JSON_CELLS: Final[dict[CellKind, Cell]] = {**_CSV_CELLS, CellKind.JSON: _raw}
