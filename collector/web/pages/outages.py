"""Outages: what broke, why it is put down to that, whom it took, what was learnt later, and where none can be seen."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, render_template
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.domain.outages import odds, withdrawn
from collector.domain.outages.withdrawn import Withdrawn
from collector.domain.roles import Role
from collector.store.queries import facts
from collector.store.queries.exports import CellKind
from collector.store.queries.judging.outages import count_groups, said_of
from collector.store.queries.pages import availability as pages_availability
from collector.store.queries.pages import flags as pages_flags
from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages.flags import FlagFilter
from collector.store.queries.pages.outages import MemberRow, OfProvider, OutageRow, SmallGroup
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.charts import outage as chart
from collector.web.charts.outage import Labels, Point
from collector.web.desk import Desk, desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import language, say, say_many
from collector.web.people import access
from collector.web.people.access import for_role
from collector.web.views import line_up, reliability, remembered
from collector.web.words import outage_words

BLUEPRINT = Blueprint("outages", __name__)

_CALLED, _PAST, _SMALL = 8, 8, 8
_WIDTH, _NARROW = 520.0, 330.0  # no wider than where it stands, so that its letters are never drawn smaller
_MEMBERS: Final = {
    **dict.fromkeys(("outage_id", "school", "name", "area", "provider"), CellKind.TEXT),
    "pupils": CellKind.INTEGER,
    "shelter": CellKind.BOOLEAN,
    **dict.fromkeys(("last_heard_at", "heard_again_at"), CellKind.TIME),
    "diary": CellKind.TEXT,
}


_OUTAGES: Final = {
    **dict.fromkeys(("outage_id", "state", "put_down_to", "area", "provider"), CellKind.TEXT),
    **dict.fromkeys(("from_at", "to_at", "learnt_at"), CellKind.TIME),
    **dict.fromkeys(("schools_online", "schools_silent", "confirmed_by_diaries", "pupils"), CellKind.INTEGER),
    **dict.fromkeys(("pupil_hours", "chance_by_accident"), CellKind.NUMBER),
}


_OF_OUTAGE: Final = {
    "put_down_to": "label",
    **{f"{name}_at": f"{name}_ms" for name in ("from", "to", "learnt")},
    **{"schools_online": "online", "schools_silent": "silent", "confirmed_by_diaries": "confirmed"},
    "chance_by_accident": "chance",
}


@dataclass(frozen=True)
class Drawn:
    """Who was heard while an outage went on: pictures of two widths, and what they show as rows of a table."""

    curve: Markup
    narrow: Markup
    steps: Markup


@dataclass(frozen=True)
class Shown:
    """One outage with its picture and its schools."""

    row: OutageRow
    drawn: Drawn
    members: list[MemberRow]
    found: int
    silent: int
    flags: int
    none: Withdrawn | None  # why it was no outage of theirs


@BLUEPRINT.get("/outages")
def show() -> str:
    """Show the outages that go on, and those that are over; where a provider is named, those put down to it."""
    with desk().store.reader() as snapshot:
        if asked.text("provider"):
            return _page(snapshot, [], pages_outages.count_live(snapshot), _of_provider())
        live = pages_outages.list_live(snapshot)
        return _page(snapshot, live, len(live))


@BLUEPRINT.get("/outages/<outage_id>")
def show_one(outage_id: str) -> str:
    """Show one outage, whatever became of it, before those that are over."""
    with desk().store.reader() as snapshot:
        row = pages_outages.find(snapshot, outage_id)
        if row is None:
            abort(404)
        return _page(snapshot, [row], pages_outages.count_live(snapshot))


@BLUEPRINT.get("/outages/<outage_id>/schools.csv")
@for_role(Role.ANALYST)
def download(outage_id: str) -> Response:
    """Give the schools of an outage as a file."""
    with desk().store.reader() as snapshot:
        if pages_outages.find(snapshot, outage_id) is None:
            abort(404)
        found = pages_outages.members(snapshot, outage_id)
    shown = [
        (outage_id, *one[:-1], one.said or None)  # in the order of the columns
        for one in found
    ]
    return rows.csv_file("outage-schools", _MEMBERS, shown)


@BLUEPRINT.get("/outages.csv")
@for_role(Role.ANALYST)
def download_all() -> Response:
    """Give every regional outage that the page shows as a file: those that go on first, then the newest."""
    with desk().store.reader() as snapshot:
        if asked.text("provider"):
            found = pages_outages.list_of_providers(snapshot, _of_provider())
        else:
            found = [*pages_outages.list_live(snapshot), *pages_outages.list_over(snapshot, rows.FILE_ROWS)]
    return rows.csv_of("outages", _OUTAGES, found, _OF_OUTAGE)


def _of_provider() -> OfProvider:
    """Return which outages are asked for: those that the page of providers counts."""
    since_ms = reliability.since_ms(desk().now_ms)
    return OfProvider(since_ms, asked.text("provider"), asked.text("area"), asked.text("technology"))


def _page(snapshot: Snapshot, shown: list[OutageRow], live: int, of: OfProvider | None = None) -> str:
    parts = desk()
    past = pages_outages.list_of_providers(snapshot, of) if of else None
    needed, small = _groups(snapshot)
    return page(
        "outages/show.html",
        snapshot,
        headline=_headline(live),
        cards=_cards(snapshot, shown, parts),
        of=of,
        days=reliability.DAYS,
        past=pages_outages.list_over(snapshot, asked.limit(_PAST)) if past is None else past,
        past_found=pages_outages.count_over(snapshot) if past is None else len(past),
        local=pages_availability.newest_outages(snapshot, asked.limit(_PAST)),
        length=line_up.length,
        lasted=line_up.lasted,
        may_declare=access.may(access.person(), Role.OPERATOR),
        zone_of=parts.zone_of,
        is_part=not snapshot.scope.is_whole,
        needed=needed,
        small=small[:_SMALL],
        small_found=len(small),
        zone=parts.zone,
        now=parts.now_ms,
        say_of=outage_words,
        few=_CALLED,
    )


def _groups(snapshot: Snapshot) -> tuple[int, list[SmallGroup]]:
    """Return how many schools a group needs for an outage to be told from an accident, and those that have fewer.

    It depends on how many groups the watch looks at, which are those of the whole country whoever asks.
    """
    if snapshot.scope.is_whole:
        return remembered.of_schools("outage_groups", snapshot, lambda: _small_groups(snapshot, count_groups(snapshot)))
    counted = facts.find_fact(snapshot, facts.OUTAGE_GROUPS)
    return _small_groups(snapshot, int(counted) if counted else count_groups(snapshot))


def _small_groups(snapshot: Snapshot, groups: int) -> tuple[int, list[SmallGroup]]:
    needed = odds.smallest_group(groups)
    return needed, pages_outages.small_groups(snapshot, needed)


def _headline(live: int) -> Markup:
    silence = say("Silent is not the same as down: a school is down only when a PC or a person says so.")
    if not live:
        return say("None open now. %(silence)s", silence=silence)
    return say_many("%(num)s open now. %(silence)s", "%(num)s open now. %(silence)s", live, silence=silence)


def _cards(snapshot: Snapshot, rows: list[OutageRow], parts: Desk) -> list[Shown]:
    ids = [row.outage_id for row in rows]
    if not ids:
        return []
    said = said_of(snapshot, ids)
    flags = pages_flags.count_of_outages(snapshot, parts.measure, FlagFilter(parts.now_ms), ids)
    return [_shown(snapshot, row, parts, said.get(row.outage_id, {}), flags.get(row.outage_id, 0)) for row in rows]


def _shown(snapshot: Snapshot, row: OutageRow, parts: Desk, said: Mapping[str, int], flags: int) -> Shown:
    found, silent = pages_outages.count_members(snapshot, row.outage_id)
    of_pictures = (row.timeline, row.from_ms, row.online, row.is_live, parts.zone, language())
    return Shown(
        row=row,
        drawn=remembered.of_values("outage_pictures", of_pictures, lambda: _drawn(row, parts)),
        members=pages_outages.members(snapshot, row.outage_id, asked.limit(_CALLED)),
        found=found,
        silent=silent,
        none=withdrawn.find(row.state, row.label, row.live_label, said),
        flags=flags,
    )


def _drawn(row: OutageRow, parts: Desk) -> Drawn:
    points = [Point(*one) for one in json.loads(row.timeline)]

    def clock(at_ms: int) -> str:
        return present.local(at_ms, parts.zone).strftime("%H:%M")

    labels = _labels(row, points, clock)
    wide, narrow = (
        chart.heard_curve(points, row.from_ms, labels, width, clock) if points else Markup("")
        for width in (_WIDTH, _NARROW)
    )
    steps = render_template("outages/steps.html", steps=[(clock(one.at_ms), one) for one in points])
    return Drawn(wide, narrow, Markup(steps))  # noqa: S704 -- a template's


def _labels(row: OutageRow, points: list[Point], clock: Callable[[int], str]) -> Labels:
    """Return what stands in the picture of an outage."""
    heard = present.number(points[-1].heard if points else None)
    usual = points[-1].usual if points else None
    return Labels(
        finding=str(
            say(
                "Schools heard every 5 minutes: %(heard)s now, %(usual)s before",
                heard=heard,
                usual=present.number(row.online),
            )
            if row.is_live
            else say(
                "Schools heard every 5 minutes: %(heard)s at the end, %(usual)s before",
                heard=heard,
                usual=present.number(row.online),
            )
        ),
        usual=str(say("usual: %(num)s", num=present.number(None if usual is None else round(usual)))),
        heard=str(say("heard: %(num)s", num=heard)),
        opened=str(say("began %(time)s", time=clock(row.from_ms))),
    )
