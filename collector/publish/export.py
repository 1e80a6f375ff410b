"""Tables as files: a stream of bytes that needs the same memory for ten rows and for ten million."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from agent.wire import outfile
from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.publish import dictionary, files
from collector.publish.formats import geojson, parquet, workbook
from collector.store.queries import export_places, exports
from collector.store.queries.exports import ExportFilter
from collector.store.unit import Snapshot

FORMATS: Final = ("csv", "parquet", "jsonl", "xlsx", "geojson")
WITH_PLACES: Final = ("schools", "outages")
"""Tables whose rows are somewhere on a map."""

MEDIA: Final = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}
EVERYTHING: Final = ExportFilter()

OpenReader = Callable[[], AbstractContextManager[Snapshot]]


def offered() -> tuple[str, ...]:
    """Return the formats that this installation can write."""
    return tuple(name for name in FORMATS if name != "parquet" or parquet.is_there())


def suits(table: str, format_name: str) -> bool:
    """Return whether a format can hold a table: what shows places wants places."""
    return format_name != "geojson" or table in WITH_PLACES


def iter_export(reader: Snapshot, table: str, format_name: str, filters: ExportFilter = EVERYTHING) -> Iterator[bytes]:
    """Yield a table at one moment as a file, in pieces: for a reader that takes them at once.

    Args:
        reader: The database; it must stay open until the last piece.
        table: One of `exports.TABLES`.
        format_name: One of `FORMATS`.
        filters: Which rows.

    Raises:
        CollectorError: If there is no such table or format, or not this table in this format.
        OSError: If the disk has no room for a file that is made before it is given.
    """
    return iter_in_pieces(lambda: contextlib.nullcontext(reader), table, format_name, filters)


def iter_in_pieces(
    open_reader: OpenReader,
    table: str,
    format_name: str,
    filters: ExportFilter = EVERYTHING,
    language: str = dictionary.LANGUAGES[0],
) -> Iterator[bytes]:
    """Yield a table as a file, in pieces that are each read at once: for a reader that may take hours.

    Parquet and XLSX are made as a whole before the first piece is given; all others as they are read.

    Args:
        open_reader: Gives the database for one piece; nothing is open while a piece is sent.
        table: One of `exports.TABLES`.
        format_name: One of `FORMATS`.
        filters: Which rows.
        language: Of what a workbook says about its columns.

    Raises:
        CollectorError: If there is no such table or format, or not this table in this format.
        OSError: If the disk has no room for a file that is made before it is given.
    """
    _require(table, format_name)
    columns = exports.columns(table)
    rows = exports.stream(open_reader, table, filters)
    match format_name:
        case "csv":
            return files.csv(columns, rows)
        case "jsonl":
            return files.json_lines(columns, rows)
        case "parquet":
            return parquet.parquet(columns, rows)
        case "xlsx":
            return _workbook(open_reader, table, filters, language)
    if table == "schools":
        return geojson.schools(columns, rows)

    def places_of(outage_ids: Iterable[str]) -> dict[str, list[geojson.Position]]:
        with open_reader() as snapshot:
            return export_places.places_of_outages(snapshot, tuple(outage_ids))

    return geojson.outages(columns, rows, places_of)


def begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Return the same pieces with the first of them made: what no file can be made of is known before it is sent."""
    first = next(pieces, b"")

    def all_of_them() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of_them()


def _workbook(open_reader: OpenReader, table: str, filters: ExportFilter, language: str) -> Iterator[bytes]:
    """Yield a workbook; more rows than it can hold are counted before any of them is written."""
    with open_reader() as snapshot:
        if count_rows(snapshot, table, filters, workbook.MAX_ROWS + 1) > workbook.MAX_ROWS:
            raise workbook.TooManyRowsError
    rows = exports.stream(open_reader, table, filters)
    yield from workbook.workbook(dictionary.table(table, language), language, exports.columns(table), rows)


def _require(table: str, format_name: str) -> None:
    if table not in exports.TABLES or format_name not in FORMATS:
        raise CollectorError(
            f"There is no export of {table} as {format_name}.",
            do=f"Tables: {', '.join(exports.TABLES)}; formats: {', '.join(offered())}.",
            exit_code=ExitCode.USAGE,
        )
    if not suits(table, format_name):
        raise CollectorError(
            f"There is no export of {table} as {format_name}: only {' and '.join(WITH_PLACES)} have places.",
            do=f"Formats of {table}: {', '.join(name for name in offered() if suits(table, name))}.",
            exit_code=ExitCode.USAGE,
        )
    if format_name == "parquet":
        parquet.require()


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
