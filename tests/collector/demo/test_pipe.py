"""One direction of the shaped line, with a clock that only the test moves: rates and delays are exact."""

import pytest

from agent.net.loop import Loop
from collector.demo.pipe import HANDLING_S, Pipe

STEP_S = 0.0005


class FakeTime:
    def __init__(self):
        self.now_s = 10.0

    def now(self):
        return self.now_s

    def sleep(self, seconds):
        raise AssertionError("nothing sleeps here")


class Greedy:
    """A source that always has more, or `total` bytes of it."""

    def __init__(self, total=None):
        self.left = total
        self.arrived = 0

    def read(self, limit_bytes):
        size = limit_bytes if self.left is None else min(limit_bytes, self.left)
        if size == 0:
            return None
        if self.left is not None:
            self.left -= size

        def deliver():
            self.arrived += size

        return size, deliver


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def loop(time):
    loop = Loop(time.now, time.sleep)
    yield loop
    loop.close()


def run(loop, time, seconds):
    for _ in range(round(seconds / STEP_S)):
        time.now_s += STEP_S
        loop.turn(0.0)


@pytest.mark.parametrize("rate_bps", [100e3, 1e6, 8e6, 30e6, 1e9])
def test_a_greedy_source_gets_the_rate(loop, time, rate_bps):
    pipe = Pipe(loop, rate_bps=rate_bps, delay_s=0.05, buffer_s=0.06)
    pipe.offer(Greedy())
    run(loop, time, 1.0)
    before = pipe.carried_bytes
    run(loop, time, 5.0)
    carried = (pipe.carried_bytes - before) * 8 / 5.0
    assert carried == pytest.approx(rate_bps, rel=0.01, abs=pipe.slice_bytes * 8 / 5.0)


def test_sources_share_evenly(loop, time):
    pipe = Pipe(loop, rate_bps=8e6, delay_s=0.01, buffer_s=0.06)
    sources = [Greedy() for _ in range(4)]
    for source in sources:
        pipe.offer(source)
    run(loop, time, 0.5)  # the first one has filled the queue alone
    before = [source.arrived for source in sources]
    run(loop, time, 2.0)
    shares = [source.arrived - old for source, old in zip(sources, before, strict=True)]
    assert max(shares) - min(shares) <= 2 * pipe.slice_bytes


def test_an_empty_line_delays_by_its_delay_and_the_size(loop, time):
    pipe = Pipe(loop, rate_bps=1e6, delay_s=0.1, buffer_s=0.06)
    arrivals = []
    start_s = time.now_s
    pipe.carry_packet(1000, lambda: arrivals.append(time.now_s - start_s))
    run(loop, time, 0.2)
    assert arrivals == [pytest.approx(0.1 + 0.008 - HANDLING_S, abs=2 * STEP_S)]


def test_under_load_a_packet_waits_for_the_queue_and_no_longer(loop, time):
    pipe = Pipe(loop, rate_bps=1e6, delay_s=0.1, buffer_s=0.06)
    pipe.offer(Greedy())
    run(loop, time, 0.5)
    arrivals = []
    start_s = time.now_s
    pipe.carry_packet(10, lambda: arrivals.append(time.now_s - start_s))
    run(loop, time, 0.5)
    slice_s = pipe.slice_bytes * 8 / 1e6
    assert 0.1 + 0.06 - slice_s <= arrivals[0] <= 0.1 + 0.06 + 2 * slice_s


def test_a_flood_of_packets_is_dropped_at_the_full_queue(loop, time):
    pipe = Pipe(loop, rate_bps=1e6, delay_s=0.0, buffer_s=0.1)
    arrived = []
    for _ in range(100):
        pipe.carry_packet(1250, lambda: arrived.append(1))  # 10 ms each
    run(loop, time, 2.0)
    assert len(arrived) + pipe.dropped_packets == 100
    assert 10 <= len(arrived) <= 20


def test_a_hold_up_of_the_program_is_made_good_but_an_idle_time_is_not(loop, time):
    pipe = Pipe(loop, rate_bps=8e6, delay_s=0.0, buffer_s=0.06)
    pipe.offer(Greedy())
    run(loop, time, 0.5)
    before = pipe.carried_bytes
    time.now_s += 0.4  # the program did not run
    run(loop, time, 0.1)
    assert pipe.carried_bytes - before == pytest.approx(500_000, rel=0.02)


def test_a_source_that_had_nothing_earns_nothing(loop, time):
    pipe = Pipe(loop, rate_bps=8e6, delay_s=0.0, buffer_s=0.06)
    pipe.offer(Greedy(total=100))
    time.now_s += 5.0
    loop.turn(0.0)
    pipe.offer(Greedy())
    run(loop, time, 0.1)
    assert pipe.carried_bytes <= 100 + 100_000 + pipe.slice_bytes
