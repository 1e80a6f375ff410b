"""All rows and all columns as files, and what the columns mean."""

from typing import Final

from flask import Blueprint, Response, abort, request

from collector.publish import dictionary, export
from collector.store.queries.exports import ExportFilter
from collector.web import evidence, present
from collector.web.desk import desk
from collector.web.frame import page
from collector.web.i18n import language

BLUEPRINT = Blueprint("exports", __name__)

MEDIA: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
_LONGEST = 100
# The columns of measurements that most readers look for; the others stand on the page of all columns.
_MAIN: Final = (
    *("rid", "device", "school", "status", "started_at", "time_quality", "download_bps", "download_half_width_pct"),
    *("upload_bps", "idle_rtt_ms", "votes", "exclusion"),
)


@BLUEPRINT.get("/exports")
def show() -> str:
    """Show what can be downloaded."""
    with desk().store.reader() as snapshot:
        tables = dictionary.tables(language())
        counts = {table.name: export.count_rows(snapshot, table.name) for table in tables}
        first = tables[0]
        columns = [column for column in first.columns if column.name in _MAIN]
        return page("exports/show.html", snapshot, tables=tables, counts=counts, first=first, columns=columns)


@BLUEPRINT.get("/exports/file")
def choose() -> Response:
    """Stream what the form asks for: table and format come as its fields."""
    return download(request.args.get("table", ""), request.args.get("format", ""))


@BLUEPRINT.get("/exports/<table>.<format>")
def download(table: str, format: str) -> Response:
    """Stream all rows of a table, or those of one school or of some days."""
    if table not in dictionary.TABLES or format not in MEDIA:
        abort(404)
    first, last = (present.iso_day(request.args.get(name, "")) for name in ("from", "to"))
    if (request.args.get("from") and not first) or (request.args.get("to") and not last):
        abort(400)  # rows of all days are not what was asked for
    zone = desk().zone
    filters = ExportFilter(
        school=request.args.get("school", "").strip()[:_LONGEST] or None,
        from_ms=evidence.midnight_ms(first, zone) if first else None,
        to_ms=evidence.midnight_ms(evidence.day_after(last), zone) if last else None,
    )
    return Response(
        export.iter_in_pieces(desk().store.reader, table, format, filters),
        content_type=MEDIA[format],
        headers={"Content-Disposition": f'attachment; filename="{table}.{format}"'},
    )
