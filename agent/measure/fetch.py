"""One small document over HTTP, by the sockets of the engines: lists of servers, the answer of a Locate service."""

from dataclasses import dataclass, replace

from agent.measure import faults
from agent.measure.connections import Connection
from agent.measure.engine import Job
from agent.measure.faults import WorldError
from agent.measure.libre_http import AnswerReader, headers_of
from agent.measure.transfer import BaseTransfer
from agent.net.http1 import ResponseHead, format_request
from agent.wire.vocabulary import FailureCode, StopReason

LIMIT_BYTES = 500_000
ANSWER_S = 8.0


@dataclass(frozen=True)
class Document:
    """An answer with its body."""

    head: ResponseHead
    body: bytes


class _Fetch(BaseTransfer):
    def __init__(self, job: Job, path: str) -> None:
        super().__init__(replace(job, connections=1, max_bytes=0, max_s=ANSWER_S, answer_s=ANSWER_S))
        self.reader = AnswerReader("GET", keep_all=True)
        self._path = path

    def begin(self, connection: Connection) -> None:
        """Ask."""
        connection.push(format_request("GET", self._path, headers_of(self.job, ("Accept", "application/json"))))

    def received(self, connection: Connection, data: memoryview) -> None:
        """Take the answer, as far as it is of a reasonable size."""
        self.reader.feed(data, keep=True)
        self.news()
        if len(self.reader.kept) > LIMIT_BYTES:
            raise WorldError(FailureCode.PROTOCOL, f"the answer of {self.host} is too long to be a list of servers")
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


def fetch(job: Job, path: str) -> Document:
    """Return what lies at a path of the job's server; redirections are not followed.

    Raises:
        WorldError: If it does not answer, or with a page for people.
    """
    question = _Fetch(job, path)
    for _ in question.samples():
        pass
    head, body = question.reader.head, question.reader.body
    host = job.address.target.host
    if head is None or body is None or not body.is_done:
        raise WorldError(FailureCode.STALLED, f"{host} answers too slowly")
    if head.status == 200 and faults.is_web_page(head) and question.reader.kept:
        raise faults.of_status(head, host)
    return Document(head, bytes(question.reader.kept))
