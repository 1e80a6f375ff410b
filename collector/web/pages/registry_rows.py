"""What the registry's pages link to: the history of one school, and files to take away."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from flask import Blueprint, Response, abort

from collector.domain.formulas import escape
from collector.domain.roles import Role
from collector.registry import calendars, giga
from collector.registry.columns import COLUMNS
from collector.store.queries import imports as stored
from collector.store.queries import schools
from collector.store.queries.exports import CellKind
from collector.web import asked
from collector.web.asking.rows import csv_file
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.people.access import for_role
from collector.web.views import registry_checks

BLUEPRINT = Blueprint("registry_rows", __name__, url_prefix="/admin/registry")

_CHANGES = 200
_LONGEST = 300
_CHECKS: Final = {
    **dict.fromkeys(("school", "name", "check", "others"), CellKind.TEXT),
    "figure": CellKind.NUMBER,
}
# A row that says by example what belongs into a column.
_EXAMPLE: Final = (
    "00123", "Escuela Uno", "13.12345", "-60.12345", "Norte", "", "mon-fri 07:00-12:00 13:00-17:00", "primary", "240",
    "240", "14", "Onda Sur", "fiber", "50", "10",
)  # fmt: skip


@BLUEPRINT.get("/checks.csv")
@for_role(Role.ADMIN)
def checks_file() -> Response:
    """Give the schools of every check as a file."""
    with desk().store.reader() as snapshot:
        found = registry_checks.checked(snapshot)
    rows = [
        (one.code, found.sites[one.code].name, one.check, " ".join(one.others), one.figure) for one in found.findings
    ]
    return csv_file("checks", _CHECKS, rows)


@BLUEPRINT.get("/history")
@for_role(Role.ADMIN)
def history() -> str:
    """Show how one school, or one day of a calendar, came to be what it is."""
    subject = asked.text("of", _LONGEST)
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
