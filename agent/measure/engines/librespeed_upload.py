"""The librespeed engine's upload: bodies of known length, posted one after the other on several connections.

Who counts: our own test point says every 100 ms on a connection beside what has arrived (`upload_id`); with any other
LibreSpeed server a body counts when its 2xx answer has come, spread over the time since the answer before. Bytes that
only lie in a buffer on this side are never counted.
"""

from dataclasses import dataclass

import msgspec

from agent.measure import faults
from agent.measure.engines.engine import Job
from agent.measure.engines.libre_http import AnswerReader, address_of, check_empty, headers_of, scripts_of
from agent.measure.estimate.curve import MergedCurve
from agent.measure.estimate.estimator import Sample
from agent.measure.faults import WorldError
from agent.measure.sockets.connections import Connection
from agent.measure.sockets.sockqueue import unacked_bytes
from agent.measure.sockets.transfer import BaseTransfer
from agent.net.http1 import ResponseHead, format_request
from agent.wire.vocabulary import FailureCode, Method, StopReason

FIRST_BYTES = 16_384
LEAST_BYTES = 4_096
MOST_BYTES = 4 << 20
BODY_S = 0.3  # a body should take about this long on its connection
BODY_RTTS = 4.0  # but at least this many round trips: its connection stands idle for one between two bodies
FRESH_TIMES = 3.0  # longer where every body needs a connection of its own, which has to ramp up anew
GROWTH = 4.0
SOONER_SHARE = 0.5  # of a round trip: an answer that comes sooner is not the server's
SOONER_LIMIT = 3
TOO_LARGE = 413
FEWEST_POSTING = 3  # a connection that waits for its answer sends nothing: others have to, also on a narrow line
PATIENCE_S = 6.0  # a slow line takes seconds for the first bodies
DATA_BYTES = 256 * 1024
COUNTS_TYPE = "application/x-ndjson"


class _Count(msgspec.Struct):
    """One line of the receiver's account."""

    elapsed_us: int
    received_bytes: int


_COUNTS = msgspec.json.Decoder(_Count)


@dataclass
class _Post:
    size: int
    began_s: float
    reader: AnswerReader
    is_first: bool  # on its connection


