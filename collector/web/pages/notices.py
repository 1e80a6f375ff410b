"""What a person is told: their address, what they want to hear of, what is muted, and what was sent to them."""

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from collector.domain.notice_rules import Muted, Topic, Wants, inherit, may_know_illness
from collector.domain.roles import Role
from collector.notify import decide
from collector.notify.readers import USER
from collector.store.queries import schools, users
from collector.store.queries.notices import facts, outbox, preferences
from collector.store.queries.notices.outbox import Attempt, Notice
from collector.store.queries.notices.preferences import DEPLOYMENT, PERSON, ROLE, StoredMute
from collector.store.queries.pages import schools as pages_schools
from collector.store.unit import Snapshot, UnitOfWork
from collector.web import asked
from collector.web.desk import desk
from collector.web.forms import notice_forms
from collector.web.forms.notice_forms import Form
from collector.web.http.frame import page
from collector.web.language.i18n import language
from collector.web.people import access, audited
from collector.web.people.access import Person
from collector.web.words import notice_words

BLUEPRINT = Blueprint("notices", __name__)

_DONE: Final = ("saved", "tested", "soon", "muted", "ended")
_SHOWN: Final = 10
_TEST_REST_MS: Final = 60_000
_MOST_MUTES: Final = 50


@dataclass(frozen=True)
class Line:
    """One notice with its tries, the newest first."""

    notice: Notice
    attempts: list[Attempt]


def lines(snapshot: Snapshot, found: list[Notice]) -> list[Line]:
    """Return notices with their tries."""
    tried = outbox.attempts(snapshot, [one.notice_id for one in found])
    return [Line(one, tried.get(one.notice_id, [])) for one in found]


@BLUEPRINT.get("/notices")
def show() -> str:
    """Show what the person is told."""
    return _page(200)[0]


def _person() -> Person:
    found = access.person()
    if found is None:
        abort(403)
    return found


def _wants(snapshot: Snapshot, person: Person) -> tuple[Wants, Wants, dict[str, str]]:
    """Return what holds, what would hold without the person's own word, and that word as the form has it."""
    said = preferences.said_of(snapshot, person.role, person.user_id)
    own = said[PERSON]
    otherwise = inherit(said[DEPLOYMENT], said[ROLE], type(own)())
    return inherit(said[DEPLOYMENT], said[ROLE], own), otherwise, notice_forms.of_preference(own)


def _page(status: int, form: Form | None = None, mute: Form | None = None) -> tuple[str, int]:
    parts, person = desk(), _person()
    with parts.store.reader() as snapshot:
        user = users.find_user_by_id(snapshot, person.user_id)
        holds, otherwise, own = _wants(snapshot, person)
        filled = Form({**own, "email": (user.email if user else None) or ""})
        sent = outbox.newest(snapshot, _SHOWN, reader=f"{USER}{person.user_id}")
        shown = page(
            "notices/show.html",
            snapshot,
            form=form or filled,
            mute=mute or Form({**dict.fromkeys(notice_forms.MUTE_FIELDS, ""), **_prefilled()}),
            holds=holds,
            otherwise=otherwise,
            email=user.email if user else None,
            has_mail=parts.notify.has_mail,
            digest_time=parts.notify.digest_time,
            switches=_switches(person),
            topics=notice_words.TOPICS,
            origins=notice_words.ORIGINS,
            muted=notice_words.MUTED,
            kinds=notice_words.KINDS,
            mutes=_mutes(snapshot, person),
            sent=lines(snapshot, sent),
            states=notice_words.STATES,
            outcomes=notice_words.OUTCOMES,
            done=done if (done := asked.text("done")) in _DONE else "",
            zone=parts.zone,
        )
        return shown, status


def _mutes(snapshot: Snapshot, person: Person) -> list[StoredMute]:
    """Return the person's mutes, and those of everybody that are about something they see."""
    found = preferences.mutes_in_force(snapshot, desk().now_ms, ("", person.user_id))
    return [one for one in found if one.user_id or _is_seen(snapshot, one)]


def _is_seen(snapshot: Snapshot, mute: StoredMute) -> bool:
    if mute.what == Muted.AREA:
        return snapshot.scope.touches(mute.value)
    return mute.what != Muted.SCHOOL or schools.find(snapshot, mute.value) is not None


