"""Signing in and out, and the choices of language and theme that need no account."""

from flask import Blueprint, Response, abort, make_response, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from collector.store.queries import users
from collector.web.desk import desk
from collector.web.http.frame import THEME_COOKIE, THEMES, back_address, page, remember
from collector.web.language.i18n import COOKIE, LANGUAGES, say, say_many
from collector.web.people import access
from collector.web.people.access import Locked, SignedIn, for_everyone

BLUEPRINT = Blueprint("sign_in", __name__)

_LONGEST_NAME = 200


def _form(status: int, mistake: str = "", name: str = "") -> Response:
    with desk().whole.reader() as snapshot:  # whether the data are invented is told to everybody
        answer = make_response(page("sign_in/show.html", snapshot, mistake=mistake, name=name), status)
    return answer


@BLUEPRINT.get("/login")
@for_everyone
def show() -> AnyResponse:
    """Show the form, or go on where somebody is signed in already."""
    if access.person() is not None:
        return redirect(back_address(request.args.get("next")) or url_for("overview.show"), code=303)
    return _form(200)


@BLUEPRINT.post("/login")
@for_everyone
def enter() -> AnyResponse:
    """Check name and password."""
    name = request.form.get("name", "").strip()[:_LONGEST_NAME]
    result = access.sign_in(desk(), name, request.form.get("password", ""), access.known_browser(name))
    if isinstance(result, SignedIn):
        session.clear()  # a new token for forms too
        answer = redirect(back_address(request.form.get("next")) or url_for("overview.show"), code=303)
        access.set_cookie(answer, desk(), result.token)
        access.note_browser(answer, desk(), name)
        return answer
    if isinstance(result, Locked):
        minutes = max(1, -(-result.wait_ms // 60_000))
        sentence = say_many(
            "Five tries for this name were wrong. Wait %(num)s minute, then try again.",
            "Five tries for this name were wrong. Wait %(num)s minutes, then try again.",
            minutes,
        )
        answer = _form(429, sentence, name)
        answer.headers["Retry-After"] = str(minutes * 60)
        return answer
    return _form(422, say("Name or password is wrong. After five tries we wait 15 minutes."), name)


@BLUEPRINT.post("/logout")
@for_everyone
def leave() -> AnyResponse:
    """End the session."""
    answer = redirect(url_for("sign_in.show"), code=303)
    access.sign_out(answer, desk())
    session.clear()
    return answer


@BLUEPRINT.get("/language/<code>")
@for_everyone
def choose_language(code: str) -> AnyResponse:
    """Remember the language that the reader chose and go back."""
    if code not in LANGUAGES:
        abort(404)
    answer = redirect(back_address(request.args.get("next")) or url_for("overview.show"), code=303)
    remember(answer, COOKIE, code)
    person = access.person()
    if person is not None and person.language != code:
        with desk().store.unit() as unit:
            users.set_language(unit, person.user_id, code)
            unit.commit()
    return answer


@BLUEPRINT.get("/theme/<name>")
@for_everyone
def choose_theme(name: str) -> AnyResponse:
    """Remember light or dark, or forget it: `auto` follows the system."""
    if name not in (*THEMES, "auto"):
        abort(404)
    answer = redirect(back_address(request.args.get("next")) or url_for("overview.show"), code=303)
    if name == "auto":
        answer.delete_cookie(THEME_COOKIE, path="/")
    else:
        remember(answer, THEME_COOKIE, name)
    return answer
