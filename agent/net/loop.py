"""A small selector loop with exact timers, for programs whose timing is the product.

`selectors` rounds its waits up to a whole millisecond; half a millisecond late in each direction is 5 % of a 20 ms
line. So the loop waits in the selector for whole milliseconds only and sleeps the rest.
"""

import heapq
import selectors
import socket
import time
from collections.abc import Callable
from itertools import count

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

_TICK_S = 0.001  # what the selector can wait for without rounding up


class Timer:
    """A call that is due at a moment and can be called off."""

    __slots__ = ("callback", "is_cancelled")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        """Call it off; without effect if it has happened."""
        self.is_cancelled = True


class Loop:
    """Sockets with callbacks and timers, in one thread. Only `wake` may be called from another."""

    def __init__(
        self, now: Callable[[], float] = time.perf_counter, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Make a loop; `now` is a monotonic clock in seconds."""
        self.now = now
        self._sleep = sleep
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, READ, self._drain)

    def watch(self, sock: socket.socket, events: int, callback: Callable[[int], None]) -> None:
        """Call `callback(events)` while the socket is ready; `events` 0 stops watching. Level-triggered."""
        key = self._selector.get_map().get(sock)
        if key is None:
            if events:
                self._selector.register(sock, events, callback)
        elif not events:
            self._selector.unregister(sock)
        elif key.events != events or key.data is not callback:
            self._selector.modify(sock, events, callback)

    def call_at(self, when_s: float, callback: Callable[[], None]) -> Timer:
        """Call `callback()` at that moment of `now`, or in the next turn if it has passed."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (when_s, next(self._order), timer))
        return timer

    def turn(self, longest_wait_s: float) -> None:
        """Wait for the next thing to do, at most that long, and do all that is due."""
        wait_s = longest_wait_s
        if self._timers:
            wait_s = min(wait_s, self._timers[0][0] - self.now())
        if 0 < wait_s < _TICK_S:
            self._sleep(wait_s)
            wait_s = 0
        # A microsecond less than whole milliseconds, lest rounding up adds another one.
        whole_s = max(0.0, int(wait_s / _TICK_S) * _TICK_S - 1e-6)
        for key, events in self._selector.select(whole_s):
            current = self._selector.get_map().get(key.fd)
            if current is not None and current.fileobj is key.fileobj:  # an earlier callback may have closed it
                key.data(events)
        self._run_timers()

    def wake(self) -> None:
        """End the current wait; may be called from any thread."""
        try:
            self._waker.send(b"\0")
        except (BlockingIOError, OSError):
            return  # a wake-up is under way already, or the loop is closed

    def close(self) -> None:
        """Free the selector; the watched sockets stay the caller's."""
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def _drain(self, _events: int) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

    def _run_timers(self) -> None:
        now_s = self.now()
        while self._timers and self._timers[0][0] <= now_s:
            timer = heapq.heappop(self._timers)[2]
            if not timer.is_cancelled:
                timer.callback()
