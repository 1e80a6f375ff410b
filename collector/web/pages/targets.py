"""Targets: which one holds where and since when, from which source; another one is looked at before it is decided."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from collector.domain.in_force import Reach, Versions
from collector.domain.roles import Role
from collector.evaluate import preview, work
from collector.evaluate.inputs import Reference
from collector.profiles.catalogue import Profile
from collector.profiles.choices import Choices
from collector.profiles.own import compose
from collector.store.queries import growth, schools, target_versions
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.target_versions import Decision
from collector.store.unit import Snapshot, UnitOfWork
from collector.web import asked
from collector.web.desk import desk
from collector.web.forms import target_form
from collector.web.forms.target_form import Form, Known, Wanted
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.people import access, audited
from collector.web.people.access import MayNotError, for_role
from collector.web.words import target_words

BLUEPRINT = Blueprint("targets", __name__)

_LISTED: Final = 50
_ALL: Final = 2000
_PERCENT: Final = re.compile(r"\d{1,3}(?:[.,]\d)?")
_MOST_GROWTH: Final = 300
_DONE: Final = ("saved", "undone", "growth")


@dataclass(frozen=True)
class Line:
    """One decision as a row."""

    decision: Decision
    name: str
    place: str
    profile: Profile | None
    state: str  # in_force | to_come | replaced | undone


@BLUEPRINT.get("/targets")
def show() -> str:
    """Show what holds where, what is to come, and what held before."""
    return _page(200)[0]


def _page(status: int, typed: str | None = None, mistake: str = "") -> tuple[str, int]:
    parts = desk()
    with parts.store.reader() as snapshot:
        made = target_versions.decisions(snapshot)
        today = _earliest(snapshot) - timedelta(days=1)
        lines = _lines(made, today)
        profile = deployment_profile(made, today)
        percent = growth.of_deployment(snapshot) * 100
        shown = page(
            "targets/show.html",
            snapshot,
            lines=lines,
            holding=[line for line in lines if line.state == "in_force" and line.decision.reach != Reach.DEPLOYMENT],
            coming=[line for line in lines if line.state == "to_come"],
            profile=profile,
            since=next((one for one in lines if _is_deployments(one)), None),
            published=[target_words.shipped().on(name, today) for name in target_words.shipped().ids],
            target_words=target_words,
            growth=typed if typed is not None else f"{percent:g}",
            mistake=mistake,
            done=done if (done := asked.text("done")) in _DONE else "",
            may_change=access.may(access.person(), Role.ADMIN),
            zone=parts.zone,
        )
        return shown, status


def _is_deployments(line: Line) -> bool:
    return line.state == "in_force" and line.decision.reach == Reach.DEPLOYMENT


def deployment_profile(made: list[Decision], day: date) -> Profile:
    """Return what schools are held against where nothing nearer holds."""
    versions = Versions(one.version for one in made if one.undone_ms is None)
    config = desk().config
    found = Choices(config.profile, target_words.shipped(), versions).on(day, "", None)
    return found or target_words.shipped().newest(config.profile)


def in_force_now(snapshot: Snapshot) -> Profile:
    """Return what schools are held against today where nothing nearer holds."""
    today = present.local(desk().now_ms, desk().zone).date()
    return deployment_profile(target_versions.decisions(snapshot), today)


def _lines(made: list[Decision], today: date) -> list[Line]:
    versions = Versions(one.version for one in made if one.undone_ms is None)
    lines = []
    for one in made:
        holding = versions.of_place(Reach(one.reach), one.place, today)
        if one.undone_ms is not None:
            state = "undone"
        elif one.valid_from > today.isoformat():
            state = "to_come"
        else:
            state = "in_force" if holding and holding.version_id == one.version_id else "replaced"
        place = str(target_words.place_words(one.reach, one.place))
        lines.append(Line(one, target_words.name_of_decision(one), place, target_words.profile_of(one), state))
    return lines


def _earliest(snapshot: Snapshot) -> date:
    """Return the first local day that has begun at no school: a target may hold from it on."""
    parts = desk()
    zones = [parts.zone, *(parts.zone_of(name) for name in target_versions.timezones(snapshot))]
    return max(present.local(parts.now_ms, zone).date() for zone in zones) + timedelta(days=1)


@BLUEPRINT.get("/targets/new")
@for_role(Role.ADMIN)
def new() -> str:
    """Show the form, and with `look` what it would change; nothing is stored."""
    form = target_form.typed(request.args.to_dict())
    return _form(form, is_looking="look" in request.args)


def _form(form: Form, *, is_looking: bool) -> str:
    parts = desk()
    with parts.store.reader() as snapshot:
        known = _known(snapshot, form)
        form.values["from"] = form.values["from"] or known.earliest.isoformat()
        wanted = target_form.check(form, known) if is_looking else None
        found = _foresee(snapshot, wanted) if wanted else None
        limit = _ALL if asked.has_all() else _LISTED
        return page(
            "targets/new.html",
            snapshot,
            form=form,
            kinds=target_form.KINDS,
            own_kinds=target_form.OWN_KINDS,
            counts=target_form.COUNTS,
            technologies=target_form.TECHNOLOGIES,
            by_technology=any(form.values[f"tech_{name}"] for name in target_form.TECHNOLOGIES),
            areas=sorted(known.areas),
            earliest=known.earliest,
            profiles=[target_words.shipped().newest(name) for name in target_words.shipped().ids],
            target_words=target_words,
            wanted=wanted,
            asks=_asks(wanted),
            found=found,
            changed=found.changed[:limit] if found else (),
        )


def _known(snapshot: Snapshot, form: Form) -> Known:
    code = form.values["school"]
    return Known(
        areas=pages_schools.facets(snapshot)["area"],
        schools=[code] if code and schools.find(snapshot, code) else [],
        catalogue=target_words.shipped(),
        earliest=_earliest(snapshot),
        is_whole=snapshot.scope.is_whole,
    )


def _asks(wanted: Wanted | None) -> list[str]:
    """Return the rules of what is looked at."""
    if wanted is None:
        return []
    if wanted.own is not None:
        return [target_words.rule_words(rule) for rule in wanted.own.rules]
    profile = target_words.shipped().on(wanted.profile or "", wanted.valid_from)
    return [target_words.rule_words(rule) for rule in profile.rules] if profile else []


def _foresee(snapshot: Snapshot, wanted: Wanted) -> preview.Preview:
    config = desk().config
    deployment = work.deployment_of(snapshot, config, target_words.shipped(), Reference())
    return preview.foresee(snapshot, deployment, wanted.version("preview"))


@BLUEPRINT.post("/targets/new")
@for_role(Role.ADMIN)
def save() -> Response | tuple[str, int]:
    """Store a version, if nothing is wrong with it."""
    parts, person = desk(), access.person()
    form = target_form.typed(request.form.to_dict())
    if person is None:
        abort(403)
    with parts.store.unit() as unit:
        wanted = target_form.check(form, _known(unit, form))
        if wanted is not None:
            identity = audited.new_id()
            own = replace(wanted.own, version=f"{wanted.own.version}-{identity[-6:]}") if wanted.own else None
            decision = Decision(
                version_id=identity,
                reach=wanted.reach.value,
                place=wanted.place,
                valid_from=wanted.valid_from.isoformat(),
                profile=wanted.profile,
                rule=compose(own) if own else None,
                note=wanted.note,
                created_ms=parts.now_ms,
                created_by=person.name,
            )
            target_versions.add(unit, decision)
            _write_down(unit, "target_set", decision)
            unit.commit()
    if wanted is None:
        return _form(form, is_looking=True), 422
    return redirect(url_for("targets.show", done="saved"), code=303)


def _write_down(unit: UnitOfWork, action: str, decision: Decision) -> None:
    where = f"{decision.reach}:{decision.place}" if decision.place else decision.reach
    detail = f"{decision.profile or 'wider'} from {decision.valid_from} ({decision.version_id})"
    audited.note(unit, action, where, detail)


@BLUEPRINT.post("/targets/<version_id>/undo")
@for_role(Role.ADMIN)
def undo(version_id: str) -> Response:
    """Take a version back that has begun at no school."""
    parts, person = desk(), access.person()
    with parts.store.unit() as unit:
        decision = target_versions.find(unit, version_id)
        if decision is None or person is None:
            abort(404)
        _check_scope(unit, decision.reach, decision.place)
        is_to_come = decision.valid_from >= _earliest(unit).isoformat()
        is_done = is_to_come and target_versions.undo(unit, version_id, parts.now_ms, person.name)
        if is_done:
            _write_down(unit, "target_undone", decision)
            unit.commit()
    return redirect(url_for("targets.show", done="undone" if is_done else None), code=303)


def _check_scope(unit: Snapshot, reach: str, place: str) -> None:
    """Refuse to decide for more than is seen; a school outside is not even found."""
    if reach == Reach.DEPLOYMENT and not unit.scope.is_whole:
        raise MayNotError
    if reach == Reach.AREA and not unit.scope.covers(place):
        raise MayNotError


@BLUEPRINT.post("/targets/growth")
@for_role(Role.ADMIN)
def set_growth() -> Response | tuple[str, int]:
    """Set by how much demand is taken to grow every year."""
    parts = desk()
    text = request.form.get("growth", "").strip()[:20]
    percent = float(text.replace(",", ".")) if _PERCENT.fullmatch(text) else 0.0
    if not 1 <= percent <= _MOST_GROWTH:
        return _page(422, text, str(say("Write a number from 1 to %(most)s.", most=_MOST_GROWTH)))
    with parts.store.unit() as unit:
        _check_scope(unit, Reach.DEPLOYMENT, "")
        growth.set_for_deployment(unit, percent / 100)
        audited.note(unit, "growth_set", "deployment", f"{percent:g} %")
        unit.commit()
    return redirect(url_for("targets.show", done="growth"), code=303)
