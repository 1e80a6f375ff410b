"""The school days on which PCs were heard, as a table, and for each day which PCs of which schools."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import abort
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.store.queries import heard_days
from collector.store.queries.exports import CellKind
from collector.store.queries.heard_days import HeardRow
from collector.store.queries.pages import heard as pages_heard
from collector.store.queries.pages.heard import SchoolRow
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking.rows import FILE_ROWS, csv_file
from collector.web.desk import Desk, desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.pages import device_acts
from collector.web.people.access import for_role
from collector.web.views import evidence, heard

BLUEPRINT = device_acts.BLUEPRINT  # one set of pages

_AT_ONCE: Final = 50  # schools
_DAYS: Final = {"day": CellKind.DAY, "pcs_heard": CellKind.INTEGER, "mean_of_7_school_days": CellKind.NUMBER}
_PCS: Final = {
    "day": CellKind.DAY,
    **dict.fromkeys(("school", "device"), CellKind.TEXT),
    **dict.fromkeys(("first_received_at", "last_received_at"), CellKind.TIME),
    **dict.fromkeys(("diary_runs", "measurements"), CellKind.INTEGER),
}


@dataclass(frozen=True)
class Line:
    """One school with its PCs that were heard on a day."""

    school: SchoolRow
    pcs: list[tuple[HeardRow, Markup, Markup]]  # with the moments of the first and the last message


@BLUEPRINT.get("/devices/heard")
def show_heard() -> str:
    """Show on which days how many PCs were heard, and of one day which."""
    parts, day = desk(), _day()
    with parts.store.reader() as snapshot:
        days = heard.days(snapshot, parts)
        schools = pages_heard.schools_after(snapshot, asked.text("after"), _AT_ONCE + 1) if day else []
        counted = heard_days.heard(snapshot, day, day).get(day) if day else None
        return page(
            "devices/heard.html",
            snapshot,
            days=days[::-1],
            picture=heard.picture(days),
            day=day,
            counted=counted,
            lines=_lines(snapshot, parts, day, schools[:_AT_ONCE]) if day else [],
            after=schools[_AT_ONCE - 1].code if len(schools) > _AT_ONCE else "",
        )


@BLUEPRINT.get("/devices/heard.csv")
@for_role(Role.ANALYST)
def heard_rows() -> Response:
    """Give the days as a file, or of one day every PC that was heard."""
    parts, day = desk(), _day()
    with parts.store.reader() as snapshot:
        if not day:
            return csv_file(
                "devices-heard", _DAYS, [(one.day, one.heard, one.mean) for one in heard.days(snapshot, parts)]
            )
        codes = [school.code for school in pages_heard.schools_after(snapshot, "", FILE_ROWS)]
        found = heard_days.rows(snapshot, codes, *_bounds(day, parts))
    return csv_file("devices-heard", _PCS, [(day, *row) for code in codes for row in found.get(code, ())])


def _day() -> str:
    """Return the day of the address that is over; empty: none is asked for."""
    given = asked.text("day")
    day = present.iso_day(given) or ""
    if given and (not day or day >= present.local(desk().now_ms, desk().zone).date().isoformat()):
        abort(404)
    return day


def _bounds(day: str, parts: Desk) -> tuple[int, int]:
    return evidence.midnight_ms(day, parts.zone), evidence.midnight_ms(evidence.day_after(day), parts.zone)


def _lines(snapshot: Snapshot, parts: Desk, day: str, schools: Sequence[SchoolRow]) -> list[Line]:
    found = heard_days.rows(snapshot, [school.code for school in schools], *_bounds(day, parts))
    lines = []
    for school in schools:
        zone = parts.zone_of(school.timezone)
        rows = found.get(school.code, [])
        moments = [(row, present.moment(row.first_ms, zone), present.moment(row.last_ms, zone)) for row in rows]
        lines.append(Line(school, moments))
    return lines
