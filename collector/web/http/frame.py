"""What stands around every page: navigation, language, theme, whether the data are invented."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from urllib.parse import urlencode

from flask import Flask, current_app, g, render_template, request, url_for
from werkzeug.wrappers import Response

from collector.domain.roles import Role
from collector.store.queries.pages.around import around
from collector.store.unit import Snapshot
from collector.web.desk import desk
from collector.web.http import assets
from collector.web.language import present
from collector.web.language.i18n import LANGUAGES, language
from collector.web.people import access, own_illness
from collector.web.people.access import Person
from collector.web.words import terms

THEMES: Final = ("light", "dark")
THEME_COOKIE = "enlace_theme"


@dataclass(frozen=True)
class Frame:
    """The surroundings of one page."""

    name: str  # of the deployment
    person: Person | None
    is_admin: bool
    is_operator: bool
    may_export: bool  # take rows away
    areas: tuple[str, ...]  # what the person sees; empty: the whole country
    has_demo: bool
    open_flags: int
    ill: list[tuple[str, str]]  # what is wrong with Enlace itself, for who may know: word and sentence
    open_outages: int
    zone: str  # where times of the deployment are
    version: str


@cache
def product_version() -> str:
    """Return the version of the installed product; its files are read once."""
    try:
        return version("enlace-connectivity")
    except PackageNotFoundError:
        return "0"


def page(template: str, snapshot: Snapshot, /, **values: object) -> str:
    """Return a page inside its frame."""
    parts = desk()
    person = access.person()
    stands = around(snapshot, parts.now_ms)
    frame = Frame(
        name=parts.config.name,
        person=person,
        is_admin=access.may(person, Role.ADMIN),
        is_operator=access.may(person, Role.OPERATOR),
        may_export=access.may(person, Role.ANALYST),
        areas=tuple(sorted(person.scope.areas or ())) if person is not None else (),
        has_demo=stands.has_demo,
        open_flags=stands.open_flags if person is not None else 0,
        ill=own_illness.found(snapshot, person),
        open_outages=stands.open_outages if person is not None else 0,
        zone=f"{parts.config.default_timezone}, {present.zone_name(parts.zone, parts.now_ms)}",
        version=product_version(),
    )
    return render_template(template, frame=frame, **values)


def stands_at(endpoint: str, **places: object) -> None:
    """Say where a page stands that answers a form, where that is not above the form's address.

    Args:
        endpoint: Of the page.
        places: What stands in its address.
    """
    g.stands_at = url_for(endpoint, **places)  # type: ignore[arg-type]


def _own_address() -> str:
    """Return where this page stands; a list leads to itself, with another filter, dozens of times."""
    if "stands_at" in g:
        return str(g.stands_at)
    known: tuple[object, str] | None = g.get("own_address")
    if known is None or known[0] is not request.environ:
        known = g.own_address = (request.environ, _place_of_request())
    return known[1]


def _place_of_request() -> str:
    """Return the address of the request's page: where it answers a form that was sent below it, what is above that."""
    known, path = current_app.create_url_adapter(request), request.path
    if _opens() or known is None:
        return url_for(request.endpoint or "overview.show", **(request.view_args or {}))
    while path and not known.test(path, "GET"):
        path = path.rpartition("/")[0]
    endpoint, places = known.match(path or "/", "GET")
    return url_for(endpoint, **places)


def _opens() -> bool:
    """Return whether the address of the request is one that a link can lead to."""
    return request.url_rule is None or "GET" in (request.url_rule.methods or ())


def here(**changes: object) -> str:
    """Return this page's address with some of its filters changed; None takes one away."""
    values: dict[str, object] = {**request.args.to_dict(flat=False), **changes}
    kept = {key: value if isinstance(value, list) else str(value) for key, value in values.items()}
    kept = {key: value for key, value in kept.items() if values[key] not in (None, "", [""])}
    # Not by `url_for`, which would take some keys of a made-up address for its options.
    address = _own_address()
    return f"{address}?{urlencode(kept, doseq=True)}" if kept else address


def back_address(given: str | None) -> str | None:
    """Return an address of ours to go back to, None where it is somebody else's."""
    if (
        not given
        or not given.startswith("/")
        or given.startswith(("//", "/\\"))
        or any(ord(sign) < 32 for sign in given)
    ):
        return None
    return given


def remember(response: Response, name: str, value: str) -> None:
    """Remember a choice of the reader for a year."""
    response.set_cookie(
        name, value, max_age=365 * 86_400, samesite="Lax", secure=desk().is_secure, httponly=True, path="/"
    )


def install(app: Flask) -> None:
    """Give templates the words and figures that they may use."""
    names: Mapping[str, object] = {
        "asset": assets.asset,
        "drawn_icon": assets.icon,
        "here": here,
        "language": language,
        "now_ms": lambda: desk().now_ms,
        "languages": LANGUAGES,
        "present": present,
        "words": terms,
        "theme": lambda: request.cookies.get(THEME_COOKIE) if request.cookies.get(THEME_COOKIE) in THEMES else None,
        "this_address": lambda: request.full_path.rstrip("?") if _opens() else here(),
    }
    app.jinja_env.globals.update(names)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
