"""What devices are told to keep to, for all schools and for one: what holds, who says so, and the form."""

import csv
import io
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from collector.config import CollectorConfig
from collector.domain.calendars import Period
from collector.domain.roles import Role
from collector.intake import rules
from collector.intake.rules import Wishes
from collector.intake.school_day import calendar_for
from collector.intake.settings import ENGINES, WINDOW_DAYS
from collector.registry import columns, imports
from collector.registry.columns import CellError, Context
from collector.registry.imports import Deed
from collector.registry.plan import SCHOOLS
from collector.store import locks
from collector.store.queries import agent_settings, campaigns, hours, schools
from collector.store.queries.agent_settings import EVERYWHERE, SettingsDecision
from collector.store.queries.schools import School
from collector.store.unit import Snapshot, UnitOfWork
from collector.web import asked
from collector.web.desk import desk
from collector.web.forms import settings_form
from collector.web.forms.settings_form import Form
from collector.web.http.frame import page
from collector.web.language.i18n import say
from collector.web.people import access, audited
from collector.web.people.access import MayNotError, for_role
from collector.web.views import settings_words
from collector.web.words.registry_words import tell

BLUEPRINT = Blueprint("settings", __name__)

_HELD: Final = "settings"  # a name that is held while somebody decides
_DONE: Final = ("saved", "same", "hours")
_SHOWN: Final = 50  # decisions
_SHOWN_WINDOWS: Final = 6
_OPENING_CHARS: Final = 500


@dataclass(frozen=True)
class Hours:
    """When a school's devices test, and the form of its hours."""

    zone: ZoneInfo
    windows: tuple[Period, ...]  # the next few
    typed: str
    mistake: Markup | str = ""


@BLUEPRINT.get("/admin/settings")
def show() -> str:
    """Show what all schools keep to."""
    return _page(EVERYWHERE, 200)[0]


@BLUEPRINT.get("/schools/<path:code>/settings")
def show_school(code: str) -> str:
    """Show what one school keeps to."""
    return _page(code, 200)[0]


@BLUEPRINT.post("/admin/settings")
@for_role(Role.ADMIN)
def save() -> Response | tuple[str, int]:
    """Store what is said of all schools, if nothing is wrong with it."""
    return _save(EVERYWHERE)


@BLUEPRINT.post("/schools/<path:code>/settings")
@for_role(Role.ADMIN)
def save_school(code: str) -> Response | tuple[str, int]:
    """Store what is said of one school, if nothing is wrong with it."""
    return _save(code)


def _page(
    place: str, status: int, form: Form | None = None, opening: tuple[str, Markup] | None = None
) -> tuple[str, int]:
    parts = desk()
    with parts.store.reader() as snapshot:
        school = _school(snapshot, place)
        made = agent_settings.decisions(snapshot, place, _SHOWN + 1)
        said = rules.wishes(made[0] if made else None)
        held = rules.for_school(snapshot, parts.config, place)
        wider = (
            rules.for_school(snapshot, parts.config, EVERYWHERE) if school else rules.combine(parts.config, _NO, _NO)
        )
        shown = page(
            "settings/show.html",
            snapshot,
            school=school,
            lines=settings_words.lines(held),
            otherwise={line.name: line for line in settings_words.lines(wider)},
            held=held,
            form=form or settings_form.filled(said, str(made[0].number if made else 0)),
            fields=rules.OF_SCHOOL if school else rules.NAMES,
            names=settings_words.SETTINGS,
            origins=settings_words.ORIGINS,
            entries=settings_words.entries(made)[:_SHOWN],
            hours=_hours(snapshot, school, parts.config, opening) if school else None,
            campaign=campaigns.find_current(snapshot, place, parts.now_ms) if school else None,
            engines=ENGINES,
            testpoint=parts.testpoint_id,
            deciding=agent_settings.deciding(snapshot) if school is None else [],
            may_change=access.may(access.person(), Role.ADMIN) and (school is not None or snapshot.scope.is_whole),
            may_set_hours=access.may(access.person(), Role.ADMIN) and snapshot.scope.is_whole,
            done=done if (done := asked.text("done")) in _DONE else "",
            zone=parts.zone_of(school.timezone) if school else parts.zone,
            zone_origin=rules.origin_of(parts.config, "default_timezone"),
        )
        return shown, status


