"""The list of schools: filters, order and length live in the address."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from markupsafe import Markup

from collector.domain.roles import Role
from collector.registry.names import fold
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.schools import CONTRACTS, ENOUGH, SORTS, SchoolFilter
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.asking.rows import FILE_ROWS, csv_of
from collector.web.desk import Desk, desk
from collector.web.http.frame import here, page
from collector.web.language.i18n import later, say
from collector.web.pages.overview import midnight_ms
from collector.web.people.access import for_role
from collector.web.views import line_up, lines, remembered
from collector.web.words import terms

BLUEPRINT = Blueprint("schools", __name__)

_DEFAULT_SORT = "ratio"
LISTING: Final = Listing("schools", "schools.show", "schools.download", {"sort": _DEFAULT_SORT})

COLUMNS: Final = {
    "verdict": later("Verdict"),
    "typical": later("Typical Mbit/s"),
    "target": later("Target Mbit/s"),
    "ratio": later("Against target"),
    "tests": later("Tests that reach it"),
    "days": later("30 school days"),
    "availability": later("Line up, 10 days"),
    "pupils": later("Pupils"),
    "heard": later("Last heard"),
}
"""What stands beside the name of a school; the file has every column."""

_FILE: Final = {
    **dict.fromkeys(("school", "name", "area", "provider", "technology", "education_level"), CellKind.TEXT),
    "pupils": CellKind.INTEGER,
    **dict.fromkeys(("contract_download_mbps", "contract_upload_mbps"), CellKind.NUMBER),
    **dict.fromkeys(("verdict", "severity", "state"), CellKind.TEXT),
    **dict.fromkeys(("day", "window_from"), CellKind.DAY),
    **dict.fromkeys(("n", "days"), CellKind.INTEGER),
    "n_effective": CellKind.NUMBER,
    **dict.fromkeys(("attained", "unknown"), CellKind.INTEGER),
    **dict.fromkeys(("lower", "upper", "share"), CellKind.NUMBER),
    **dict.fromkeys(("median_bps", "target_bps"), CellKind.INTEGER),
    "is_estimated": CellKind.BOOLEAN,
    **dict.fromkeys(("target_profile", "profile_version"), CellKind.TEXT),
    **dict.fromkeys(("availability", "coverage"), CellKind.NUMBER),
    "last_heard_at": CellKind.TIME,
}
_OF_ROW: Final = {"school": "code", "last_heard_at": "heard_ms"}  # where a column is called otherwise


@dataclass(frozen=True)
class Sorted:
    """How the list is sorted, and where a heading leads."""

    key: str
    descending: bool

    def state(self, column: str) -> str:
        """Return the value of `aria-sort` of a column."""
        if column != self.key:
            return "none"
        return "descending" if self.descending else "ascending"

    def address(self, column: str) -> str:
        """Return the address of the list sorted by a column; a second time turns it round."""
        turn = "down" if column == self.key and not self.descending else None
        return here(sort=None if column == _DEFAULT_SORT and turn is None else column, order=turn)


@dataclass(frozen=True)
class Chip:
    """An active filter with the address of the list without it."""

    label: str
    without: str


def _query() -> str:
    """Return what the address asks for, in one order."""
    wanted, order, columns = read_filter(), _read_order(), read_columns()
    values = {
        "q": wanted.search_raw,
        "verdict": wanted.verdict,
        "area": wanted.area,
        "provider": wanted.provider,
        "technology": wanted.technology,
        "contract": wanted.contract,
        "heard": "today" if wanted.heard_since_ms is not None else "",
        "place": "none" if wanted.is_placeless else "",
        "sort": order.key,
        "order": "down" if order.descending else "",
        "cols": ",".join(columns) if len(columns) < len(COLUMNS) else "",
    }
    return LISTING.query(values)


def read_columns() -> list[str]:
    """Return the columns that the address asks for, in their order; all where it asks for none."""
    given = {name for text in request.args.getlist("cols") for name in text.split(",")}
    return [name for name in COLUMNS if name in given] or list(COLUMNS)


@BLUEPRINT.route("/schools", methods=METHODS)
@keeps_views(LISTING, _query)
def show() -> str:
    """Show the schools of a filter."""
    parts = desk()
    wanted = read_filter()
    order = _read_order()
    with parts.store.reader() as snapshot:
        rows = remembered.school_rows(
            snapshot,
            parts.measure,
            wanted,
            sort=order.key,
            descending=order.descending,
            limit=asked.limit(),
        )
        total = remembered.count_of_schools(snapshot)
        return page(
            "schools/show.html",
            snapshot,
            lines=lines.school_lines(snapshot, rows),
            out_now=lambda: pages_outages.silent_now(snapshot, [row.code for row in rows]),  # asked where one is open
            line_up=line_up,
            found=_found(snapshot, parts, wanted, len(rows), total),
            total=total,
            facets=remembered.facets(snapshot),
            wanted=wanted,
            order=order,
            columns=read_columns(),
            all_columns=COLUMNS,
            values=dict(parse_qsl(_query())),
            chips=_chips(wanted),
            bar=bar(snapshot, LISTING, _query(), _everybodys_views()),
        )


def _found(snapshot: Snapshot, parts: Desk, wanted: SchoolFilter, shown: int, total: int) -> int:
    """Return how many schools a filter lists: asked for only where the list does not end before its limit."""
    if wanted == SchoolFilter():
        return total
    return shown if shown < asked.limit() else pages_schools.count_schools(snapshot, parts.measure, wanted)


@BLUEPRINT.get("/schools.csv")
@for_role(Role.ANALYST)
def download() -> Response:
    """Give the schools of a filter as a file, in the order of the list."""
    parts, order = desk(), _read_order()
    with parts.store.reader() as snapshot:
        found = pages_schools.school_rows(
            snapshot,
            parts.measure,
            read_filter(),
            sort=order.key,
            descending=order.descending,
            limit=FILE_ROWS,
        )
    return csv_of("schools", _FILE, found, _OF_ROW)


def _everybodys_views() -> list[tuple[Markup, str]]:
    return [
        (say("All"), ""),
        *((Markup.escape(terms.VERDICTS[name]), f"verdict={name}") for name in ("BELOW", "INSUFFICIENT")),
    ]


def read_filter() -> SchoolFilter:
    """Return the filter that the address asks for; what is not known counts as no filter."""
    raw, contract = asked.text("q"), asked.text("contract")
    return SchoolFilter(
        search=fold(raw),
        search_raw=raw,
        verdict=_read_verdicts(),
        area=asked.text("area"),
        provider=asked.text("provider"),
        technology=asked.text("technology"),
        contract=contract if contract in CONTRACTS else "",
        heard_since_ms=midnight_ms(desk()) if asked.text("heard") == "today" else None,
        is_placeless=asked.text("place") == "none",
    )


def _read_verdicts() -> str:
    """Return the verdicts of the address, each said by itself or several with commas between them."""
    given = {name for text in request.args.getlist("verdict") for name in text.upper().split(",")}
    return ",".join(name for name in (*terms.VERDICTS, ENOUGH) if name in given)


def verdict_names(verdict: str) -> str:
    """Return the words for the verdicts of a filter."""
    names = (terms.ENOUGH if name == ENOUGH else terms.word_of(terms.VERDICTS, name) for name in verdict.split(","))
    return ", ".join(str(name) for name in names)


def _read_order() -> Sorted:
    key = asked.text("sort")
    return Sorted(key if key in SORTS else _DEFAULT_SORT, asked.text("order") == "down")


def _chips(wanted: SchoolFilter) -> list[Chip]:
    chips = []
    if wanted.search_raw:
        chips.append(Chip(str(say("Search: %(text)s", text=wanted.search_raw)), here(q=None)))
    if wanted.verdict:
        chips.append(Chip(str(say("Verdict: %(name)s", name=verdict_names(wanted.verdict))), here(verdict=None)))
    if wanted.area:
        chips.append(Chip(str(say("District: %(name)s", name=wanted.area)), here(area=None)))
    if wanted.provider:
        chips.append(Chip(str(say("Provider: %(name)s", name=wanted.provider)), here(provider=None)))
    if wanted.technology:
        chips.append(Chip(str(say("Technology: %(name)s", name=wanted.technology)), here(technology=None)))
    if wanted.contract:
        chips.append(Chip(str(terms.CONTRACTS[wanted.contract]), here(contract=None)))
    if wanted.heard_since_ms is not None:
        chips.append(Chip(str(say("Heard from today")), here(heard=None)))
    if wanted.is_placeless:
        chips.append(Chip(str(say("Without coordinates")), here(place=None)))
    return chips
