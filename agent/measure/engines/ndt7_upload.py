"""ndt7's upload: what the server says it has received, until it has had everything that was under way."""

import os

from agent.measure.engines.engine import Job
from agent.measure.engines.ndt7_talk import Ndt7Transfer, ServerSays, State, segments_of
from agent.measure.estimate.curve import MergedCurve
from agent.measure.estimate.estimator import Sample
from agent.measure.faults import WorldError
from agent.measure.sockets.connections import Connection
from agent.net import websocket
from agent.net.websocket import Opcode
from agent.wire.vocabulary import StopReason

FIRST_FRAME_BYTES = 8_192  # the spec's first message
LAST_FRAME_BYTES = 65_536
SCALE = 16  # a message is at most this part of what was sent (spec)
REPORT_BYTES = 500  # of a measurement of our own test point, about
REPORT_S, REPORT_MOST_S = 0.1, 0.5  # between two: as it is, and where the way back is narrow
REPORT_LEAST_S = 0.05  # where it is wide
REPORT_SHARE, REPORT_SMALL_SHARE = 0.05, 0.02  # of the way back: at most, and for more of them than as it is
PATIENCE_S = 1.0  # M-Lab's servers report every 25 to 625 ms
LAST_WORD_S = 0.8  # without news, after which no more is waited for what is under way


class Ndt7Upload(Ndt7Transfer):
    """Bytes that the server says it received."""

    direction = "upload"
    is_upload = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._merged = MergedCurve(self.streams, PATIENCE_S)
        self._data = job.random_bytes(LAST_FRAME_BYTES)
        self._left = job.payload_cap or None
        self._told: set[int] = set()  # connections of which the server has said what it received
        self._full_s: float | None = None  # when the cap was used up
        self._ran_out_s: float | None = None  # when the last was handed to the kernel

    def query(self) -> dict[str, str]:
        """Ask our own test point to report as often as the line that its reports come on has room for."""
        if not self.job.back_bps:
            return {}
        sent_s = self.streams * 8 * REPORT_BYTES / self.job.back_bps
        seldom_s, often_s = min(sent_s / REPORT_SHARE, REPORT_MOST_S), max(sent_s / REPORT_SMALL_SHARE, REPORT_LEAST_S)
        interval_s = max(seldom_s, min(often_s, REPORT_S))
        return {"interval_ms": str(round(1000 * interval_s))}

    def begin(self, connection: Connection) -> None:
        """Ask for the upgrade."""
        if connection.index == 0:
            self._merged = MergedCurve(self.streams, PATIENCE_S)  # now it is known how many could be opened
        super().begin(connection)

    def next_data(self, connection: Connection) -> None:
        """Queue one more message if the server has agreed and the cap leaves room."""
        state = self._states[connection.index]
        if not state.is_upgraded or self._left == 0:
            return
        size = max(FIRST_FRAME_BYTES, min(LAST_FRAME_BYTES, state.planned_bytes // SCALE))
        size = size if self._left is None else min(size, self._left)
        state.planned_bytes += size
        # One piece: a header that went alone would make a segment of its own.
        frame = websocket.frame_header(Opcode.BINARY, size, mask=os.urandom(4)) + self._data[:size]
        connection.push(frame)
        if self._left is not None:
            self._left = max(0, self._left - len(frame))
        self.moved_bytes += size

    def told(self, connection: Connection, state: State, says: ServerSays) -> None:
        """Take what the server has received: kernel's count if it tells, else the program's."""
        super().told(connection, state, says)
        if says.tcp and says.tcp.bytes_received is not None:
            counted, elapsed_us = says.tcp.bytes_received - state.request_bytes, says.tcp.elapsed_us
            counted = int(state.arrivals.add(max(0, counted), segments_of(says.tcp)))
        elif says.app and says.app.bytes is not None:
            counted, elapsed_us = says.app.bytes, says.app.elapsed_us
        else:
            return
        now_s = self.job.loop.now() - self.start_s
        if elapsed_us is not None:
            offset_s = now_s - elapsed_us / 1e6
            state.offset_s = offset_s if state.offset_s is None else min(state.offset_s, offset_s)
            now_s = state.offset_s + elapsed_us / 1e6
        if self._ran_out_s is not None and counted >= connection.sent_bytes - state.request_bytes:
            self.ended = StopReason.PRECISE  # it has run dry, some time since it last spoke
            return
        before = self._merged.total
        self._told.add(connection.index)
        self._merged.add(connection.index, now_s, max(0, min(counted, connection.sent_bytes)))
        if self._merged.total > before:
            self.news()

    def known_bytes(self) -> float:
        """Return everything that the server has said it received."""
        return self._merged.total

    def sample(self, now_s: float) -> Sample | None:
        """Return the newest sum that is known of all connections."""
        if self._ran_out_s is not None:
            return self._last_word(now_s, self._ran_out_s)
        self._look_at_cap(now_s)
        if self.ended is not None:
            # A connection must not hold back what was said of the others if nothing was said of it, or nothing is left.
            has_all = self._merged.total >= self.moved_bytes
            for index in self._states.keys() if has_all else self._states.keys() - self._told:
                self._merged.close(index)
        latest = self._merged.latest()
        return Sample(*latest) if latest else None

    def run_out(self) -> bool:
        """Hand nothing more to the kernel, and hear of what it has until a connection has no more to send.

        Where the kernel cannot be told to keep little, that could be megabytes: there it is not waited for.
        """
        if not self.keeps_little_unsent:
            return False
        self._left, self.is_draining, self._ran_out_s = 0, True, self.job.loop.now() - self.start_s
        for connection in self.connections:
            if connection.is_open:
                connection.queue.clear()
        return True

    def _last_word(self, now_s: float, ran_out_s: float) -> Sample | None:
        """Return how far all of them had come when none had run dry: the line was busy until then."""
        silent_s = now_s - max(self._news_s, ran_out_s)
        is_silent = silent_s >= max(LAST_WORD_S, 2 * (self.job.rtt_s or 0.0))
        if self.ended is None and (is_silent or now_s - ran_out_s >= self.job.drain_s):
            self.ended = StopReason.PRECISE
        latest = self._merged.latest()
        return Sample(*latest) if latest else None

    def drop(self, connection: Connection, fault: WorldError | None = None) -> None:
        """Close one connection; it no longer holds the sum back."""
        super().drop(connection, fault)
        self._merged.close(connection.index)

    def _look_at_cap(self, now_s: float) -> None:
        """End when all that the cap allowed has arrived, or the server takes too long to say so."""
        if self._left != 0 or self.ended is not None or any(each.queue for each in self.connections if each.is_open):
            return
        self.is_draining = True
        self._full_s = now_s if self._full_s is None else self._full_s
        waited_s = now_s - max(self._full_s, self._news_s)
        if self._merged.total >= self.moved_bytes or waited_s >= self.job.drain_s:
            self.ended = StopReason.BUDGET
