"""WebSocket (RFC 6455), client and server, for bulk measurement: payload is counted, not unmasked or kept.

Nothing here touches a socket, a clock or a random source. Both sides work on bytes split at any place.

Handshake: `client_handshake`, `check_handshake` (client); `check_upgrade`, `server_handshake` (server).
Sending:   `frame_header` (then the payload from any buffer: a sender of random bytes may send them under any mask,
           because whatever the receiver unmasks is random as well), `frame` (a small whole frame), `close_frame`.
Receiving: `Receiver.feed(view)` counts `binary_bytes` and returns the small messages (text, ping, pong, close).
"""

import base64
import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum

from agent.net.http1 import RequestHead, ResponseHead, format_request, format_response

MESSAGE_LIMIT_BYTES = 1 << 24  # ndt7 0.11: an implementation accepts binary messages up to this
TEXT_LIMIT_BYTES = 1 << 16
CONTROL_LIMIT_BYTES = 125

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Opcode(IntEnum):
    """Kinds of frames (RFC 6455 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection ends (RFC 6455 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED = 1003
    NO_STATUS = 1005  # never sent: what an empty Close means
    INVALID_TEXT = 1007
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    TRY_LATER = 1013


class ProtocolError(Exception):
    """The peer broke RFC 6455; `code` is what to close with."""

    def __init__(self, code: CloseCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class UpgradeError(Exception):
    """A handshake failed.

    Attributes:
        status: To a client the status of the answer; to a server the status to answer with.
        sentence: One sentence for a person.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


# Handshake --------------------------------------------------------------------------------------------------------


