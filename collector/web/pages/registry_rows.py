"""What the registry's pages link to: rows of a check, the history of one school, and files to take away."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from flask import Blueprint, Response, abort, request

from collector.domain.registry_checks import Check
from collector.publish.files import escape
from collector.registry import calendars, giga
from collector.registry.columns import COLUMNS
from collector.store.queries import imports as stored
from collector.store.queries import schools
from collector.web import registrychecks
from collector.web.access import Role, for_role
from collector.web.desk import desk
from collector.web.frame import page

BLUEPRINT = Blueprint("registry_rows", __name__, url_prefix="/admin/registry")

ROWS, ALL_ROWS = 50, 2000
_CHANGES = 200
_LONGEST = 300
# A row that says by example what belongs into a column.
_EXAMPLE: Final = (
    "00123", "Escuela Uno", "13.12345", "-60.12345", "Norte", "", "mon-fri 07:00-12:00 13:00-17:00", "primary", "240",
    "240", "14", "Onda Sur", "fiber", "50", "10",
)  # fmt: skip


@BLUEPRINT.get("/checks")
@for_role(Role.ADMIN)
def checks() -> str:
    """Show the schools of one check."""
    try:
        check = Check(request.args.get("check", ""))
    except ValueError:
        abort(404)
    is_all = request.args.get("show") == "all"
    with desk().store.reader() as snapshot:
        found = [one for one in registrychecks.findings(snapshot) if one.check == check]
        shown = found[: ALL_ROWS if is_all else ROWS]
        registry = schools.by_code(snapshot, {code for one in shown for code in (one.code, *one.others)})
        rows = [(one, registry[one.code]) for one in shown]
        return page(
            "registry/checks.html", snapshot, check=check, rows=rows, found=len(found), is_all=is_all, registry=registry
        )


@BLUEPRINT.get("/checks.csv")
@for_role(Role.ADMIN)
def checks_file() -> Response:
    """Give the schools of every check as a file."""
    with desk().store.reader() as snapshot:
        found = registrychecks.findings(snapshot)
        registry = schools.by_code(snapshot)
    rows = (
        [one.code, registry[one.code].name, one.check, " ".join(one.others), "" if one.figure is None else one.figure]
        for one in found
    )
    return _file("checks", ["code", "name", "check", "others", "figure"], rows)


@BLUEPRINT.get("/history")
@for_role(Role.ADMIN)
def history() -> str:
    """Show how one school, or one day of a calendar, came to be what it is."""
    subject = request.args.get("of", "")[:_LONGEST].replace("\0", "")
    with desk().store.reader() as snapshot:
        rows = stored.changes_of_subject(snapshot, subject, _CHANGES)
        school = schools.find(snapshot, subject)
        if not rows and school is None:
            abort(404)
        return page("registry/history.html", snapshot, subject=subject, school=school, rows=rows, zone=desk().zone)


@BLUEPRINT.get("/schools.csv")
@for_role(Role.ADMIN)
def schools_file() -> Response:
    """Give a file of schools with one row as an example."""
    return _file("schools-example", list(COLUMNS), [_EXAMPLE])


@BLUEPRINT.get("/giga.csv")
@for_role(Role.ADMIN)
def giga_file() -> Response:
    """Give every school in the columns of Giga's master table."""
    with desk().store.reader() as snapshot:
        heading, *rows = giga.rows(schools.by_code(snapshot))
    return _file("giga-schools", heading, rows)


@BLUEPRINT.get("/calendar.csv")
@for_role(Role.ADMIN)
def calendar_file() -> Response:
    """Give every day of the calendars, as it can be brought again."""
    with desk().store.reader() as snapshot:
        days = schools.list_calendar_days(snapshot)
    rows = ([one.calendar, one.day, one.kind, one.note or ""] for _key, one in sorted(days.items()))
    return _file("calendar", list(calendars.COLUMNS), rows)


def _file(name: str, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heading)
    for row in rows:
        writer.writerow([escape(cell) if isinstance(cell, str) and not _is_number(cell) else cell for cell in row])
    answer = Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.csv")
    return answer


def _is_number(text: str) -> bool:
    return text[:1] == "-" and text[1:].replace(".", "", 1).isdigit()
