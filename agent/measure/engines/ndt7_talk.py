"""ndt7 as both directions speak it (M-Lab's protocol, spec 0.11): upgrade, frames, the server's measurements."""

import os
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import msgspec

from agent.measure import faults
from agent.measure.engines.engine import Job
from agent.measure.estimate.arrivals import Arrivals, Segments
from agent.measure.faults import WorldError
from agent.measure.sockets.connections import Connection
from agent.measure.sockets.transfer import CONGESTION_CONTROL, BaseTransfer
from agent.net import tcpinfo, websocket
from agent.net.http1 import HeadReader, parse_response
from agent.net.websocket import CloseCode, Message, Opcode, Receiver
from agent.wire.vocabulary import FailureCode

PROTOCOL = "net.measurementlab.ndt.v7"
SPEC = "ndt7/0.11"
CLIENT_NAME = "enlace-agent"
PONGS_WAITING = 64
MESSAGES_LIMIT = 5_000  # of a connection: a server says about ten in a second


class AppInfo(msgspec.Struct):
    """What the server's program counts."""

    elapsed_us: int | None = msgspec.field(name="ElapsedTime", default=None)
    bytes: int | None = msgspec.field(name="NumBytes", default=None)


class TcpInfo(msgspec.Struct):
    """What the server's kernel counts."""

    elapsed_us: int | None = msgspec.field(name="ElapsedTime", default=None)
    bytes_received: int | None = msgspec.field(name="BytesReceived", default=None)
    data_segs_in: int | None = msgspec.field(name="DataSegsIn", default=None)  # this and the next two: our test point
    rcv_ooopack: int | None = msgspec.field(name="RcvOooPack", default=None)
    rcv_mss: int | None = msgspec.field(name="RcvMSS", default=None)
    delivery_rate: int | None = msgspec.field(name="DeliveryRate", default=None)  # bytes/s, Linux servers


class ConnectionInfo(msgspec.Struct):
    """What the server says of the connection."""

    congestion_control: str | None = msgspec.field(name="CongestionControl", default=None)  # our own test point


class BbrInfo(msgspec.Struct):
    """Told only by a server that sends with BBR."""


class ServerSays(msgspec.Struct):
    """What of a server's measurement is used; every object is optional, unknown ones are passed over (spec)."""

    app: AppInfo | None = msgspec.field(name="AppInfo", default=None)
    tcp: TcpInfo | None = msgspec.field(name="TCPInfo", default=None)
    bbr: BbrInfo | None = msgspec.field(name="BBRInfo", default=None)
    connection: ConnectionInfo | None = msgspec.field(name="ConnectionInfo", default=None)


_DECODER = msgspec.json.Decoder(ServerSays)


@dataclass
class State:
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


class Ndt7Transfer(BaseTransfer):
    """One direction over several connections, each upgraded to a WebSocket of its own."""

    direction = ""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._states: dict[int, State] = {}

    def query(self) -> dict[str, str]:
        """Return further fields of the query."""
        return {}

    def begin(self, connection: Connection) -> None:
        """Ask for the upgrade."""
        request, accept = upgrade(self.job, self.direction, self.query())
        receiver = Receiver(expects_mask=False)
        self._states[connection.index] = State(accept, len(request), HeadReader(), receiver)
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

    def _upgraded(self, state: State, rest: bytes) -> None:
        head = parse_response(state.head.head)
        if head.status != 101:
            raise faults.of_status(head, self.host, rest)
        websocket.check_handshake(head, state.accept, PROTOCOL)
        if not self.is_upload:
            self.named_by_test_point(head.headers.get(CONGESTION_CONTROL))
        state.is_upgraded = True

    def _message(self, connection: Connection, state: State, message: Message) -> None:
        if message.opcode is Opcode.PING:
            # A server that pings faster than it reads must not fill us up; nothing follows a frame that was cut off.
            if len(connection.queue) < PONGS_WAITING and not self.is_draining:
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

    def told(self, connection: Connection, state: State, says: ServerSays) -> None:
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


def segments_of(info: TcpInfo | tcpinfo.TcpInfo | None) -> Segments | None:
    """Return what a kernel counts at the receiving end, None where it does not tell all of it."""
    if info is None or info.data_segs_in is None or info.rcv_ooopack is None or not info.rcv_mss:
        return None
    return Segments(info.data_segs_in, info.rcv_ooopack, info.rcv_mss)
