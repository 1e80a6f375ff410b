"""What a connection does after a request's head, and what all such exchanges share."""

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from nacl.signing import SigningKey

from agent.net import http1, tcpinfo
from agent.net.http1 import RequestHead
from collector.testpoint.admission import Admission
from collector.testpoint.options import TestpointOptions
from collector.testpoint.refusal import RefusedError

PAYLOAD_BYTES = 8 << 20
FIRST_SLICE_BYTES = 16 << 10
SLICE_LIMITS_BYTES = (4 << 10, 256 << 10)
SLICE_S = 0.04  # how much time of the line lies unsent in the kernel: what is written now leaves that soon
RATE_INTERVAL_S = 0.1

# Any web page may measure here, as with every LibreSpeed server.
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "Content-Encoding, Content-Type"),
    ("Timing-Allow-Origin", "*"),
)
NO_STORE = ("Cache-Control", "no-store, no-cache, must-revalidate, no-transform, max-age=0")


class Exchange(Protocol):
    """One request's work on a connection."""

    is_done: bool  # nothing more will be put into the outbox
    keeps_alive: bool  # whether another request may follow

    def received(self, data: memoryview) -> int:
        """Take bytes of the peer; return how many belong to this exchange."""

    def fill(self, outbox: "Outbox") -> None:
        """Put more into an empty outbox, if there is something to send."""

    def tick(self, now_s: float) -> None:
        """Do what time asks for; called every few hundredths of a second."""

    def closed(self) -> None:
        """Free what the exchange holds; called once, however it ended."""


class Payload:
    """Random bytes made once; every reader starts elsewhere, so that no two streams look alike on the way."""

    def __init__(self, token_bytes: Callable[[int], bytes], size_bytes: int = PAYLOAD_BYTES) -> None:
        self._block = memoryview(token_bytes(size_bytes))
        self._token_bytes = token_bytes

    def reader(self) -> "PayloadReader":
        """Return an endless source that starts at a random place."""
        return PayloadReader(self._block, int.from_bytes(self._token_bytes(4), "big") % len(self._block))


@dataclass
class PayloadReader:
    """An endless, incompressible source without copies."""

    block: memoryview
    position: int

    def read(self, limit_bytes: int) -> memoryview:
        """Return the next bytes: at most `limit_bytes`, at least one."""
        view = self.block[self.position : self.position + limit_bytes]
        self.position = (self.position + len(view)) % len(self.block)
        return view


