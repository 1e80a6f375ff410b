"""One direction put together, with a transfer that a test writes: no sockets, no time that passes."""

import pytest

from agent.measure.attempt import Attempt
from agent.measure.beside.keepup import KeepUp
from agent.measure.beside.processor import Spent
from agent.measure.engines.engine import Job
from agent.measure.engines.librespeed import COMPRESSIBLE
from agent.measure.estimate.estimator import Sample
from agent.measure.faults import WorldError
from agent.measure.servers.addresses import Target
from agent.measure.sockets.dial import Address
from agent.measure.sockets.streams import Streams
from agent.net.loop import Loop
from agent.wire.vocabulary import Confidence, EngineName, FailureCode, Method, Phase, StopReason

MBPS = 1e6 / 8


class WrittenTransfer:
    """Samples as written, and then an end or a fault."""

    method = Method.RECEIVER
    streams = 4
    congestion_control = None
    is_bounded_by_peer = False

    def __init__(self, samples, fault=None, remarks=(), ended=StopReason.SERVER, last=None):
        self._samples, self._fault, self._ended = samples, fault, ended
        self._last, self.runs_out = last, False  # samples of what is still under way when it is told to stop
        self.ended = None
        self.moved_bytes = self.carried_bytes = 0
        self.remarks = list(remarks)
        self.keep_up = KeepUp()

    def run_out(self):
        self.runs_out = self._last is not None
        return self.runs_out

    def samples(self):
        for sample in self._samples:
            self.moved_bytes = self.carried_bytes = int(sample.total_bytes)
            yield sample
            if self.runs_out:
                yield from (Sample(sample.at_s + at_s, sample.total_bytes + size) for at_s, size in self._last)
                break
        if self._fault:
            raise self._fault
        self.ended = self._ended


class WrittenEngine:
    name, version, protocol = EngineName.NDT7, "1", "written"

    def __init__(self, transfer):
        self._transfer = transfer

    def download(self, _job):
        return self._transfer


@pytest.fixture
def attempt():
    loop = Loop()
    address = Address(Target("tp.example", 80, False, ""), 4, ("192.0.2.1", 80))

    def make(transfer, *, to_the_end=True, prior_bps=None, **more):
        return Attempt(
            phase=Phase.DOWNLOAD,
            engine=WrittenEngine(transfer),
            job=Job(address=address, loop=loop, random_bytes=bytes, rtt_s=0.1),
            prober=None,
            prior_bps=prior_bps,
            to_the_end=to_the_end,
            until_s=loop.now() + 60,
            tell=lambda _progress: None,
            **more,
        )

    yield make
    loop.close()


def steady(seconds, rate_bytes=8 * MBPS):
    return [Sample(tick / 50, rate_bytes * tick / 50) for tick in range(1, int(seconds * 50))]


RESET = WorldError(FailureCode.RESET, "cut")


def test_a_line_that_was_seen_full_is_kept_when_the_connection_is_cut(attempt):
    outcome = attempt(WrittenTransfer(steady(4), RESET)).run()
    assert outcome.failure.code is FailureCode.RESET
    assert outcome.direction.bps == pytest.approx(8e6, rel=0.02)
    assert outcome.direction.stop_reason is StopReason.SERVER


@pytest.mark.parametrize("samples", [[], steady(0.1), [Sample(tick / 50, 1000 * 1.3**tick) for tick in range(1, 40)]])
def test_one_that_was_not_is_a_failure(attempt, samples):
    with pytest.raises(WorldError) as caught:
        attempt(WrittenTransfer(samples, RESET)).run()
    assert caught.value.code is FailureCode.RESET


@pytest.mark.parametrize(
    ("ended", "code", "word"),
    [
        (StopReason.BUDGET, FailureCode.STALLED, "data cap"),
        (StopReason.SERVER, FailureCode.PROTOCOL, "ended the transfer"),
        (StopReason.TIME, FailureCode.STALLED, "only 9900 bytes"),
    ],
)
def test_next_to_nothing_is_a_failure_with_its_reason_and_never_a_figure(attempt, ended, code, word):
    with pytest.raises(WorldError) as caught:
        attempt(WrittenTransfer([Sample(0.5, 0), Sample(0.52, 9_900)], ended=ended)).run()
    assert caught.value.code is code
    assert word in caught.value.detail


def test_a_small_cap_is_a_figure_that_the_line_carries_at_least(attempt):
    direction = (
        attempt(WrittenTransfer([Sample(0.5, 0), Sample(0.52, 60_000)], ended=StopReason.BUDGET)).run().direction
    )
    assert direction.bps == pytest.approx(8 * 60_000 / 0.52, rel=0.01)
    assert (direction.lower_bound, direction.confidence) == (True, Confidence.LOW)


