"""Tables as CSV and JSON Lines: a stream of bytes that needs the same memory for ten rows and for ten million.

A file is written beside its name and renamed when it is whole, so that yesterday's good one is never half overwritten.
"""

import contextlib
import csv
import io
import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.store.queries import exports
from collector.store.queries.exports import CellKind, ExportColumn, ExportFilter
from collector.store.unit import Snapshot

FORMATS: Final = ("csv", "jsonl")
EVERYTHING: Final = ExportFilter()

# What a spreadsheet takes for the beginning of a formula; apostrophes before one are kept apart by one more.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_SUSPECT: Final = frozenset("'=+-@\t\r\n＝＋－＠")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Cell = Callable[[Any], Any]


def iter_export(reader: Snapshot, table: str, format_name: str, filters: ExportFilter = EVERYTHING) -> Iterator[bytes]:
    """Yield a table as a file, in pieces.

    Args:
        reader: The database; it must stay open until the last piece.
        table: One of `exports.TABLES`.
        format_name: One of `FORMATS`.
        filters: Which rows.

    Raises:
        CollectorError: If there is no such table or format.
    """
    if table not in exports.TABLES or format_name not in FORMATS:
        raise CollectorError(
            f"There is no export of {table} as {format_name}.",
            do=f"Tables: {', '.join(exports.TABLES)}; formats: {', '.join(FORMATS)}.",
            exit_code=ExitCode.USAGE,
        )
    columns = exports.columns(table)
    write = _csv if format_name == "csv" else _jsonl
    return write(columns, exports.stream(reader, table, filters))


def rows(snapshot: Snapshot, table: str, format_name: str, *, school: str | None = None) -> Iterator[bytes]:
    """Yield a table, or the rows of one school, as a file."""
    return iter_export(snapshot, table, format_name, ExportFilter(school=school))


def count_rows(snapshot: Snapshot, table: str, filters: ExportFilter = EVERYTHING) -> int:
    """Return how many rows an export has."""
    return exports.count(snapshot, table, filters)


def write_file(path: Path, pieces: Iterable[bytes]) -> int:
    """Write an export to a file that appears under its name only when it is whole.

    Args:
        path: The file; replaced if it is there.
        pieces: Its content.

    Returns:
        How many bytes it has.

    Raises:
        CollectorError: If it could not be written; a file that was there is as it was.
    """
    path = path.resolve()  # through a link: the file behind it is the one to replace
    if path.exists() and not path.is_file():
        return _write_through(path, pieces)
    size_bytes = 0
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with _sigterm_interrupts(), open(descriptor, "wb") as file:  # noqa: PTH123 -- of a descriptor
            for piece in pieces:
                size_bytes += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise CollectorError(
            f"{path} could not be written ({error.strerror or error}).",
            means="A file of that name is as it was before.",
            do="Make room, or choose another place with -o.",
        ) from error
    finally:
        if temporary is not None:  # also when somebody ends the command in the middle
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
    return size_bytes


def _write_through(path: Path, pieces: Iterable[bytes]) -> int:
    """Write to a device or pipe, which cannot be replaced as a whole."""
    try:
        with path.open("wb") as device:
            return sum(device.write(piece) for piece in pieces)
    except OSError as error:
        raise CollectorError(
            f"{path} could not be written ({error.strerror or error}).", do="Choose another place with -o."
        ) from error


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that nothing half written stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _mode(path: Path) -> int:
    """Return the rights of the file that is replaced, else those that a new file gets."""
    with contextlib.suppress(OSError):
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


# --- CSV ------------------------------------------------------------------------------------------------------------


def _csv(columns: Sequence[ExportColumn], pieces: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    cells = [_CSV_CELLS.get(column.kind) for column in columns]
    changed = [(at, cell) for at, cell in enumerate(cells) if cell is not None]
    for piece in pieces:
        for row in piece:
            line = list(row)
            for at, cell in changed:
                if line[at] is not None:
                    line[at] = cell(line[at])
            writer.writerow(line)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def escape(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before it where it could.

    `registry.csvfile` takes the apostrophe off again.
    """
    return f"'{text}" if text and text[0] in _SUSPECT and _FORMULA.match(text) else text


def iso_time(utc_ms: int) -> str:
    """Return Unix milliseconds as `2026-11-24T13:05:09.123Z`; any year that a calendar has."""
    return (_EPOCH + timedelta(milliseconds=utc_ms)).isoformat(timespec="milliseconds")[:-6] + "Z"


def _word(value: bool) -> str:
    return "true" if value else "false"


_CSV_CELLS: Final[dict[CellKind, Cell]] = {
    CellKind.TEXT: escape,
    CellKind.JSON: escape,
    CellKind.TIME: iso_time,
    CellKind.BOOLEAN: _word,
}


# --- JSON Lines -----------------------------------------------------------------------------------------------------


def _jsonl(columns: Sequence[ExportColumn], pieces: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[bytes]:
    encoder = msgspec.json.Encoder()
    names = [column.name for column in columns]
    cells = [_JSON_CELLS.get(column.kind) for column in columns]
    for piece in pieces:
        lines = []
        for row in piece:
            values = [
                value if cell is None or value is None else cell(value) for value, cell in zip(row, cells, strict=True)
            ]
            lines.append(encoder.encode(dict(zip(names, values, strict=True))))
        yield b"\n".join(lines) + b"\n"


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


_JSON_CELLS: Final[dict[CellKind, Cell]] = {CellKind.JSON: _raw, CellKind.TIME: iso_time, CellKind.BOOLEAN: bool}
