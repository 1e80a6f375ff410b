"""The ndt7 engine (M-Lab's protocol, spec 0.11), over several connections at once.

Download counts what we read; upload counts what the server's measurements say it received. That a server stops by
itself at our cap (`bytes` in the query) and chooses a congestion control (`cc`) are courtesies of our own test point;
others are closed in time.
"""

import os
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import msgspec

from agent.measure import faults
from agent.measure.engines.engine import Job
from agent.measure.estimate.arrivals import Arrivals, Segments
from agent.measure.estimate.curve import MergedCurve
from agent.measure.estimate.estimator import Sample
from agent.measure.faults import WorldError
from agent.measure.sockets.cap import reached_cap, room_to_cap, stop_at_cap
from agent.measure.sockets.connections import Connection
from agent.measure.sockets.transfer import CONGESTION_CONTROL, BaseTransfer
from agent.net import tcpinfo, websocket
from agent.net.http1 import HeadReader, parse_response
from agent.net.websocket import CloseCode, Message, Opcode, Receiver
from agent.wire.vocabulary import EngineName, FailureCode, StopReason

PROTOCOL = "net.measurementlab.ndt.v7"
SPEC = "ndt7/0.11"
VERSION = "1"
CLIENT_NAME = "enlace-agent"
FIRST_FRAME_BYTES = 8_192  # the spec's first message
LAST_FRAME_BYTES = 65_536
SCALE = 16  # a message is at most this part of what was sent (spec)
REPORT_BYTES = 500  # of a measurement of our own test point, about
REPORT_S, REPORT_MOST_S = 0.1, 0.5  # between two: as it is, and where the way back is narrow
REPORT_SHARE = 0.05  # of the way back
PONGS_WAITING = 64
MESSAGES_LIMIT = 5_000  # of a connection: a server says about ten in a second
PATIENCE_S = 1.0  # M-Lab's servers report every 25 to 625 ms


class _AppInfo(msgspec.Struct):
    elapsed_us: int | None = msgspec.field(name="ElapsedTime", default=None)
    bytes: int | None = msgspec.field(name="NumBytes", default=None)


class _TcpInfo(msgspec.Struct):
    elapsed_us: int | None = msgspec.field(name="ElapsedTime", default=None)
    bytes_received: int | None = msgspec.field(name="BytesReceived", default=None)
    data_segs_in: int | None = msgspec.field(name="DataSegsIn", default=None)  # this and the next two: our test point
    rcv_ooopack: int | None = msgspec.field(name="RcvOooPack", default=None)
    rcv_mss: int | None = msgspec.field(name="RcvMSS", default=None)
    delivery_rate: int | None = msgspec.field(name="DeliveryRate", default=None)  # bytes/s, Linux servers


class _ConnectionInfo(msgspec.Struct):
    congestion_control: str | None = msgspec.field(name="CongestionControl", default=None)  # our own test point


class _BbrInfo(msgspec.Struct):
    """Told only by a server that sends with BBR."""


class _ServerSays(msgspec.Struct):
    """What of a server's measurement is used; every object is optional, unknown ones are passed over (spec)."""

    app: _AppInfo | None = msgspec.field(name="AppInfo", default=None)
    tcp: _TcpInfo | None = msgspec.field(name="TCPInfo", default=None)
    bbr: _BbrInfo | None = msgspec.field(name="BBRInfo", default=None)
    connection: _ConnectionInfo | None = msgspec.field(name="ConnectionInfo", default=None)


_DECODER = msgspec.json.Decoder(_ServerSays)


@dataclass
class _State:
    """The protocol's side of one connection."""

    accept: str
    request_bytes: int
    head: HeadReader
    receiver: Receiver
    is_upgraded: bool = False
    messages: int = 0
    offset_s: float | None = None  # of the server's clock to ours
    planned_bytes: int = 0  # payload queued so far
    delivery_bps: float | None = None
    told_bytes: int = 0  # the server's measurements
    arrivals: Arrivals = field(default_factory=Arrivals)