def test_senders_that_say_nothing_is_delivered_make_no_figure(attempt):
    silent = [Sample(tick / 50, min(tick, 15) * 1_000, 0.1) for tick in range(1, 100)]
    made = attempt(WrittenTransfer(silent))
    made.to_the_end = False
    with pytest.raises(WorldError) as caught:
        made.run()
    assert caught.value.code is FailureCode.STALLED


SLOWER = [(tick / 50, 4 * MBPS * tick / 50) for tick in range(1, 20)]  # half as fast as before


@pytest.mark.parametrize("fault", [None, RESET, WorldError(FailureCode.PROTOCOL, "cut")])
def test_what_is_under_way_when_it_stops_is_part_of_the_figure(attempt, fault):
    rested = {"to_the_end": False, "processor": lambda: Spent(0.0, 0.0)}
    cut = attempt(WrittenTransfer(steady(4)), **rested).run()
    heard = attempt(WrittenTransfer(steady(4), fault, last=SLOWER), **rested).run()
    assert cut.direction.bps == pytest.approx(8e6, rel=0.001)
    seen_s = cut.direction.duration_s
    assert heard.direction.bps == pytest.approx(
        (8e6 * seen_s + 4e6 * SLOWER[-1][0]) / (seen_s + SLOWER[-1][0]), rel=0.01
    )
    assert heard.direction.stop_reason is StopReason.PRECISE
    assert heard.direction.half_width_pct > 10
    assert heard.failure is None  # a cut of what came last takes nothing from the figure


def test_a_steady_line_at_its_usual_speed_is_not_heard_out(attempt):
    transfer = WrittenTransfer(steady(4), last=SLOWER)
    attempt(transfer, to_the_end=False, prior_bps=8e6).run()
    assert not transfer.runs_out


def test_called_off_while_it_is_heard_out(attempt):
    with pytest.raises(WorldError):
        attempt(WrittenTransfer(steady(4), WorldError.cancelled(), last=SLOWER), to_the_end=False).run()


def test_other_faults_are_not_glossed_over(attempt):
    with pytest.raises(WorldError) as caught:
        attempt(WrittenTransfer(steady(4), WorldError(FailureCode.PROTOCOL, "garbage"))).run()
    assert caught.value.code is FailureCode.PROTOCOL


def test_a_computer_that_did_not_keep_up_says_so(attempt):
    transfer = WrittenTransfer(steady(4))
    for _ in range(10):
        transfer.keep_up.turned(0.5, 0.02)
    outcome = attempt(transfer).run()
    direction = outcome.direction
    assert (direction.lower_bound, direction.confidence) == (True, Confidence.LOW)
    assert outcome.remarks == ("download_client_limited",)
    assert outcome.failure is None


def test_a_starved_computer_says_so(attempt):
    looks = iter([Spent(1.0, 1.0), Spent(1.1, 1000.0)])
    outcome = attempt(WrittenTransfer(steady(4)), processor=lambda: next(looks)).run()
    assert outcome.remarks == ("download_client_limited",)
    assert outcome.direction.lower_bound


def test_the_number_of_connections_that_was_run_is_told_with_its_reason(attempt):
    narrow = Streams(1, "narrow")
    raised = WrittenTransfer(steady(4))
    raised.streams = 3
    assert "download_streams=3 narrow" in attempt(raised, chosen=narrow).run().remarks
    assert not any("_streams=" in each for each in attempt(WrittenTransfer(steady(4)), chosen=narrow).run().remarks)


def test_compressible_data_give_no_confident_figure(attempt):
    outcome = attempt(WrittenTransfer(steady(4), remarks=[COMPRESSIBLE])).run()
    assert outcome.direction.confidence is Confidence.LOW
    assert COMPRESSIBLE in outcome.remarks  # a computer that is busy adds its own


def test_what_came_after_the_end_is_in_the_cost(attempt):
    transfer = WrittenTransfer(steady(4))
    made = attempt(transfer)
    plain = made.run().direction
    late = WrittenTransfer(steady(4))
    generator = late.samples

    def with_residual():
        yield from generator()
        late.carried_bytes += 1_000_000

    late.samples = with_residual
    costly = attempt(late).run().direction
    assert costly.bytes == plain.bytes
    assert costly.wire_bytes_est - plain.wire_bytes_est == pytest.approx(1_000_000 * 1.046, rel=0.01)
