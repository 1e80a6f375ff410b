"""The map: where the schools are, and beside it the same schools as a list, which needs neither eyes nor script.

The page says everything by itself. A script that only this page loads draws the map from one data address, follows the
list and leads it. Filters live in the address and are those of the list of schools.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Blueprint, abort, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.store.queries import newness
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import map as pages_map
from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages import standings
from collector.store.queries.pages.schools import SchoolFilter, SchoolRow
from collector.store.queries.pages.standings import AreaShare
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.asking.rows import csv_file
from collector.web.desk import desk
from collector.web.http import assets
from collector.web.http.frame import page
from collector.web.http.kept import Kept
from collector.web.pages.schools import read_filter
from collector.web.people.access import for_role
from collector.web.views import lines, map_data, remembered
from collector.web.words import map_words, sentences, terms

BLUEPRINT = Blueprint("map", __name__)

ROWS: Final = 20
FEW: Final = 5  # judged schools; an area with fewer is hatched: one school more or less would turn it
AREAS: Final = "areas"  # the other layer
LISTING: Final = Listing("map", "map.show", "schools.download", {"layer": "schools"})
_LAST_PAGE = 10_000
_DISTRICTS: Final = {
    "area": CellKind.TEXT,
    **dict.fromkeys(("schools", "judged", "meets", "below"), CellKind.INTEGER),
    "share_meeting": CellKind.NUMBER,
}
_FILTERS = ("q", "area", "provider", "technology")


@dataclass(frozen=True)
class Picked:
    """The school that is chosen on the map, in words."""

    row: SchoolRow
    sentence: Markup


def _query() -> str:
    """Return the filter of the address, in one order."""
    layer = AREAS if _is_areas() else "schools"
    return LISTING.query({"layer": layer, **_kept_filters(), "verdict": read_map_filter().verdict})


@BLUEPRINT.route("/map", methods=METHODS)
@keeps_views(LISTING, _query)
def show() -> str:
    """Show the map with its list."""
    parts = desk()
    wanted = read_map_filter()
    number = _read_page()
    is_areas = _is_areas()
    with parts.store.reader() as snapshot:
        counted = remembered.standings_of(snapshot, parts.measure, wanted)
        counts = standings.count_verdicts(counted)
        shares = standings.shares_of(counted)
        listed = _verdicts_listed(wanted)
        found = sum(counts.get(name, 0) for name in listed)
        number = min(number, max(1, -(-found // ROWS)))
        rows = [] if is_areas else _rows(snapshot, wanted, number)
        return page(
            "map/show.html",
            snapshot,
            wanted=wanted,
            chosen=wanted.verdict.split(",") if wanted.verdict else list(map_data.VERDICTS),
            counts=counts,
            total=sum(counts.values()),
            found=found,
            rows=rows,
            out=pages_outages.silent_now(snapshot),
            number=number,
            per_page=ROWS,
            placeless=sum(one.placeless for one in counted if one.verdict in listed),
            sentence=map_words.sentence(counts, shares, list_address),
            districts=_districts(snapshot, shares) if is_areas else "",
            few=FEW,
            is_areas=is_areas,
            layers=[("", map_words.SCHOOLS), (AREAS, map_words.SHARE)],
            bar=replace(bar(snapshot, LISTING, _query()), file=_file_address()),
            facets=pages_schools.facets(snapshot),
            picked=_pick(snapshot, asked.text("school")),
            list_address=list_address,
            mapwords=map_words,
            verdicts=map_data.VERDICTS,
            **_for_script(),
        )


def _districts(snapshot: Snapshot, shares: list[AreaShare]) -> Markup:
    """Return the list beside the map of districts; its links carry the filters of the address."""

    def draw() -> str:
        found = worst_first(shares)
        return render_template(
            "map/districts.html", shares=found, few=FEW, mapwords=map_words, list_address=list_address
        )

    return remembered.drawn("districts", snapshot, desk().measure, draw, request.full_path)


def _rows(snapshot: Snapshot, wanted: SchoolFilter, number: int) -> list[SchoolRow]:
    """Return one page of the list."""
    measure, offset = desk().measure, ROWS * (number - 1)
    return remembered.school_rows(snapshot, measure, wanted, sort="verdict", limit=ROWS, offset=offset)


def _for_script() -> dict[str, object]:
    """Return where the script finds what, and its words."""
    return {
        "source": url_for("map.data", **_kept_filters()),
        "says": map_words.for_script(),
        "geo": url_for("static", filename="geo/"),
        "geo_version": assets.version_of_folder("geo"),
        "scripts": assets.names_in("map", ".js"),
    }


@BLUEPRINT.get("/map/data")
def data() -> Response:
    """Return the schools of a filter for the script, packed; the legend's choice of verdicts is the script's."""
    parts = desk()
    wanted = replace(read_map_filter(), verdict="")
    packed = Kept[bytes].of_app("map")
    with parts.store.reader() as snapshot:
        # Written out in order: every process has to find the same tag for what a browser was given by another.
        seen = snapshot.scope.is_whole, snapshot.scope.school, sorted(snapshot.scope.areas or ())
        out = pages_outages.silent_now(snapshot)
        facts = (seen, newness.newness(snapshot), parts.measure, wanted, sorted(out))
        tag = hashlib.sha256(repr(facts).encode()).hexdigest()[:24]
        response = Response(mimetype="application/json")
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Accept-Encoding"
        response.set_etag(tag)
        if request.if_none_match.contains_weak(tag):
            return response.make_conditional(request.environ)
        body = packed.find(tag)
        if body is None:
            body = packed.keep(tag, map_data.pack(pages_map.map_schools(snapshot, parts.measure, wanted), out))
    return assets.fill_packed(response, body)


@BLUEPRINT.get("/map/card")
def card() -> str:
    """Return what the map says of one school, without a frame."""
    with desk().store.reader() as snapshot:
        picked = _pick(snapshot, asked.text("school"))
        if picked is None:
            abort(404)
        return render_template(
            "map/card.html", picked=picked, out=pages_outages.silent_now(snapshot, [picked.row.code])
        )


@BLUEPRINT.get("/map/districts.csv")
@for_role(Role.ANALYST)
def download_districts() -> Response:
    """Give the districts as a file, in the order of their list."""
    parts = desk()
    with parts.store.reader() as snapshot:
        shares = standings.shares_of(standings.standings(snapshot, parts.measure, read_map_filter()))
    shown = [(one.area, one.schools, one.judged, one.meets, one.below, one.share) for one in worst_first(shares)]
    return csv_file("districts", _DISTRICTS, shown)


def _file_address() -> str:
    """Return where the rows of the list are as a file: districts, or the schools in its order."""
    if _is_areas():
        return url_for("map.download_districts", **_kept_filters())
    verdict = read_map_filter().verdict or None
    return url_for("schools.download", **_kept_filters(), verdict=verdict, sort="verdict")


def _is_areas() -> bool:
    return asked.text("layer") == AREAS


def read_map_filter() -> SchoolFilter:
    """Return the filter of the address; the map knows no filter by what was heard."""
    return replace(read_filter(), heard_since_ms=None, is_placeless=False)


def list_address(**changes: str | None) -> str:
    """Return the address of the list of schools with the map's filters."""
    return url_for("schools.show", **{**_kept_filters(), **changes})


def worst_first(shares: list[AreaShare]) -> list[AreaShare]:
    """Return the areas by the part of their schools that meet the target; those with too few to say stand last."""
    return sorted(shares, key=lambda one: (one.judged < FEW, one.share or 0.0, one.area or ""))


def _verdicts_listed(wanted: SchoolFilter) -> set[str]:
    """Return the verdicts of the schools that the list has."""
    names = set(wanted.verdict.split(",")) if wanted.verdict else set(map_data.VERDICTS)
    return names | set(terms.VERDICT_ORDER) - {"INSUFFICIENT"} if pages_schools.ENOUGH in names else names


def _kept_filters() -> dict[str, Any]:
    return {name: value for name in _FILTERS if (value := asked.text(name))}


def _read_page() -> int:
    text = asked.text("page")
    return max(1, min(int(text), _LAST_PAGE)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _pick(snapshot: Snapshot, code: str) -> Picked | None:
    row = pages_schools.one_school(snapshot, desk().measure, code) if code else None
    if row is None:
        return None
    flags = pages_school.flags(snapshot, row.code)
    below_since = next((flag.below_since for flag in flags if flag.is_slow), None)
    judged = lines.judged(row, below_since)
    return Picked(row, sentences.verdict(judged) if judged else Markup(""))
