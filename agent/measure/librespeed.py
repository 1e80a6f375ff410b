"""The librespeed engine: any LibreSpeed server, over several connections at once.

A download counts what we read of the bodies of `garbage.php`. `bytes` in its query, the exact length, is a courtesy of
our own test point; others send whole MiB, and are closed when the cap is reached.
"""

from dataclasses import replace

from agent.measure import faults
from agent.measure.cap import reached_cap, room_to_cap, stop_at_cap
from agent.measure.engine import Job
from agent.measure.faults import WorldError
from agent.measure.libre_http import BACKEND, AnswerReader, address_of, ask, headers_of
from agent.measure.librespeed_upload import LibreUpload
from agent.measure.transfer import BaseTransfer, Connection
from agent.net.http1 import BodyReader, ResponseHead, format_request
from agent.wire.vocabulary import EngineName, FailureCode, StopReason

VERSION = "1"
PROTOCOL = "librespeed"
PREFIXES = ("", BACKEND)
MIB = 1 << 20
PAGE_BYTES = 100_000  # what is shorter may be a page without a name; what is longer was cut
CHUNK_MIB = 100  # as the web client asks for


class LibreSpeed:
    """Engine: librespeed."""

    name = EngineName.LIBRESPEED
    version = VERSION
    protocol = PROTOCOL

    def prepare(self, job: Job) -> Job:
        """Find the directory of the server's scripts; a web page instead of an empty answer is no test point."""
        first: WorldError | None = None
        for prefix in PREFIXES:
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
        raise first or WorldError(FailureCode.PROTOCOL, f"{job.address.target.host} has no LibreSpeed")

    def download(self, job: Job) -> "LibreDownload":
        """Return a download; nothing is sent before its samples are asked for."""
        return LibreDownload(job)

    def upload(self, job: Job) -> "LibreUpload":
        """Return an upload; nothing is sent before its samples are asked for."""
        return LibreUpload(job)


class LibreDownload(BaseTransfer):
    """Bodies of `garbage.php`, counted as they are read."""

    def __init__(self, job: Job) -> None:
        self._left_mib = -(-job.max_bytes // MIB) if job.max_bytes else None
        super().__init__(job)
        self._readers: dict[int, AnswerReader] = {}
        self._asked: dict[int, int] = {}
        self._body_bytes = 0

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
        address = address_of(self.job, "garbage.php", fields)
        connection.push(format_request("GET", address, headers_of(self.job)))

    def received(self, connection: Connection, data: memoryview) -> None:
        """Count the body; a page or a body of another length is no test data."""
        self.moved_bytes += len(data)
        reader = self._readers[connection.index]
        before = reader.body.received if reader.body else 0
        reader.feed(data)
        if reader.head is None or reader.body is None:
            return
        self._check_head(reader.head, reader.body, connection)
        self._body_bytes += reader.body.received - before
        self.news()
        stop_at_cap(self)
        if reader.is_done and self.ended is None:
            self._check_length(reader.body, connection)
            if reader.head.keeps_alive:
                self.begin(connection)
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
                return None
        if reader.has_begun and reader.head is None:
            return WorldError(FailureCode.PROTOCOL, f"{self.host} does not speak HTTP here")
        return super().ended_by_peer(connection)

    def _own_congestion_control(self, connection: Connection) -> str | None:
        return None

    def _all_ended(self, now_s: float) -> None:
        super()._all_ended(now_s)
        if self.ended is StopReason.SERVER and (reached_cap(self) or self._left_mib == 0):
            self.ended = StopReason.BUDGET

    def _check_head(self, head: ResponseHead, body: BodyReader, connection: Connection) -> None:
        if head.status != 200 or faults.is_web_page(head):
            raise faults.of_status(head, self.host)
        asked, exact = self._lengths(connection)
        self.congestion_control = head.headers.get("enlace-congestion-control")
        self.is_bounded_by_peer = self.congestion_control is not None  # our own test point keeps to `bytes`
        if body.expected is not None and body.expected not in (asked, exact):
            raise WorldError(FailureCode.PORTAL, f"{self.host} is {faults.PORTAL_SENTENCE}")

    def _check_length(self, body: BodyReader, connection: Connection) -> None:
        if body.received not in self._lengths(connection):
            raise WorldError(FailureCode.PORTAL, f"{self.host} is {faults.PORTAL_SENTENCE}")

    def _lengths(self, connection: Connection) -> tuple[int, int]:
        """Return the two lengths that a body may have: whole MiB, or exactly the share of the cap."""
        exact = self.job.payload_cap // self.streams if self.job.max_bytes else 0
        return self._asked[connection.index], max(1, exact)
