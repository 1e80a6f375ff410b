"""The librespeed engine: any LibreSpeed server, over several connections at once.

A download counts what we read of the bodies of `garbage.php`. `bytes` in its query, the exact length, is a courtesy of
our own test point; others send whole MiB, and are closed when the cap is reached.
"""

import contextlib
import zlib
from dataclasses import replace

from agent.measure import faults
from agent.measure.engines.engine import Job
from agent.measure.engines.libre_http import (
    BACKEND,
    BODY_KEPT_BYTES,
    AnswerReader,
    address_of,
    ask,
    headers_of,
    scripts_of,
)
from agent.measure.engines.librespeed_upload import LibreUpload
from agent.measure.faults import WorldError
from agent.measure.servers import directory
from agent.measure.servers.addresses import parse_target
from agent.measure.sockets.cap import reached_cap, room_to_cap, stop_at_cap
from agent.measure.sockets.connections import Connection
from agent.measure.sockets.transfer import CONGESTION_CONTROL, BaseTransfer
from agent.net.http1 import BodyReader, ResponseHead, format_request
from agent.wire.vocabulary import EngineName, FailureCode, StopReason

VERSION = "1"
PROTOCOL = "librespeed"
PREFIXES = ("", BACKEND)
MIB = 1 << 20
PAGE_BYTES = 100_000  # what is shorter may be a page without a name; what is longer was cut
RANDOM_SHARE = 0.9  # of their size: to what random bytes cannot be compressed
COMPRESSIBLE = "compressible_data"
CHUNK_MIB = 100  # as the web client asks for


class LibreSpeed:
    """Engine: librespeed."""

    name = EngineName.LIBRESPEED
    version = VERSION
    protocol = PROTOCOL

    def prepare(self, job: Job) -> Job:
        """Find the directory of the server's scripts; a web page instead of an empty answer is no test point."""
        first: WorldError | None = None
        for prefix in PREFIXES if job.scripts is None else PREFIXES[:1]:
            target = replace(job.address.target, path=job.address.target.path + prefix)
            found = replace(job, address=replace(job.address, target=target))
            try:
                ask(found)
            except WorldError as fault:
                if fault.code is not FailureCode.HTTP_STATUS:
                    raise
                first = first or fault
                continue
            return found
        if job.scripts is None and (elsewhere := _as_listed(job)):
            return elsewhere
        raise first or WorldError(FailureCode.PROTOCOL, f"{job.address.target.host} has no LibreSpeed")

    def download(self, job: Job) -> "LibreDownload":
        """Return a download; nothing is sent before its samples are asked for."""
        return LibreDownload(job)

    def upload(self, job: Job) -> "LibreUpload":
        """Return an upload; nothing is sent before its samples are asked for."""
        return LibreUpload(job)


def _as_listed(job: Job) -> Job | None:
    """Return the job with the scripts that the server itself names in its list, None if it has none."""
    with contextlib.suppress(WorldError):
        for entry in directory.well_known(job):
            target = parse_target(entry.url)
            if (target.port, target.is_secure) == (job.address.target.port, job.address.target.is_secure):
                listed = replace(job, address=replace(job.address, target=target), scripts=entry.scripts)
                ask(listed)
                return listed
    return None