class Ndt7:
    """Engine: ndt7."""

    name = EngineName.NDT7
    version = VERSION
    protocol = SPEC

    def prepare(self, job: Job) -> Job:
        """Return the job: the upgrade itself shows whether the server speaks ndt7."""
        return job

    def download(self, job: Job) -> "Ndt7Download":
        """Return a download; nothing is sent before its samples are asked for."""
        return Ndt7Download(job)

    def upload(self, job: Job) -> "Ndt7Upload":
        """Return an upload; nothing is sent before its samples are asked for."""
        return Ndt7Upload(job)


def upgrade(job: Job, direction: str, extra: dict[str, str]) -> tuple[bytes, str]:
    """Return the upgrade request of a direction, and the Sec-WebSocket-Accept that must answer it."""
    target = job.address.target
    query = {"client_name": CLIENT_NAME, "client_library_name": "enlace", **extra}
    if job.congestion_control:
        query["cc"] = job.congestion_control
    query |= job.named_by
    named, _, given = job.resources.get(direction, "").partition("?")  # a Locate service's, permission included
    known = {name for name, _ in parse_qsl(given, keep_blank_values=True)}
    added = urlencode({name: value for name, value in query.items() if name not in known})
    return websocket.client_handshake(
        target.host_field,
        f"{named or f'{target.path}/ndt/v7/{direction}'}?{'&'.join(part for part in (given, added) if part)}",
        nonce=job.random_bytes(16),
        protocol=PROTOCOL,
        headers=(("User-Agent", "Enlace"),),
    )


class _Ndt7Transfer(BaseTransfer):
    direction = ""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._states: dict[int, _State] = {}

    def query(self) -> dict[str, str]:
        """Return further fields of the query."""
        return {}

    def begin(self, connection: Connection) -> None:
        """Ask for the upgrade."""
        request, accept = upgrade(self.job, self.direction, self.query())
        receiver = Receiver(expects_mask=False)
        self._states[connection.index] = _State(accept, len(request), HeadReader(), receiver)
        connection.push(request)

    def received(self, connection: Connection, data: memoryview) -> None:
        """Take the upgrade's answer, then frames."""
        state = self._states[connection.index]
        if not state.is_upgraded:
            rest = state.head.feed(data)
            if rest is None:
                return
            self._upgraded(state, rest)
            connection.wants_write = True
            data = memoryview(rest)
        messages = state.receiver.feed(data)
        state.messages += len(messages)
        if state.messages > MESSAGES_LIMIT:
            raise WorldError(FailureCode.PROTOCOL, f"{self.host} talks without end instead of measuring")
        for message in messages:
            self._message(connection, state, message)

    def _upgraded(self, state: _State, rest: bytes) -> None:
        head = parse_response(state.head.head)
        if head.status != 101:
            raise faults.of_status(head, self.host, rest)
        websocket.check_handshake(head, state.accept, PROTOCOL)
        if not self.is_upload:
            self.named_by_test_point(head.headers.get(CONGESTION_CONTROL))
        state.is_upgraded = True

    def _message(self, connection: Connection, state: _State, message: Message) -> None:
        if message.opcode is Opcode.PING:
            if len(connection.queue) < PONGS_WAITING:  # a server that pings faster than it reads must not fill us up
                connection.push(websocket.frame(Opcode.PONG, message.payload, mask=os.urandom(4)))
        elif message.opcode is Opcode.TEXT:
            state.told_bytes += len(message.payload)
            try:
                says = _DECODER.decode(message.payload)
            except msgspec.MsgspecError as error:
                raise WorldError(FailureCode.PROTOCOL, f"{self.host}: a measurement that cannot be read") from error
            self.told(connection, state, says)
        elif message.opcode is Opcode.CLOSE:
            self.drop(connection, _close_fault(self.host, message.close_code))

    def told(self, connection: Connection, state: _State, says: _ServerSays) -> None:
        """Take a measurement of the server."""
        if says.bbr and says.tcp and says.tcp.delivery_rate is not None:
            state.delivery_bps = 8.0 * says.tcp.delivery_rate  # CUBIC's reads up to 40 % high
        if self.is_upload:
            return  # what it sends with is not what was measured
        if says.connection:
            self.named_by_test_point(says.connection.congestion_control)
        if says.bbr and self.congestion_control is None:
            self.congestion_control = "bbr"

    def ended_by_peer(self, connection: Connection) -> WorldError | None:
        """Return what the end without a Close means: before the upgrade the protocol was not spoken."""
        state = self._states[connection.index]
        if not state.is_upgraded and not state.head.is_empty:
            return WorldError(FailureCode.PROTOCOL, f"{self.host} does not speak HTTP here")
        return super().ended_by_peer(connection)


