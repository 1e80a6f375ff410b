"""HTTP/1.1 heads and bodies (RFC 9112), strict and small, for engines and test point.

Only what bulk measurement needs: parsing and writing of heads, and bodies that are counted rather than kept. The caller
owns the socket, the clock and the deadline; nothing here reads or waits. Every parser takes bytes split at any place.

Used by clients: `format_request`, `HeadReader`, `parse_response`, `BodyReader.of_response`.
Used by servers: `HeadReader`, `parse_request`, `BodyReader.of_request`, `format_response`, `chunk`, `LAST_CHUNK`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

HEAD_LIMIT_BYTES = 16_000
CHUNK_LINE_LIMIT_BYTES = 256
TRAILER_LIMIT_BYTES = 8_000
QUERY_FIELDS_LIMIT = 64
LENGTH_LIMIT_BYTES = 10**15

LAST_CHUNK = b"0\r\n\r\n"

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rf"({_NAME}) ([\x21-\x7e]+) HTTP/1\.([01])")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_HEADER_LINE = re.compile(
    rf"({_NAME}):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*"
)
_BARE_NEWLINE = re.compile(rb"(?<!\r)\n")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,13})[ \t]*(?:;[\t\x20-\x7e]*)?")
_DIGITS = re.compile(r"[0-9]{1,16}")


class HttpError(Exception):
    """The peer sent something that is not the HTTP/1.1 spoken here.

    Attributes:
        status: What a server answers.
        sentence: One sentence for a person.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class Headers:
    """Header fields in the order of their arrival; names in lower case."""

    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the first value of the field, or None. `name` is in lower case."""
        return next((value for key, value in self.pairs if key == name), None)

    def all(self, name: str) -> list[str]:
        """Return every value of the field in order."""
        return [value for key, value in self.pairs if key == name]

    def words(self, name: str) -> set[str]:
        """Return the comma-separated words of all values of the field, in lower case."""
        return {word.strip().lower() for value in self.all(name) for word in value.split(",") if word.strip()}


@dataclass(frozen=True)
class RequestHead:
    """A request without its body."""

    method: str
    target: str  # as sent
    headers: Headers
    is_http11: bool = True

    @cached_property
    def path(self) -> str:
        """The target without query; never decoded."""
        return _split_target(self.target)[0]

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's fields, decoded; of a doubled name the first."""
        return _split_target(self.target)[1]

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may carry another request after this one."""
        return _keeps_alive(self.headers, self.is_http11)


@dataclass(frozen=True)
class ResponseHead:
    """An answer without its body."""

    status: int
    reason: str
    headers: Headers
    is_http11: bool = True

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may carry another request after this answer."""
        return _keeps_alive(self.headers, self.is_http11)


def _keeps_alive(headers: Headers, is_http11: bool) -> bool:
    words = headers.words("connection")
    return "close" not in words and (is_http11 or "keep-alive" in words)


def _split_target(target: str) -> tuple[str, dict[str, str]]:
    try:
        if target.startswith("/"):  # a path of two slashes is a path, not a host
            path, _, text = target.partition("?")
        else:
            parts = urlsplit(target)
            path, text = parts.path, parts.query
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_LIMIT)
    except ValueError as error:
        raise HttpError(400, "the request target cannot be read") from error
    query: dict[str, str] = {}
    for name, value in fields:
        query.setdefault(name, value)
    return path or "/", query


