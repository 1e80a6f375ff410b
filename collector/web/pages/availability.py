"""The days of a school's line, and of one day the runs of all diaries that it was worked out from."""

from datetime import date, timedelta
from typing import Final

from flask import Blueprint, abort, request

from collector.domain.availability import LONGEST_MS
from collector.store.queries.pages import availability as pages_availability
from collector.store.queries.pages import schools as pages_schools
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.views import evidence, line_up

BLUEPRINT = Blueprint("availability", __name__)

_DAYS: Final = 60


@BLUEPRINT.get("/schools/<path:code>/availability")
def show(code: str) -> str:
    """Show the days of a school, or the runs of one of them."""
    parts = desk()
    day = present.iso_day(request.args.get("day", ""))
    with parts.store.reader() as snapshot:
        row = pages_schools.one_school(snapshot, parts.measure, code)
        if row is None:
            abort(404)
        zone = parts.zone_of(row.timezone)
        today = evidence.local_day(parts.now_ms, zone)
        last = day or request.args.get("before") or today
        before = (date.fromisoformat(present.iso_day(last) or today) + timedelta(days=1)).isoformat()
        found = pages_availability.days(snapshot, code, 1 if day else _DAYS, before)
        runs = []
        if day:
            found = [one for one in found if one.day == day]
            begin_ms, end_ms = (evidence.midnight_ms(one, zone) for one in (day, evidence.day_after(day)))
            runs = pages_availability.runs(snapshot, code, begin_ms, end_ms, LONGEST_MS)
        return page(
            "availability/show.html",
            snapshot,
            row=row,
            day=day,
            lines=[line_up.line_of(one, parts.now_ms, today) for one in reversed(found)],
            older=found[0].day if len(found) == _DAYS else None,
            runs=runs,
            zone=zone,
            zone_name=f"{zone.key}, {present.zone_name(zone, parts.now_ms)}",
            now_ms=parts.now_ms,
            length=line_up.length,
            is_late=line_up.learnt_late,
        )