class LibreUpload(BaseTransfer):
    """Bodies posted to `empty.php`."""

    method = Method.HTTP_2XX  # until the server has said that it counts
    is_upload = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._upload_id = job.random_bytes(12).hex()
        self._counts = AnswerReader("GET", keep_all=True)
        self._counts_offset_s: float | None = None
        self._merged = MergedCurve(1, PATIENCE_S)
        self._posts: dict[int, _Post] = {}
        self._sizes: dict[int, int] = {}
        self._answered_bytes: dict[int, int] = {}
        self._data = memoryview(job.random_bytes(DATA_BYTES))
        self._left = job.payload_cap or None
        self._most_bytes = MOST_BYTES  # of a body; smaller behind a proxy that takes no larger ones
        self._sooner = 0  # answers that came before the server can have had the body
        self._fresh: set[int] = set()  # connections that have brought no answer yet

    def wanted_connections(self) -> int:
        """Open one more than carry data: the receiver's account comes beside."""
        return max(FEWEST_POSTING, self.job.connections) + 1

    def begin(self, connection: Connection) -> None:
        """Ask for the receiver's account on the first connection; the others wait for its answer."""
        if connection.index:
            return
        if len(self.connections) == 1:
            self.streams = 1
            self._start_posts(first=0)
            return
        self.streams = len(self.connections) - 1
        address = address_of(self.job, "", {"upload_id": self._upload_id}, counts=True)
        connection.push(format_request("GET", address, headers_of(self.job)))

    def received(self, connection: Connection, data: memoryview) -> None:
        """Take an answer; when it is whole, post the next body."""
        post = self._posts.get(connection.index)
        if post is None:
            if connection.index == 0:
                self._take_counts(data)
                return
            raise WorldError(FailureCode.PROTOCOL, f"{self.host} answered what was not asked")
        has_begun = post.reader.head is not None
        post.reader.feed(data, keep=True)
        head = post.reader.head
        if head is None:
            return
        if head.status == TOO_LARGE and post.size > FIRST_BYTES:
            self._post_less(connection, post)
            return
        if not 200 <= head.status < 300:
            raise faults.of_status(head, self.host, bytes(post.reader.kept))
        if not has_begun:
            self._check_moment(connection, post)
        if post.reader.is_done:
            self._answered(connection, post, head, is_kept=head.keeps_alive)

    def _check_moment(self, connection: Connection, post: _Post) -> None:
        """Refuse answers that come before the body can have arrived: a proxy gives them, and the figure would be its.

        Where the server itself counts, they decide nothing.

        Raises:
            WorldError: protocol.
        """
        if self.method is Method.RECEIVER:
            return
        took_s = self.job.loop.now() - self.start_s - post.began_s
        self._sooner += took_s < SOONER_SHARE * (self.job.rtt_s or 0.0)
        if connection.queue or unacked_bytes(connection.sock) or self._sooner >= SOONER_LIMIT:
            raise WorldError(FailureCode.PROTOCOL, f"{self.host} answered before it had the data: a proxy in between?")

    def _post_less(self, connection: Connection, post: _Post) -> None:
        """Go on with smaller bodies: a proxy takes no larger ones. What was sent of this one is not counted."""
        self._most_bytes = max(FIRST_BYTES, post.size // 2)
        self._sizes = {index: min(size, self._most_bytes) for index, size in self._sizes.items()}
        self.reopen(connection)

    def known_bytes(self) -> float:
        """Return what the receiver has counted."""
        return self._merged.total

    def sample(self, now_s: float) -> Sample | None:
        """Return the newest sum that is known."""
        if self.is_draining and self.ended is None:
            is_told = self.method is Method.HTTP_2XX or self._merged.total >= self._all_answered()
            if (is_told and not self._posts) or now_s - self._news_s >= self.job.drain_s:
                self.ended = StopReason.BUDGET if self._left == 0 else StopReason.TIME
        latest = self._merged.latest()
        return Sample(*latest) if latest else None

    def time_is_up(self, now_s: float) -> None:
        """Post nothing more; where only answers count, wait a little for those that are due."""
        self.is_draining = True
        if self.method is Method.RECEIVER or now_s >= self.job.max_s + self.job.drain_s:
            self.ended = StopReason.TIME

    def drop(self, connection: Connection, fault: WorldError | None = None) -> None:
        """Close one connection; it no longer holds the sum back."""
        was_open = connection.is_open
        super().drop(connection, fault)
        self._posts.pop(connection.index, None)
        if self.method is Method.HTTP_2XX and self._answered_bytes:
            self._merged.close(connection.index)
        elif was_open and connection.index == 0:
            self._lost_counts(fault)

    def ended_by_peer(self, connection: Connection) -> WorldError | None:
        """An answer without a length ends with its connection."""
        post = self._posts.get(connection.index)
        if post and post.reader.head and post.reader.body and post.reader.body.finish():
            self._answered(connection, post, post.reader.head, is_kept=False)
            return None
        if self._may_try_again(connection):
            self.reopen(connection)
            return None
        return None if self._owes_nothing(connection) else super().ended_by_peer(connection)

    def lost(self, connection: Connection, fault: WorldError) -> None:
        """Post again over another connection if a server's end and our body have met on the way."""
        if self._may_try_again(connection):
            self.reopen(connection)
        else:
            self.drop(connection, None if self._owes_nothing(connection) else fault)

    def _may_try_again(self, connection: Connection) -> bool:
        """Return whether the server closed a connection that it had kept, before it answered this body."""
        post = self._posts.get(connection.index)
        return post is not None and not post.is_first and not post.reader.has_begun

    def _owes_nothing(self, connection: Connection) -> bool:
        """Return whether every body of the connection is answered: its end, before the others', cuts nothing."""
        return connection.index not in self._posts and self._answered_bytes.get(connection.index, 0) > 0

    def begin_again(self, connection: Connection) -> None:
        """Post the next body, or once more the one that got lost."""
        self._posts.pop(connection.index, None)
        self._fresh.add(connection.index)
        self._post(connection)

    def given_up(self, connection: Connection) -> None:
        """Close the curve of a connection that could not be opened again."""
        self._posts.pop(connection.index, None)
        if self.method is Method.HTTP_2XX:
            self._merged.close(connection.index)

    # The receiver's account -------------------------------------------------------------------------------------

    def _take_counts(self, data: memoryview) -> None:
        self._counts.feed(data, keep=True)
        head = self._counts.head
        if head is None:
            return
        if not self._answered_bytes:
            counts = head.status == 200 and (head.headers.get("content-type") or "").startswith(COUNTS_TYPE)
            if not counts:
                if head.status not in (404, 405, 410, 200):  # a server without this address
                    raise faults.of_status(head, self.host)
                self.drop(self.connections[0])
                return
            self.method = Method.RECEIVER
            self._start_posts(first=1)
        *lines, rest = bytes(self._counts.kept).split(b"\n")
        self._counts.kept[:] = rest
        for line in lines:
            try:
                self._take_count(_COUNTS.decode(line))
            except msgspec.MsgspecError as error:
                raise WorldError(FailureCode.PROTOCOL, f"{self.host}: an account that cannot be read") from error

    def _take_count(self, count: _Count) -> None:
        offset_s = self.job.loop.now() - self.start_s - count.elapsed_us / 1e6
        known_s = self._counts_offset_s
        self._counts_offset_s = offset_s if known_s is None else min(known_s, offset_s)
        before = self._merged.total
        self._merged.add(0, self._counts_offset_s + count.elapsed_us / 1e6, min(count.received_bytes, self.moved_bytes))
        if self._merged.total > before:
            self.news()

    def _lost_counts(self, fault: WorldError | None) -> None:
        """Go on with counting answers if the account never began; without it nothing is known any more."""
        if self._answered_bytes:
            for connection in self.connections[1:]:
                self.drop(connection, fault or WorldError(FailureCode.RESET, f"{self.host} cut its account"))
        elif any(connection.is_open for connection in self.connections):
            self._start_posts(first=1)

    def _all_ended(self, now_s: float) -> None:
        super()._all_ended(now_s)
        if self.ended is StopReason.SERVER and self.is_draining:
            self.ended = StopReason.BUDGET if self._left == 0 else StopReason.TIME

    # Posting ----------------------------------------------------------------------------------------------------

    def _start_posts(self, first: int) -> None:
        if self.method is Method.HTTP_2XX:
            self._merged = MergedCurve(len(self.connections), PATIENCE_S)
            for index in range(first):
                self._merged.close(index)
        self.start_s = self.job.loop.now()
        for connection in self.connections[first:]:
            self._answered_bytes[connection.index] = 0
            self._sizes[connection.index] = FIRST_BYTES
            self._fresh.add(connection.index)
            self._post(connection)
            self.watch(connection)

    def _answered(self, connection: Connection, post: _Post, head: ResponseHead, *, is_kept: bool) -> None:
        check_empty(head, bytes(post.reader.kept), self.host)
        self._count(connection, post)
        took_s = self.job.loop.now() - self.start_s - post.began_s
        wanted_s = max(BODY_S, BODY_RTTS * (self.job.rtt_s or 0.0)) * (1.0 if is_kept else FRESH_TIMES)
        scale = min(GROWTH, wanted_s / took_s) if took_s > 0 else GROWTH
        self._sizes[connection.index] = int(min(max(post.size * scale, LEAST_BYTES), self._most_bytes))
        if is_kept:
            self._post(connection)
        elif self.is_draining:
            self.drop(connection)
        else:
            self.reopen(connection)

    def _count(self, connection: Connection, post: _Post) -> None:
        self._posts.pop(connection.index, None)
        self._fresh.discard(connection.index)
        self._answered_bytes[connection.index] += post.size
        if self.method is Method.HTTP_2XX:
            now_s = self.job.loop.now() - self.start_s
            self._merged.add(connection.index, now_s, self._answered_bytes[connection.index])
            self.news()

    def _all_answered(self) -> int:
        return sum(self._answered_bytes.values())

    def _post(self, connection: Connection) -> None:
        size = self._sizes[connection.index]
        if self._left is not None:
            size = min(size, self._left)
        if self.is_draining or size <= 0 or not connection.is_open:
            if self.method is Method.HTTP_2XX:
                self._merged.close(connection.index)
            return
        began_s = self.job.loop.now() - self.start_s
        is_first = connection.index in self._fresh
        self._posts[connection.index] = _Post(size, began_s, AnswerReader("POST"), is_first)
        fields = headers_of(self.job, ("Content-Type", "application/octet-stream"), ("Content-Length", str(size)))
        address = address_of(self.job, scripts_of(self.job).upload, {"upload_id": self._upload_id})
        head = format_request("POST", address, fields)
        connection.push(head)
        if self._left is not None:
            self._left = max(0, self._left - size - len(head))  # on a slow line the heads of small bodies add up
            self.is_draining = self._left == 0
        self.moved_bytes += size
        for start in range(0, size, DATA_BYTES):
            connection.push(self._data[: min(DATA_BYTES, size - start)])