class HeadReader:
    """Collects the bytes of one head from pieces of any size."""

    def __init__(self, limit_bytes: int = HEAD_LIMIT_BYTES) -> None:
        self.head = b""  # the whole head without its closing blank line, once complete
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> bytes | None:
        """Take more bytes.

        Returns:
            None while the head is incomplete; else the bytes that came after it (often empty). `head` is then set.

        Raises:
            HttpError: 431 if the head grows over the limit, 400 if a line ends without CR.
        """
        buffer = self._buffer
        start = max(0, len(buffer) - 3)
        buffer += data
        while buffer[:2] == b"\r\n":  # RFC 9112 2.2: a server ignores empty lines before the request line
            del buffer[:2]
            start = 0
        end = buffer.find(b"\r\n\r\n", start)
        if _BARE_NEWLINE.search(buffer, start, end if end >= 0 else len(buffer)):
            raise HttpError(400, "a header line does not end in CR LF")
        if (end if end >= 0 else len(buffer)) > self._limit_bytes:
            raise HttpError(431, f"the headers are larger than {self._limit_bytes} bytes")
        if end < 0:
            return None
        self.head = bytes(buffer[:end])
        rest = bytes(buffer[end + 4 :])
        buffer.clear()
        return rest

    @property
    def is_empty(self) -> bool:
        """Whether nothing has arrived yet."""
        return not self._buffer


def parse_request(head: bytes) -> RequestHead:
    """Return the request whose head this is (without the closing blank line).

    Raises:
        HttpError: 400 if it is malformed, 505 if it is not HTTP/1.x.
    """
    first, headers = _split_head(head)
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise HttpError(400, "the first line is not an HTTP/1.1 request line")
    request = RequestHead(match[1], match[2], headers, match[3] == "1")
    _ = request.path, request.query  # an unreadable target is refused here, not later
    return request


def parse_response(head: bytes) -> ResponseHead:
    """Return the answer whose head this is (without the closing blank line).

    Raises:
        HttpError: 502 if it is malformed.
    """
    try:
        first, headers = _split_head(head)
    except HttpError as error:
        raise HttpError(502, error.sentence) from error
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise HttpError(502, "the answer is not HTTP/1.1")
    return ResponseHead(int(match[2]), match[3] or "", headers, match[1] == "1")


def _split_head(head: bytes) -> tuple[str, Headers]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = []
    for line in lines:
        match = _HEADER_LINE.fullmatch(line)
        if match is None:
            raise HttpError(400, "a header line is malformed")
        pairs.append((match[1].lower(), match[2]))
    return first, Headers(tuple(pairs))


class _State(Enum):
    LENGTH = auto()
    CLOSE = auto()
    SIZE_LINE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    DONE = auto()


