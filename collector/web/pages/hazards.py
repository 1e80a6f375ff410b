"""Hazards: which there are, declaring one, one with its map and counts, its dates and its end, a drill."""

import hashlib
import json
from dataclasses import replace
from typing import Final

from flask import Blueprint, abort, make_response, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.hazards import geojson
from collector.domain.hazards.standing import Standing
from collector.domain.roles import Role
from collector.evaluate import hazards as work
from collector.store.queries import hazards
from collector.store.queries.hazards import Hazard
from collector.store.queries.pages import hazards as pages_hazards
from collector.store.queries.pages import schools as pages_schools
from collector.store.unit import Snapshot, UnitOfWork
from collector.web import asked
from collector.web.charts import restoration
from collector.web.desk import desk
from collector.web.forms import hazard_form
from collector.web.forms.hazard_form import Dates, Form
from collector.web.http import assets
from collector.web.http.frame import page
from collector.web.language.i18n import say
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.views import hazard_lines
from collector.web.words import hazard_words

BLUEPRINT = Blueprint("hazards", __name__, url_prefix="/hazards")

Answer = Response | tuple[str, int] | str
ROWS: Final = 8  # of the call list on the page of a hazard
MOST_GROUPS: Final = 12  # districts and providers there, the largest; the report has all
_MAP_SCRIPTS: Final = ("map/1-outlines.js", "map/2-marks.js", "map/4-layer.js", "hazards.js")
_DONE: Final = ("declared", "ended", "dated", "drill", "drill_open")
_CODES: Final = {Standing.SILENT: 0, Standing.DEGRADED: 1, Standing.CONFIRMED: 2, Standing.HEARD: 3}


@BLUEPRINT.get("")
def show() -> str:
    """Show every hazard, the open ones first."""
    with desk().store.reader() as snapshot:
        found = hazards.newest(snapshot, asked.limit())
        return page(
            "hazards/show.html",
            snapshot,
            rows=found,
            seen=pages_hazards.schools_seen(snapshot, (one.hazard_id for one in found)),
            found=hazards.count(snapshot),
            done=asked.text("done"),
            **_usual(),
        )


def _usual() -> dict[str, object]:
    parts = desk()
    return {"hazwords": hazard_words, "zone": parts.zone, "now_ms": parts.now_ms, "may_act": may_act()}


def may_act() -> bool:
    """Return whether who is signed in declares, calls and ends."""
    return access.may(access.person(), Role.OPERATOR)


def of_map() -> dict[str, object]:
    """Return what a page with a map brings."""
    says = {
        "zoomIn": str(say("Zoom in")),
        "zoomOut": str(say("Zoom out")),
        "natural": str(say("Outlines: Natural Earth")),
        "invented": str(say("Outlines drawn for this demonstration")),
        "corners": str(say("Corners: %(count)s", count="{count}")),
        "failed": str(say("The map could not be loaded. The lists on this page have the same.")),
    }
    return {
        "scripts": _MAP_SCRIPTS,
        "geo": url_for("static", filename="geo/"),
        "geo_version": assets.version_of_folder("geo"),
        "says": json.dumps(says, ensure_ascii=False),
    }


# --- declaring ------------------------------------------------------------------------------------------------------


@BLUEPRINT.get("/new")
@for_role(Role.OPERATOR)
def new() -> str:
    """Show the form."""
    parts = desk()
    form = Form(audited.new_id(), begins=hazard_form.written(parts.now_ms, parts.zone))
    with parts.store.reader() as snapshot:
        form.areas = [area for area in pages_schools.facets(snapshot)["area"] if area == asked.text("area", 256)]
        return _form(snapshot, form)


def _form(snapshot: Snapshot, form: Form, inside: work.Inside | None = None) -> str:
    return page(
        "hazards/new.html",
        snapshot,
        form=form,
        inside=inside,
        areas=pages_schools.facets(snapshot)["area"],
        most_bytes=geojson.MAX_BYTES,
        **_usual(),
        **of_map(),
    )


