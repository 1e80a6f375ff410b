"""All rows and all columns as files, and what the columns mean."""

from typing import Final

from flask import Blueprint, Response, abort, request
from markupsafe import Markup

from collector.domain.roles import Role
from collector.publish import dictionary, export
from collector.store.queries import devices
from collector.store.queries.exports import ExportFilter
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.desk import desk
from collector.web.http import problems
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import language, say
from collector.web.people.access import for_keys, for_role
from collector.web.views import evidence

BLUEPRINT = Blueprint("exports", __name__)

MEDIA: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
_COUNTED = 10_000  # rows of a table: counting millions takes seconds, and nobody needs the number to press a button
# The columns of measurements that most readers look for; the others stand on the page of all columns.
_MAIN: Final = (
    *("rid", "device", "school", "status", "started_at", "time_quality", "download_bps", "download_half_width_pct"),
    *("upload_bps", "idle_rtt_ms", "votes", "exclusion"),
)


@BLUEPRINT.get("/exports")
def show() -> str:
    """Show what can be downloaded."""
    with desk().store.reader() as snapshot:
        return _page(snapshot)


def _page(snapshot: Snapshot, wrong: str = "") -> str:
    """Return the page; `wrong` says why what was asked for gives no file."""
    tables = dictionary.tables(language())
    counts = {table.name: export.count_rows(snapshot, table.name, most=_COUNTED + 1) for table in tables}
    columns = [column for column in tables[0].columns if column.name in _MAIN]
    return page(
        "exports/show.html",
        snapshot,
        tables=tables,
        counts=counts,
        counted=_COUNTED,
        first=tables[0],
        columns=columns,
        wrong=wrong,
    )


@BLUEPRINT.get("/exports/file")
@for_role(Role.ANALYST)
def choose() -> Response:
    """Stream what the form asks for: table and format come as its fields."""
    return download(request.args.get("table", ""), request.args.get("format", ""))


@BLUEPRINT.get("/api/v1/<table>.<format>")
@for_role(Role.ANALYST)
@for_keys
def program(table: str, format: str) -> Response:
    """Stream the same for a program that sends a key."""
    return download(table, format)


@BLUEPRINT.get("/exports/<table>.<format>")
@for_role(Role.ANALYST)
@for_keys
def download(table: str, format: str) -> Response:
    """Stream all rows of a table, or those of one school or of some days."""
    if table not in dictionary.TABLES or format not in MEDIA:
        abort(404)
    first, last = (present.iso_day(request.args.get(name, "")) for name in ("from", "to"))
    if (request.args.get("from") and not first) or (request.args.get("to") and not last):
        return _refusal(400, say("One of the dates is no day that can be measured, so there is no file."))
    if first and last and first > last:
        return _refusal(400, say("The first day is after the last, so there is no file."))
    school = asked.text("school") or None
    if school is not None and not _is_known(school):
        return _refusal(404, say("There is no school with the code %(code)s, so there is no file.", code=school))
    zone = desk().zone
    filters = ExportFilter(
        school=school,
        from_ms=evidence.midnight_ms(first, zone) if first else None,
        to_ms=evidence.midnight_ms(evidence.day_after(last), zone) if last else None,
        from_day=first,
        last_day=last,
    )
    return Response(
        export.iter_in_pieces(desk().store.reader, table, format, filters),
        content_type=MEDIA[format],
        headers={"Content-Disposition": f'attachment; filename="{table}.{format}"'},
    )


def _is_known(school: str) -> bool:
    with desk().store.reader() as snapshot:
        return devices.find_school_name(snapshot, school) is not None


def _refusal(status: int, wrong: Markup) -> Response:
    """Return the page with one sentence: a file without rows would say that there are none."""
    if problems.is_program():
        return problems.problem(status, problems.Said(say("No file"), wrong), "parameter")
    with desk().store.reader() as snapshot:
        return Response(_page(snapshot, wrong), status=status)
