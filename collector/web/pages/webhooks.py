"""Webhooks: programs elsewhere that are told the same facts as people, signed with a secret that is shown once."""

from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from agent.wire import forms
from collector.domain.roles import Role
from collector.notify import decide
from collector.notify.readers import HOOK
from collector.store.queries.notices import outbox, webhooks
from collector.store.queries.notices.webhooks import Webhook
from collector.web import asked
from collector.web.desk import desk
from collector.web.forms import notice_forms
from collector.web.forms.notice_forms import Form
from collector.web.http.frame import page
from collector.web.language.i18n import say
from collector.web.people import access, audited
from collector.web.people.access import for_role
from collector.web.words import notice_words

BLUEPRINT = Blueprint("webhooks", __name__)

_DONE: Final = ("tested", "ended")
_SECRET_BYTES: Final = 32
_MOST: Final = 20


@BLUEPRINT.get("/admin/webhooks")
@for_role(Role.ADMIN)
def show() -> str:
    """Show where webhooks go, and the form of a new one."""
    return _page(200)[0]


def _page(status: int, form: Form | None = None, made: Webhook | None = None) -> tuple[str, int]:
    parts = desk()
    with parts.store.reader() as snapshot:
        shown = page(
            "notices/webhooks.html",
            snapshot,
            hooks=webhooks.list_good(snapshot),
            made=made,
            form=form or Form(dict.fromkeys(notice_forms.HOOK_FIELDS, "")),
            topics=notice_words.TOPICS,
            hook_topics=notice_forms.HOOK_TOPICS,
            done=done if (done := asked.text("done")) in _DONE else "",
            zone=parts.zone,
        )
        return shown, status


@BLUEPRINT.post("/admin/webhooks")
@for_role(Role.ADMIN)
def make() -> tuple[str, int]:
    """Store a webhook and show its secret, this once."""
    parts, person = desk(), access.person()
    form = notice_forms.typed(request.form.to_dict(), notice_forms.HOOK_FIELDS)
    wanted = notice_forms.hook(form, may_be_private=parts.notify.webhook_private)
    if wanted is None or person is None:
        return _page(422, form)
    secret = forms.b64url(parts.ports.randomness.token_bytes(_SECRET_BYTES))
    made = Webhook(audited.new_id(), wanted.name, wanted.url, secret, wanted.topics, parts.now_ms, person.name)
    with parts.store.unit() as unit:
        known = webhooks.list_good(unit)
        if len(known) >= _MOST:
            abort(400)
        twin = next((one.name for one in known if one.url == made.url), None)
        if twin is None:
            webhooks.add(unit, made)
            audited.note(unit, "webhook.make", made.webhook_id, f"{made.name}: {made.url}")
            unit.commit()
    if twin is not None:
        form.wrong("url", say("“%(name)s” has this address: it would be told everything twice.", name=twin))
        return _page(422, form)
    return _page(200, made=made)


@BLUEPRINT.post("/admin/webhooks/<webhook_id>/end")
@for_role(Role.ADMIN)
def end(webhook_id: str) -> Response:
    """Tell a webhook nothing any more."""
    parts, person = desk(), access.person()
    with parts.store.unit() as unit:
        if person is None or "\0" in webhook_id:
            abort(404)
        if not webhooks.end(unit, webhook_id, parts.now_ms, person.name):
            abort(404)
        audited.note(unit, "webhook.end", webhook_id)
        unit.commit()
    return redirect(url_for("webhooks.show", done="ended"), code=303)


@BLUEPRINT.post("/admin/webhooks/<webhook_id>/test")
@for_role(Role.ADMIN)
def test(webhook_id: str) -> Response:
    """Send a webhook something that only says that it came."""
    parts = desk()
    with parts.store.unit() as unit:
        found = None if "\0" in webhook_id else webhooks.find(unit, webhook_id)
        if found is None or found.ended_ms is not None:
            abort(404)
        outbox.add(unit, decide.a_test(f"{HOOK}{webhook_id}", "en", parts.config.default_timezone, parts.now_ms))
        unit.commit()
    return redirect(url_for("webhooks.show", done="tested"), code=303)
