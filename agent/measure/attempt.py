"""One direction with one engine: transfer, estimator and loaded probes put together."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from agent.measure.beside.processor import Spent, spent
from agent.measure.engines.engine import Engine, Job, Transfer
from agent.measure.engines.librespeed import COMPRESSIBLE
from agent.measure.estimate.estimator import Estimator, EstimatorConfig
from agent.measure.estimate.figure import Estimate
from agent.measure.faults import WorldError
from agent.measure.latency.idle_and_loaded import LoadedProbes
from agent.measure.latency.probes import Prober
from agent.measure.latency.rounds import LoadedSide
from agent.measure.sockets.streams import Streams
from agent.measure.wirecost import wire_bytes
from agent.wire.records import Direction, Failure
from agent.wire.tags import CLIENT_LIMITED
from agent.wire.vocabulary import Confidence, FailureCode, Phase, StopReason

LOG = logging.getLogger(__name__)

TELL_EVERY_S = 0.1
FEWEST_BYTES = 10_000  # a transfer that ended before is no speed, it is a fault
SLOWEST_BPS = 1  # less is nothing, and nothing is no speed either


@dataclass(frozen=True)
class Progress:
    """How far a measurement is."""

    phase: Phase
    elapsed_s: float
    bytes: int  # the last one of a direction: all that the line carried, also of a transfer that broke off
    current_bps: float
    note: str = ""  # a sentence for who watches
    aside_bytes: int = 0  # on the wire, of the whole measurement so far, beside its transfers
    begins: bool = False  # a transfer of this direction: nothing of it has been sent yet


@dataclass(frozen=True)
class Outcome:
    """What came of one direction."""

    direction: Direction | None
    failure: Failure | None
    load_s: float
    congestion_control: str | None
    probes: LoadedProbes | None
    remarks: tuple[str, ...] = ()  # what the record should say beside the figure
    is_ours: bool = False  # our own test point was at the other end

    def side(self) -> LoadedSide | None:
        """Return the probes with the answers that have come by now."""
        return self.probes.side(self.load_s, self.congestion_control) if self.probes else None


@dataclass
class Attempt:
    """One direction; `moved_bytes` is right however it ends."""

    phase: Phase
    engine: Engine
    job: Job
    prober: Prober | None
    prior_bps: float | None
    to_the_end: bool
    until_s: float  # on the loop's clock: for the whole measurement
    tell: Callable[[Progress], None]
    chosen: Streams | None = None  # why the job has so many connections
    processor: Callable[[], Spent] = spent  # what this thread has had of it
    moved_bytes: int = 0
    _cut: WorldError | None = None  # what ended it in the middle, after test data had come

    def run(self) -> Outcome:
        """Transfer until the estimator or a limit says stop.

        Raises:
            WorldError: If there is no figure, with nothing worth keeping.
        """
        loop = self.job.loop
        left_s = self.until_s - loop.now()
        if left_s < 1:
            raise WorldError(FailureCode.STALLED, f"{self.job.address.target.host} answers too slowly: no time is left")
        probes = LoadedProbes(loop, self.prober, self.job.rtt_s or 0.0) if self.prober else None
        if probes:
            probes.prepare()
        self.tell(Progress(self.phase, 0.0, 0, 0.0, begins=True))
        job = replace(self.job, max_s=min(self.job.max_s, left_s))
        job = replace(job, queue_s=probes.queue_s) if probes else job
        is_download = self.phase is Phase.DOWNLOAD
        transfer = self.engine.download(job) if is_download else self.engine.upload(job)
        estimator = Estimator(
            EstimatorConfig(
                rtt_s=job.rtt_s,
                max_s=job.max_s,
                stall_s=job.stall_s,
                prior_bps=self.prior_bps,
                to_the_end=self.to_the_end,
            )
        )
        had, wall_s = self.processor(), loop.now()
        try:
            self._follow(transfer, estimator, probes)
        finally:
            self.moved_bytes = transfer.moved_bytes
            self.tell(Progress(self.phase, loop.now() - wall_s, transfer.carried_bytes, estimator.current_bps()))
            if probes:
                probes.stop()
        shares = self.processor().shares(had, loop.now() - wall_s)
        ended = StopReason.SERVER if self._cut else transfer.ended
        return self._outcome(transfer, estimator.result(ended), probes, shares)

    def _follow(self, transfer: Transfer, estimator: Estimator, probes: LoadedProbes | None) -> None:
        samples = transfer.samples()
        told_s = -TELL_EVERY_S
        begun = runs_out = False
        try:
            for sample in samples:
                if probes and not begun:
                    probes.start(lambda: transfer.moved_bytes)
                begun = True
                decision = estimator.add(sample)
                if sample.at_s - told_s >= TELL_EVERY_S:
                    told_s = sample.at_s
                    rate_bps = estimator.current_bps()
                    self.tell(Progress(self.phase, sample.at_s, int(sample.total_bytes), rate_bps))
                if decision.stop and not runs_out:
                    runs_out = decision.hears_out and transfer.run_out()
                    if not runs_out:
                        return
        except WorldError as fault:
            if runs_out and fault.code is not FailureCode.CANCELLED:
                return  # there is a figure; only what came last is not known
            if fault.code is not FailureCode.RESET or not begun:
                raise
            self._cut = fault
        finally:
            samples.close()

    def _outcome(
        self, transfer: Transfer, estimate: Estimate | None, probes: LoadedProbes | None, shares: tuple[float, float]
    ) -> Outcome:
        host = self.job.address.target.host
        if self._cut and not (estimate and estimate.was_full):
            raise self._cut
        if estimate is None:
            raise WorldError(FailureCode.STALLED, f"{host} answers too slowly: no test data came")
        if estimate.bytes < FEWEST_BYTES or estimate.bps < SLOWEST_BPS:
            raise self._too_little(estimate)
        failure = self._cut.as_failure(self.phase) if self._cut else None
        if estimate.reason is StopReason.STALL:
            fault = WorldError(FailureCode.STALLED, f"test data with {host} stopped for {self.job.stall_s:.0f} s")
            if not estimate.was_full:
                raise fault
            failure = fault.as_failure(self.phase)
        direction = estimate.as_direction(streams=transfer.streams, method=transfer.method)
        direction = _with_cost(direction, transfer)
        if self.chosen and (remark := self.chosen.remark(transfer.streams)):
            transfer.remarks.append(f"{self.phase}_streams={remark}")
        hindrance = transfer.keep_up.hindrance(estimate.duration_s, *shares)
        if hindrance:
            LOG.warning("test.client_limited", extra={"phase": self.phase, "why": hindrance})
            direction = _as_limited_by_client(direction)
            transfer.remarks.append(f"{self.phase}{CLIENT_LIMITED}")
        elif COMPRESSIBLE in transfer.remarks:
            direction = msgspec.structs.replace(direction, confidence=Confidence.LOW)
        return Outcome(
            direction,
            failure,
            estimate.duration_s,
            transfer.congestion_control,
            probes,
            tuple(transfer.remarks),
            transfer.is_bounded_by_peer,
        )

    def _too_little(self, estimate: Estimate) -> WorldError:
        """Return why there is no figure of a transfer that has brought next to nothing, by what ended it."""
        host = self.job.address.target.host
        brought = f"only {estimate.bytes} bytes of test data in {estimate.duration_s:.0f} s with {host}"
        if estimate.reason is StopReason.SERVER:
            return WorldError(FailureCode.PROTOCOL, f"{brought}: it ended the transfer")
        if estimate.reason is StopReason.BUDGET:
            return WorldError(FailureCode.STALLED, f"{brought}, then the data cap was used up: too few for a figure")
        return WorldError(FailureCode.STALLED, brought)


def _with_cost(direction: Direction, transfer: Transfer) -> Direction:
    """Return the direction with what it cost the line, whatever still came after the end included."""
    cost_bytes = wire_bytes(transfer.carried_bytes)
    return msgspec.structs.replace(direction, wire_bytes_est=max(direction.wire_bytes_est or 0, cost_bytes))


def _as_limited_by_client(direction: Direction) -> Direction:
    """Return the direction as what it is when this computer did not keep up: the least that the line carries."""
    by_itself = direction.stop_reason in (StopReason.PRECISE, StopReason.TIME)
    reason = StopReason.CLIENT if by_itself else direction.stop_reason
    return msgspec.structs.replace(direction, lower_bound=True, confidence=Confidence.LOW, stop_reason=reason)
