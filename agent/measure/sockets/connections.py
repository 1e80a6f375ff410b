"""The sockets of a transfer: each with its queue of what is still to be sent, opened again where a server closed it."""

import socket
import threading
from collections import deque
from collections.abc import Callable

from agent.measure.faults import WorldError
from agent.measure.sockets import dial


class Connection:
    """One socket with its queue of what is still to be sent."""

    def __init__(self, index: int, sock: socket.socket) -> None:
        self.index = index
        self.sock = sock
        self.queue: deque[memoryview] = deque()
        self.sent_bytes = 0
        self.is_open = True
        self.is_opening = False  # closed by the server between two requests, and being opened again
        self.wants_write = True
        self.fault: WorldError | None = None

    def push(self, data: bytes | memoryview) -> None:
        """Queue bytes behind what is queued already."""
        self.queue.append(memoryview(data))
        self.wants_write = True

    def take_over(self, sock: socket.socket) -> None:
        """Go on with another socket; what was queued for the old one is gone."""
        self.sock, self.sent_bytes = sock, 0
        self.queue.clear()
        self.is_open, self.is_opening, self.wants_write = True, False, True


class Reopener:
    """Opens connections again, in threads, so that the loop goes on meanwhile."""

    def __init__(self, connect: Callable[[], socket.socket], wake: Callable[[], None]) -> None:
        """Make one.

        Args:
            connect: Opens a connection or raises a `WorldError`.
            wake: Wakes the loop when one has been opened.
        """
        self._connect, self._wake = connect, wake
        self._arrivals: deque[tuple[Connection, socket.socket | WorldError]] = deque()
        self._guard = threading.Lock()
        self._is_over = False
        self.count = 0

    def open(self, connection: Connection) -> None:
        """Begin to open the connection again; `take` returns it when that is done."""
        connection.is_opening = True
        self.count += 1
        threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: Connection) -> None:
        try:
            opened: socket.socket | WorldError = self._connect()
        except WorldError as fault:
            opened = fault
        with self._guard:
            if not self._is_over:
                self._arrivals.append((connection, opened))
                self._wake()
            elif isinstance(opened, socket.socket):
                dial.close_hard(opened)

    def take(self) -> list[Connection]:
        """Return the connections that stand again, and those that could not be opened: not open, with their fault."""
        done = []
        while self._arrivals:
            connection, opened = self._arrivals.popleft()
            connection.is_opening = False
            if isinstance(opened, WorldError):
                connection.fault = opened
            else:
                connection.take_over(opened)
            done.append(connection)
        return done

    def close(self) -> None:
        """Want no more: what arrives from now on is closed."""
        with self._guard:
            self._is_over = True
        for connection in self.take():
            if connection.is_open:
                connection.is_open = False
                dial.close_hard(connection.sock)
