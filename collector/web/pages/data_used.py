"""How much of their monthly allowance the tests of each school have used, as a table and as a file."""

from dataclasses import dataclass
from typing import Final

from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.store.queries import facts
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import data_used as pages_data_used
from collector.store.queries.pages.data_used import Named
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking.rows import csv_file
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.pages import heard
from collector.web.people.access import for_role
from collector.web.views import data_used
from collector.web.views.data_used import Line

BLUEPRINT = heard.BLUEPRINT  # one set of pages

_FILE: Final = {
    "month": CellKind.DAY,
    **dict.fromkeys(("school", "name", "area"), CellKind.TEXT),
    **dict.fromkeys(("measurements", "used_bytes", "allowance_bytes"), CellKind.INTEGER),
    "share": CellKind.NUMBER,
    "days_not_counted": CellKind.INTEGER,
}


@dataclass(frozen=True)
class Shown:
    """One school of the table."""

    line: Line
    school: Named


@BLUEPRINT.get("/devices/data")
def show_data() -> str:
    """Show what the tests of each school have used this month, the greatest share of its allowance first."""
    parts = desk()
    with parts.store.reader() as snapshot:
        is_judged = facts.find_fact(snapshot, facts.LAST_EVALUATION_MS) is not None
        total = data_used.total(snapshot, parts, is_judged=is_judged)
        return page(
            "devices/data.html",
            snapshot,
            lines=_shown(snapshot, data_used.lines(snapshot, parts, asked.limit())),
            found=total.schools,
            first=data_used.first_day(parts),
            amount=data_used.amount,
            total=total,
        )


@BLUEPRINT.get("/devices/data.csv")
@for_role(Role.ANALYST)
def data_rows() -> Response:
    """Give every school of the table as a file."""
    parts = desk()
    with parts.store.reader() as snapshot:
        found = data_used.lines(snapshot, parts)
        names = pages_data_used.named(snapshot, [line.code for line in found])
    first = data_used.first_day(parts)
    return csv_file("data-used", _FILE, [_cells(first, line, names.get(line.code)) for line in found])


def _cells(first: str, line: Line, school: Named | None) -> tuple[object, ...]:
    name, area = (school.name, school.area) if school else (None, None)
    month = line.month
    used_bytes = month.used_bytes if month.is_known else None
    numbers = (month.measurements, used_bytes, line.allowance_bytes, line.share, month.uncounted_days)
    return (first, line.code, name, area, *numbers)


def _shown(snapshot: Snapshot, found: list[Line]) -> list[Shown]:
    names = pages_data_used.named(snapshot, [line.code for line in found])
    return [Shown(line, names.get(line.code, Named(line.code, None))) for line in found]
