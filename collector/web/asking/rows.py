"""The rows of a list as a file: the same numbers as on the page, unrounded, with plain column names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flask import Response

from collector.publish import files
from collector.store.queries.exports import CellKind, ExportColumn

FILE_ROWS: Final = 100_000  # of one list at most: the exports have all


def csv_of(name: str, columns: Mapping[str, CellKind], rows: Iterable[object], called: Mapping[str, str]) -> Response:
    """Return a CSV file of rows that have their values by name.

    Args:
        name: Of the file, without its ending.
        columns: What stands in each column, in order.
        rows: With a value for each column.
        called: The names of those values that are not called as their column is.
    """
    names = [called.get(column, column) for column in columns]
    return csv_file(name, columns, [tuple(getattr(row, value) for value in names) for row in rows])


def csv_file(name: str, columns: Mapping[str, CellKind], rows: Sequence[tuple[Any, ...]]) -> Response:
    """Return a CSV file to download.

    Args:
        name: Of the file, without its ending.
        columns: What stands in each column, in order.
        rows: Values in that order; None is unknown.
    """
    shown = [ExportColumn(column, kind, is_nullable=True) for column, kind in columns.items()]
    return Response(
        b"".join(files.csv(shown, [rows])),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