@BLUEPRINT.post("/new")
@for_role(Role.OPERATOR)
def declare() -> Answer:
    """Say which schools lie in it, or declare it."""
    parts = desk()
    form = hazard_form.read(parts.now_ms, parts.zone, audited.new_id())
    with parts.store.reader() as snapshot:
        hazard_form.check_areas(form, pages_schools.facets(snapshot)["area"])
    if form.mistakes or request.form.get("deed") != "declare":
        with parts.store.reader() as snapshot:
            inside = None if "shape" in form.mistakes else work.inside(snapshot, form.shape, form.areas)
            return _form(snapshot, form, inside), 422 if form.mistakes else 200
    with parts.store.unit() as unit:
        work.hold(unit, form.hazard_id)
        if hazards.find(unit, form.hazard_id) is None:
            inside = work.inside(unit, form.shape, form.areas)
            if not inside.found:
                form.mistakes["shape"] = say("Nothing was declared: no school that you see lies in it.")
                return _form(unit, form, inside), 422
            _declare(unit, _hazard(form), inside)
            unit.commit()
    return redirect(url_for("hazards.one", hazard_id=form.hazard_id, done="declared"), code=303)


def _hazard(form: Form) -> Hazard:
    person = access.person()
    shape = geojson.write(form.shape) if form.shape is not None else ""
    by = person.name if person is not None else ""
    now_ms = desk().now_ms
    dates = (form.begins_ms, None, now_ms)
    return Hazard(form.hazard_id, form.name, form.kind, False, shape, tuple(form.areas), *dates, by, 1, 0)


def _declare(unit: UnitOfWork, hazard: Hazard, inside: work.Inside) -> None:
    parts = desk()
    work.declare(unit, hazard, inside.found, profile=parts.config.profile, default_zone=parts.config.default_timezone)
    audited.note(unit, "hazard.declared", hazard.hazard_id, f"{hazard.name}: {len(inside.found)} schools")


@BLUEPRINT.post("/drill")
@for_role(Role.OPERATOR)
def drill() -> Response:
    """Start a drill on invented schools: it suppresses nothing and says everywhere that it is one."""
    parts = desk()
    by = _hazard(Form(audited.new_id()))
    with parts.store.unit() as unit:
        started = work.start_drill(unit, _drill_name, by, profile=parts.config.profile, default_zone=_default_zone())
        if started is None:
            return redirect(url_for("hazards.show", done="no_drill"), code=303)
        hazard = started.hazard
        if started.is_new:
            audited.note(unit, "hazard.drill_started", hazard.hazard_id, f"{hazard.name}: {hazard.schools} schools")
            unit.commit()
    done = "drill" if started.is_new else "drill_open"
    return redirect(url_for("hazards.one", hazard_id=hazard.hazard_id, done=done), code=303)


def _drill_name(area: str) -> str:
    return str(say("Hurricane over %(area)s", area=area or "–"))


def _default_zone() -> str:
    return desk().config.default_timezone


# --- one ------------------------------------------------------------------------------------------------------------


def find(snapshot: Snapshot, hazard_id: str) -> Hazard:
    """Return a hazard, or answer that there is none."""
    found = hazards.find(snapshot, hazard_id) if "\0" not in hazard_id else None
    if found is None:
        abort(404)
    return found


@BLUEPRINT.get("/<hazard_id>")
def one(hazard_id: str) -> str:
    """Show one hazard."""
    with desk().store.reader() as snapshot:
        return show_one(snapshot, find(snapshot, hazard_id))


def show_one(snapshot: Snapshot, hazard: Hazard, mistake: Markup | str = "") -> str:
    """Return the page of one hazard."""
    whole = hazard_lines.look(snapshot, hazard)
    done = asked.text("done")
    return page(
        "hazards/one.html",
        snapshot,
        mistake=mistake,
        done=done if done in _DONE else "",
        whole=whole,
        first=[line for line in whole.lines if line.standing is Standing.SILENT][:ROWS],
        held=0 if hazard.is_drill or hazard.ends_ms else pages_hazards.held_flags(snapshot, hazard.hazard_id),
        is_mine=is_mine(whole),
        begins=hazard_form.clean("begins")[:40] or hazard_form.written(hazard.begins_ms, desk().zone),
        ends=hazard_form.clean("ends")[:40] or hazard_form.written(hazard.ends_ms, desk().zone),
        source=url_for("hazards.places", hazard_id=hazard.hazard_id),
        **curves(whole, MOST_GROUPS),
        **_usual(),
        **of_map(),
    )


