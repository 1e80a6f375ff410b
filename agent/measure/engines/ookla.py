"""The ookla engine: speedtest-cli's own measurement, by that tool, against servers of speedtest.net.

Only where a person or a configuration asks for it by name; `auto` never contacts a third party. It runs as a child
process under a time limit. What it says is recorded as what that tool says: its mean includes the ramp-up, its uploads
are counted before they have left, its latency is its own, so no figure of it is confident, and none joins a series of
another engine.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, Queue

import msgspec

from agent.measure.attempt import Progress
from agent.measure.engines.ookla_child import HOME, Order, Told
from agent.measure.faults import WorldError
from agent.measure.servers import named
from agent.measure.servers.addresses import SPEEDTEST_NET, parse_target
from agent.measure.sockets import dial
from agent.measure.wirecost import payload_within, wire_bytes
from agent.net.loop import Loop
from agent.wire import limits, records
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import Confidence, EngineName, FailureCode, Method, Phase, StopReason

NAME = EngineName.OOKLA
PROTOCOL = "speedtest.net"
COMMAND = "_ookla"
LENGTH_S = 10
LIMIT_S = 75.0  # for everything
LOOK_S = 0.1

_DECODER = msgspec.json.Decoder(Told)


def cost(max_bytes_download: int, max_bytes_upload: int) -> str:
    """Return in one sentence what it may cost, to be said before it is used; 0 = no cap."""
    sentence = (
        f"speedtest-cli loads the line for {LENGTH_S} s each way, whatever it has learnt by then "
        f"({LENGTH_S / 8:.2f} MB for every Mbit/s of the line), and talks to speedtest.net"
    )
    if not max_bytes_download and not max_bytes_upload:
        return f"{sentence}; there is no cap."
    return f"{sentence}; it is cut at {max_bytes_download / 1e6:.0f} MB down and {max_bytes_upload / 1e6:.0f} MB up."


def order_within(max_bytes_download: int, max_bytes_upload: int) -> Order:
    """Return the order that keeps to two caps on the wire, 0 = none."""
    down, up = (payload_within(cap_bytes) if cap_bytes else 0 for cap_bytes in (max_bytes_download, max_bytes_upload))
    return Order(max_bytes_download=down, max_bytes_upload=up)


class Ookla:
    """One measurement by speedtest-cli; the members tell how far it got."""

    def __init__(
        self,
        entry: ServerEntry,
        order: Order,
        tell: Callable[[Progress], None],
        command: Sequence[str] | None = None,
    ) -> None:
        """Make it.

        Args:
            entry: `addresses.SPEEDTEST_NET`, or a Speedtest Mini server.
            order: Caps; its address is filled in from the entry.
            tell: Called as it goes on.
            command: The child; None = this program with its own word for it.
        """
        is_home = entry.url == SPEEDTEST_NET.url
        self.entry = entry
        self.address: dial.Address | None = None
        self.server: records.Server | None = None
        self.download: records.Direction | None = None
        self.upload: records.Direction | None = None
        self.version = ""
        self.phase = Phase.PREFLIGHT
        self.tags: list[str] = []
        self._order = msgspec.structs.replace(order, mini_url=None if is_home else entry.url)
        self._tell = tell
        self._command = command or _own_command()

    def run(self, is_cancelled: Callable[[], bool]) -> None:
        """Measure.

        Raises:
            WorldError: What went wrong; what was measured before is kept in the members.
        """
        self.address, sock = dial.connect_first(dial.resolve(parse_target(self.entry.url)), dial.Buffers())
        dial.close_hard(sock)
        clock = Loop()
        try:
            with _child(self._command, self._order) as events:
                self._follow(events, is_cancelled, clock.now, clock.now() + LIMIT_S)
        finally:
            clock.close()

    def _follow(
        self, events: "Queue[bytes]", is_cancelled: Callable[[], bool], now_s: Callable[[], float], until_s: float
    ) -> None:
        while self.upload is None:
            if is_cancelled():
                raise WorldError.cancelled()
            if now_s() > until_s:
                raise WorldError(FailureCode.STALLED, f"speedtest-cli has not ended in {LIMIT_S:.0f} s")
            try:
                line = events.get(timeout=LOOK_S)
            except Empty:
                continue
            if not line:
                raise WorldError(FailureCode.PROTOCOL, "speedtest-cli ended without a word")
            try:
                self._take(_DECODER.decode(line))
            except msgspec.MsgspecError as error:
                raise WorldError(FailureCode.PROTOCOL, "speedtest-cli said what cannot be read") from error

    def _take(self, told: Told) -> None:
        if told.event == "fault":
            raise WorldError(told.code or FailureCode.PROTOCOL, told.detail)
        if told.event == "server":
            self._take_server(told)
        elif told.event == "progress":
            self.phase = told.phase
            rate_bps = 8 * told.bytes / told.elapsed_s if told.elapsed_s > 0 else 0.0
            self._tell(Progress(told.phase, told.elapsed_s, told.bytes, rate_bps))
        elif told.event == "done":
            self.phase = Phase.UPLOAD
            if told.phase is Phase.DOWNLOAD:
                self.download = _direction(told, Method.RECEIVER)
            else:
                self.upload = _direction(told, None)  # counted on this side: no receiver has said so

    def _take_server(self, told: Told) -> None:
        self.phase = Phase.DOWNLOAD
        self.version = told.version[: limits.ID_CHARS]
        target = parse_target(told.server_url)
        self.server = records.Server(
            id=f"{HOME}:{told.server_id}"[: limits.ID_CHARS] if self._order.mini_url is None else self.entry.id,
            host=target.host[: limits.TEXT_CHARS],
            scheme="https" if target.is_secure else "http",
            ip_family=self.address.family if self.address else None,
        )
        if told.ping_ms is not None:
            self.tags.append(f"ookla_ping_ms={told.ping_ms:.1f}")

    def over(self, record: records.Measurement) -> records.Measurement:
        """Return the record with what this tool said."""
        tags = [*(record.tags or []), *self.tags][: limits.TAGS]
        engine = records.Engine(name=NAME, version=self.version or "unknown", protocol=PROTOCOL)
        server = self.server or named.server_of(self.entry, self.address)
        return msgspec.structs.replace(
            record, engine=engine, server=server, download=self.download, upload=self.upload, tags=tags or None
        )


def _direction(told: Told, method: Method | None) -> records.Direction:
    return records.Direction(
        bps=min(round(told.bps), limits.BPS),
        confidence=Confidence.LOW,  # it states no precision
        lower_bound=told.is_capped,
        stop_reason=StopReason.BUDGET if told.is_capped else StopReason.TIME,
        bytes=told.bytes,
        wire_bytes_est=wire_bytes(told.bytes),
        duration_s=round(told.elapsed_s, 3),
        streams=min(max(told.streams, 1), limits.STREAMS),
        method=method,
    )


def _own_command() -> list[str]:
    return [sys.executable, COMMAND] if getattr(sys, "frozen", False) else [sys.executable, "-m", "agent", COMMAND]


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    # What is run is this very program, with a word of its own; nothing of it comes from outside.
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@contextmanager
def _running(command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the child. However this is left, the child has ended and is waited for.

    Raises:
        WorldError: client_limited.
    """
    try:
        child = _start(command)
    except OSError as error:
        raise _not_started(error) from error
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()


@contextmanager
def _child(command: Sequence[str], order: Order) -> Iterator["Queue[bytes]"]:
    """Run the child; yield the lines that it says, an empty one at its end. Leaving kills it.

    Raises:
        WorldError: client_limited.
    """
    lines: Queue[bytes] = Queue()
    with _running(command) as child:
        _tell_child(child, order)

        def read() -> None:
            for line in child.stdout or ():
                lines.put(line)
            lines.put(b"")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield lines
        finally:
            child.kill()  # ends what the reader reads
            reader.join(5)


def _tell_child(child: "subprocess.Popen[bytes]", order: Order) -> None:
    if child.stdin is None:
        return
    try:
        child.stdin.write(msgspec.json.encode(order) + b"\n")
        child.stdin.flush()  # and stays open: its end would end the child
    except OSError as error:
        raise _not_started(error) from error


def _not_started(error: OSError) -> WorldError:
    return WorldError(FailureCode.CLIENT_LIMITED, f"speedtest-cli could not be started ({error.strerror})")
