"""So many requests of a kind at once and no more: a herd of devices never takes the pages down, nor pages the intake.

Whoever finds no place is told at once when to come back; nothing of the request is looked into.
"""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wsgi import ClosingIterator

from agent.wire import headers
from agent.wire.vocabulary import RefusalCode
from collector.errors import CollectorError
from collector.intake.answers import Answer, RefusedError
from collector.intake.parts import Parts
from collector.web.api.devices import NO_STORE, PATHS, refuse
from collector.web.http.bare import MEDIA, bare_page

_PREFIXES = {
    "/ingest/": "ingest",
    "/lease/": "ingest",
    "/settings/": "ingest",
    "/enrol/": "enrol",
    "/api/v1/": "exports",
    "/exports/": "exports",  # files that a slow reader takes for hours; the page that offers them is a page
}
_REST = "pages"
_FREE = "/static/"  # small, from memory, asked for by the page that just had a place


class Places:
    """A number of places that can be taken without waiting."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._taken = 0
        self._lock = Lock()

    def take(self) -> bool:
        """Take a place; False if there is none."""
        with self._lock:
            if self._taken >= self.count:
                return False
            self._taken += 1
            return True

    def free(self) -> None:
        """Give a place back."""
        with self._lock:
            self._taken -= 1

    def share(self) -> float:
        """Return how much of it is taken, 0 to 1."""
        return self._taken / self.count


class Gate:
    """The outermost layer of the application."""

    def __init__(self, places: dict[str, Places], parts: Parts, application: WSGIApplication) -> None:
        self._places, self._parts, self._application = places, parts, application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the request, or say when to come back."""
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(_FREE):
            return self._application(environ, start_response)
        places = self._places[_kind_of(path)]
        if not places.take():
            return self._refuse(environ, start_response)
        release = _once(places.free)
        try:
            return ClosingIterator(self._application(environ, start_response), [release])
        except BaseException:
            release()
            raise

    def _refuse(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        base_s = self._parts.config.busy_retry_s
        wait_s = max(1, round(self._parts.ports.randomness.uniform(0.5, 1.5) * base_s))
        answer = self._answer(environ, wait_s)
        sent = {**answer.headers, "Content-Type": answer.media, "Cache-Control": NO_STORE, "Retry-After": str(wait_s)}
        sent["Content-Length"] = str(len(answer.body))
        start_response("503 Service Unavailable", list(sent.items()))
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment, wait_s: int) -> Answer:
        page = Answer(503, MEDIA, bare_page(503, wait_s))
        if environ.get("PATH_INFO") not in PATHS:
            return page
        refused = RefusedError(RefusalCode.OVERLOAD, "Nothing of the request was used.", wait_s)
        device, batch, pin = (_header(environ, name) for name in (headers.DEVICE, headers.BATCH, headers.PIN))
        try:
            return refuse(refused, device, batch, pin, self._parts)
        except CollectorError:
            return page


def _kind_of(path: str) -> str:
    return next((kind for prefix, kind in _PREFIXES.items() if path.startswith(prefix)), _REST)


def _header(environ: WSGIEnvironment, name: str) -> str:
    return str(environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))


def _once(free: Callable[[], None]) -> Callable[[], None]:
    left: list[Any] = [None]

    def release() -> None:
        if left:
            left.pop()
            free()

    return release
