"""ndt7 (protocol 0.11) in both directions, over the WebSocket of `agent.net`.

`/ndt/v7/download` and `/ndt/v7/upload`, subprotocol `net.measurementlab.ndt.v7`. Ten seconds from the end of the
handshake, then a measurement and Close (1000); at fifteen the connection ends whatever the client does. In both
directions the server sends a measurement (text) every 100 ms: AppInfo, TCPInfo, BBRInfo where BBR carries the
connection, ConnectionInfo in the first and the last. Times in microseconds, rates in bytes/s, as the protocol has it.

Beyond the letter of the protocol, all within what it allows:
- TCPInfo also has DeliveryRate and AppLimited, ConnectionInfo also CongestionControl.
- Binary messages grow from 8 KiB to 1 MiB, but never beyond what the line carries in 50 ms, and little lies unsent in
  the kernel: measurements are not held up behind bulk. On slow lines they come less often, so that they never take
  more than about 4 % of a download.
- Query `bytes=N`: the download ends after exactly N bytes of binary payload (every connection for itself);
  `cc=bbr|cubic|reno`: which congestion control to ask the kernel for (default: BBR where the kernel has it);
  `interval_ms=` 10 to 1000: how often to measure; `test=ID`: which test the connection belongs to.
  `early_exit=250` (MB) as at M-Lab.
"""

from agent.net import tcpinfo, websocket
from agent.net.http1 import RequestHead
from agent.net.websocket import CloseCode, Opcode, ProtocolError, Receiver
from collector.testpoint.exchange import Context, Exchange, Link, Outbox, acked_bytes
from collector.testpoint.ledger import UNLIMITED, Direction
from collector.testpoint.librespeed import choose_congestion_control, exact_bytes, interval_s
from collector.testpoint.measurement import Measurer
from collector.testpoint.refusal import RefusedError

PROTOCOL = "net.measurementlab.ndt.v7"
MESSAGE_BYTES = (1 << 11, 1 << 20)
FIRST_MESSAGE_BYTES = 1 << 13
MESSAGE_S = 0.05
SCALING = 16  # a message is never more than this part of all that was sent
MEASUREMENT_BYTES = 450  # about
MEASUREMENT_SHARE = 0.04  # of a download's bytes
URGENT_LIMIT = 8
MESSAGES = (200, 100)  # texts, pings and pongs that a client may send: at once, and in each second
EARLY_EXIT = "250"
EARLY_EXIT_BYTES = 250 * 10**6
CLOSE_WAIT_S = 2.0


