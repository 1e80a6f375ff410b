"""The report of a hazard: counts, how the schools came back, every school, how that was worked out; and as files."""

import json
from dataclasses import replace
from typing import Any, Final

from flask import Response, render_template, request
from markupsafe import Markup

from collector.domain.hazards.standing import HEARD_FOR_MS
from collector.domain.roles import Role
from collector.store.queries import hazards
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import hazards as pages_hazards
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking.rows import FILE_ROWS, csv_file, csv_of
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language.i18n import language
from collector.web.pages import hazards as pages
from collector.web.pages.hazard_calls import read_wanted
from collector.web.pages.hazards import curves, find
from collector.web.people.access import for_role
from collector.web.views import hazard_lines
from collector.web.views.hazard_lines import Line, Whole
from collector.web.words import hazard_words

BLUEPRINT: Final = pages.BLUEPRINT
_QUARTER_MS: Final = 900_000  # of an hour: in every zone a year begins with one

_COLUMNS: Final = {
    **dict.fromkeys(("hazard", "school", "name", "area", "provider"), CellKind.TEXT),
    "is_drill": CellKind.BOOLEAN,
    "pupils": CellKind.INTEGER,
    "shelter": CellKind.BOOLEAN,
    "standing": CellKind.TEXT,
    "first_heard_at": CellKind.TIME,
    "last_heard_at": CellKind.TIME,
    "confirmed_at": CellKind.TIME,
    "answer": CellKind.TEXT,
    "answered_at": CellKind.TIME,
    "answered_by": CellKind.TEXT,
    "verdict_before": CellKind.TEXT,
    "download_before_bps": CellKind.INTEGER,
}


_HAZARDS: Final = {
    **dict.fromkeys(("hazard_id", "name", "kind"), CellKind.TEXT),
    "is_drill": CellKind.BOOLEAN,
    **dict.fromkeys(("began_at", "ended_at", "declared_at"), CellKind.TIME),
    "declared_by": CellKind.TEXT,
    "schools": CellKind.INTEGER,
}


_OF_HAZARD: Final = {"began_at": "begins_ms", "ended_at": "ends_ms", "declared_at": "declared_ms"}


@BLUEPRINT.get("/rows.csv")
@for_role(Role.ANALYST)
def rows_csv() -> Response:
    """Give every hazard as a file, in the order of the list."""
    with desk().store.reader() as snapshot:
        newest = hazards.newest(snapshot, FILE_ROWS)
        seen = pages_hazards.schools_seen(snapshot, (one.hazard_id for one in newest))
    found = [replace(one, schools=seen.get(one.hazard_id, 0)) for one in newest]
    return csv_of("hazards", _HAZARDS, found, _OF_HAZARD)


@BLUEPRINT.get("/<hazard_id>/report")
def report(hazard_id: str) -> str:
    """Show the report."""
    with desk().store.reader() as snapshot:
        whole = _whole(snapshot, hazard_id)
        limit = asked.limit(asked.ROWS * 4)
        return page(
            "hazards/report.html",
            snapshot,
            whole=whole,
            table=_table(whole, limit),
            shown=min(limit, len(whole.lines)),
            found=len(whole.lines),
            hazwords=hazard_words,
            zone=desk().zone,
            now_ms=desk().now_ms,
            hours=HEARD_FOR_MS // 3_600_000,
            **curves(whole),
        )


def _table(whole: Whole, limit: int) -> Markup:
    """Return the schools of a report, drawn once; of the time of day it holds nothing but which year it is."""
    parts = desk()

    def draw() -> Markup:
        values = {"hazwords": hazard_words, "zone_of": parts.zone_of, "now_ms": parts.now_ms}
        table = render_template("hazards/report_rows.html", rows=whole.lines[:limit], **values)
        return Markup(table)  # noqa: S704 -- a template that escapes

    return whole.once(("table", limit, language(), request.root_path), draw, at=parts.now_ms // _QUARTER_MS)


def _whole(snapshot: Snapshot, hazard_id: str) -> Whole:
    return hazard_lines.look(snapshot, find(snapshot, hazard_id))


@BLUEPRINT.get("/<hazard_id>/report.csv")
@for_role(Role.ANALYST)
def report_csv(hazard_id: str) -> Response:
    """Give the schools as a file, in the order of the call list, without telephones."""
    with desk().store.reader() as snapshot:
        whole, wanted = _whole(snapshot, hazard_id), read_wanted("")
    rows = [tuple(_values(whole, line)[name] for name in _COLUMNS) for line in whole.lines if wanted.fits(line)]
    return csv_file("hazard", _COLUMNS, rows)


@BLUEPRINT.get("/<hazard_id>/report.geojson")
@for_role(Role.ANALYST)
def report_geojson(hazard_id: str) -> Response:
    """Give shape and schools as GeoJSON."""
    with desk().store.reader() as snapshot:
        whole, scope = _whole(snapshot, hazard_id), snapshot.scope
    hazard = whole.hazard
    areas = [area for area in hazard.areas if scope.touches(area)]
    area = {"hazard": hazard.name, "kind": hazard.kind, "is_drill": hazard.is_drill, "areas": areas}
    shape = json.loads(hazard.shape) if hazard.shape else None
    features = [_feature(shape, area), *(_feature(_point(line), _values(whole, line)) for line in whole.lines)]
    body = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return Response(
        body,
        content_type="application/geo+json",
        headers={"Content-Disposition": 'attachment; filename="hazard.geojson"'},
    )


def _feature(geometry: object, properties: dict[str, Any]) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _point(line: Line) -> dict[str, object] | None:
    if line.member.latitude is None:
        return None
    return {"type": "Point", "coordinates": [line.member.longitude, line.member.latitude]}


def _values(whole: Whole, line: Line) -> dict[str, Any]:
    member, called = line.member, line.called
    return {
        "hazard": whole.hazard.name,
        "school": member.code,
        "name": line.name,
        "area": member.area,
        "provider": member.provider,
        "is_drill": whole.hazard.is_drill,
        "pupils": member.pupils,
        "shelter": member.shelter,
        "standing": line.standing.value,
        "first_heard_at": line.first_ms,
        "last_heard_at": line.last_ms,
        "confirmed_at": line.confirmed_ms,
        "answer": called.answer,
        "answered_at": called.answered_ms,
        "answered_by": called.answered_by,
        "verdict_before": member.usual_verdict,
        "download_before_bps": member.usual_bps,
    }