def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 4.2.2)."""
    # SHA-1 is what the protocol prescribes; it proves that the peer speaks WebSocket, nothing else.
    digest = hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def client_handshake(
    host: str, target: str, *, nonce: bytes, protocol: str, headers: tuple[tuple[str, str], ...] = ()
) -> tuple[bytes, str]:
    """Return the bytes of an upgrade request and the Sec-WebSocket-Accept that must answer it.

    Args:
        host: The Host field: name, and the port where it is not the scheme's own.
        target: Path and query.
        nonce: Sixteen random bytes.
        protocol: The one subprotocol to offer.
        headers: Further fields, such as User-Agent.
    """
    key = base64.b64encode(nonce).decode("ascii")
    fields = (
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", protocol),
        *headers,
    )
    return format_request("GET", target, fields), accept_key(key)


def check_handshake(head: ResponseHead, accept: str, protocol: str) -> None:
    """Check the server's answer to `client_handshake`.

    Raises:
        UpgradeError: If the answer is not 101, or not an answer to this key, or chose another subprotocol.
    """
    if head.status != 101:
        raise UpgradeError(head.status, f"the server answered {head.status} instead of opening a WebSocket")
    if "websocket" not in head.headers.words("upgrade") or "upgrade" not in head.headers.words("connection"):
        raise UpgradeError(head.status, "the server's answer does not switch to WebSocket")
    if head.headers.get("sec-websocket-accept") != accept:
        raise UpgradeError(head.status, "the server's Sec-WebSocket-Accept does not belong to our key")
    if head.headers.get("sec-websocket-protocol") != protocol:
        raise UpgradeError(head.status, f"the server did not choose the subprotocol {protocol}")
    if head.headers.get("sec-websocket-extensions"):
        raise UpgradeError(head.status, "the server chose an extension that was not offered")


def check_upgrade(head: RequestHead, protocol: str) -> str:
    """Check a client's upgrade request; return the Sec-WebSocket-Accept to answer with.

    The subprotocol must be the whole header value, as the reference ndt7 server has it.

    Raises:
        UpgradeError: 400, 405 or 426, with a sentence.
    """
    if head.method != "GET" or not head.is_http11:
        raise UpgradeError(405, "a WebSocket is opened with GET over HTTP/1.1")
    if "websocket" not in head.headers.words("upgrade") or "upgrade" not in head.headers.words("connection"):
        raise UpgradeError(426, "this address speaks WebSocket: ask for an upgrade")
    if head.headers.get("sec-websocket-version") != "13":
        raise UpgradeError(426, "only version 13 of WebSocket is spoken here")
    if head.headers.get("sec-websocket-protocol") != protocol:
        raise UpgradeError(400, f"the header Sec-WebSocket-Protocol must be {protocol}")
    key = head.headers.get("sec-websocket-key") or ""
    try:
        is_nonce = len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        is_nonce = False
    if not is_nonce:
        raise UpgradeError(400, "the header Sec-WebSocket-Key is not sixteen bytes in base64")
    return accept_key(key)


def server_handshake(accept: str, protocol: str, *more: tuple[str, str]) -> bytes:
    """Return the bytes of the answer that opens the WebSocket, with more header fields where there are any."""
    fields = (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept),
        ("Sec-WebSocket-Protocol", protocol),
        *more,
    )
    return format_response(101, fields)


# Sending ----------------------------------------------------------------------------------------------------------


def frame_header(opcode: Opcode, payload_bytes: int, *, mask: bytes | None = None, fin: bool = True) -> bytes:
    """Return the header of a frame whose payload the caller sends after it.

    Args:
        opcode: What the frame is.
        payload_bytes: Length of the payload.
        mask: Four bytes if a client sends (RFC 6455 5.3), None if a server does.
        fin: Whether this frame ends its message.
    """
    first = (0x80 if fin else 0) | opcode
    masked = 0x80 if mask is not None else 0
    if payload_bytes < 126:
        head = struct.pack("!BB", first, masked | payload_bytes)
    elif payload_bytes < 1 << 16:
        head = struct.pack("!BBH", first, masked | 126, payload_bytes)
    else:
        head = struct.pack("!BBQ", first, masked | 127, payload_bytes)
    return head if mask is None else head + mask


def apply_mask(data: bytes, mask: bytes) -> bytes:
    """Return `data` masked or unmasked, which is the same (RFC 6455 5.3); as one big number, not byte by byte."""
    size = len(data)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pattern, "little")).to_bytes(size, "little")


def frame(opcode: Opcode, payload: bytes, *, mask: bytes | None = None) -> bytes:
    """Return one whole frame, for small payloads: text, ping, pong, close."""
    header = frame_header(opcode, len(payload), mask=mask)
    return header + (payload if mask is None else apply_mask(payload, mask))


def close_frame(code: CloseCode, reason: str = "", *, mask: bytes | None = None) -> bytes:
    """Return a Close frame; a reason longer than 123 bytes is cut at a character."""
    text = reason.encode("utf-8")[: CONTROL_LIMIT_BYTES - 2].decode("utf-8", "ignore").encode("utf-8")
    return frame(Opcode.CLOSE, struct.pack("!H", code) + text, mask=mask)


# Receiving --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """A small message that was received whole: text, ping, pong or close."""

    opcode: Opcode
    payload: bytes  # unmasked

    @property
    def close_code(self) -> int:
        """The code of a Close, 1005 if it has none."""
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else CloseCode.NO_STATUS


class Receiver:
    """Takes the bytes of one direction of a WebSocket as they come, and counts bulk payload without touching it.

    Attributes:
        wire_bytes: All bytes fed, headers and small messages included.
        binary_bytes: Payload of binary messages so far, parts of unfinished messages included.
        binary_messages: Finished binary messages.
        is_closed: Whether a Close has come; bytes after it are ignored.
    """

    def __init__(self, *, expects_mask: bool, message_limit_bytes: int = MESSAGE_LIMIT_BYTES) -> None:
        """Make a receiver: a server expects masked frames, a client unmasked ones."""
        self.wire_bytes = 0
        self.binary_bytes = 0
        self.binary_messages = 0
        self.is_closed = False
        self._expects_mask = expects_mask
        self._message_limit_bytes = message_limit_bytes
        self._header = bytearray()
        self._header_need = 2
        self._left = 0  # payload bytes of the current frame still to come
        self._in_payload = False
        self._opcode = Opcode.CONTINUATION  # of the current frame
        self._fin = True
        self._mask = b"\0\0\0\0"
        self._payload = bytearray()  # of the current frame, if it is kept
        self._message: Opcode | None = None  # kind of the unfinished message that frames continue
        self._message_bytes = 0
        self._text = bytearray()

    def feed(self, data: memoryview) -> list[Message]:
        """Take more bytes; return the text, ping, pong and close messages that they complete.

        Raises:
            ProtocolError: If the peer broke the protocol; the connection is to be closed with its code.
        """
        messages: list[Message] = []
        position, size = 0, len(data)
        self.wire_bytes += size
        while position < size and not self.is_closed:
            if not self._in_payload:
                count = min(self._header_need - len(self._header), size - position)
                self._header += data[position : position + count]
                position += count
                if len(self._header) == self._header_need:
                    self._read_header()
            else:
                count = min(self._left, size - position)
                if self._is_bulk():
                    self.binary_bytes += count
                else:
                    self._payload += data[position : position + count]
                position += count
                self._left -= count
            if self._in_payload and self._left == 0:
                self._end_frame(messages)
        return messages

    def _is_bulk(self) -> bool:
        return self._opcode is Opcode.BINARY or (self._opcode is Opcode.CONTINUATION and self._message is Opcode.BINARY)

    def _read_header(self) -> None:
        """Read as much of the frame's header as has come; ask for more, or go over to its payload."""
        header = self._header
        short = header[1] & 0x7F
        extended = {126: 2, 127: 8}.get(short, 0)
        if len(header) == 2:
            self._check_first_bytes(header[0], header[1])
            self._header_need = 2 + extended + (4 if self._expects_mask else 0)
            if self._header_need > 2:
                return
        length = int.from_bytes(header[2 : 2 + extended], "big") if extended else short
        if (short == 126 and length < 126) or (short == 127 and not 1 << 16 <= length < 1 << 63):
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a frame's length is not in its shortest form")
        self._mask = bytes(header[-4:]) if self._expects_mask else b"\0\0\0\0"
        self._begin_payload(length)
        header.clear()
        self._header_need = 2

    def _check_first_bytes(self, first: int, second: int) -> None:
        if first & 0x70:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set, but no extension was agreed")
        try:
            self._opcode = Opcode(first & 0x0F)
        except ValueError as error:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a frame has an unknown opcode") from error
        self._fin = bool(first & 0x80)
        if bool(second & 0x80) != self._expects_mask:
            wanted = "masked" if self._expects_mask else "unmasked"
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, f"frames of this side must be {wanted}")
        if self._opcode >= Opcode.CLOSE:
            if not self._fin or second & 0x7F > CONTROL_LIMIT_BYTES:
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a control frame is fragmented or too long")
        elif (self._opcode is Opcode.CONTINUATION) == (self._message is None):
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a continuation without, or inside of, a message")

    def _begin_payload(self, length: int) -> None:
        self._in_payload = True
        self._left = length
        if self._opcode >= Opcode.CLOSE:
            return
        if self._opcode is not Opcode.CONTINUATION:
            self._message = self._opcode
            self._message_bytes = 0
        self._message_bytes += length
        limit = TEXT_LIMIT_BYTES if self._message is Opcode.TEXT else self._message_limit_bytes
        if self._message_bytes > limit:
            raise ProtocolError(CloseCode.TOO_BIG, f"a message is larger than {limit} bytes")

    def _end_frame(self, messages: list[Message]) -> None:
        self._in_payload = False
        payload = apply_mask(bytes(self._payload), self._mask) if self._expects_mask else bytes(self._payload)
        self._payload.clear()
        if self._opcode >= Opcode.CLOSE:
            messages.append(self._control(payload))
            return
        self._text += payload
        if not self._fin:
            return
        if self._message is Opcode.BINARY:
            self.binary_messages += 1
        else:
            messages.append(Message(Opcode.TEXT, _checked_text(bytes(self._text))))
        self._text.clear()
        self._message = None

    def _control(self, payload: bytes) -> Message:
        message = Message(self._opcode, payload)
        if self._opcode is Opcode.CLOSE:
            self.is_closed = True
            if len(payload) == 1 or not _is_close_code(message.close_code, is_absent=not payload):
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a Close frame has a malformed code")
            _checked_text(payload[2:])
        return message


def _is_close_code(code: int, *, is_absent: bool) -> bool:
    return is_absent or code in (*range(1000, 1004), *range(1007, 1015)) or 3000 <= code < 5000


def _checked_text(payload: bytes) -> bytes:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(CloseCode.INVALID_TEXT, "a text is not UTF-8") from error
    return payload
