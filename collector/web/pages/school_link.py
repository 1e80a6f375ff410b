"""A school's page for who has no account: opened by a signed link, which operators make and revoke."""

from typing import Final

from flask import Blueprint, Response, abort, make_response, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from agent.wire import forms
from collector.domain.roles import Role
from collector.store.queries import school_links, schools
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.school_links import SchoolLink
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language.i18n import say
from collector.web.people import access, audited, school_link
from collector.web.people.access import for_everyone, for_role
from collector.web.views import fitness_words, head_page
from collector.web.views.browser_offer import is_offered

BLUEPRINT = Blueprint("school_link", __name__)

DAYS: Final = (30, 90, 365)  # how long a link may be good
_MOST: Final = 20  # good links of one school
_DAY_MS: Final = 86_400_000


@BLUEPRINT.get("/s/<token>")
@for_everyone
def show(token: str) -> Response:
    """Show the school of a link; what does not open one says so in one sentence."""
    opened = open_link(token)
    return _school(opened, token) if isinstance(opened, SchoolLink) else opened


def open_link(token: str) -> SchoolLink | Response:
    """Return a good link, to whose school this request is limited from here on; else the page that says why not."""
    parts = desk()
    link_id = school_link.read(token)
    link = access.enter_by_link(parts, link_id) if link_id else None
    if link is None:
        return _gone(404, say("This link is not whole, or not one of ours. Copy it again from where you got it."))
    if link.revoked_ms is not None:
        return _gone(410, say("This link was taken back. Ask whoever gave it to you for a new one."))
    if not link.is_good(parts.now_ms):
        return _gone(410, say("This link has run out. Ask whoever gave it to you for a new one."))
    return link


def _school(link: SchoolLink, token: str) -> Response:
    parts = desk()
    with parts.store.reader() as snapshot:
        row = pages_schools.one_school(snapshot, parts.measure, link.school)
        if row is None:
            return _gone(410, say("This school is no longer in the registry. Ask whoever gave you the link."))
        zone = parts.zone_of(row.timezone)
        shown = page(
            "links/head.html",
            snapshot,
            row=row,
            head=head_page.of_school(snapshot, row, zone),
            fitness_words=fitness_words,
            contact=parts.config.contact,
            token=token,
            can_test=is_offered(),
            link=link,
            zone=zone,
            now_ms=parts.now_ms,
        )
    return _private(make_response(shown))


def _gone(status: int, sentence: Markup) -> Response:
    with desk().store.reader() as snapshot:
        return _private(make_response(page("links/gone.html", snapshot, sentence=sentence), status))


def _private(answer: Response) -> Response:
    """Keep the address out of search engines, and from whoever is linked to."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@BLUEPRINT.post("/schools/<path:code>/links")
@for_role(Role.OPERATOR)
def make(code: str) -> AnyResponse:
    """Make a link to the page of a school."""
    parts, person = desk(), access.person()
    days = request.form.get("days", "")
    with parts.store.unit() as unit:
        if schools.find(unit, code) is None:
            abort(404)
        if days not in map(str, DAYS) or person is None:
            abort(400)
        if len(school_links.good_of(unit, code, parts.now_ms)) < _MOST:
            link_id = forms.b64url(parts.ports.randomness.token_bytes(school_link.ID_BYTES))
            expires_ms = parts.now_ms + int(days) * _DAY_MS
            school_links.add(unit, SchoolLink(link_id, code, parts.now_ms, person.name, expires_ms))
            audited.note(unit, "school_link.made", code, f"{link_id[:8]}, for {days} days")
            unit.commit()
    return _back(code)


@BLUEPRINT.post("/schools/<path:code>/links/<link_id>/revoke")
@for_role(Role.OPERATOR)
def revoke(code: str, link_id: str) -> AnyResponse:
    """Take a link back."""
    parts, person = desk(), access.person()
    with parts.store.unit() as unit:
        if person is None or schools.find(unit, code) is None:
            abort(404)
        if school_links.revoke(unit, code, link_id, parts.now_ms, person.name):
            audited.note(unit, "school_link.revoked", code, link_id[:8])
            unit.commit()
    return _back(code)


def _back(code: str) -> AnyResponse:
    return redirect(url_for("school.show", code=code, _anchor="links"), code=303)