class LibreDownload(BaseTransfer):
    """Bodies of `garbage.php`, counted as they are read."""

    def __init__(self, job: Job) -> None:
        self._left_mib = -(-job.max_bytes // MIB) if job.max_bytes else None
        super().__init__(job)
        self._readers: dict[int, AnswerReader] = {}
        self._asked: dict[int, int] = {}
        self._body_bytes = 0
        self._bodies: set[int] = set()  # connections that have brought a whole one
        self._is_judged = False  # whether the beginning of a body has been looked at

    def wanted_connections(self) -> int:
        """Open no more connections than the cap has MiB: the smallest body that can be asked for is one MiB."""
        cap_mib = -(-self.job.max_bytes // MIB) if self.job.max_bytes else self.job.connections
        return max(1, min(self.job.connections, cap_mib))

    def begin(self, connection: Connection) -> None:
        """Ask for the next body, as far as the cap leaves room."""
        size_mib = CHUNK_MIB
        if self._left_mib is not None:
            size_mib = min(CHUNK_MIB, max(1, -(-self.job.max_bytes // MIB) // self.streams), self._left_mib)
            self._left_mib -= size_mib
            if size_mib <= 0:
                self._asked[connection.index] = 0
                self.drop(connection)
                return
        self._readers[connection.index] = AnswerReader("GET")
        self._asked[connection.index] = size_mib * MIB
        fields = {"ckSize": str(size_mib)}
        if self.job.max_bytes:
            fields["bytes"] = str(max(1, self.job.payload_cap // self.streams))
        if self.job.congestion_control:
            fields["cc"] = self.job.congestion_control
        address = address_of(self.job, scripts_of(self.job).download, fields)
        connection.push(format_request("GET", address, headers_of(self.job)))

    def received(self, connection: Connection, data: memoryview) -> None:
        """Count the body; a page or a body of another length is no test data."""
        reader = self._readers[connection.index]
        before = reader.body.received if reader.body else 0
        reader.feed(data, keep=not self._is_judged)
        if reader.head is None or reader.body is None:
            return
        self._check_head(reader.head, reader.body, connection)
        self.moved_bytes += len(data)  # a refusal moves nothing: whoever is only busy is asked again
        self._body_bytes += reader.body.received - before
        self._judge(reader)
        self.news()
        stop_at_cap(self)
        if reader.is_done and self.ended is None:
            self._check_length(reader.body, connection)
            self._bodies.add(connection.index)
            if reader.head.keeps_alive:
                self.begin(connection)
            else:
                self._next_body(connection)

    def _judge(self, reader: AnswerReader) -> None:
        """Remark on data that a modem on the way could make smaller: it would carry more than the line does."""
        if self._is_judged or len(reader.kept) < BODY_KEPT_BYTES:
            return
        self._is_judged = True
        if len(zlib.compress(reader.kept)) < RANDOM_SHARE * len(reader.kept):
            self.remarks.append(COMPRESSIBLE)

    def _next_body(self, connection: Connection) -> None:
        """Go on over another connection: this server closes its own after every answer."""
        if self._left_mib is None or self._left_mib > 0:
            self.reopen(connection)
        else:
            self.drop(connection)

    def known_bytes(self) -> float:
        """Return the body bytes read so far."""
        return self._body_bytes

    def room(self, connection: Connection) -> int:
        """Never read past the cap."""
        return room_to_cap(self)

    def ended_by_peer(self, connection: Connection) -> WorldError | None:
        """A body without a length ends with its connection."""
        reader = self._readers[connection.index]
        if reader.body and reader.body.finish():
            if reader.body.received < PAGE_BYTES:
                self._check_length(reader.body, connection)
            if reader.body.received >= self._asked[connection.index]:
                self._next_body(connection)
                return None
        if self._is_between_bodies(connection):
            self._ask_again(connection)
            return None
        if reader.has_begun and reader.head is None:
            return WorldError(FailureCode.PROTOCOL, f"{self.host} does not speak HTTP here")
        return super().ended_by_peer(connection)

    def lost(self, connection: Connection, fault: WorldError) -> None:
        """Ask again over another connection if a server's end and our request have met on the way."""
        if self._is_between_bodies(connection):
            self._ask_again(connection)
        else:
            super().lost(connection, fault)

    def _is_between_bodies(self, connection: Connection) -> bool:
        """Return whether the connection has brought a body, and the next one was asked for in vain."""
        return connection.index in self._bodies and not self._readers[connection.index].has_begun

    def _ask_again(self, connection: Connection) -> None:
        self._bodies.discard(connection.index)  # a connection that brings nothing at all is a fault
        if self._left_mib is not None:
            self._left_mib += self._asked[connection.index] // MIB
        self.reopen(connection)

    def _own_congestion_control(self, connection: Connection) -> str | None:
        return None

    def _all_ended(self, now_s: float) -> None:
        super()._all_ended(now_s)
        if self.ended is StopReason.SERVER and (reached_cap(self) or self._left_mib == 0):
            self.ended = StopReason.BUDGET

    def _check_head(self, head: ResponseHead, body: BodyReader, connection: Connection) -> None:
        if head.status != 200 or faults.is_web_page(head):
            raise faults.of_status(head, self.host, bytes(self._readers[connection.index].kept))
        coding = (head.headers.get("content-encoding") or "identity").lower()
        if coding != "identity":  # asked for as it is: fewer bytes cross the line than are measured at its ends
            raise WorldError(FailureCode.PROTOCOL, f"the data of {self.host} come compressed ({coding[:20]})")
        asked, exact = self._lengths(connection)
        self.named_by_test_point(head.headers.get(CONGESTION_CONTROL))
        if body.expected is not None and body.expected not in (asked, exact):
            raise WorldError(FailureCode.PORTAL, f"{self.host} is {faults.PORTAL_SENTENCE}")

    def _check_length(self, body: BodyReader, connection: Connection) -> None:
        if body.received not in self._lengths(connection):
            raise WorldError(FailureCode.PORTAL, f"{self.host} is {faults.PORTAL_SENTENCE}")

    def _lengths(self, connection: Connection) -> tuple[int, int]:
        """Return the two lengths that a body may have: whole MiB, or exactly the share of the cap."""
        exact = self.job.payload_cap // self.streams if self.job.max_bytes else 0
        return self._asked[connection.index], max(1, exact)
