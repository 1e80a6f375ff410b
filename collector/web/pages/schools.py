"""The list of schools: filters, order and length live in the address."""

from dataclasses import dataclass

from flask import Blueprint, request

from collector.registry.names import fold
from collector.store.queries import pages_schools
from collector.store.queries.pages_schools import CONTRACTS, ENOUGH, SORTS, SchoolFilter
from collector.web import lines, words
from collector.web.desk import desk
from collector.web.frame import here, page
from collector.web.i18n import say
from collector.web.pages.overview import midnight_ms

BLUEPRINT = Blueprint("schools", __name__)

ROWS = 50
ALL_ROWS = 2000
_DEFAULT_SORT = "ratio"
_LONGEST = 100


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


@BLUEPRINT.get("/schools")
def show() -> str:
    """Show the schools of a filter."""
    parts = desk()
    wanted = read_filter()
    order = _read_order()
    is_all = request.args.get("show") == "all"
    with parts.store.reader() as snapshot:
        rows = pages_schools.school_rows(
            snapshot,
            parts.measure,
            wanted,
            sort=order.key,
            descending=order.descending,
            limit=ALL_ROWS if is_all else ROWS,
        )
        return page(
            "schools/show.html",
            snapshot,
            lines=lines.school_lines(snapshot, rows),
            found=pages_schools.count_schools(snapshot, parts.measure, wanted),
            total=pages_schools.count_schools(snapshot, parts.measure, SchoolFilter()),
            facets=pages_schools.facets(snapshot),
            wanted=wanted,
            order=order,
            chips=_chips(wanted),
            is_all=is_all,
        )


def read_filter() -> SchoolFilter:
    """Return the filter that the address asks for; what is not known counts as no filter."""
    raw = request.args.get("q", "").strip()[:_LONGEST]
    contract = request.args.get("contract", "")
    return SchoolFilter(
        search=fold(raw),
        search_raw=raw,
        verdict=_read_verdicts(),
        area=request.args.get("area", "")[:_LONGEST],
        provider=request.args.get("provider", "")[:_LONGEST],
        technology=request.args.get("technology", "")[:_LONGEST],
        contract=contract if contract in CONTRACTS else "",
        heard_since_ms=midnight_ms(desk()) if request.args.get("heard") == "today" else None,
        is_placeless=request.args.get("place") == "none",
    )


def _read_verdicts() -> str:
    """Return the verdicts of the address, each said by itself or several with commas between them."""
    asked = {name for text in request.args.getlist("verdict") for name in text.upper().split(",")}
    return ",".join(name for name in (*words.VERDICTS, ENOUGH) if name in asked)


def verdict_names(verdict: str) -> str:
    """Return the words for the verdicts of a filter."""
    names = (words.ENOUGH if name == ENOUGH else words.word_of(words.VERDICTS, name) for name in verdict.split(","))
    return ", ".join(str(name) for name in names)


def _read_order() -> Sorted:
    key = request.args.get("sort", _DEFAULT_SORT)
    return Sorted(key if key in SORTS else _DEFAULT_SORT, request.args.get("order") == "down")


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
        chips.append(Chip(str(words.CONTRACTS[wanted.contract]), here(contract=None)))
    if wanted.heard_since_ms is not None:
        chips.append(Chip(str(say("Heard today")), here(heard=None)))
    if wanted.is_placeless:
        chips.append(Chip(str(say("Without coordinates")), here(place=None)))
    return chips
