"""UDP echo: small packets come back as they are, never larger, never more of them, never fast enough to hurt anyone."""

import logging
import socket
from collections.abc import Callable

LOG = logging.getLogger(__name__)

LARGEST_BYTES = 512
TURN_PACKETS = 64
LOWEST_PORT = 1024  # below live services that answer by themselves: two of them would echo each other for ever
ADDRESSES_LIMIT = 10_000
BURST_S = 2.0


class UdpEcho:
    """Answers on one socket, with a token bucket for every address."""

    def __init__(self, sock: socket.socket, now_s: Callable[[], float], packets_per_second: int) -> None:
        self._sock = sock
        self._now_s = now_s
        self._rate = float(packets_per_second)
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens left, at

    def answer(self, _events: int = 0) -> None:
        """Answer what has come, a bounded number of packets."""
        for _ in range(TURN_PACKETS):
            try:
                data, peer = self._sock.recvfrom(LARGEST_BYTES + 1)
            except BlockingIOError:
                return
            except OSError as error:  # Windows reports an earlier answer's unreachable port here
                LOG.debug("udp echo: %s", error)
                continue
            if 0 < len(data) <= LARGEST_BYTES and peer[1] >= LOWEST_PORT and self._may_answer(peer[0]):
                try:
                    self._sock.sendto(data, peer)
                except OSError as error:
                    LOG.debug("udp echo: %s", error)

    def _may_answer(self, address: str) -> bool:
        now_s = self._now_s()
        if len(self._buckets) >= ADDRESSES_LIMIT and address not in self._buckets:
            self._buckets = {key: kept for key, kept in self._buckets.items() if now_s - kept[1] < BURST_S}
            if len(self._buckets) >= ADDRESSES_LIMIT:
                return False
        full = self._rate * BURST_S
        tokens, at_s = self._buckets.get(address, (full, now_s))
        tokens = min(full, tokens + (now_s - at_s) * self._rate)
        may = tokens >= 1
        self._buckets[address] = (tokens - 1 if may else tokens, now_s)
        return may
