"""LibreSpeed's three addresses, and how our own agent learns what arrived of an upload.

`garbage`  GET, `ckSize` MiB (default 4, at most 1024) of random bytes, with Content-Length.
`empty`    GET or POST; reads the whole body (Content-Length or chunked), then answers 200 with an empty body.
`getIP`    GET, `{"processedString": "<address>", "rawIspInfo": ""}`.
Each also with `.php` and under `/backend/`.

Extensions of ours; a foreign client neither sends nor notices them:
- `garbage?bytes=N` sends exactly N bytes instead of whole MiB; `cc=cubic|bbr|reno` asks for a congestion control. The
  header `Enlace-Congestion-Control` says which one carries the answer.
- `empty` answers with the header `Enlace-Received: <body bytes>`: what the server read of this one request.
- `empty?upload_id=ID` (1 to 64 of A-Z a-z 0-9 - _) adds the body's bytes, as they arrive, to the count of that id; any
  number of requests and connections may share one. `GET /enlace/v1/received?upload_id=ID` on another connection
  answers with a chunked stream of lines, the first at once, then one every 100 ms (`interval_ms=` 10 to 1000), for at
  most 60 s or until closed:
      {"elapsed_us":300412,"received_bytes":187200}
  `elapsed_us` runs from the first line on the server's monotonic clock, `received_bytes` is cumulative. An upload's
  speed is the difference of two lines: receiver's bytes over receiver's time, no matter how large the sender's buffer.
  Another LibreSpeed server answers 404, and the client is left with counting at 2xx answers.
"""

import re

import msgspec

from agent.net import http1, tcpinfo
from agent.net.http1 import BodyReader, HttpError, RequestHead
from collector.testpoint.exchange import Context, Exchange, Link, Outbox, Upload, acked_bytes, answer_head, reply
from collector.testpoint.ledger import Account, Direction
from collector.testpoint.refusal import RefusedError

MIB = 1 << 20
DEFAULT_MIB = 4
MOST_MIB = 1024
RECEIVED_STREAM_S = 60.0
CONGESTION_CONTROLS = frozenset({"bbr", "cubic", "reno"})

