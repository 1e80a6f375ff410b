"""The map: where the schools are, and beside it the same schools as a list, which needs neither eyes nor script.

The page says everything by itself. A script that only this page loads draws the map from one data address, follows the
list and leads it. Filters live in the address and are those of the list of schools.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

from flask import Blueprint, abort, current_app, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.store.queries import pages_map, pages_school, pages_schools, standings
from collector.store.queries.pages_schools import SchoolFilter, SchoolRow
from collector.store.queries.standings import AreaShare
from collector.store.unit import Snapshot
from collector.web import assets, lines, mapdata, mapwords, sentences, words
from collector.web.desk import desk
from collector.web.frame import page
from collector.web.pages.schools import read_filter

BLUEPRINT = Blueprint("map", __name__)

ROWS: Final = 20
FEW: Final = 5  # judged schools; an area with fewer is hatched: one school more or less would turn it
AREAS: Final = "areas"  # the other layer
_LAST_PAGE = 10_000
_LONGEST = 100
_KEPT = 8  # packed answers that this process keeps
_PACKED = "enlace_map"
_FILTERS = ("q", "area", "provider", "technology")


class _Packed:
    """The newest packed answers, by what they depend on; schools are read and packed once for all readers."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def find(self, tag: str) -> bytes | None:
        with self._lock:
            return self._kept.get(tag)

    def keep(self, tag: str, packed: bytes) -> None:
        with self._lock:
            self._kept[tag] = packed
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


@dataclass(frozen=True)
class Picked:
    """The school that is chosen on the map, in words."""

    row: SchoolRow
    sentence: Markup


@BLUEPRINT.get("/map")
def show() -> str:
    """Show the map with its list."""
    parts = desk()
    wanted = read_map_filter()
    number = _read_page()
    is_areas = request.args.get("layer") == AREAS
    with parts.store.reader() as snapshot:
        counted = standings.standings(snapshot, parts.measure, wanted)
        counts = standings.count_verdicts(counted)
        shares = standings.area_shares((one.area, one.verdict, one.schools) for one in counted)
        listed = _verdicts_listed(wanted)
        found = sum(counts.get(name, 0) for name in listed)
        number = min(number, max(1, -(-found // ROWS)))
        rows = []
        if not is_areas:
            rows = pages_schools.school_rows(
                snapshot, parts.measure, wanted, sort="verdict", limit=ROWS, offset=ROWS * (number - 1)
            )
        return page(
            "map/show.html",
            snapshot,
            wanted=wanted,
            chosen=wanted.verdict.split(",") if wanted.verdict else list(mapdata.VERDICTS),
            counts=counts,
            total=sum(counts.values()),
            found=found,
            rows=rows,
            number=number,
            per_page=ROWS,
            placeless=sum(one.placeless for one in counted if one.verdict in listed),
            sentence=mapwords.sentence(counts, shares, list_address),
            shares=worst_first(shares),
            few=FEW,
            is_areas=is_areas,
            layers=[("", mapwords.SCHOOLS), (AREAS, mapwords.SHARE)],
            facets=pages_schools.facets(snapshot),
            picked=_pick(snapshot, request.args.get("school", "")),
            source=url_for("map.data", **_kept_filters()),
            says=mapwords.for_script(),
            geo=url_for("static", filename="geo/"),
            geo_version=assets.version_of_folder("geo"),
            scripts=assets.names_in("map", ".js"),
            list_address=list_address,
            mapwords=mapwords,
            verdicts=mapdata.VERDICTS,
        )


@BLUEPRINT.get("/map/data")
def data() -> Response:
    """Return the schools of a filter for the script, packed; the legend's choice of verdicts is the script's."""
    parts = desk()
    wanted = replace(read_map_filter(), verdict="")
    packed: _Packed = current_app.extensions.setdefault(_PACKED, _Packed())
    with parts.store.reader() as snapshot:
        seen = snapshot.scope.is_whole, sorted(snapshot.scope.areas or ())
        facts = (seen, pages_map.newness(snapshot), parts.measure, wanted)
        tag = hashlib.sha256(repr(facts).encode()).hexdigest()[:24]
        response = Response(mimetype="application/json")
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Accept-Encoding"
        response.set_etag(tag)
        if request.if_none_match.contains_weak(tag):
            return response.make_conditional(request.environ)
        body = packed.find(tag)
        if body is None:
            body = mapdata.pack(pages_map.map_schools(snapshot, parts.measure, wanted))
            packed.keep(tag, body)
    return assets.fill_packed(response, body)


@BLUEPRINT.get("/map/card")
def card() -> str:
    """Return what the map says of one school, without a frame."""
    with desk().store.reader() as snapshot:
        picked = _pick(snapshot, request.args.get("school", ""))
        if picked is None:
            abort(404)
        return render_template("map/card.html", picked=picked)


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
    names = set(wanted.verdict.split(",")) if wanted.verdict else set(mapdata.VERDICTS)
    return names | set(words.VERDICT_ORDER) - {"INSUFFICIENT"} if pages_schools.ENOUGH in names else names


def _kept_filters() -> dict[str, Any]:
    return {name: request.args[name][:_LONGEST] for name in _FILTERS if request.args.get(name)}


def _read_page() -> int:
    text = request.args.get("page", "1")
    return max(1, min(int(text), _LAST_PAGE)) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _pick(snapshot: Snapshot, code: str) -> Picked | None:
    row = pages_schools.one_school(snapshot, desk().measure, code) if code else None
    if row is None:
        return None
    flags = pages_school.flags(snapshot, row.code)
    below_since = next((flag.below_since for flag in flags if flag.is_open), None)
    judged = lines.judged(row, below_since)
    return Picked(row, sentences.verdict(judged) if judged else Markup(""))
