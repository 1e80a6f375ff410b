"""What goes on, said on stderr twice a minute: making a country takes hours."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

EVERY_S = 30.0


class Progress:
    """A sentence that is said again and again, with how long it has been so."""

    def __init__(self) -> None:
        self._text, self._since_s = "begins", time.monotonic()

    def now(self, text: str) -> None:
        """Say from now on that something else is going on."""
        self._text, self._since_s = text, time.monotonic()
        self.said()

    def said(self) -> None:
        """Say it."""
        since_s = time.monotonic() - self._since_s
        print(f"{time.strftime('%H:%M:%S')} {self._text}, for {since_s:.0f} s", file=sys.stderr, flush=True)


@contextmanager
def telling() -> Iterator[Progress]:
    """Yield a progress that is said as long as the block runs."""
    progress, is_over = Progress(), threading.Event()

    def tell() -> None:
        while not is_over.wait(EVERY_S):
            progress.said()

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        is_over.set()
        thread.join()