_NO: Final = Wishes()


def _school(snapshot: Snapshot, place: str) -> School | None:
    """Return the school that a place is; None for all of them."""
    if place == EVERYWHERE:
        return None
    found = schools.find(snapshot, place)
    if found is None:
        abort(404)
    return found


def _hours(
    snapshot: Snapshot, school: School, config: CollectorConfig, opening: tuple[str, Markup] | None
) -> Hours | None:
    found = hours.find_school_hours(snapshot, school.code)
    if found is None:
        return None
    calendar = calendar_for(snapshot, found, config, desk().now_ms)
    windows = calendar.windows_utc(desk().now_ms, WINDOW_DAYS)[:_SHOWN_WINDOWS]
    typed, mistake = opening or (found.opening or "", Markup(""))
    return Hours(calendar.zone, tuple(windows), typed, mistake)


def _save(place: str) -> Response | tuple[str, int]:
    form, config = settings_form.typed(request.form.to_dict()), desk().config
    with desk().store.unit() as unit:
        school = _school(unit, place)
        if school is None and not unit.scope.is_whole:
            raise MayNotError
        locks.hold(unit, (_HELD,))
        found = agent_settings.in_force(unit, place)
        before, newest = rules.wishes(found.get(place)), found[place].number if place in found else 0
        everywhere = rules.wishes(found.get(EVERYWHERE))
        said = settings_form.check(form, config, everywhere, is_school=school is not None)
        status = 422
        if said is not None and said == before:
            return _back(place, "same")
        if said is not None and form.values["seen"] == str(newest):
            _decide(unit, place, newest + 1, before, said, form.values["note"])
        elif said is not None:
            form.wrong("seen", say("Somebody changed the settings meanwhile. Look at them below and save again."))
            form.values["seen"], status = str(newest), 409
    return _page(place, status, form) if form.mistakes else _back(place, "saved")


def _decide(unit: UnitOfWork, place: str, number: int, before: Wishes, said: Wishes, note: str) -> None:
    """Store a decision with its line in the audit log, and commit both."""
    person = access.person()
    if person is None:
        abort(403)
    agent_settings.add(unit, SettingsDecision(place, number, rules.stored(said), note, desk().now_ms, person.name))
    audited.note(unit, "settings.set", place or "deployment", settings_words.for_log(before, said, note))
    unit.commit()


def _back(place: str, done: str) -> Response:
    address = url_for("settings.show_school", code=place, done=done) if place else url_for("settings.show", done=done)
    return redirect(address, code=303)


@BLUEPRINT.post("/schools/<path:code>/settings/hours")
@for_role(Role.ADMIN)
def save_hours(code: str) -> Response | tuple[str, int]:
    """Store the opening hours of a school: a row of the registry, in its history like one of a file."""
    text = request.form.get("opening", "").strip()[:_OPENING_CHARS]
    parts, person = desk(), access.person()
    try:
        wanted = columns.COLUMNS["opening"](text, Context(","))
    except CellError as error:
        return _page(code, 422, opening=(text, tell(error.said)))
    with parts.store.unit() as unit:
        school = _school(unit, code)
        if school is None or person is None:
            abort(404)
        if not unit.scope.is_whole:
            raise MayNotError
        if wanted == school.opening:
            return _back(code, "same")
        deed = Deed(person.name, parts.ports, parts.config.default_timezone)
        row = _row(school, str(wanted or ""))
        plan, _ = imports.bring(unit, imports.read(row), "settings", "settings", deed, kind=SCHOOLS, dry_run=False)
        is_done = [change.field for line in plan.lines for change in line.changes] == ["opening"]
        if is_done:
            detail = f"opening: {school.opening or '-'} -> {wanted or '-'}"
            audited.note(unit, "settings.hours", code, detail)
            unit.commit()
    if is_done:
        return _back(code, "hours")
    refused = say("The registry does not take this school's row as it is: mend its name there first.")
    return _page(code, 422, opening=(text, tell(plan.errors[0].sentence) if plan.errors else refused))


def _row(school: School, opening: str) -> bytes:
    """Return a file with the one row that changes."""
    file = io.StringIO()
    rows = csv.writer(file, quoting=csv.QUOTE_ALL)
    rows.writerows([("code", "name", "opening"), (school.code, school.name, opening)])
    return file.getvalue().encode()
