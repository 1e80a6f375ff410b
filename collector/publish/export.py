"""Tables as CSV and JSON Lines: a stream of bytes that needs the same memory for ten rows and for ten million."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from agent.wire import outfile
from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.publish import files
from collector.store.queries import exports
from collector.store.queries.exports import ExportFilter
from collector.store.unit import Snapshot

FORMATS: Final = ("csv", "jsonl")
EVERYTHING: Final = ExportFilter()

OpenReader = Callable[[], AbstractContextManager[Snapshot]]


def iter_export(reader: Snapshot, table: str, format_name: str, filters: ExportFilter = EVERYTHING) -> Iterator[bytes]:
    """Yield a table at one moment as a file, in pieces: for a reader that takes them at once.

    Args:
        reader: The database; it must stay open until the last piece.
        table: One of `exports.TABLES`.
        format_name: One of `FORMATS`.
        filters: Which rows.

    Raises:
        CollectorError: If there is no such table or format.
    """
    return iter_in_pieces(lambda: contextlib.nullcontext(reader), table, format_name, filters)


def iter_in_pieces(
    open_reader: OpenReader, table: str, format_name: str, filters: ExportFilter = EVERYTHING
) -> Iterator[bytes]:
    """Yield a table as a file, in pieces that are each read at once: for a reader that may take hours.

    Args:
        open_reader: Gives the database for one piece; nothing is open while a piece is sent.
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
    write = files.csv if format_name == "csv" else files.json_lines
    return write(exports.columns(table), exports.stream(open_reader, table, filters))


def count_rows(snapshot: Snapshot, table: str, filters: ExportFilter = EVERYTHING, most: int | None = None) -> int:
    """Return how many rows an export has, counted no further than to `most`."""
    return exports.count(snapshot, table, filters, most)


def count_all(snapshot: Snapshot, most: int) -> dict[str, int]:
    """Return how many rows the export of each table has, counted no further than to `most`."""
    return exports.count_all(snapshot, most)


def write_file(path: Path, pieces: Iterable[bytes], *, kept: Collection[Path] = ()) -> int:
    """Write an export to a file that appears under its name only when it is whole, or to the standard output.

    Args:
        path: The file; replaced if it is there. `-` and its like are the standard output.
        pieces: Its content.
        kept: Files and folders of the collector's own, to which no output belongs.

    Returns:
        How many bytes it has.

    Raises:
        CollectorError: If it could not be written; a file that was there is as it was. Usage where no file can be in
            that place, a fault where there was no room or the disk failed.
    """
    try:
        return outfile.write(path, pieces, kept=kept)
    except outfile.NotWrittenError as error:
        raise CollectorError(error.what, means=error.means, do=error.do, exit_code=error.exit_code) from error
