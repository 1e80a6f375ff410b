"""Round trips to the gateway beside a test: what counts as idle, and by how much a loaded one is longer."""

import pytest

from agent.measure.latency.gateway import Beside
from agent.measure.latency.rounds import Round
from agent.net.loop import Loop
from agent.wire.vocabulary import RttMethod


class Written:
    """A prober whose probes are all answered after the same time, or never."""

    method, wire_bytes, is_dead = RttMethod.ICMP, 60, False

    def __init__(self, rtt_s):
        self._rtt_s, self._sent, self.is_closed = rtt_s, 0, False

    def send(self):
        self._sent += 1

    def rounds(self):
        return [Round(-10.0, self._rtt_s)] * self._sent

    def close(self):
        self.is_closed = True


@pytest.fixture
def watched():
    """Watch once for each (round trip in s or None, whether loaded); return what is known then."""
    loop = Loop(now=lambda: 0.0)

    def run(*series):
        probers = [Written(rtt_s) for rtt_s, _ in series]
        waiting = list(probers)
        beside = Beside("192.0.2.1", loop, opened=lambda _address, _loop: waiting.pop(0))
        for _, is_loaded in series:
            with beside.watching(0.1, 5, is_loaded=is_loaded):
                pass
        assert all(each.is_closed for each in probers)
        return beside

    yield run
    loop.close()


IDLE, LOADED = False, True


def test_a_loaded_round_trip_is_never_the_idle_one(watched):
    beside = watched((None, IDLE), (0.180, LOADED), (0.190, LOADED))
    assert beside.idle is None
    assert beside.increase_ms() is None


def test_by_how_much_a_loaded_gateway_is_slower(watched):
    beside = watched((0.002, IDLE), (0.082, LOADED))
    assert beside.idle.rtt_ms == 2.0
    assert beside.increase_ms() == pytest.approx(80.0)


def test_the_first_idle_series_that_was_answered_stays(watched):
    assert watched((None, IDLE), (0.002, IDLE), (0.050, IDLE)).idle.rtt_ms == 2.0


def test_an_increase_is_that_of_the_last_transfer(watched):
    assert watched((0.002, IDLE), (0.082, LOADED), (None, LOADED)).increase_ms() is None
    assert watched((0.002, IDLE)).increase_ms() is None


def test_without_a_gateway_nobody_is_asked():
    loop = Loop()
    beside = Beside(None, loop, opened=lambda _address, _loop: pytest.fail("was asked"))
    with beside.watching(0.1, 5, is_loaded=False):
        pass
    assert (beside.idle, beside.increase_ms()) == (None, None)
    loop.close()
