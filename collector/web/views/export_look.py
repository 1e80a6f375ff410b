"""What a file will have before anybody takes it: how many rows and bytes, its first rows, what its columns mean."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from collector.publish import dictionary, export, files
from collector.publish.dictionary import Column, TableWords
from collector.store.queries import exports
from collector.store.queries.exports import ExportFilter
from collector.store.unit import Snapshot
from collector.web.language.i18n import language

TESTS: Final = "measurements"
COUNTED: Final = 10_000  # rows: counting millions takes seconds, and nobody needs the number to press a button
SHOWN: Final = 3  # rows
_WEIGHED: Final = 50  # rows that say how long a row is
_COLUMNS: Final = 8
_MEANINGS: Final = 12
# The columns of measurements that most readers look for; the others stand on the page of all columns.
_MAIN: Final = (
    *("rid", "device", "school", "status", "started_at", "time_quality", "download_bps", "download_half_width_pct"),
    *("upload_bps", "idle_rtt_ms", "votes", "exclusion"),
)
_FIRST: Final[tuple[str, ...]] = (
    "started_at",
    "school",
    "device",
    "status",
    "download_bps",
    "upload_bps",
    "idle_rtt_ms",
    "exclusion",
)


@dataclass(frozen=True)
class Look:
    """What is said of a file."""

    words: TableWords
    rows: int | None  # None: not counted; one more than `COUNTED`: more than that
    size_bytes: float | None  # about, of all rows; None: not known
    columns: list[Column]  # whose meaning is shown
    heads: list[str]
    first: list[list[str]]  # rows as the file has them


def look(snapshot: Snapshot, table: str, filters: ExportFilter | None, all_rows: int) -> Look:
    """Return what a file will have.

    Args:
        snapshot: Where to look.
        table: One of `dictionary.TABLES`.
        filters: Which rows; None: of what is asked for there is no file.
        all_rows: Of the table, counted as `export.count_all` does.
    """
    words = dictionary.table(table, language())
    rows: int | None = None
    found: Sequence[tuple[Any, ...]] = []
    if filters is not None and exports.is_quick(table, filters):
        is_all = filters == export.EVERYTHING
        rows = all_rows if is_all else export.count_rows(snapshot, table, filters, COUNTED + 1)
        found = exports.first_rows(snapshot, table, filters, _WEIGHED) if rows else []
    columns = exports.columns(table)
    written = b"".join(files.csv(columns, [found]))
    head, *cells = csv.reader(io.StringIO(written.decode(), newline=""))
    heads = [name for name in (_FIRST if table == TESTS else head) if name in head][:_COLUMNS]
    return Look(
        words=words,
        rows=rows,
        size_bytes=len(written) / len(found) * rows if found and rows and rows <= COUNTED else None,
        columns=[one for one in words.columns if table != TESTS or one.name in _MAIN][:_MEANINGS],
        heads=heads,
        first=[_chosen(row, head, heads) for row in cells[:SHOWN]],
    )


def _chosen(row: Sequence[str], head: Sequence[str], heads: Sequence[str]) -> list[str]:
    found = dict(zip(head, row, strict=True))
    return [found[name] for name in heads]
