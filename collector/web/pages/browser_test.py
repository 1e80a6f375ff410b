"""A test of the line in the browser of a phone or a Chromebook: by the link of a school, or by an operator."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, json, make_response, request, url_for
from flask_babel import LazyString

from collector.domain.roles import Role
from collector.intake import browser
from collector.intake.browser import Begun, Refusal
from collector.store.queries import browser_tests, schools
from collector.store.queries.school_links import SchoolLink
from collector.web import asked
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.http.headers import CONTENT_SECURITY_POLICY
from collector.web.language.i18n import later
from collector.web.pages.school_link import open_link
from collector.web.people import access
from collector.web.people.access import for_everyone, for_role
from collector.web.views.browser_offer import intake_parts

BLUEPRINT = Blueprint("browser_test", __name__)

BY_LINK: Final = "link"
_SHOWN: Final = 5
_MOST_LATENCIES: Final = 20
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
REFUSALS: Final[Mapping[Refusal, LazyString]] = {
    Refusal.PAUSED: later("Nothing was tested: the tests of this school are paused."),
    Refusal.BUDGET: later("Nothing was tested: the school’s data budget is too small for a test in a browser."),
    Refusal.ENOUGH: later("Nothing was tested: there were enough tests in a browser today. Come back tomorrow."),
    Refusal.UNKNOWN: later("Nothing was stored: this test took too long or was stored already. Start another one."),
    Refusal.UNCONFIRMED: later("Nothing was stored: our test point has not confirmed this test. Start another one."),
    Refusal.NOTHING: later("Nothing was stored: too little data came through to say how fast the line is."),
}


@BLUEPRINT.get("/s/<token>/test")
@for_everyone
def show_link(token: str) -> Response:
    """Show the test of the school that a link is of."""
    opened = open_link(token)
    return _page(opened.school, token) if isinstance(opened, SchoolLink) else opened


@BLUEPRINT.post("/s/<token>/test/begin")
@for_everyone
def begin_link(token: str) -> Response:
    """Let a test begin."""
    opened = open_link(token)
    return _begin(opened.school, BY_LINK) if isinstance(opened, SchoolLink) else opened


@BLUEPRINT.post("/s/<token>/test/end")
@for_everyone
def end_link(token: str) -> Response:
    """Store what the test point confirms."""
    opened = open_link(token)
    return _end(opened.school) if isinstance(opened, SchoolLink) else opened


@BLUEPRINT.get("/schools/<path:code>/browser-test")
@for_role(Role.OPERATOR)
def show(code: str) -> Response:
    """Show the test of a school."""
    return _page(_known(code), None)


@BLUEPRINT.post("/schools/<path:code>/browser-test/begin")
@for_role(Role.OPERATOR)
def begin(code: str) -> Response:
    """Let a test begin."""
    person = access.person()
    return _begin(_known(code), person.name if person is not None else "")


@BLUEPRINT.post("/schools/<path:code>/browser-test/end")
@for_role(Role.OPERATOR)
def end(code: str) -> Response:
    """Store what the test point confirms."""
    return _end(_known(code))


def _known(code: str) -> str:
    with desk().store.reader() as snapshot:
        if schools.find(snapshot, code) is None:
            abort(404)
    return code


def _page(code: str, token: str | None) -> Response:
    parts, place = intake_parts(), _place(token, code)
    with desk().store.reader() as snapshot:
        school = schools.find(snapshot, code)
        if school is None:
            abort(404)
        refused = browser.refusal(snapshot, parts, code)
        test = browser_tests.find(snapshot, code, asked.text("of"))
        shown = page(
            "links/test.html",
            snapshot,
            school=school,
            place=place,
            cap_bytes=browser.cap_bytes(snapshot, parts, code),
            refused=REFUSALS[refused] if refused else "",
            is_mixed=_is_mixed(browser.address(parts)),
            test=test if test is not None and test.done_ms is not None else None,
            tests=browser_tests.newest(snapshot, code, _SHOWN),
            zone=desk().zone_of(school.timezone),
        )
    answer = make_response(shown)
    parts_of = urlsplit(browser.address(parts))
    point = f"{parts_of.scheme}://{parts_of.netloc}"
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "connect-src 'self'", f"connect-src 'self' {point}"
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _place(token: str | None, code: str) -> dict[str, str]:
    """Return the addresses that the page leads to."""
    if token is not None:
        names = {"back": "school_link.show", "begin": "browser_test.begin_link", "end": "browser_test.end_link"}
        return {key: url_for(name, token=token) for key, name in names.items()}
    names = {"back": "school.show", "begin": "browser_test.begin", "end": "browser_test.end"}
    return {key: url_for(name, code=code) for key, name in names.items()}


def _is_mixed(address: str) -> bool:
    """Return whether browsers refuse to speak with the test point, because this page came by https and it does not."""
    parts = urlsplit(address)
    return desk().is_secure and parts.scheme == "http" and (parts.hostname or "") not in _LOOPBACK


def _begin(code: str, by: str) -> Response:
    parts = intake_parts()
    with desk().store.unit() as unit:
        begun = browser.begin(unit, parts, code, by)
        if isinstance(begun, Begun):
            unit.commit()
    return _said(begun)


def _end(code: str) -> Response:
    parts, given = intake_parts(), request.form
    with desk().store.unit() as unit:
        done = browser.finish(unit, parts, code, given.get("test", ""), given.get("receipt", ""), _latencies())
        if not isinstance(done, Refusal):
            unit.commit()
    return _said(done)


def _said(found: object) -> Response:
    """Return what the script is told: a refusal is a sentence in the reader's language."""
    if isinstance(found, Refusal):
        return Response(json.dumps({"say": str(REFUSALS[found])}), content_type="application/json")
    body = found.__dict__ if isinstance(found, Begun) else {}
    return Response(json.dumps(body), content_type="application/json")


def _latencies() -> list[float]:
    """Return the single latencies that were sent, ms; what is no number is left out."""
    found = []
    for text in request.form.get("latencies", "")[:400].split()[:_MOST_LATENCIES]:
        try:
            found.append(float(text))
        except ValueError:
            continue
    return found
