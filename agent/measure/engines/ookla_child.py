"""`enlace-agent _ookla`: speedtest-cli in a process of its own, where it can be ended and cannot harm anybody.

Reads one line of JSON from its input, writes one line per event to its output. The library wants a real standard output
when it is imported, never stops by itself before its time, and keeps its counts to itself; the event that it looks at
before every piece of data is how it is counted and stopped at a cap.
"""

import os
import sys
import threading
import time
import urllib.error
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from agent.measure import faults
from agent.measure.faults import WorldError
from agent.net.http1 import Headers, ResponseHead
from agent.wire import parents
from agent.wire.vocabulary import FailureCode, Phase

HOME = "www.speedtest.net"
PIECE_BYTES = 10_240  # what it reads and sends at once
TELL_EVERY_S = 0.2
TIMEOUT_S = 10
UNREACHED_MS = 600_000.0  # it counts a server that does not answer as an hour away


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do."""

    mini_url: str | None = None  # of a Speedtest Mini server; None = the nearest of speedtest.net
    max_bytes_download: int = 0  # 0 = no cap
    max_bytes_upload: int = 0
    length_s: int = 10  # of a direction


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event."""

    event: str  # server, progress, done or fault
    phase: Phase = Phase.PREFLIGHT
    bytes: int = 0
    elapsed_s: float = 0.0
    bps: float = 0.0
    streams: int = 0
    is_capped: bool = False
    server_id: str = ""
    server_url: str = ""
    ping_ms: float | None = None
    version: str = ""
    code: FailureCode | None = None
    detail: str = ""


class Meter:
    """Passed to the library as its event to shut down: asked before every piece, so it counts them."""

    def __init__(self, tell: Callable[[Told], None]) -> None:
        self._tell = tell
        self._guard = threading.Lock()
        self.begin(Phase.PREFLIGHT, 0)

    def begin(self, phase: Phase, cap_bytes: int) -> None:
        """Count anew."""
        self.phase, self._cap_bytes, self._bytes = phase, cap_bytes, 0
        self._start_s = self._told_s = time.perf_counter()

    @property
    def is_capped(self) -> bool:
        """Whether the cap has been reached."""
        return bool(self._cap_bytes) and self._bytes + PIECE_BYTES > self._cap_bytes

    def is_set(self) -> bool:
        """Return whether to stop; if not, one more piece goes."""
        with self._guard:
            if self.is_capped:
                return True
            self._bytes += PIECE_BYTES
            now_s = time.perf_counter()
            if now_s - self._told_s >= TELL_EVERY_S and self.phase is not Phase.PREFLIGHT:
                self._told_s = now_s
                elapsed_s = now_s - self._start_s
                told = Told(event="progress", phase=self.phase, bytes=self._bytes, elapsed_s=elapsed_s)
                self._tell(told)
            return False

    isSet = is_set  # noqa: N815 -- the name that the library calls


def main() -> int:
    """Do what the input says; whatever goes wrong is an event."""
    source, sink = sys.stdin, os.fdopen(os.dup(1), "w", encoding="utf-8")
    guard = threading.Lock()

    def tell(told: Told) -> None:
        with guard:
            print(msgspec.json.encode(told).decode(), file=sink, flush=True)

    try:
        order = msgspec.json.decode(source.readline(), type=Order)
        parents.when_gone(lambda: os._exit(0))  # nobody would read what is measured
        _measure(order, tell)
    except WorldError as fault:
        tell(Told(event="fault", code=fault.code, detail=fault.detail))
    except Exception as error:  # the library raises anything
        meaning = fault_of(error)
        tell(Told(event="fault", code=meaning.code, detail=meaning.detail))
    return 0


def _measure(order: Order, tell: Callable[[Told], None]) -> None:
    import speedtest
    import truststore

    truststore.inject_into_ssl()  # the operating system's trust store, in this process alone
    meter = Meter(tell)
    length = {"download": order.length_s, "upload": order.length_s}
    test = speedtest.Speedtest(config={"length": length}, timeout=TIMEOUT_S, secure=True, shutdown_event=meter)
    best = test.get_best_server(test.set_mini_server(order.mini_url) if order.mini_url else None)
    if float(best["latency"]) >= UNREACHED_MS:
        raise WorldError(FailureCode.CONNECT_TIMEOUT, f"{_host(best['url'])} does not answer speedtest-cli")
    tell(
        Told(
            event="server",
            server_id=str(best["id"]),
            server_url=str(best["url"]),
            ping_ms=float(best["latency"]),
            version=speedtest.__version__,
        )
    )
    for phase, cap_bytes in ((Phase.DOWNLOAD, order.max_bytes_download), (Phase.UPLOAD, order.max_bytes_upload)):
        meter.begin(phase, cap_bytes)
        _direction(test, phase, meter, tell)


def _direction(test: Any, phase: Phase, meter: Meter, tell: Callable[[Told], None]) -> None:
    start_s = time.perf_counter()
    if phase is Phase.DOWNLOAD:
        test.download()
        moved_bytes, bps = test.results.bytes_received, test.results.download
    else:
        test.upload(pre_allocate=False)
        moved_bytes, bps = test.results.bytes_sent, test.results.upload
    if moved_bytes <= 0:
        raise WorldError(FailureCode.STALLED, f"speedtest-cli moved no data in its {phase}")
    tell(
        Told(
            event="done",
            phase=phase,
            bytes=int(moved_bytes),
            elapsed_s=time.perf_counter() - start_s,
            bps=float(bps),
            streams=int(test.config["threads"][phase.value]),
            is_capped=meter.is_capped,
        )
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or HOME


def fault_of(error: BaseException) -> WorldError:
    """Return what an exception of the library means; it wraps those of urllib in its own."""
    for cause in (error, *error.args, *getattr(error.args[0] if error.args else None, "args", ())):
        if isinstance(cause, urllib.error.HTTPError):
            return faults.of_status(ResponseHead(cause.code, "", Headers(())), HOME)
        if isinstance(cause, urllib.error.URLError) and isinstance(cause.reason, OSError):
            return faults.of_os_error(cause.reason, HOME)
        if isinstance(cause, OSError) and not isinstance(cause, urllib.error.URLError):
            return faults.of_os_error(cause, HOME)
    said = " ".join(str(error).split()) or type(error).__name__
    return WorldError(FailureCode.PROTOCOL, f"speedtest-cli: {said[:150]}")