def _close_fault(host: str, code: int) -> WorldError | None:
    if code in (CloseCode.NORMAL, CloseCode.NO_STATUS, CloseCode.GOING_AWAY):
        return None
    if code == CloseCode.TRY_LATER:
        return WorldError(FailureCode.SERVER_BUSY, f"{host} is busy (WebSocket close {code})")
    return WorldError(FailureCode.PROTOCOL, f"{host} ended the test (WebSocket close {code})")


def _segments(info: _TcpInfo | tcpinfo.TcpInfo | None) -> Segments | None:
    if info is None or info.data_segs_in is None or info.rcv_ooopack is None or not info.rcv_mss:
        return None
    return Segments(info.data_segs_in, info.rcv_ooopack, info.rcv_mss)


class Ndt7Download(_Ndt7Transfer):
    """Bytes that we read from the connections, WebSocket framing left out."""

    direction = "download"

    def query(self) -> dict[str, str]:
        """Ask our own test point to stop at this connection's share of the cap."""
        cap = self.job.payload_cap
        return {"bytes": str(max(1, cap // self.streams))} if cap else {}

    def known_bytes(self) -> float:
        """Return the payload read so far."""
        return sum(state.receiver.binary_bytes for state in self._states.values())

    def sample(self, now_s: float) -> Sample | None:
        """Return what has come; where our kernel does not say what came behind a hole, with the senders' word for it.

        Measurements count as the test data beside them do: on a narrow line they are a part of what it carries.
        """
        total, is_whole = 0.0, True
        for connection in self.connections:
            state = self._states[connection.index]
            segments = _segments(tcpinfo.read(connection.sock)) if connection.is_open else None
            is_whole = is_whole and (segments is not None or not connection.is_open)
            total += state.arrivals.add(state.receiver.binary_bytes + state.told_bytes, segments)
        return Sample(now_s, total, None if is_whole else self._delivery_bps())

    def _delivery_bps(self) -> float | None:
        """Return the sum of the senders' delivery rates if all of them run BBR and tell."""
        rates = [state.delivery_bps for state in self._states.values()]
        told = [rate for rate in rates if rate is not None]
        return sum(told) if told and len(told) == len(rates) else None

    def received(self, connection: Connection, data: memoryview) -> None:
        """Count; stop when what was read and what is still queued on the line reach the cap."""
        super().received(connection, data)
        self.moved_bytes += len(data)
        self.news()
        stop_at_cap(self)

    def room(self, connection: Connection) -> int:
        """Never read past the cap."""
        return room_to_cap(self)

    def _own_congestion_control(self, connection: Connection) -> str | None:
        return None

    def ended_by_peer(self, connection: Connection) -> WorldError | None:
        """Take an end at the cap for what it is."""
        return None if reached_cap(self) else super().ended_by_peer(connection)

    def _all_ended(self, now_s: float) -> None:
        super()._all_ended(now_s)
        if self.ended is StopReason.SERVER and reached_cap(self):
            self.ended = StopReason.BUDGET


class Ndt7Upload(_Ndt7Transfer):
    """Bytes that the server says it received."""

    direction = "upload"
    is_upload = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._merged = MergedCurve(self.streams, PATIENCE_S)
        self._data = job.random_bytes(LAST_FRAME_BYTES)
        self._left = job.payload_cap or None
        self._told: set[int] = set()  # connections of which the server has said what it received
        self._full_s: float | None = None  # when the cap was used up

    def query(self) -> dict[str, str]:
        """Ask our own test point to report more seldom where its reports would fill the line that they come on."""
        if not self.job.back_bps:
            return {}
        interval_s = self.streams * 8 * REPORT_BYTES / (REPORT_SHARE * self.job.back_bps)
        return {"interval_ms": str(round(1000 * min(interval_s, REPORT_MOST_S)))} if interval_s > REPORT_S else {}

    def begin(self, connection: Connection) -> None:
        """Ask for the upgrade."""
        if connection.index == 0:
            self._merged = MergedCurve(self.streams, PATIENCE_S)  # now it is known how many could be opened
        super().begin(connection)

    def next_data(self, connection: Connection) -> None:
        """Queue one more message if the server has agreed and the cap leaves room."""
        state = self._states[connection.index]
        if not state.is_upgraded or self._left == 0:
            return
        size = max(FIRST_FRAME_BYTES, min(LAST_FRAME_BYTES, state.planned_bytes // SCALE))
        size = size if self._left is None else min(size, self._left)
        state.planned_bytes += size
        # One piece: a header that went alone would make a segment of its own.
        frame = websocket.frame_header(Opcode.BINARY, size, mask=os.urandom(4)) + self._data[:size]
        connection.push(frame)
        if self._left is not None:
            self._left = max(0, self._left - len(frame))
        self.moved_bytes += size

    def told(self, connection: Connection, state: _State, says: _ServerSays) -> None:
        """Take what the server has received: kernel's count if it tells, else the program's."""
        super().told(connection, state, says)
        if says.tcp and says.tcp.bytes_received is not None:
            counted, elapsed_us = says.tcp.bytes_received - state.request_bytes, says.tcp.elapsed_us
            counted = int(state.arrivals.add(max(0, counted), _segments(says.tcp)))
        elif says.app and says.app.bytes is not None:
            counted, elapsed_us = says.app.bytes, says.app.elapsed_us
        else:
            return
        now_s = self.job.loop.now() - self.start_s
        if elapsed_us is not None:
            offset_s = now_s - elapsed_us / 1e6
            state.offset_s = offset_s if state.offset_s is None else min(state.offset_s, offset_s)
            now_s = state.offset_s + elapsed_us / 1e6
        before = self._merged.total
        self._told.add(connection.index)
        self._merged.add(connection.index, now_s, max(0, min(counted, connection.sent_bytes)))
        if self._merged.total > before:
            self.news()

    def known_bytes(self) -> float:
        """Return everything that the server has said it received."""
        return self._merged.total

    def sample(self, now_s: float) -> Sample | None:
        """Return the newest sum that is known of all connections."""
        self._look_at_cap(now_s)
        if self.ended is not None:
            # A connection must not hold back what was said of the others if nothing was said of it, or nothing is left.
            has_all = self._merged.total >= self.moved_bytes
            for index in self._states.keys() if has_all else self._states.keys() - self._told:
                self._merged.close(index)
        latest = self._merged.latest()
        return Sample(*latest) if latest else None

    def drop(self, connection: Connection, fault: WorldError | None = None) -> None:
        """Close one connection; it no longer holds the sum back."""
        super().drop(connection, fault)
        self._merged.close(connection.index)

    def _look_at_cap(self, now_s: float) -> None:
        """End when all that the cap allowed has arrived, or the server takes too long to say so."""
        if self._left != 0 or self.ended is not None or any(each.queue for each in self.connections if each.is_open):
            return
        self.is_draining = True
        self._full_s = now_s if self._full_s is None else self._full_s
        waited_s = now_s - max(self._full_s, self._news_s)
        if self._merged.total >= self.moved_bytes or waited_s >= self.job.drain_s:
            self.ended = StopReason.BUDGET
