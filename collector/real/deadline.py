"""A time after which a connection is cut, however lively the other side looks; also while TLS is being agreed on."""

import socket
import threading
from types import TracebackType
from typing import Final, Self

LONGEST_S: Final = 240.0
"""No try takes longer: whoever has a notice in hand may keep it for five minutes (`notify.sending.CLAIM_MS`)."""


class Deadline:
    """Cuts what it watches when its time is over, or at once where that is so already."""

    def __init__(self, seconds: float) -> None:
        """Make one; its time runs from `with` on.

        Args:
            seconds: How long everything together may take; more than `LONGEST_S` is not given.
        """
        self._lock = threading.Lock()
        self._known: list[socket.socket] = []
        self._is_over = False
        self._timer = threading.Timer(min(seconds, LONGEST_S), self._cut)
        self._timer.daemon = True

    @property
    def is_over(self) -> bool:
        """Whether the time ran out before the end."""
        return self._is_over

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection as well when the time is over.

        What is kept is a second handle of it: TLS takes the socket itself away from whoever made it.
        """
        with self._lock:
            self._known.append(connection.dup())
            if self._is_over:
                _shut(self._known[-1])

    def __enter__(self) -> Self:
        """Let the time run."""
        self._timer.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End it; what was watched is left as it is."""
        self._timer.cancel()
        with self._lock:
            while self._known:
                self._known.pop().close()

    def _cut(self) -> None:
        with self._lock:
            self._is_over = True
            for one in self._known:
                _shut(one)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
