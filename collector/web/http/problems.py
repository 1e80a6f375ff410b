"""Refusals and faults as people and programs read them: one sentence and a reference number, never a traceback."""

import logging
from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, Response, g, json, render_template, request
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from collector.domain.roles import Role
from collector.errors import StorageError
from collector.web import asked
from collector.web.desk import desk
from collector.web.language.i18n import say
from collector.web.people import access
from collector.web.people.access import MayNotError, NoKeyError

LOG = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
_PROGRAMS = ("/api/", "/ingest/", "/enrol/", "/lease/", "/settings/", "/healthz", "/metrics")


@dataclass(frozen=True)
class Said:
    """A problem in words."""

    title: Markup
    sentence: Markup


def install(app: Flask) -> None:
    """Answer every problem of a page; programs get RFC 9457."""

    @app.errorhandler(CSRFError)
    def _stale_form(_error: CSRFError) -> Response:
        sentence = say("Nothing was saved: this form is too old or came from another page. Go back, load it again.")
        return problem(400, Said(say("That form has expired"), sentence), "form")

    @app.errorhandler(MayNotError)
    def _may_not(_error: MayNotError) -> Response:
        return problem(403, Said(say("Your account may not do this"), _what_may_not()), "role")

    @app.errorhandler(NoKeyError)
    def _no_key(_error: NoKeyError) -> Response:
        sentence = say("The key of this request is missing or wrong, has run out or was revoked.")
        answer = problem(401, Said(say("No key, no rows"), sentence), "key")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        answer = problem(status, _said(status), HTTPStatus(status).phrase.lower().replace(" ", "_"))
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(StorageError)
    def _away(error: StorageError) -> Response:
        LOG.error("page.storage_away", extra={"reference": reference(), "reason": error.what})
        sentence = say(
            "The database cannot be used now, so nothing was saved. No measurement is lost. Try again later."
        )
        answer = problem(503, Said(say("Not now"), sentence), "storage")
        answer.headers["Retry-After"] = str(desk().config.busy_retry_s)
        return answer

    @app.errorhandler(Exception)
    def _fault(error: Exception) -> Response:
        LOG.error("page.fault", extra={"reference": reference(), "path": request.path}, exc_info=error)
        return problem(500, _said(500), "fault")


def _what_may_not() -> Markup:
    if request.method in ("GET", "HEAD"):
        return say("Your account may not see or take away what is here. Ask an administrator.")
    if access.may(access.person(), Role.ANALYST):
        return say("Nothing was changed: your account may do other things, but not this. Ask an administrator.")
    return say("Nothing was changed: your account may look but not change anything. Ask an administrator.")


def is_program() -> bool:
    """Return whether a program asks, by its address or because it sends a key."""
    return request.path.startswith(_PROGRAMS) or asked.bearer() is not None


def _said(status: int) -> Said:
    if status == 404:
        return Said(say("Nothing is here"), say("There is no such page, school or flag. Look at the address again."))
    if status == 405:
        return Said(say("Not in this way"), say("This page cannot be used like that. Go back and use its buttons."))
    if status == 403:
        return Said(say("Your account may not do this"), say("Ask an administrator."))
    if status < 500:
        return Said(say("Not understood"), say("What was sent does not fit this page. Go back and try it once more."))
    return Said(
        say("That is our fault"),
        say("This page could not be made. No measurement is lost. Tell the administrator the number below."),
    )


def reference() -> str:
    """Return a number for this request that a person can read to the administrator, the same in the log."""
    if "reference" not in g:
        g.reference = desk().ports.randomness.token_bytes(4).hex()
    return str(g.reference)


def problem(status: int, said: Said, code: str) -> Response:
    """Return the answer that fits who asked: a page, or problem JSON."""
    if is_program():
        body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": str(said.sentence),
            "reference": reference(),
        }
        return Response(json.dumps(body), status, content_type=PROBLEM_TYPE, headers={"Cache-Control": "no-store"})
    page = render_template("problem/show.html", said=said, reference=reference(), status=status)
    return Response(page, status, content_type="text/html; charset=utf-8")
