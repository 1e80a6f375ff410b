"""The ndt7 engine (M-Lab's protocol, spec 0.11), over several connections at once.

Download counts what we read; upload counts what the server's measurements say it received. That a server stops by
itself at our cap (`bytes` in the query) and chooses a congestion control (`cc`) are courtesies of our own test point;
others are closed in time.
"""

from agent.measure.engines.engine import Job
from agent.measure.engines.ndt7_talk import SPEC, Ndt7Transfer, segments_of
from agent.measure.engines.ndt7_upload import Ndt7Upload
from agent.measure.estimate.estimator import Sample
from agent.measure.faults import WorldError
from agent.measure.sockets.cap import reached_cap, room_to_cap, stop_at_cap
from agent.measure.sockets.connections import Connection
from agent.net import tcpinfo
from agent.wire.vocabulary import EngineName, StopReason

VERSION = "1"


class Ndt7:
    """Engine: ndt7."""

    name = EngineName.NDT7
    version = VERSION
    protocol = SPEC

    def prepare(self, job: Job) -> Job:
        """Return the job: the upgrade itself shows whether the server speaks ndt7."""
        return job

    def download(self, job: Job) -> "Ndt7Download":
        """Return a download; nothing is sent before its samples are asked for."""
        return Ndt7Download(job)

    def upload(self, job: Job) -> "Ndt7Upload":
        """Return an upload; nothing is sent before its samples are asked for."""
        return Ndt7Upload(job)


class Ndt7Download(Ndt7Transfer):
    """Bytes that we read from the connections, WebSocket framing left out."""

    direction = "download"

    def query(self) -> dict[str, str]:
        """Ask our own test point to stop at this connection's share of the cap."""
        cap = self.job.payload_cap
        return {"bytes": str(max(1, cap // self.streams))} if cap else {}

    def known_bytes(self) -> float:
        """Return the payload read so far."""
        return sum(state.receiver.binary_bytes for state in self._states.values())

    def sample(self, now_s: float) -> Sample | None:
        """Return what has come; where our kernel does not say what came behind a hole, with the senders' word for it.

        Measurements count as the test data beside them do: on a narrow line they are a part of what it carries.
        """
        total, is_whole = 0.0, True
        for connection in self.connections:
            state = self._states[connection.index]
            segments = segments_of(tcpinfo.read(connection.sock)) if connection.is_open else None
            is_whole = is_whole and (segments is not None or not connection.is_open)
            total += state.arrivals.add(state.receiver.binary_bytes + state.told_bytes, segments)
        return Sample(now_s, total, None if is_whole else self._delivery_bps())

    def _delivery_bps(self) -> float | None:
        """Return the sum of the senders' delivery rates if all of them run BBR and tell."""
        rates = [state.delivery_bps for state in self._states.values()]
        told = [rate for rate in rates if rate is not None]
        return sum(told) if told and len(told) == len(rates) else None

    def received(self, connection: Connection, data: memoryview) -> None:
        """Count; stop when what was read and what is still queued on the line reach the cap."""
        super().received(connection, data)
        self.moved_bytes += len(data)
        self.news()
        stop_at_cap(self)

    def room(self, connection: Connection) -> int:
        """Never read past the cap."""
        return room_to_cap(self)

    def _own_congestion_control(self, connection: Connection) -> str | None:
        return None

    def ended_by_peer(self, connection: Connection) -> WorldError | None:
        """Take an end at the cap for what it is."""
        return None if reached_cap(self) else super().ended_by_peer(connection)

    def _all_ended(self, now_s: float) -> None:
        super()._all_ended(now_s)
        if self.ended is StopReason.SERVER and reached_cap(self):
            self.ended = StopReason.BUDGET