_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def garbage(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Open a download."""
    if head.method != "GET":
        raise RefusedError(405, "a download is asked for with GET")
    size_bytes = exact_bytes(head.query)
    if size_bytes is None:
        size_bytes = _mebibytes(head.query.get("ckSize", "")) * MIB
    return Download(head, link, context, size_bytes)


def _mebibytes(text: str) -> int:
    """Read `ckSize` as LibreSpeed's own `garbage.php` does: digits alone, or the default; zero too means the default.

    However many digits there are: what is above the most is the most, and leading zeros count for nothing.
    """
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    if not digits:
        return DEFAULT_MIB
    return MOST_MIB if len(digits) > len(str(MOST_MIB)) else min(int(digits), MOST_MIB)


def exact_bytes(query: dict[str, str]) -> int | None:
    """Return the value of our own `bytes`, None where it is not given.

    Raises:
        RefusedError: 400 if it is no whole number between 1 and 10^12.
    """
    text = query.get("bytes")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 13 and 1 <= int(text) <= 10**12):
        raise RefusedError(400, "bytes must be a whole number between 1 and 10^12")
    return int(text)


def interval_s(query: dict[str, str], context: Context) -> float:
    """Return how often to measure: our own `interval_ms`, else the test point's own interval.

    Raises:
        RefusedError: 400 if it is no whole number between 10 and 1000.
    """
    text = query.get("interval_ms")
    if text is None:
        return context.options.measure_interval_s
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 10 <= int(text) <= 1000):
        raise RefusedError(400, "interval_ms must be a whole number between 10 and 1000")
    return int(text) / 1000


def choose_congestion_control(query: dict[str, str], link: Link) -> None:
    """Give the connection the congestion control that our own `cc` names, as far as the kernel allows."""
    name = query.get("cc")
    if name is None:
        return
    if name not in CONGESTION_CONTROLS:
        raise RefusedError(400, "cc must be one of bbr, cubic, reno")
    tcpinfo.set_congestion_control(link.sock, name)


class Download:
    """Sends a known number of random bytes."""

    def __init__(
        self, head: RequestHead, link: Link, context: Context, size_bytes: int, content_type: str = ""
    ) -> None:
        choose_congestion_control(head.query, link)
        self._account = context.admission.admit(link.address, head.query, Direction.DOWNLOAD)
        self._account.watch(self._arrived)
        self._link = link
        self._acked_before = acked_bytes(link) or 0
        self._left = min(size_bytes, self._account.left_bytes)
        self._source = context.payload.reader()
        self._outbox = link.outbox
        self._give_up_s = context.now_s() + context.options.transfer_timeout_s
        self.is_done = False
        self.keeps_alive = head.keeps_alive
        more = (
            ("Content-Description", "File Transfer"),
            ("Content-Disposition", "attachment; filename=random.dat"),
            ("Content-Transfer-Encoding", "binary"),
            ("Enlace-Congestion-Control", tcpinfo.congestion_control(link.sock) or "unknown"),
        )
        kind = content_type or "application/octet-stream"
        link.outbox.put(answer_head(200, self._left, kind, keeps_alive=head.keeps_alive, more=more))

    def _arrived(self) -> int | None:
        """Return how much of it the peer has acknowledged; None = all, when the kernel has taken the whole of it."""
        if self.is_done and not self._outbox:
            return None
        acked = acked_bytes(self._link)
        return None if acked is None else acked - self._acked_before

    def received(self, data: memoryview) -> int:
        """Take nothing: what follows is the next request."""
        return 0

    def fill(self, outbox: Outbox) -> None:
        """Put in one slice."""
        if self._left:
            view = self._source.read(min(self._left, outbox.slice_bytes))
            granted = self._account.take(len(view))
            outbox.put(view[:granted])
            self._left -= granted
            if granted < len(view):  # another connection used up the cap: the promised length cannot be kept
                self.keeps_alive = False
                self.is_done = True
        if self._left == 0:
            self.is_done = True

    def tick(self, now_s: float) -> None:
        """Keep the slices right and end what takes too long."""
        self._outbox.pace(now_s)
        if now_s > self._give_up_s:
            self.keeps_alive = False
            self.is_done = True

    def closed(self) -> None:
        """Give the place to another."""
        self._account.close()


def empty(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Open an upload, or answer a ping."""
    if head.method not in ("GET", "HEAD", "POST"):
        raise RefusedError(405, "an upload is sent with POST")
    body = BodyReader.of_request(head)
    if body.is_done:
        context.admission.check_token(link.address, head.query)
        return reply(link, head, b"", "text/plain")
    return UploadSink(head, link, context, body)


class UploadSink:
    """Counts a request's body, then answers."""

    def __init__(self, head: RequestHead, link: Link, context: Context, body: BodyReader) -> None:
        upload_id = _upload_id_of(head)
        self._account: Account = context.admission.admit(link.address, head.query, Direction.UPLOAD)
        try:
            if body.expected is not None and body.expected > self._account.left_bytes:
                raise RefusedError(413, "this upload is larger than what may still be sent")
            # Only now: whoever is refused must not fill the table of counts.
            self._count = None if upload_id is None else context.uploads.of(upload_id, context.now_s())
        except RefusedError:
            self._account.close()
            raise
        self._body = body
        self._link = link
        self._context = context
        self._give_up_s = context.now_s() + context.options.transfer_timeout_s
        self.is_done = False
        self.keeps_alive = head.keeps_alive
        if (head.headers.get("expect") or "").lower() == "100-continue":
            link.outbox.put(http1.format_response(100, ()))

    def received(self, data: memoryview) -> int:
        """Count what belongs to the body.

        Raises:
            HttpError: If the body is malformed, too large or too slow.
        """
        before = self._body.received
        used = self._body.feed(data)
        arrived = self._body.received - before
        if self._account.take(arrived) < arrived:
            raise HttpError(413, "this upload is larger than what may still be sent")
        if self._count is not None:
            self._count.received_bytes += arrived
            self._count.last_s = self._context.now_s()
        if self._body.is_done:
            self._answer()
        return used

    def _answer(self) -> None:
        more = (("Enlace-Received", str(self._body.received)),)
        body, kind = self.body()
        head = answer_head(200, len(body), kind, keeps_alive=self.keeps_alive, more=more)
        self._link.outbox.put(head + body)
        self.is_done = True

    def body(self) -> tuple[bytes, str]:
        """Return what is answered to a whole upload, and its media type."""
        return b"", "text/plain"

    @property
    def received_bytes(self) -> int:
        """Body bytes so far."""
        return self._body.received

    def fill(self, outbox: Outbox) -> None:
        """Add nothing before the body is whole."""

    def tick(self, now_s: float) -> None:
        """End what takes too long."""
        if now_s > self._give_up_s and not self.is_done:
            raise HttpError(408, "this upload takes too long")

    def closed(self) -> None:
        """Give the place to another."""
        self._account.close()


def _upload_id_of(head: RequestHead) -> str | None:
    upload_id = head.query.get("upload_id")
    if upload_id is None:
        return None
    if _UPLOAD_ID.fullmatch(upload_id) is None:
        raise RefusedError(400, "upload_id must be 1 to 64 letters, digits, - or _")
    return upload_id


def received(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Open the stream of receiver-side counts of one upload id."""
    if head.method != "GET":
        raise RefusedError(405, "the stream of counts is asked for with GET")
    upload_id = _upload_id_of(head)
    if upload_id is None:
        raise RefusedError(400, "upload_id is missing")
    context.admission.check_token(link.address, head.query)
    return ReceivedStream(head, link, context, context.uploads.of(upload_id, context.now_s()))


class ReceivedStream:
    """Lines of cumulative counts, one every measurement interval."""

    def __init__(self, head: RequestHead, link: Link, context: Context, upload: Upload) -> None:
        self._link = link
        self._upload = upload
        self._interval_s = interval_s(head.query, context)
        self._start_s = self._next_s = context.now_s()
        self.is_done = False
        self.keeps_alive = False
        link.outbox.put(answer_head(200, None, "application/x-ndjson", keeps_alive=False))
        self.tick(self._start_s)

    def received(self, data: memoryview) -> int:
        """Pass over whatever the client sends meanwhile."""
        return len(data)

    def fill(self, outbox: Outbox) -> None:
        """Add nothing between the lines."""

    def tick(self, now_s: float) -> None:
        """Write a line when it is due and the last one has left."""
        if self.is_done or now_s < self._next_s:
            return
        self._upload.last_s = now_s
        self._next_s = max(self._next_s + self._interval_s, now_s)
        elapsed_s = now_s - self._start_s
        if not self._link.outbox or elapsed_s == 0:
            line = {"elapsed_us": round(elapsed_s * 1e6), "received_bytes": self._upload.received_bytes}
            self._link.outbox.put(http1.chunk(msgspec.json.encode(line) + b"\n"))
        if elapsed_s > RECEIVED_STREAM_S:
            self._link.outbox.put(http1.LAST_CHUNK)
            self.is_done = True

    def closed(self) -> None:
        """Hold nothing."""


def get_ip(head: RequestHead, link: Link, _context: Context) -> Exchange:
    """Tell the client its own address."""
    body = msgspec.json.encode({"processedString": link.address, "rawIspInfo": ""})
    return reply(link, head, body, "application/json; charset=utf-8")
