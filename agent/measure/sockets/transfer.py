"""What every transfer has in common: several connections in one selector loop, limits, faults, samples.

The engines add only their protocol. One thread, one buffer for all reading, no copy of test data.
"""

import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Generator

from agent.measure import faults
from agent.measure.beside.keepup import KeepUp
from agent.measure.engines.engine import Job
from agent.measure.estimate.estimator import Sample
from agent.measure.faults import WorldError
from agent.measure.sockets import dial
from agent.measure.sockets.connections import Connection, Reopener
from agent.measure.sockets.sockqueue import buffer_share, unread_bytes
from agent.measure.wirecost import OVERHEAD_BYTES
from agent.net import tcpinfo
from agent.net.http1 import HttpError
from agent.net.loop import READ, WRITE
from agent.net.websocket import ProtocolError, UpgradeError
from agent.wire.vocabulary import FailureCode, Method, StopReason

READ_BYTES = 256 * 1024
SAMPLE_S = 0.02
PAUSE_S = 0.002  # between turns, so that a slow line's segments are read together: half the CPU at 50 Mbit/s
BUSY_BYTES = 64 * 1024  # a turn that moved more is followed by the next one at once
UNSENT_BYTES = 64 * 1024  # kept in the kernel beyond what is in flight, at most, where the kernel can be told
UNSENT_S = 0.1  # likewise, of what the line carries: it is still sent when the test is over
LEAST_UNSENT_BYTES = 8 * 1024
UNSENT_KNOWN_S = 0.3  # after which the rate is known well enough for that
CAPPED_RECEIVE_LIMIT_BYTES = 200_000
REOPENED_LIMIT = 500  # connections of one transfer that a server closes between two requests
CONGESTION_CONTROL = "enlace-congestion-control"  # header field in which our own test point says how it sends
ENOUGH_SHARE = 0.8  # of the time: a connection cut after this is an end, not a failure

_WANT = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError, InterruptedError)


