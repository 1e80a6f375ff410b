"""A real test point on a free port of the loopback, open to whoever comes unless a test says otherwise."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from collector.testpoint.options import TestpointOptions
from collector.testpoint.server import serve


@contextmanager
def open_testpoint(**changes: Any) -> Iterator[str]:
    """Serve until the block ends; gives its address. `changes` are of `TestpointOptions`."""
    stop, ready, ports = threading.Event(), threading.Event(), list[int]()

    def note(http_port: int, _udp_port: int) -> None:
        ports.append(http_port)
        ready.set()

    options = replace(TestpointOptions(host="127.0.0.1", port=0, udp_port=0, open=True), **changes)
    thread = threading.Thread(target=serve, args=(options,), kwargs={"stop": stop, "on_ready": note})
    thread.start()
    try:
        assert ready.wait(20)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        stop.set()
        thread.join(10)
