"""Which rows of which table an address asks for as a file, and what is wrong with it in words."""

from dataclasses import dataclass, replace
from typing import Final

from flask import request
from markupsafe import Markup

from collector.publish import dictionary, export
from collector.store.queries import devices
from collector.store.queries.exports import ExportFilter
from collector.store.queries.pages.school import TestFilter
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.views import evidence, export_look

_COUNTS: Final = {"yes": True, "no": False}


@dataclass(frozen=True)
class Wanted:
    """What is asked for; an empty text means all."""

    table: str
    format: str
    first: str
    last: str
    school: str
    counts: str  # yes | no: of tests, only those that count or do not
    wrong: Markup  # empty: nothing
    status: int

    def address(self) -> dict[str, str]:
        """Return the filters as an address has them."""
        values = {"from": self.first, "to": self.last, "school": self.school, "counts": self.counts}
        return {name: value for name, value in values.items() if value}

    def without(self, wrong: Markup, status: int) -> "Wanted":
        """Return the same choice, of which no file can be made."""
        return replace(self, wrong=wrong, status=status)

    def filter(self) -> ExportFilter:
        """Return it as the export takes it."""
        zone = desk().zone
        return ExportFilter(
            school=self.school or None,
            from_ms=evidence.midnight_ms(self.first, zone) if self.first else None,
            to_ms=evidence.midnight_ms(evidence.day_after(self.last), zone) if self.last else None,
            from_day=self.first or None,
            last_day=self.last or None,
            tests=TestFilter(counts=_COUNTS[self.counts]) if self.counts else None,
        )


def read(snapshot: Snapshot, table: str, format_name: str) -> Wanted:
    """Return what the address asks for; what cannot be is said, and the file is refused.

    Args:
        snapshot: Where schools are looked for.
        table: As asked for; the first one where there is none of this name.
        format_name: As asked for; the first one where there is none of this name.
    """
    table = table if table in dictionary.TABLES else dictionary.TABLES[0]
    first, last = (present.iso_day(request.args.get(name, "")) for name in ("from", "to"))
    school, counts = asked.text("school"), asked.text("counts")
    wrong, status = Markup(""), 200
    if (request.args.get("from") and not first) or (request.args.get("to") and not last):
        wrong, status = say("One of the dates is no day that can be measured, so there is no file."), 400
    elif first and last and first > last:
        wrong, status = say("The first day is after the last, so there is no file."), 400
    elif school and devices.find_school_name(snapshot, school) is None:
        wrong, status = say("There is no school with the code %(code)s, so there is no file.", code=school), 404
    elif not export.suits(table, format_name):
        wrong, status = say("Only schools and outages have places, so there is no file. Choose another format."), 400
    return Wanted(
        table=table,
        format=format_name if format_name in export.offered() and export.suits(table, format_name) else "csv",
        first=first or "",
        last=last or "",
        school=school,
        counts=counts if table == export_look.TESTS and counts in _COUNTS else "",
        wrong=wrong,
        status=status,
    )
