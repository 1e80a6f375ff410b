"""The web application as `serve --only web` runs it, with a note of how long each request took inside: a process.

`python -m bench.nationwide.served PLACE` says where it is; GET /bench/times gives what was noted, and forgets it.
"""

import json
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sqlalchemy import Engine, event

from bench.nationwide.country import CONFIG
from collector.app import create_app
from collector.real.world import real_ports
from collector.store.open import Store
from collector.web.http.server import make_server

TIMES = "/bench/times"
NAME = "HTTP_BENCH_NAME"  # which page the reader says that this is

_OF_THREAD = threading.local()


@event.listens_for(Engine, "before_cursor_execute")
def _count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
    if not statement.startswith(("BEGIN", "PRAGMA")):
        _OF_THREAD.queries = getattr(_OF_THREAD, "queries", 0) + 1


class Timed:
    """Notes name, status, milliseconds, those of the processor, statements and bytes of every request."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application, self._noted = application, list[tuple[str, int, float, float, int, int]]()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == TIMES:
            noted, self._noted = self._noted, []
            body = json.dumps(noted).encode()
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        return self._pieces(environ, start_response)

    def _pieces(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        _OF_THREAD.queries, sent, told = 0, 0, list[int]()
        began_s, busy_s = time.perf_counter(), time.thread_time()

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            told.append(int(status[:3]))
            return start_response(status, headers, *rest)

        pieces = self._application(environ, start)
        try:
            for piece in pieces:
                sent += len(piece)
                yield piece
        finally:
            getattr(pieces, "close", lambda: None)()
        took_ms, cpu_ms = 1000 * (time.perf_counter() - began_s), 1000 * (time.thread_time() - busy_s)
        name = str(environ.get(NAME) or environ["PATH_INFO"])
        self._noted.append((name, told[0], took_ms, cpu_ms, _OF_THREAD.queries, sent))


def main() -> None:
    place = sys.argv[1]
    store = Store.open(place if "://" in place else Path(place))
    server = make_server(Timed(create_app(store, CONFIG, real_ports())), CONFIG, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
