"""One small document over HTTP, by the sockets of the engines: lists of servers, the answer of a Locate service."""

from dataclasses import dataclass, replace

from agent.measure import faults
from agent.measure.engines.engine import Job
from agent.measure.engines.libre_http import Question
from agent.measure.faults import WorldError
from agent.net.http1 import ResponseHead
from agent.wire.vocabulary import FailureCode

LIMIT_BYTES = 500_000
ANSWER_S = 8.0


@dataclass(frozen=True)
class Document:
    """An answer with its body."""

    head: ResponseHead
    body: bytes


class _Fetch(Question):
    def taken(self) -> None:
        """Go on as long as the answer is of a reasonable size."""
        self.news()
        if len(self.reader.kept) > LIMIT_BYTES:
            raise WorldError(FailureCode.PROTOCOL, f"the answer of {self.host} is too long to be a list of servers")


def fetch(job: Job, path: str) -> Document:
    """Return what lies at a path of the job's server; redirections are not followed.

    Raises:
        WorldError: If it does not answer, or with a page for people.
    """
    patient = replace(job, max_s=ANSWER_S, answer_s=ANSWER_S)
    question = _Fetch(patient, path, ("Accept", "application/json"), keep_all=True)
    for _ in question.samples():
        pass
    head, body = question.reader.head, question.reader.body
    host = job.address.target.host
    if head is None or body is None or not body.is_done:
        raise WorldError(FailureCode.STALLED, f"{host} answers too slowly")
    if head.status == 200 and faults.is_web_page(head) and question.reader.kept:
        raise faults.of_status(head, host)
    return Document(head, bytes(question.reader.kept))
