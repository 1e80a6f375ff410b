"""LibreSpeed's HTTP: addresses, header fields, and reading one answer after the other."""

from collections.abc import Generator
from dataclasses import replace
from urllib.parse import urlencode

from agent.measure import faults
from agent.measure.engines.engine import Job, Scripts
from agent.measure.estimate.estimator import Sample
from agent.measure.faults import WorldError
from agent.measure.sockets.connections import Connection
from agent.measure.sockets.transfer import BaseTransfer
from agent.net.http1 import BodyReader, HeadReader, ResponseHead, format_request, parse_response
from agent.wire.vocabulary import FailureCode, StopReason

BODY_KEPT_BYTES = 2_000
BACKEND = "/backend"
COUNTS_PATH = "/enlace/v1/received"


def address_of(job: Job, script: str, fields: dict[str, str], *, counts: bool = False) -> str:
    """Return path and query of one of the server's scripts; the random field defeats caches.

    Args:
        job: The direction.
        script: The script's name, with a query of its own where a server list has one.
        fields: Of the query.
        counts: Whether the receiver's account of our own test point is meant, which lies beside the scripts.
    """
    query = {**fields, "r": job.random_bytes(8).hex(), **job.named_by}
    path = job.address.target.path
    place = f"{path.removesuffix(BACKEND)}{COUNTS_PATH}" if counts else f"{path}/{script}"
    return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"


def scripts_of(job: Job) -> Scripts:
    """Return the names of the server's scripts."""
    return job.scripts or Scripts()


def headers_of(job: Job, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the header fields of every request."""
    return [
        ("Host", job.address.target.host_field),
        ("User-Agent", "Enlace"),
        ("Accept-Encoding", "identity"),
        ("Cache-Control", "no-store"),
        *more,
    ]


class AnswerReader:
    """Reads one answer after the other on a connection."""

    def __init__(self, method: str, *, keep_all: bool = False) -> None:
        """Make a reader; `keep_all`: the caller takes what is kept away."""
        self._method = method
        self._keep_all = keep_all
        self._head_reader = HeadReader()
        self.head: ResponseHead | None = None
        self.body: BodyReader | None = None
        self.kept = bytearray()  # the beginning of the body, where it is asked for

    def feed(self, data: memoryview, *, keep: bool = False) -> memoryview:
        """Take bytes up to the end of the answer; return what came after it."""
        if self.head is None:
            rest = self._head_reader.feed(data)
            if rest is None:
                return data[:0]
            self.head = parse_response(self._head_reader.head)
            if 100 <= self.head.status < 200 and self.head.status != 101:  # "go on": the answer is still to come
                self._head_reader, self.head = HeadReader(), None
                return self.feed(memoryview(rest), keep=keep)
            self.body = BodyReader.of_response(self.head, self._method)
            data = memoryview(rest)
        if self.body is None:
            return data
        keeps = keep and (self._keep_all or len(self.kept) < BODY_KEPT_BYTES)
        used = self.body.feed(data, self.kept if keeps else None)
        return data[used:]

    @property
    def has_begun(self) -> bool:
        """Whether any byte of the answer has come."""
        return self.head is not None or not self._head_reader.is_empty

    @property
    def is_done(self) -> bool:
        """Whether the whole answer has come."""
        return self.body is not None and self.body.is_done


def check_empty(head: ResponseHead, body: bytes, host: str) -> None:
    """Check the answer of `empty.php`: 2xx, and no page for people.

    Raises:
        WorldError: What the answer means.
    """
    if not 200 <= head.status < 300 or (body and faults.is_web_page(head)):
        raise faults.of_status(head, host, body)


class Question(BaseTransfer):
    """One small request on one connection."""

    def __init__(self, job: Job, path: str, *fields: tuple[str, str], keep_all: bool = False) -> None:
        super().__init__(replace(job, connections=1, max_bytes=0))
        self.reader = AnswerReader("GET", keep_all=keep_all)
        self._request = format_request("GET", path, headers_of(self.job, *fields))
        self._got_bytes = 0

    def samples(self) -> Generator[Sample, None, None]:
        """Ask, and count what that costs however it ends."""
        try:
            yield from super().samples()
        finally:
            self.job.aside.connected(self.job.address.target, len(self.connections))
            self.job.aside.moved(sum(each.sent_bytes for each in self.connections) + self._got_bytes)

    def begin(self, connection: Connection) -> None:
        """Ask."""
        connection.push(self._request)

    def taken(self) -> None:
        """Look at what has come so far of the answer."""
        return

    def received(self, connection: Connection, data: memoryview) -> None:
        """Take the answer."""
        self._got_bytes += len(data)
        self.reader.feed(data, keep=True)
        self.taken()
        if self.reader.is_done:
            self.ended = StopReason.SERVER

    def known_bytes(self) -> float:
        """Return 1 when the head has come."""
        return 1.0 if self.reader.head else 0.0

    def ended_by_peer(self, connection: Connection) -> WorldError | None:
        """An answer without a length ends with its connection."""
        if self.reader.body and self.reader.body.finish():
            return None
        if self.reader.has_begun and self.reader.head is None:
            return WorldError(FailureCode.PROTOCOL, f"{self.host} does not speak HTTP here")
        return super().ended_by_peer(connection)


def ask(job: Job) -> None:
    """Ask `empty.php` whether this is a LibreSpeed server.

    Raises:
        WorldError: If it is not, or cannot be reached.
    """
    question = Question(job, address_of(job, scripts_of(job).ping, {}))
    for _ in question.samples():
        pass
    if question.ended is StopReason.STALL or question.reader.head is None:
        raise WorldError(FailureCode.STALLED, f"{job.address.target.host} answers too slowly")
    check_empty(question.reader.head, bytes(question.reader.kept), job.address.target.host)
