"""Who is signed in and what they may do, decided in one place before any page runs.

A session is a random cookie of which only the hash is kept, so that it can be ended on the server. Each view says whom
it is for (`for_role`, `for_everyone`); without a word it is for every person who is signed in.
"""

import base64
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from flask import Flask, Response, current_app, g, redirect, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from collector import passwords
from collector.domain.roles import Role
from collector.domain.scope import NOTHING, Scope, scope_of
from collector.errors import StorageError
from collector.store.queries import api_keys, school_links, sessions, users
from collector.store.queries.school_links import SchoolLink
from collector.store.queries.sessions import Session
from collector.store.queries.users import fold
from collector.store.unit import UnitOfWork
from collector.web import asked
from collector.web.desk import Desk, desk

LOG = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., object])

TRIES: Final = 5
WAIT_MS: Final = 15 * 60_000
_IDLE_MS = 2 * 3_600_000  # pages are watched more than typed into
_TOUCH_MS = 10 * 60_000  # a session is written down as used at most so often
_REST_MS = 60_000  # between two tries to write while they fail
_HOUR_MS = 3_600_000
_BROWSER_COOKIE, _BROWSER_S = "enlace_browser", 180 * 86_400
_NEEDS, _TAKES_KEYS = "enlace_needs", "enlace_takes_keys"

_TOUCHES = "enlace_touches"


_RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True)
class Person:
    """Who is signed in."""

    user_id: str
    name: str
    role: str
    language: str | None
    scope: Scope = NOTHING


class MayNotError(Exception):
    """Somebody signed in asked for what their role may not."""


class NoKeyError(Exception):
    """A program sent no key where one is needed, or one that opens nothing."""


def for_everyone(view: View) -> View:
    """Mark a view that needs no signing in."""
    setattr(view, _NEEDS, None)
    return view


def for_role(role: Role) -> Callable[[View], View]:
    """Mark a view that only people with at least this role may use."""

    def mark(view: View) -> View:
        setattr(view, _NEEDS, role)
        return view

    return mark


def for_keys(view: View) -> View:
    """Mark a view that programs may use with a key of a person whose role is enough."""
    setattr(view, _TAKES_KEYS, True)
    return view


def may(person: Person | None, role: Role) -> bool:
    """Return whether a person has at least this role."""
    return person is not None and person.role in _RANK and _RANK[Role(person.role)] >= _RANK[role]


def roles_from(role: Role) -> list[str]:
    """Return the roles that may what this one may."""
    return [other.value for other in Role if _RANK[other] >= _RANK[role]]


def person() -> Person | None:
    """Return who is signed in."""
    found: Person | None = getattr(g, "person", None)
    return found


@dataclass
class _Touches:
    """Whether sessions in use could be written down as such when that was last tried, by this process."""

    failed_ms: int | None = None


def install(app: Flask) -> None:
    """Check every request before it is answered: what no view has opened is closed."""
    app.extensions[_TOUCHES] = _Touches()

    @app.before_request
    def _check() -> AnyResponse | None:
        if request.endpoint in (None, "static"):
            return None
        g.person = found = _find_key_person(desk()) if _is_program() else _find_person(desk())
        g.scope = found.scope if found is not None else NOTHING
        return check_access()


def check_access() -> AnyResponse | None:
    """Let the request pass, or send its sender to sign in.

    Raises:
        MayNotError: If the role of who is signed in is not enough.
        NoKeyError: If a program needs a key.
    """
    needs = getattr(current_app.view_functions[request.endpoint or ""], _NEEDS, Role.VIEWER)
    if needs is None:
        return None
    if person() is None:
        if request.path.startswith("/api/"):
            raise NoKeyError
        wanted = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else None
        return redirect(url_for("sign_in.show", next=wanted if wanted != "/" else None), code=303)
    if not may(person(), needs):
        raise MayNotError
    return None


def cookie_name(parts: Desk) -> str:
    """Return the name of the session's cookie; browsers accept the prefix only over HTTPS and for this host."""
    return "__Host-enlace" if parts.is_secure else "enlace_session"


def known_browser(name: str) -> str | None:
    """Return which browser asks, if this name has signed in from it before, else None."""
    try:
        known, browser = _browsers().loads(request.cookies.get(_BROWSER_COOKIE, ""), max_age=_BROWSER_S)
    except (BadData, ValueError, TypeError):
        return None
    return browser if isinstance(browser, str) and known == fold(name) else None


def note_browser(response: Response | AnyResponse, parts: Desk, name: str) -> None:
    """Let the browser be known by this name."""
    browser = known_browser(name) or parts.ports.randomness.token_bytes(12).hex()
    response.set_cookie(
        _BROWSER_COOKIE, _browsers().dumps([fold(name), browser]), max_age=_BROWSER_S, secure=parts.is_secure,
        httponly=True, samesite="Lax", path="/login",
    )  # fmt: skip


def _browsers() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="a browser that signed in")


def _hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _find_person(parts: Desk) -> Person | None:
    if "HTTP_COOKIE" not in request.environ:  # devices come many times a second and have none
        return None
    token = request.cookies.get(cookie_name(parts))
    if not token:
        return None
    now_ms, token_hash = parts.now_ms, _hash_token(token)
    with parts.whole.reader() as snapshot:
        session = sessions.find_session(snapshot, token_hash, now_ms)
        user = users.find_user_by_id(snapshot, session.user_id) if session else None
    if session is None or user is None or user.disabled_ms is not None:
        return None
    if now_ms - session.used_ms > _TOUCH_MS:
        _touch(parts, session, now_ms)
    return Person(user.user_id, user.name, user.role, user.language, scope_of(user.areas))