def is_mine(whole: hazard_lines.Whole) -> bool:
    """Return whether the reader sees every school of a hazard: only then may they end it or change its dates."""
    return _sees_all() or len(whole.lines) >= whole.hazard.schools


def _sees_all() -> bool:
    person = access.person()
    return person is not None and person.scope.is_whole


def curves(whole: hazard_lines.Whole, most: int = 500) -> dict[str, object]:
    """Return how the schools came back, as a picture and in figures; of so many districts and providers at most."""
    every = whole.once("every", lambda: hazard_lines.group(whole, None, whole.lines))
    label, hours = str(hazard_words.curve(every.heard, every.schools)), str(say("hours after the beginning"))
    return {
        "every": every,
        "pictures": [
            restoration.restoration(every.steps, every.schools, label, width, hours) for width in (680.0, 340.0)
        ],
        "by_area": whole.once("by_area", lambda: hazard_lines.groups(whole, lambda one: one.area))[:most],
        "by_provider": whole.once("by_provider", lambda: hazard_lines.groups(whole, lambda one: one.provider))[:most],
        "after": hazard_lines.AFTER_H,
        "small": restoration.small,
    }


@BLUEPRINT.get("/<hazard_id>/places")
def places(hazard_id: str) -> Response:
    """Return shape and schools for the map: places and standings as parallel lists."""
    with desk().store.reader() as snapshot:
        hazard = find(snapshot, hazard_id)
        lines = [line for line in hazard_lines.look(snapshot, hazard).lines if line.member.latitude is not None]
    found = {
        "shape": json.loads(hazard.shape) if hazard.shape else None,
        "x": [line.member.longitude for line in lines],
        "y": [line.member.latitude for line in lines],
        "standing": [_CODES[line.standing] for line in lines],
    }
    return _json(found)


@BLUEPRINT.get("/places")
@for_role(Role.OPERATOR)
def all_places() -> Response:
    """Return where the schools are, to draw around them."""
    with desk().store.reader() as snapshot:
        seen = [one for one in hazards.placed_schools(snapshot) if one.latitude is not None]
    return _json({"shape": None, "x": [one.longitude for one in seen], "y": [one.latitude for one in seen]})


def _json(found: object) -> Response:
    body = json.dumps(found, separators=(",", ":"))
    response = make_response(body)
    response.mimetype = "application/json"
    response.set_etag(hashlib.sha256(body.encode()).hexdigest()[:24])
    return response


@BLUEPRINT.post("/<hazard_id>/dates")
@for_role(Role.OPERATOR)
def set_dates(hazard_id: str) -> Answer:
    """End a hazard, or correct its dates: the days concerned are judged again."""
    parts = desk()
    with parts.store.unit() as unit:
        hazard = find(unit, hazard_id)
        dates = hazard_form.read_dates(hazard, parts.now_ms, parts.zone)
        mistake = dates if isinstance(dates, Markup) else _may_date(unit, hazard)
        if not mistake and isinstance(dates, Dates):
            seen = replace(hazard, version=_seen_version())
            zone = parts.config.default_timezone
            if not work.redate(unit, seen, dates.begins_ms, dates.ends_ms, zone):
                mistake = say("Nothing was saved: somebody changed the dates meanwhile. These are theirs.")
            else:
                work.renew(unit, find(unit, hazard_id), parts.now_ms, zone)
                is_end = request.form.get("deed") == "end"
                detail = f"{dates.begins_ms} to {dates.ends_ms}"
                audited.note(unit, "hazard.ended" if is_end else "hazard.dates", hazard_id, detail)
                unit.commit()
                return redirect(
                    url_for("hazards.one", hazard_id=hazard_id, done="ended" if is_end else "dated"), code=303
                )
        return show_one(unit, find(unit, hazard_id), mistake or ""), 422


def _may_date(unit: UnitOfWork, hazard: Hazard) -> Markup | None:
    if is_mine(hazard_lines.look(unit, hazard)):
        return None
    return say("Nothing was saved: schools outside your districts lie in it too. Ask whoever sees them all.")


def _seen_version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