class Outbox:
    """Bytes on their way into a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sent_bytes = 0  # taken by the kernel, since the beginning
        self.slice_bytes = FIRST_SLICE_BYTES  # how much bulk to put in at once
        self.rate = 0.0  # bytes/s into the kernel, smoothed
        self._sock = sock
        self._views: deque[memoryview] = deque()
        self._sampled: tuple[float, int] | None = None

    def __bool__(self) -> bool:
        return bool(self._views)

    def put(self, data: bytes | memoryview) -> None:
        """Append bytes; they are not copied."""
        if len(data):
            self._views.append(memoryview(data))

    def send(self) -> None:
        """Give the kernel what it takes now.

        Raises:
            OSError: If the connection is gone.
        """
        views = self._views
        try:
            count = self._sock.sendmsg([views[n] for n in range(min(len(views), 32))])
        except BlockingIOError:
            return
        self.sent_bytes += count
        while count:
            if count < len(views[0]):
                views[0] = views[0][count:]
                return
            count -= len(views.popleft())

    def pace(self, now_s: float) -> None:
        """Fit the slices to the speed of the line, so that a small message never waits behind seconds of bulk."""
        if self._sampled is None:
            self._sampled = (now_s, self.sent_bytes)
            tcpinfo.set_notsent_lowat(self._sock, self.slice_bytes)
            return
        since_s = now_s - self._sampled[0]
        if since_s < RATE_INTERVAL_S:
            return
        rate = (self.sent_bytes - self._sampled[1]) / since_s
        self._sampled = (now_s, self.sent_bytes)
        self.rate = rate if self.rate == 0 else 0.5 * self.rate + 0.5 * rate
        low, high = SLICE_LIMITS_BYTES
        wanted = min(high, max(low, int(self.rate * SLICE_S)))
        if not 0.7 < wanted / self.slice_bytes < 1.4:
            self.slice_bytes = wanted
            tcpinfo.set_notsent_lowat(self._sock, wanted)


@dataclass(frozen=True)
class Link:
    """The connection as an exchange sees it."""

    sock: socket.socket
    address: str
    outbox: Outbox


def acked_bytes(link: Link) -> int | None:
    """Return what the peer has acknowledged since the connection began, None where the kernel does not say."""
    info = tcpinfo.read(link.sock)
    return None if info is None else info.bytes_acked


@dataclass
class Context:
    """What all connections of one test point share."""

    options: TestpointOptions
    admission: Admission
    payload: Payload
    now_s: Callable[[], float]
    uploads: "Uploads"
    signing_key: SigningKey  # of receipts


@dataclass
class Upload:
    """What has arrived of the LibreSpeed uploads of one id."""

    received_bytes: int
    last_s: float


@dataclass
class Uploads:
    """Receiver-side counts by upload id; forgotten two minutes after the last byte."""

    limit: int = 4096
    lifetime_s: float = 120.0
    by_id: dict[str, Upload] = field(default_factory=dict)

    def of(self, upload_id: str, now_s: float) -> Upload:
        """Return the count of this id, a new one if it is unknown."""
        upload = self.by_id.get(upload_id)
        if upload is None:
            if len(self.by_id) >= self.limit:
                self.forget(now_s)
            if len(self.by_id) >= self.limit:
                raise RefusedError(503, "too many uploads are counted at the moment", retry_after_s=30)
            upload = self.by_id[upload_id] = Upload(0, now_s)
        upload.last_s = now_s
        return upload

    def forget(self, now_s: float) -> None:
        """Drop what nobody has added to or asked for lately."""
        for key in [key for key, upload in self.by_id.items() if now_s - upload.last_s > self.lifetime_s]:
            del self.by_id[key]


class Reply:
    """A whole answer, known at once."""

    def __init__(self, link: Link, head: bytes, body: bytes = b"", *, keeps_alive: bool = True) -> None:
        self.is_done = True
        self.keeps_alive = keeps_alive
        link.outbox.put(head + body)

    def received(self, data: memoryview) -> int:
        """Take nothing: what follows is the next request."""
        return 0

    def fill(self, outbox: Outbox) -> None:
        """Add nothing."""

    def tick(self, now_s: float) -> None:
        """Wait for nothing."""

    def closed(self) -> None:
        """Hold nothing."""


def answer_head(
    status: int, length: int | None, content_type: str, *, keeps_alive: bool, more: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """Return the head of an answer; `length` None = chunked."""
    framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    fields = [NO_STORE, *CORS, framing, ("Connection", "keep-alive" if keeps_alive else "close"), *more]
    if length != 0:
        fields.append(("Content-Type", content_type))
    return http1.format_response(status, fields)


def reply(link: Link, head: RequestHead, body: bytes, content_type: str, *, status: int = 200) -> Reply:
    """Return a small answer to a request without a body."""
    answer = answer_head(status, len(body), content_type, keeps_alive=head.keeps_alive)
    return Reply(link, answer, b"" if head.method == "HEAD" else body, keeps_alive=head.keeps_alive)


def refuse(link: Link, status: int, sentence: str, *, retry_after_s: int | None = None) -> Reply:
    """Return a refusal: one line of plain text, which clients show as it is; the connection ends after it."""
    body = sentence.encode("utf-8") + b"\n"
    more = () if retry_after_s is None else (("Retry-After", str(retry_after_s)),)
    if status == 426:
        more = (*more, ("Upgrade", "websocket"))
    head = answer_head(status, len(body), "text/plain; charset=utf-8", keeps_alive=False, more=more)
    return Reply(link, head, body, keeps_alive=False)
