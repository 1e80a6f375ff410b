"""All rows and all columns as files, and what the columns mean."""

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, abort, request

from collector.publish import dictionary, export
from collector.web.desk import desk
from collector.web.frame import page
from collector.web.i18n import language

BLUEPRINT = Blueprint("exports", __name__)

MEDIA: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
_LONGEST = 100


@BLUEPRINT.get("/exports")
def show() -> str:
    """Show what can be downloaded."""
    with desk().store.reader() as snapshot:
        tables = dictionary.tables(language())
        counts = {table.name: export.count_rows(snapshot, table.name) for table in tables}
        return page("exports/show.html", snapshot, tables=tables, counts=counts)


@BLUEPRINT.get("/exports/<table>.<format>")
def download(table: str, format: str) -> Response:
    """Stream all rows of a table, or those of one school."""
    if table not in dictionary.TABLES or format not in MEDIA:
        abort(404)
    school = request.args.get("school", "")[:_LONGEST] or None
    return Response(
        _stream(table, format, school),
        content_type=MEDIA[format],
        headers={"Content-Disposition": f'attachment; filename="{table}.{format}"'},
    )


def _stream(table: str, format_name: str, school: str | None) -> Iterator[bytes]:
    with desk().store.reader() as snapshot:
        yield from export.rows(snapshot, table, format_name, school=school)