def _is_program() -> bool:
    view = current_app.view_functions[request.endpoint or ""]
    return getattr(view, _TAKES_KEYS, False) and asked.bearer() is not None


def _find_key_person(parts: Desk) -> Person:
    """Return whose key was sent, with what the key sees.

    Raises:
        NoKeyError: If it opens nothing.
    """
    now_ms, secret = parts.now_ms, asked.bearer() or ""
    with parts.whole.reader() as snapshot:
        key = api_keys.find_key(snapshot, _hash_token(secret))
        user = users.find_user_by_id(snapshot, key.user_id) if key is not None and key.is_good(now_ms) else None
    if key is None or user is None or user.disabled_ms is not None:
        raise NoKeyError
    if key.used_ms is None or now_ms - key.used_ms > _TOUCH_MS:
        _write_down(parts, now_ms, lambda unit: api_keys.touch_key(unit, key.key_id, now_ms))
    scope = scope_of(user.areas).meet(scope_of(key.areas))
    return Person(user.user_id, user.name, user.role, user.language, scope)


def enter_by_link(parts: Desk, link_id: str) -> SchoolLink | None:
    """Return a link, None where there is none; a good one limits this request to its school, whoever asks."""
    with parts.whole.reader() as snapshot:
        link = school_links.find(snapshot, link_id)
    if link is not None and link.is_good(parts.now_ms):
        g.scope = Scope(None, link.school)
    return link


def _touch(parts: Desk, session: Session, now_ms: int) -> None:
    last_ms = session.created_ms + round(parts.config.session_hours * _HOUR_MS)
    expires_ms = min(last_ms, now_ms + _IDLE_MS)
    _write_down(parts, now_ms, lambda unit: sessions.touch_session(unit, session.token_hash, now_ms, expires_ms))


def _write_down(parts: Desk, now_ms: int, write: Callable[[UnitOfWork], None]) -> None:
    """Write down that something is in use; pages are read also while nothing can be written, or another writes."""
    touches: _Touches = current_app.extensions[_TOUCHES]
    if touches.failed_ms is not None and now_ms - touches.failed_ms < _REST_MS:
        return
    try:
        with parts.whole.unit(waits=False) as unit:
            write(unit)
            unit.commit()
    except StorageError as error:
        if touches.failed_ms is None:
            LOG.warning("session.not_written", extra={"reason": error.what})
        touches.failed_ms = now_ms
    else:
        touches.failed_ms = None


@dataclass(frozen=True)
class SignedIn:
    """A right password: the cookie to set."""

    token: str


@dataclass(frozen=True)
class Wrong:
    """A wrong password, or a name that does not exist: the two look alike."""


@dataclass(frozen=True)
class Locked:
    """Too many wrong passwords for this name, whether it exists or not."""

    wait_ms: int


def sign_in(parts: Desk, name: str, password: str, browser: str | None = None) -> SignedIn | Wrong | Locked:
    """Check a password; limits count by the name, never by an address that a header could make up.

    A try is counted before the password is looked at, so that many at once count as many.

    Args:
        parts: The pages' world.
        name: As typed.
        password: As typed.
        browser: Which browser it is, if this name has signed in from it before: its tries count by themselves, so
            that nobody can keep a person out by wrong tries from elsewhere.
    """
    now_ms = parts.now_ms
    counted = name if browser is None else f"{name} {browser}"
    with parts.whole.unit() as unit:
        users.hold_tries(unit, counted)
        failures = users.find_failures(unit, counted)
        if now_ms - failures.last_ms >= WAIT_MS:
            users.clear_failures(unit, counted)
        elif failures.count >= TRIES:
            return Locked(failures.last_ms + WAIT_MS - now_ms)
        users.add_failure(unit, counted, now_ms)
        users.prune_failures(unit, now_ms - 4 * WAIT_MS)
        user = users.find_user(unit, name)
        unit.commit()
    is_known = user is not None and user.disabled_ms is None
    nobody = passwords.hash_of_nobody()  # made for every name, so that the first try after a start tells nothing either
    is_right = passwords.is_password(user.password_hash if user is not None and is_known else nobody, password)
    if user is None or not is_known or not is_right:
        return Wrong()
    token = base64.urlsafe_b64encode(parts.ports.randomness.token_bytes(32)).decode().rstrip("=")
    lasts_ms = min(round(parts.config.session_hours * _HOUR_MS), _IDLE_MS)
    with parts.whole.unit() as unit:
        users.clear_failures(unit, counted)
        sessions.create_session(
            unit, sessions.Session(_hash_token(token), user.user_id, now_ms, now_ms, now_ms + lasts_ms)
        )
        unit.commit()
    return SignedIn(token)


def set_cookie(response: Response | AnyResponse, parts: Desk, token: str) -> None:
    """Give the browser its session."""
    response.set_cookie(cookie_name(parts), token, secure=parts.is_secure, httponly=True, samesite="Lax", path="/")


def sign_out(response: Response | AnyResponse, parts: Desk) -> None:
    """End the session on the server and in the browser."""
    token = request.cookies.get(cookie_name(parts))
    if token:
        with parts.whole.unit() as unit:
            sessions.end_session(unit, _hash_token(token))
            unit.commit()
    response.delete_cookie(cookie_name(parts), path="/", secure=parts.is_secure, httponly=True, samesite="Lax")
