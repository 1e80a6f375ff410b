"""The rows of a list as a file: the same numbers as on the page, unrounded, with plain column names."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from collector.publish import files
from collector.store.queries.exports import CellKind, ExportColumn


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
