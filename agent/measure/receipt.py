"""The receipt of a test: asked of our own test point once, when both directions are done; a record is as good without.

The question ends the test there, so it comes last. It may take a few seconds and a few kB, and nothing that goes wrong
with it is a fault of the measurement.
"""

import time
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from agent.measure.attempt import Outcome
from agent.measure.beside.aside import CONNECTION_BYTES, TLS_BYTES
from agent.measure.engines.engine import Job
from agent.measure.engines.libre_http import BACKEND, AnswerReader, headers_of
from agent.measure.faults import WorldError
from agent.measure.sockets import dial
from agent.measure.wirecost import wire_bytes
from agent.net.http1 import HttpError, format_request
from agent.wire import limits
from agent.wire.records import Direction, Failure, Rtt
from agent.wire.vocabulary import FailureCode, RttMethod

PATH = "/enlace/v1/receipt"
LIMIT_S = 3.0  # for connection, question and answer
LIMIT_BYTES = 4_000  # of the answer
PIECE_BYTES = 2_000
SET_ASIDE_BYTES = LIMIT_BYTES + TLS_BYTES + 1_000  # of the upload's cap
SMALL_CAP_SHARE = 0.1  # of a cap, at most: a receipt must not take the test's place


class _Answer(msgspec.Struct):
    receipt: str


@dataclass(frozen=True)
class Asked:
    """What came of the question."""

    text: str | None
    cost_bytes: int  # on the wire, both ways


def of_test(job: Job | None, download: Outcome | None, idle: Rtt | None, failure: Failure | None) -> Asked | None:
    """Return what the test point says of a test, None where nobody was asked.

    Only our own test point is asked, as far as the test has shown which it is: it says in words of ours with which
    congestion control it sends, it echoes datagrams, or the collector's permission is for it. A server out of a list is
    not our own.
    """
    if job is None or download is None or not job.test or job.resources or job.scripts:
        return None
    is_ours = job.access_token or download.is_ours or (idle and idle.method is RttMethod.UDP_ECHO)
    is_cancelled = failure is not None and failure.code is FailureCode.CANCELLED
    return ask(job) if is_ours and not is_cancelled else None


def room(cap_bytes: int) -> int:
    """Return what is left of an upload's cap when the receipt has its part; 0 stays no cap."""
    return cap_bytes - min(SET_ASIDE_BYTES, int(cap_bytes * SMALL_CAP_SHARE))


def ask(job: Job) -> Asked:
    """Ask once; whatever goes wrong means that there is none."""
    target = job.address.target
    path = f"{target.path.removesuffix(BACKEND)}{PATH}?{urlencode(job.named_by)}"
    request = format_request("GET", path, headers_of(job))
    reader = AnswerReader("GET", keep_all=True)
    moved_bytes = CONNECTION_BYTES + (TLS_BYTES if target.is_secure else 0) + len(request)
    until_s = time.monotonic() + LIMIT_S
    try:
        sock = dial.connect(job.address, dial.Buffers(), LIMIT_S)
    except WorldError:
        return Asked(None, CONNECTION_BYTES)
    got_bytes = 0
    try:
        sock.settimeout(max(0.1, until_s - time.monotonic()))
        sock.sendall(request)
        while not reader.is_done and got_bytes < LIMIT_BYTES and (left_s := until_s - time.monotonic()) > 0:
            sock.settimeout(left_s)
            data = sock.recv(min(PIECE_BYTES, LIMIT_BYTES - got_bytes))
            if not data:
                break
            got_bytes += len(data)
            reader.feed(memoryview(data), keep=True)
    except (OSError, HttpError, WorldError):
        pass
    finally:
        dial.close_hard(sock)
    return Asked(_text(reader), wire_bytes(moved_bytes + got_bytes))


def _text(reader: AnswerReader) -> str | None:
    """Return the receipt of a whole answer; what it is worth, the collector finds."""
    if reader.head is None or reader.head.status != 200 or not reader.is_done:
        return None
    try:
        text = msgspec.json.decode(bytes(reader.kept), type=_Answer).receipt
    except msgspec.MsgspecError:
        return None
    return text if 0 < len(text) <= limits.RECEIPT_CHARS and text.isascii() and text.isprintable() else None


def with_cost(direction: Direction | None, asked: Asked | None) -> Direction | None:
    """Return the upload with what the receipt has cost, so that budgets know it."""
    if direction is None or asked is None:
        return direction
    return msgspec.structs.replace(direction, wire_bytes_est=(direction.wire_bytes_est or 0) + asked.cost_bytes)