def download(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Open a download."""
    return Ndt7Download(head, link, context)


def upload(head: RequestHead, link: Link, context: Context) -> Exchange:
    """Open an upload."""
    return Ndt7Upload(head, link, context)


class _Ndt7:
    """What both directions share: handshake, measurements, Close, time."""

    def __init__(self, test: Direction, head: RequestHead, link: Link, context: Context) -> None:
        accept = websocket.check_upgrade(head, PROTOCOL)
        _check_early_exit(head.query)
        self._interval_s = interval_s(head.query, context)
        choose_congestion_control(head.query, link)
        self.account = context.admission.admit(link.address, head.query, test)
        self.receiver = Receiver(expects_mask=True)
        self.is_closing = False
        self.is_done = False
        self.keeps_alive = False
        self._has_said_goodbye = False
        self._messages = 0
        self._now_s = context.now_s
        self._urgent: list[bytes] = []  # whole frames that wait for the end of a binary message
        self._start_s = self._next_s = context.now_s()
        self._end_s = self._start_s + context.options.ndt7_duration_s
        self._cap_s = self._start_s + context.options.ndt7_cap_s
        self._measurer = Measurer(test, link)
        # Said here as well: the first measurement comes behind test data, on a slow line after the client has gone.
        named = ("Enlace-Congestion-Control", tcpinfo.congestion_control(link.sock) or "unknown")
        link.outbox.put(websocket.server_handshake(accept, PROTOCOL, named))

    def received(self, data: memoryview) -> int:
        """Take frames of the client."""
        messages = self.receiver.feed(data)
        self._messages += len(messages)
        if self._messages > MESSAGES[0] + MESSAGES[1] * (self._now_s() - self._start_s):
            raise ProtocolError(CloseCode.POLICY, "too many small messages")
        for message in messages:
            if message.opcode is Opcode.PING and len(self._urgent) < URGENT_LIMIT:
                self._urgent.append(websocket.frame(Opcode.PONG, message.payload))
            elif message.opcode is Opcode.CLOSE:
                self.close()
                self._cap_s = 0.0
                self.is_done = True
        return len(data)

    def fill(self, outbox: Outbox) -> None:
        """Put in what waits, and once, at the end, the last measurement and Close."""
        for frame in self._urgent:
            outbox.put(frame)
        self._urgent.clear()
        if self.is_closing and not self._has_said_goodbye:
            self._has_said_goodbye = True
            outbox.put(self._measurement(is_last=True))
            outbox.put(websocket.close_frame(CloseCode.NORMAL))

    def tick(self, now_s: float) -> None:
        """Measure, close at the end, give up at the cap."""
        if self.is_closing:
            self.is_done = self.is_done or now_s >= self._cap_s
        elif now_s >= self._end_s:
            self.close()
        elif now_s >= self._next_s:
            self._next_s = max(self._next_s + self.interval_s(), now_s)
            if len(self._urgent) < URGENT_LIMIT:
                self._urgent.append(self._measurement())

    def close(self) -> None:
        """Begin to end: the last measurement and Close follow, then the client has a moment to answer."""
        if not self.is_closing:
            self.is_closing = True
            self._cap_s = min(self._cap_s, self._now_s() + CLOSE_WAIT_S)

    def closed(self) -> None:
        """Give the place to another."""
        self.account.close()

    def interval_s(self) -> float:
        """Return the time to the next measurement."""
        return self._interval_s

    def app_bytes(self) -> int:
        """Return the payload of binary messages so far."""
        return self.receiver.binary_bytes

    def _measurement(self, *, is_last: bool = False) -> bytes:
        elapsed_us = round((self._now_s() - self._start_s) * 1e6)
        return websocket.frame(Opcode.TEXT, self._measurer.measure(elapsed_us, self.app_bytes(), is_last=is_last))


def _check_early_exit(query: dict[str, str]) -> None:
    if query.get("early_exit", EARLY_EXIT) != EARLY_EXIT:
        raise RefusedError(400, f"early_exit must be {EARLY_EXIT}")


class Ndt7Download(_Ndt7):
    """Sends random bytes in messages until the time, a cap or the client ends it."""

    def __init__(self, head: RequestHead, link: Link, context: Context) -> None:
        self._outbox = link.outbox
        self._left = exact_bytes(head.query) or UNLIMITED
        if "early_exit" in head.query:
            self._left = min(self._left, EARLY_EXIT_BYTES)
        self._source = context.payload.reader()
        self._message_bytes = FIRST_MESSAGE_BYTES
        self._message_left = 0
        self._sent = 0
        super().__init__(Direction.DOWNLOAD, head, link, context)
        self.account.watch(lambda: acked_bytes(link))

    def received(self, data: memoryview) -> int:
        """Take frames of the client, which sends no binary in this direction.

        Raises:
            ProtocolError: If it does.
        """
        used = super().received(data)
        if self.receiver.binary_bytes:
            raise ProtocolError(CloseCode.POLICY, "a client sends no binary messages during a download")
        return used

    def fill(self, outbox: Outbox) -> None:
        """Put in one slice of messages."""
        room = outbox.slice_bytes
        while room > 0:
            if self._message_left == 0 and not self._begin_message(outbox):
                return
            view = self._source.read(min(self._message_left, room))
            outbox.put(view)
            self._message_left -= len(view)
            self._sent += len(view)
            room -= len(view)

    def _begin_message(self, outbox: Outbox) -> bool:
        """Put in what waited for the end of the last message, then the next one's header, unless it is the end."""
        super().fill(outbox)
        if self.is_closing:
            return False
        size = self.account.take(min(self._next_size(outbox), self._left))
        if size == 0:
            self.close()
            super().fill(outbox)
            return False
        self._left -= size
        self._message_left = size
        outbox.put(websocket.frame_header(Opcode.BINARY, size))
        return True

    def _next_size(self, outbox: Outbox) -> int:
        low, high = MESSAGE_BYTES
        carried = outbox.rate * MESSAGE_S
        if self._message_bytes * 2 <= min(high, self._sent / SCALING, carried):
            self._message_bytes *= 2
        elif outbox.rate and self._message_bytes > max(low, carried):
            self._message_bytes //= 2
        return self._message_bytes

    def app_bytes(self) -> int:
        """Return the payload of binary messages given to the kernel so far."""
        return self._sent

    def interval_s(self) -> float:
        """Return the time to the next measurement, longer on slow lines."""
        rate = self._outbox.rate
        return max(super().interval_s(), MEASUREMENT_BYTES / (MEASUREMENT_SHARE * rate) if rate else 0.0)

    def tick(self, now_s: float) -> None:
        """Keep the slices right, then as in both directions."""
        self._outbox.pace(now_s)
        super().tick(now_s)


class Ndt7Upload(_Ndt7):
    """Counts the client's bytes and says every 100 ms how many have come."""

    def __init__(self, head: RequestHead, link: Link, context: Context) -> None:
        super().__init__(Direction.UPLOAD, head, link, context)

    def received(self, data: memoryview) -> int:
        """Count binary payload; a reached cap ends the test like time does."""
        before = self.receiver.binary_bytes
        used = super().received(data)
        self.account.charge(self.receiver.binary_bytes - before)
        if self.account.left_bytes == 0:
            self.close()
        return used
