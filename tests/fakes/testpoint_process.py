"""Our test point as a process of its own, for tests and benches."""

import os
import signal
import threading
from multiprocessing.connection import Connection as Pipe
from types import FrameType

from collector.testpoint.options import TestpointOptions
from collector.testpoint.server import serve


def run_process(options: TestpointOptions, ready: Pipe | None = None) -> None:
    """Serve as the target of a child process until SIGTERM or SIGINT, or until the parent is gone.

    Args:
        options: Addresses and limits.
        ready: Gets `(tcp_port, udp_port)` once, or a sentence (text) if the address cannot be opened.
    """
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    parent = os.getppid()

    def watch_parent() -> None:
        while not stop.wait(0.5):
            if os.getppid() != parent:
                stop.set()

    threading.Thread(target=watch_parent, name="parent", daemon=True).start()
    try:
        serve(options, stop=stop, on_ready=None if ready is None else lambda tcp, udp: ready.send((tcp, udp)))
    except OSError as error:
        sentence = f"the test point cannot open {options.host} port {options.port}: {error.strerror or error}"
        if ready is not None:
            ready.send(sentence)
        raise SystemExit(1) from error