def _prefilled() -> dict[str, str]:
    """Return the form of a mute as a link to this page fills it."""
    school = asked.text("school")
    return {"what": "school", "value": school} if school else {}


def _switches(person: Person) -> list[str]:
    sees = may_know_illness(person.role, is_whole=person.scope.is_whole)
    return [name for name in notice_forms.SWITCHES if name != "illness" or sees]


@BLUEPRINT.post("/notices")
def save() -> Response | tuple[str, int]:
    """Store the person's address and choices, if nothing is wrong with them."""
    parts, person = desk(), _person()
    form = notice_forms.typed(request.form.to_dict(), (*notice_forms.PREFERENCE_FIELDS, "email"))
    address, said = notice_forms.email(form), notice_forms.preference(form)
    if form.mistakes or said is None:
        return _page(422, form)
    with parts.store.unit() as unit:
        user = users.find_user_by_id(unit, person.user_id)
        if user is None:
            abort(404)
        if user.email != address:
            users.set_email(unit, person.user_id, address)
            audited.note(unit, "user.email", person.name, "set" if address else "taken off")
        preferences.say(unit, PERSON, person.user_id, said, parts.now_ms, person.name)
        unit.commit()
    return _back("saved")


@BLUEPRINT.post("/notices/test")
def test() -> Response:
    """Send the person a message that only says that it came."""
    parts, person = desk(), _person()
    reader = f"{USER}{person.user_id}"
    with parts.store.unit() as unit:
        user = users.find_user_by_id(unit, person.user_id)
        if user is None or not user.email or not parts.notify.has_mail:
            return _back("")
        if _was_just_tested(unit, reader):
            return _back("soon")
        zone = facts.zone_of_most(unit) or parts.config.default_timezone
        outbox.add(unit, decide.a_test(reader, language(), zone, parts.now_ms))
        unit.commit()
    return _back("tested")


def _was_just_tested(unit: UnitOfWork, reader: str) -> bool:
    newest = outbox.newest(unit, 5, reader=reader)
    since_ms = desk().now_ms - _TEST_REST_MS
    return any(one.topic == Topic.TEST and one.made_ms > since_ms for one in newest)


@BLUEPRINT.post("/notices/mutes")
def add_mute() -> Response | tuple[str, int]:
    """Mute something until a day, with a reason."""
    parts, person = desk(), _person()
    form = notice_forms.typed(request.form.to_dict(), notice_forms.MUTE_FIELDS)
    with parts.store.unit() as unit:
        code = form.values["value"] if form.values["what"] == "school" else ""
        wanted = notice_forms.mute(
            form,
            parts.now_ms,
            parts.zone,
            schools=[code] if code and schools.find(unit, code) is not None else [],
            areas=pages_schools.facets(unit)["area"],
            kinds=list(notice_words.KINDS),
        )
        owner = "" if wanted and wanted.is_everybodys and access.may(person, Role.ADMIN) else person.user_id
        if wanted is not None and len(preferences.mutes_in_force(unit, parts.now_ms, (owner,))) < _MOST_MUTES:
            made = StoredMute(
                audited.new_id(), owner, wanted.what, wanted.value, wanted.until_ms, wanted.until_day, wanted.reason,
                parts.now_ms, person.name,
            )  # fmt: skip
            preferences.add_mute(unit, made)
            whose = "everybody" if not owner else "own"
            detail = f"{whose}, {made.what} {made.value}, until {made.until_day}: {made.reason}"
            audited.note(unit, "notice.mute", person.name, detail)
            unit.commit()
    return _page(422, mute=form) if wanted is None else _back("muted")


@BLUEPRINT.post("/notices/mutes/<mute_id>/end")
def end_mute(mute_id: str) -> Response:
    """End a mute before its day."""
    parts, person = desk(), _person()
    owners = [person.user_id, *([""] if access.may(person, Role.ADMIN) else [])]
    with parts.store.unit() as unit:
        if "\0" in mute_id or not preferences.end_mute(unit, mute_id, owners, parts.now_ms, person.name):
            abort(404)
        audited.note(unit, "notice.unmute", person.name, mute_id)
        unit.commit()
    return _back("ended")


def _back(done: str) -> Response:
    return redirect(url_for("notices.show", done=done or None), code=303)
