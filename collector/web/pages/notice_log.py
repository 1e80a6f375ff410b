"""The log of messages with what became of each, and what deployment and roles want to be told."""

from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from collector.domain.notice_delivery import State
from collector.domain.notice_rules import Preference, inherit
from collector.domain.roles import Role
from collector.notify import decide
from collector.notify.readers import HOOK, USER
from collector.store.queries import users
from collector.store.queries.exports import CellKind
from collector.store.queries.notices import outbox, preferences, webhooks
from collector.store.queries.notices.preferences import DEPLOYMENT, ROLE
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking.rows import FILE_ROWS, csv_file
from collector.web.desk import desk
from collector.web.forms import notice_forms
from collector.web.forms.notice_forms import Form
from collector.web.http.frame import page
from collector.web.pages.notices import lines
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.words import notice_words

BLUEPRINT = Blueprint("notice_log", __name__)

_DONE: Final = ("again", "copied", "dropped", "saved")
_SHOWN: Final = 50
_COLUMNS: Final = {
    **dict.fromkeys(("message", "topic", "recipient", "language"), CellKind.TEXT),
    "made_at": CellKind.TIME,
    "state": CellKind.TEXT,
    "tries_failed": CellKind.INTEGER,
    "last_try_at": CellKind.TIME,
    **dict.fromkeys(("last_address", "last_answer", "last_detail"), CellKind.TEXT),
}


@BLUEPRINT.get("/admin/notices")
@for_role(Role.ADMIN)
def show() -> str:
    """Show the newest messages, or those of a state."""
    parts, state = desk(), _state()
    after = (asked.number("before", 10**15), asked.text("after")) if asked.text("before") else None
    with parts.store.reader() as snapshot:
        found = outbox.newest(snapshot, _SHOWN + 1, state=state, after=after)
        return page(
            "notices/log.html",
            snapshot,
            found=lines(snapshot, found[:_SHOWN]),
            last=found[_SHOWN - 1] if len(found) > _SHOWN else None,
            readers=_names(snapshot),
            state=state,
            queue=outbox.queue(snapshot),
            topics=notice_words.TOPICS,
            states=notice_words.STATES,
            outcomes=notice_words.OUTCOMES,
            done=done if (done := asked.text("done")) in _DONE else "",
            has_mail=parts.notify.has_mail,
            zone=parts.zone,
        )


def _state() -> str:
    """Return the state that the address asks for; empty: all."""
    state = asked.text("state")
    return state if state in set(State) else ""


@BLUEPRINT.get("/admin/notices.csv")
@for_role(Role.ADMIN)
def download() -> Response:
    """Give the messages of a state as a file, the newest first, each with its newest try."""
    with desk().store.reader() as snapshot:
        found = outbox.newest(snapshot, FILE_ROWS, state=_state())
        tries = outbox.attempts(snapshot, [one.notice_id for one in found])
        names = _names(snapshot)
    cells = []
    for one in found:
        last = next(iter(tries.get(one.notice_id, [])), None)
        told = (last.at_ms, last.address, last.word, last.detail) if last is not None else (None,) * 4
        recipient = names.get(one.reader, one.reader)
        cells.append((one.notice_id, one.topic, recipient, one.language, one.made_ms, one.state, one.tries, *told))
    return csv_file("messages", _COLUMNS, cells)


def _names(snapshot: Snapshot) -> dict[str, str]:
    people = {f"{USER}{one.user_id}": one.name for one in users.list_users(snapshot)}
    return people | {f"{HOOK}{one.webhook_id}": one.name for one in webhooks.list_all(snapshot)}


@BLUEPRINT.post("/admin/notices/<notice_id>/again")
@for_role(Role.ADMIN)
def again(notice_id: str) -> Response:
    """Try a message that failed once more, or send one that was sent under an identity of its own."""
    parts = desk()
    with parts.store.unit() as unit:
        found = None if "\0" in notice_id else outbox.find(unit, notice_id)
        if found is None:
            abort(404)
        done = "again"
        if found.state == State.SENT:
            outbox.add(unit, decide.copy_of(found, parts.now_ms))
            done = "copied"
        elif not outbox.try_again(unit, notice_id, parts.now_ms):
            return _back("")  # it waits already
        audited.note(unit, "notice.again", notice_id, found.reader)
        unit.commit()
    return _back(done)


@BLUEPRINT.post("/admin/notices/<notice_id>/drop")
@for_role(Role.ADMIN)
def drop(notice_id: str) -> Response:
    """Note that somebody has seen that a message was not delivered."""
    with desk().store.unit() as unit:
        if "\0" in notice_id or outbox.find(unit, notice_id) is None:
            abort(404)
        if outbox.drop(unit, notice_id):
            audited.note(unit, "notice.drop", notice_id)
            unit.commit()
    return _back("dropped")


def _back(done: str) -> Response:
    return redirect(url_for("notice_log.show", done=done or None), code=303)


@BLUEPRINT.get("/admin/notices/rules")
@for_role(Role.ADMIN)
def rules() -> str:
    """Show what everybody is told unless a role or a person says otherwise."""
    return _rules_page(200)[0]


def _rules_page(status: int, place: str = "", form: Form | None = None) -> tuple[str, int]:
    parts = desk()
    with parts.store.reader() as snapshot:
        said = preferences.list_said(snapshot)
        everybody = said.get((DEPLOYMENT, ""), Preference())
        places = ["", *(role.value for role in Role)]
        reach = {one: (ROLE if one else DEPLOYMENT, one) for one in places}
        own = {one: said.get(reach[one], Preference()) for one in places}
        shown = page(
            "notices/rules.html",
            snapshot,
            places=places,
            forms={one: Form(notice_forms.of_preference(own[one])) for one in places} | ({place: form} if form else {}),
            wider={one: inherit(everybody if one else Preference(), Preference(), Preference()) for one in places},
            switches=notice_forms.SWITCHES,
            topics=notice_words.TOPICS,
            done=asked.text("done") == "saved",
        )
        return shown, status


@BLUEPRINT.post("/admin/notices/rules")
@for_role(Role.ADMIN)
def save_rules() -> Response | tuple[str, int]:
    """Store what everybody, or a role, is told."""
    parts, person = desk(), access.person()
    place = request.form.get("place", "")
    if person is None or place not in ("", *(role.value for role in Role)):
        abort(400)
    form = notice_forms.typed(request.form.to_dict(), notice_forms.PREFERENCE_FIELDS)
    said = notice_forms.preference(form)
    if said is None:
        return _rules_page(422, place, form)
    with parts.store.unit() as unit:
        preferences.say(unit, ROLE if place else DEPLOYMENT, place, said, parts.now_ms, person.name)
        audited.note(unit, "notice.rules", place or "deployment", str(notice_forms.of_preference(said)))
        unit.commit()
    return redirect(url_for("notice_log.rules", done="saved"), code=303)