class BaseTransfer(ABC):
    """One direction over several connections."""

    method = Method.RECEIVER
    is_upload = False

    def __init__(self, job: Job) -> None:
        self.job = job
        self.host = job.address.target.host
        self.connections: list[Connection] = []
        self.ended: StopReason | None = None
        self.congestion_control: str | None = None
        self.moved_bytes = 0
        self.start_s = 0.0
        self.carried_bytes = 0  # by the line, as well as can be known: with what still comes after the end
        self.remarks: list[str] = []  # what the record should say beside the figure
        self.keep_up = KeepUp()
        self.is_bounded_by_peer = False  # our own test point: it ends at our cap by itself
        self.is_draining = False  # nothing more is sent: waiting for the receiver's last word has its own limit
        self._first_s: float | None = None  # when test data moved first, on the loop's clock
        self._news_s = 0.0  # when the receiver last had something new
        self._turn_bytes = 0
        self._unsent_bytes = UNSENT_BYTES
        self.keeps_little_unsent = True  # the kernel can be told to
        self._view = memoryview(bytearray(READ_BYTES))
        self._buffers = dial.Buffers()
        self._reopener = Reopener(lambda: dial.connect(job.address, self._buffers), job.loop.wake)
        self.streams = self.wanted_connections()

    # What the protocols fill in ---------------------------------------------------------------------------------

    @abstractmethod
    def begin(self, connection: Connection) -> None:
        """Queue the first request."""

    @abstractmethod
    def received(self, connection: Connection, data: memoryview) -> None:
        """Take bytes that have come."""

    @abstractmethod
    def known_bytes(self) -> float:
        """Return everything that the receiver has counted so far."""

    def next_data(self, connection: Connection) -> None:
        """Queue more test data if there is room; only uploads have any."""
        return

    def sample(self, now_s: float) -> Sample | None:
        """Return what is known at `now_s`, None if there is nothing new."""
        return Sample(now_s, self.known_bytes())

    def ended_by_peer(self, connection: Connection) -> WorldError | None:
        """Return None if the peer ended this connection as its protocol has it, else what that means."""
        return WorldError(FailureCode.RESET, f"{self.host} ended the connection in the middle")

    def lost(self, connection: Connection, fault: WorldError) -> None:
        """Take that a connection was cut; protocols that can go on over another one override it."""
        self.drop(connection, fault)

    def begin_again(self, connection: Connection) -> None:
        """Queue the next request on a connection that was opened again."""
        self.begin(connection)

    def given_up(self, connection: Connection) -> None:
        """Take that a connection could not be opened again."""
        return

    def time_is_up(self, now_s: float) -> None:
        """Stop; uploads that wait for the receiver's last word override it."""
        self.ended = StopReason.TIME

    def wanted_connections(self) -> int:
        """Return how many connections to open."""
        return self.job.connections

    def run_out(self) -> bool:
        """Return whether what is under way can be heard of when nothing more is sent; the caller ends it if not."""
        return False

    # The run ----------------------------------------------------------------------------------------------------

    def samples(self) -> Generator[Sample, None, None]:
        """Open the connections and yield what is known; closing the generator closes them."""
        try:
            self._open()
            yield from self._run()
        finally:
            self._reopener.close()
            self._add_residual()
            for connection in self.connections:
                self.drop(connection)

    def _open(self) -> None:
        job = self.job
        share = job.max_bytes // (2 * self.streams)
        receive_bytes = max(16_384, share) if 0 < share < CAPPED_RECEIVE_LIMIT_BYTES else None
        self._buffers = dial.Buffers(receive_bytes, job.send_buffer_bytes)
        sockets = dial.connect_many(job.address, self._buffers, self.streams)
        self.streams = len(sockets)
        self.connections = [Connection(index, sock) for index, sock in enumerate(sockets)]
        for connection in self.connections:
            self._tune(connection.sock)
        self.start_s = job.loop.now()
        for connection in self.connections:
            self.begin(connection)
            self.watch(connection)

    def _tune(self, sock: socket.socket) -> None:
        self.keeps_little_unsent &= tcpinfo.set_notsent_lowat(sock, self._unsent_bytes)
        if self.job.congestion_control:
            tcpinfo.set_congestion_control(sock, self.job.congestion_control)

    def _take_reopened(self) -> None:
        for connection in self._reopener.take():
            if not connection.is_open:
                self.given_up(connection)
                continue
            self._tune(connection.sock)
            self.begin_again(connection)
            self.watch(connection)

    def _run(self) -> Generator[Sample, None, None]:
        loop, job = self.job.loop, self.job
        due_s = turned_s = 0.0
        while self.ended is None:
            self._turn_bytes = 0
            loop.turn(SAMPLE_S)
            self._take_reopened()
            if self._turn_bytes < BUSY_BYTES:
                time.sleep(PAUSE_S)
            if self._first_s is None and self.moved_bytes:
                self._first_s = loop.now()
            now_s = loop.now() - self.start_s
            self.keep_up.turned(now_s - turned_s, SAMPLE_S + PAUSE_S)
            turned_s = now_s
            if job.is_cancelled():
                raise WorldError.cancelled()
            self._check(now_s)
            if now_s >= due_s:
                due_s = now_s + SAMPLE_S
                self._keep_little_unsent()
                self.keep_up.look([buffer_share(each.sock) for each in self.connections if each.is_open])
                sample = self.sample(now_s)
                if sample is not None:
                    yield sample
        last = self.sample(loop.now() - self.start_s)
        if last is not None:
            yield last

    def _keep_little_unsent(self) -> None:
        """Keep no more in the kernel than the line soon carries: on a narrow line the usual would be seconds."""
        if not self.is_upload or self._first_s is None:
            return
        since_s = self.job.loop.now() - self._first_s
        if since_s < UNSENT_KNOWN_S or self.known_bytes() <= 0:
            return
        share_bytes = self.known_bytes() / since_s * UNSENT_S / self.streams
        wanted_bytes = int(min(max(share_bytes, LEAST_UNSENT_BYTES), UNSENT_BYTES))
        if not 0.8 <= wanted_bytes / self._unsent_bytes <= 1.25:
            self._unsent_bytes = wanted_bytes
            for connection in self.connections:
                if connection.is_open:
                    tcpinfo.set_notsent_lowat(connection.sock, wanted_bytes)

    def _check(self, now_s: float) -> None:
        """Look at the limits; one place for every way in which a transfer ends by itself."""
        if self.ended is not None:
            return
        if not any(connection.is_open or connection.is_opening for connection in self.connections):
            self._all_ended(now_s)
        elif now_s >= self.job.max_s:
            self.time_is_up(now_s)
        elif self.known_bytes() <= 0:
            if now_s >= self.job.answer_s:
                raise WorldError(FailureCode.STALLED, f"{self.host} answers too slowly: no test data came")
        elif now_s - self._news_s >= self.job.stall_s and not self.is_draining:
            self.ended = StopReason.STALL

    def _all_ended(self, now_s: float) -> None:
        fault = next((each.fault for each in self.connections if each.fault), None)
        if fault and (self.known_bytes() <= 0 or now_s < ENOUGH_SHARE * self.job.max_s):
            raise fault
        self.ended = StopReason.SERVER

    def named_by_test_point(self, sender: str | None) -> None:
        """Take what a server says of its congestion control: only our own test point does, and it keeps to our cap."""
        if sender is not None:
            self.is_bounded_by_peer = True
            self.congestion_control = self.congestion_control if sender == "unknown" else sender

    def news(self) -> None:
        """Say that the receiver has counted more bytes."""
        self._news_s = self.job.loop.now() - self.start_s

    # Sockets ----------------------------------------------------------------------------------------------------

    def drop(self, connection: Connection, fault: WorldError | None = None) -> None:
        """Close one connection with a reset: nothing that is queued on either side is carried any more."""
        if connection.is_open:
            connection.fault = fault
            self._shut(connection)

    def reopen(self, connection: Connection) -> None:
        """Go on over a new connection where the server has closed this one between two requests."""
        if self._reopener.count >= REOPENED_LIMIT:
            self.drop(connection, WorldError(FailureCode.RESET, f"{self.host} ends every connection after a few bytes"))
            return
        self._shut(connection)
        self._reopener.open(connection)

    def _shut(self, connection: Connection) -> None:
        connection.is_open = False
        self.congestion_control = self.congestion_control or self._own_congestion_control(connection)
        if self.is_upload:
            info = tcpinfo.read(connection.sock)
            told = info.bytes_sent if info else None  # the kernel's: without what it had not sent, with retransmissions
            self.carried_bytes += connection.sent_bytes if told is None else told
        self.job.loop.watch(connection.sock, 0, _nothing)
        dial.close_hard(connection.sock)

    def _add_residual(self) -> None:
        """Estimate what a download still brings when it is cut: unread in the kernel, and in flight or in queues.

        In flight: the mean rate, without the round trips before the first byte, times the idle round trip and the
        queue that the last probe met.
        """
        if self.is_upload:
            return
        still_open = [each for each in self.connections if each.is_open]
        self.carried_bytes = self.moved_bytes + sum(unread_bytes(each.sock) for each in still_open)
        elapsed_s = self.job.loop.now() - (self.start_s if self._first_s is None else self._first_s)
        if elapsed_s > 0 and still_open:
            wait_s = min((self.job.rtt_s or 0.0) + self.job.queue_s(), elapsed_s)
            self.carried_bytes += int(self.moved_bytes / elapsed_s * wait_s)
        if self.is_bounded_by_peer and self.job.max_bytes:
            most_bytes = self.job.payload_cap + OVERHEAD_BYTES  # it sends no more than it was asked for, and heads
            self.carried_bytes = min(self.carried_bytes, max(self.moved_bytes, most_bytes))

    def _own_congestion_control(self, connection: Connection) -> str | None:
        """Return this side's algorithm; downloads are sent by the other side and override it."""
        return tcpinfo.congestion_control(connection.sock)

    def watch(self, connection: Connection) -> None:
        """Wait for what the connection needs; to be called after pushing to it from elsewhere."""
        if connection.is_open:
            events = READ | WRITE if connection.wants_write else READ
            self.job.loop.watch(connection.sock, events, lambda events: self._ready(connection, events))

    def _ready(self, connection: Connection, events: int) -> None:
        wanted = connection.wants_write
        try:
            if events & READ:
                self._read(connection)
            if events & WRITE and connection.is_open:
                self._write(connection)
        except OSError as error:
            self.lost(connection, faults.of_os_error(error, self.host))
        except (HttpError, ProtocolError, UpgradeError) as error:
            self.drop(connection, WorldError(FailureCode.PROTOCOL, f"{self.host}: {error.sentence}"))
        except WorldError as fault:
            self.drop(connection, fault)
        if connection.is_open and connection.wants_write != wanted:
            self.watch(connection)

    def _read(self, connection: Connection) -> None:
        while connection.is_open and self.ended is None:
            try:
                count = connection.sock.recv_into(self._view[: self.room(connection)])
            except _WANT:
                return
            if count == 0:
                fault = self.ended_by_peer(connection)
                if connection.is_open:  # it was not opened again
                    self.drop(connection, fault)
                return
            self._turn_bytes += count
            self.received(connection, self._view[:count])
            if self._turn_bytes > 16 * READ_BYTES:
                return  # a very fast line must not keep the loop from its probes

    def room(self, connection: Connection) -> int:
        """Return how many bytes may be read at once."""
        return READ_BYTES

    def _write(self, connection: Connection) -> None:
        if not connection.queue:
            self.next_data(connection)
        budget = self._unsent_bytes
        while connection.queue and budget > 0:
            head = connection.queue[0]
            try:  # the kernel takes a whole piece even where it is to keep less
                count = connection.sock.send(head if budget == UNSENT_BYTES else head[:budget])
            except _WANT:
                return
            connection.sent_bytes += count
            self._turn_bytes += count
            budget -= count
            if count == len(head):
                connection.queue.popleft()
            else:
                connection.queue[0] = head[count:]
            if not connection.queue:
                self.next_data(connection)
        connection.wants_write = bool(connection.queue)


def _nothing(_events: int) -> None:
    return