@dataclass
class BodyReader:
    """Counts the bytes of one body, of known length, chunked, or until the connection closes."""

    received: int = 0  # body bytes so far, framing not counted
    expected: int | None = None  # None where the length is not announced
    _state: _State = _State.DONE
    _left: int = 0
    _line: bytearray = field(default_factory=bytearray)
    _trailer_bytes: int = 0

    @classmethod
    def of_length(cls, length: int) -> "BodyReader":
        """Return a reader of exactly `length` bytes."""
        return cls(expected=length, _state=_State.LENGTH if length else _State.DONE, _left=length)

    @classmethod
    def of_request(cls, head: RequestHead) -> "BodyReader":
        """Return the reader of a request's body (RFC 9112 6.3).

        Raises:
            HttpError: 400 on contradicting or malformed lengths, 501 on an unknown transfer coding.
        """
        length = _length(head.headers)
        if _is_chunked(head.headers):
            return cls(_state=_State.SIZE_LINE)
        return cls.of_length(length or 0)

    @classmethod
    def of_response(cls, head: ResponseHead, method: str) -> "BodyReader":
        """Return the reader of the body of the answer to a request with `method` (RFC 9112 6.3).

        Raises:
            HttpError: 400 on contradicting or malformed lengths, 501 on an unknown transfer coding.
        """
        if method == "HEAD" or head.status < 200 or head.status in (204, 304):
            return cls.of_length(0)
        length = _length(head.headers)
        if _is_chunked(head.headers):
            return cls(_state=_State.SIZE_LINE)
        return cls(_state=_State.CLOSE) if length is None else cls.of_length(length)

    @property
    def is_done(self) -> bool:
        """Whether the whole body has arrived."""
        return self._state is _State.DONE

    def feed(self, data: memoryview, keep: bytearray | None = None) -> int:
        """Take more bytes.

        Args:
            data: What arrived.
            keep: Where to append the body's bytes; None = they are counted only and never copied.

        Returns:
            How many of the bytes belong to this body; the rest belongs to the next message.

        Raises:
            HttpError: 400 if the chunked framing is malformed.
        """
        position, size = 0, len(data)
        while position < size and self._state is not _State.DONE:
            if self._state in (_State.LENGTH, _State.CHUNK, _State.CLOSE):
                position += self._take(data[position:], keep)
            else:
                position += self._take_line(data[position:])
        return position

    def finish(self) -> bool:
        """Say that the connection has ended; return whether the body is whole."""
        if self._state is _State.CLOSE:
            self._state = _State.DONE
        return self._state is _State.DONE

    def _take(self, data: memoryview, keep: bytearray | None) -> int:
        count = len(data) if self._state is _State.CLOSE else min(len(data), self._left)
        if keep is not None:
            keep += data[:count]
        self.received += count
        if self._state is not _State.CLOSE:
            self._left -= count
            if self._left == 0:
                self._state = _State.DONE if self._state is _State.LENGTH else _State.CHUNK_END
        return count

    def _take_line(self, data: memoryview) -> int:
        piece = bytes(data[:CHUNK_LINE_LIMIT_BYTES])
        newline = piece.find(b"\n")
        used = newline + 1 if newline >= 0 else len(piece)
        self._line += piece[:used]
        if len(self._line) > CHUNK_LINE_LIMIT_BYTES:
            raise HttpError(400, "a chunk's size line is too long")
        if newline >= 0:
            line = bytes(self._line)
            self._line.clear()
            if not line.endswith(b"\r\n"):
                raise HttpError(400, "a chunk's line does not end in CR LF")
            self._turn(line[:-2])
        return used

    def _turn(self, line: bytes) -> None:
        """Go on after one complete line of the chunked framing."""
        if self._state is _State.CHUNK_END:
            if line:
                raise HttpError(400, "a chunk is longer than its size line says")
            self._state = _State.SIZE_LINE
        elif self._state is _State.SIZE_LINE:
            match = _CHUNK_LINE.fullmatch(line)
            if match is None:
                raise HttpError(400, "a chunk's size line is malformed")
            self._left = int(match[1], 16)
            self._state = _State.CHUNK if self._left else _State.TRAILER
        elif line:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > TRAILER_LIMIT_BYTES:
                raise HttpError(400, "the trailer is too long")
        else:
            self._state = _State.DONE


def _length(headers: Headers) -> int | None:
    values = headers.all("content-length")
    if not values:
        return None
    if headers.all("transfer-encoding"):
        raise HttpError(400, "both Content-Length and Transfer-Encoding are given")
    if len(set(values)) != 1 or _DIGITS.fullmatch(values[0]) is None or int(values[0]) > LENGTH_LIMIT_BYTES:
        raise HttpError(400, "the Content-Length is malformed")
    return int(values[0])


def _is_chunked(headers: Headers) -> bool:
    values = headers.all("transfer-encoding")
    if not values:
        return False
    if ",".join(values).strip().lower() != "chunked":
        raise HttpError(501, "only the chunked transfer coding is understood")
    return True


def format_request(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the bytes of a request head. The caller gives `Host` like any other field.

    Raises:
        ValueError: If a part contains what would break the head (blanks in the target, line breaks in a value).
    """
    if _REQUEST_LINE.fullmatch(f"{method} {target} HTTP/1.1") is None:
        raise ValueError("method or target cannot stand in a request line")
    return _format(f"{method} {target} HTTP/1.1", headers)


def format_response(status: int, headers: Iterable[tuple[str, str]], reason: str | None = None) -> bytes:
    """Return the bytes of an answer's head; `reason` None = the usual phrase of the status.

    Raises:
        ValueError: If a value contains a line break.
    """
    if reason is None:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return _format(f"HTTP/1.1 {status} {reason}", headers)


def _format(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [first]
    for name, value in headers:
        line = f"{name}: {value}"
        if _HEADER_LINE.fullmatch(line) is None:
            raise ValueError(f"the header field {name!r} has a value that cannot be sent")
        lines.append(line)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Return `data`, not empty, as one chunk of a chunked body (RFC 9112 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)
