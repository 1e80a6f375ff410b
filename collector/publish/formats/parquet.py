"""Rows as Parquet, written by DuckDB: small, typed, and read by pandas, DuckDB and Spark.

DuckDB guesses nothing. Each column has the type that the dictionary says: `text`, and `json` as it stands, are strings,
`integer` is a 64-bit integer, `number` a double, `time` a moment in UTC, `day` a date; what is unknown is null. Rows go
to it in parts that fit into memory, each first a file of JSON, then of Parquet; the parts in their order are the file.
"""

import contextlib
import errno
import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.publish import files
from collector.publish.files import Pieces
from collector.publish.formats import scratch
from collector.store.queries.exports import CellKind, ExportColumn

if TYPE_CHECKING:
    import duckdb

# What is held of a part: as many rows as one group of the file has, fewer where rows are large.
_GROUP_ROWS: Final = 20_000
_GROUP_BYTES: Final = 32_000_000
_LEAST_ROWS: Final = 2048  # of a group: DuckDB works on so many at once
_OBJECT_BYTES: Final = 1_000_000  # of the longest row, at least: DuckDB holds a multiple of it

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "memory_limit": "400MB",
    "threads": 1,  # pages are served beside it
    # Nothing comes from the network: what reads JSON and writes Parquet is built in.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_TYPES: Final = {
    CellKind.TEXT: "VARCHAR",
    CellKind.INTEGER: "BIGINT",
    CellKind.NUMBER: "DOUBLE",
    CellKind.BOOLEAN: "BOOLEAN",
    CellKind.TIME: "BIGINT",
    CellKind.DAY: "DATE",
    CellKind.JSON: "VARCHAR",
}
_ENCODER: Final = msgspec.json.Encoder()
_NUMBER: Final = re.compile(r'"errno":"(\d+)"')
_NO_ROOM: Final = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@cache
def is_there() -> bool:
    """Return whether this installation has what writes Parquet."""
    return importlib.util.find_spec("duckdb") is not None


def require() -> None:
    """Make sure that Parquet can be written.

    Raises:
        CollectorError: If it cannot, with what to install.
    """
    if not is_there():
        raise CollectorError(
            "Parquet is written by DuckDB, which is not installed.",
            do="Install enlace-connectivity[parquet], or choose another format.",
            exit_code=ExitCode.USAGE,
        )


def parquet(columns: Sequence[ExportColumn], pieces: Pieces) -> Iterator[bytes]:
    """Yield a file of Parquet, compressed with zstd, its rows in the order of the pieces.

    Raises:
        CollectorError: If DuckDB is not installed, or will not take a value.
        OSError: If the disk has no room for the file while it is made, or failed.
    """
    require()
    return scratch.made(lambda folder: _make(folder, columns, pieces))


def _make(folder: Path, columns: Sequence[ExportColumn], pieces: Pieces) -> Path:
    import duckdb  # 70 MB that no other command needs

    settings = {**_SETTINGS, "temp_directory": str(folder / "spilled")}
    try:
        with (
            duckdb.connect(":memory:", config=settings) as database,
            contextlib.closing(_Parts(database, folder, columns)) as parts,
        ):
            database.execute("SET TimeZone = 'UTC'")
            # The file may go to the standard output: nothing else belongs there, however long it takes.
            database.execute("SET enable_progress_bar = false")
            for piece in pieces:
                parts.add(piece)
            return parts.joined()
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise _of_the_disk(error) from error
    except duckdb.Error as error:
        raise CollectorError(
            f"These rows could not be written as Parquet: {str(error).splitlines()[0]}.", do="Choose another format."
        ) from error


class _Parts:
    """Parts of one file, each as large as fits into memory."""

    def __init__(self, database: "duckdb.DuckDBPyConnection", folder: Path, columns: Sequence[ExportColumn]) -> None:
        self._database, self._folder, self._columns = database, folder, columns
        # Short names, and no word of what is unknown: the JSON is half as long.
        self._line = msgspec.defstruct(
            "Line", [(f"c{at}", Any, None) for at in range(len(columns))], omit_defaults=True
        )
        self._cells = {at: bool for at, column in enumerate(columns) if column.kind is CellKind.BOOLEAN}
        self._paths: list[Path] = []
        self._rows = self._bytes = 0
        self._longest = _OBJECT_BYTES
        self._group_rows = _GROUP_ROWS  # that fit into memory wherever in the file they are
        self._json = (folder / "rows").open("wb")

    def add(self, piece: Sequence[files.Row]) -> None:
        text = _ENCODER.encode_lines([self._line(*row) for row in files.converted(piece, self._cells)])
        self._json.write(text)
        self._rows += len(piece)
        self._bytes += len(text)
        self._longest = max(self._longest, len(text))  # no row is longer than its piece
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._end_part()

    def joined(self) -> Path:
        """Return the one file of all parts."""
        if self._rows or not self._paths:
            self._end_part()
        self._json.close()
        if len(self._paths) == 1:
            return self._paths[0]
        whole = self._folder / "whole"
        listed = ", ".join(_text(path) for path in self._paths)
        self._copy(f"FROM read_parquet([{listed}])", whole)
        return whole

    def close(self) -> None:
        self._json.close()

    def _end_part(self) -> None:
        self._json.flush()
        self._paths.append(self._folder / f"part-{len(self._paths)}")
        if self._bytes > _GROUP_BYTES:
            self._group_rows = min(self._group_rows, max(_LEAST_ROWS, _GROUP_BYTES * self._rows // self._bytes))
        self._copy(self._select(), self._paths[-1])
        self._rows = self._bytes = 0
        self._json.seek(0)
        self._json.truncate()

    def _select(self) -> str:
        types = ", ".join(f"c{at}: '{_TYPES[column.kind]}'" for at, column in enumerate(self._columns))
        values = ", ".join(f'{_value(at, column)} AS "{column.name}"' for at, column in enumerate(self._columns))
        options = "format = 'newline_delimited', compression = 'uncompressed'"
        size = f"maximum_object_size = {self._longest + 1}"
        source = f"FROM read_json({_text(self._folder / 'rows')}, {options}, {size}, columns = {{{types}}})"
        return " ".join(("SELECT", values, source))

    def _copy(self, rows: str, path: Path) -> None:
        form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {self._group_rows}"
        self._database.execute(f"COPY ({rows}) TO {_text(path)} ({form})")


def _value(at: int, column: ExportColumn) -> str:
    return f"epoch_ms(c{at})::TIMESTAMPTZ" if column.kind is CellKind.TIME else f"c{at}"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _of_the_disk(error: Exception) -> OSError:
    """Return what DuckDB says of the system in the system's own words."""
    said = str(error)
    if found := _NUMBER.search(said):
        return OSError(int(found[1]), os.strerror(int(found[1])))
    number = next((one for one in _NO_ROOM if os.strerror(one) in said), errno.EIO)
    return OSError(number, os.strerror(number) if number != errno.EIO else said.splitlines()[0])
