"""How many connections carry a direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.measure.sockets import streams
from agent.wire.records import Rtt
from agent.wire.vocabulary import RttMethod


def idle(rtt_ms=None, loss_pct=None, n=20):
    return Rtt(rtt_ms=rtt_ms, loss_pct=loss_pct, n=n, method=RttMethod.UDP_ECHO)


@pytest.mark.parametrize(
    ("known", "count", "reason"),
    [
        ((None, None), 4, "usual"),
        ((idle(40, 0), 20e6), 4, "usual"),
        ((idle(600, 0), None), 6, "long"),
        ((idle(120), 90e6), 6, "long"),
        ((idle(20, 10.0), None), 6, "lossy"),
        ((idle(20, 5.0), None), 4, "usual"),  # one of twenty may be chance
        ((idle(20, 20.0, n=5), None), 4, "usual"),
        ((idle(20), 1.2e6), 2, "narrow"),
        ((idle(700, 20.0), 64e3), 1, "narrow"),
        ((idle(20), None, 300e3), 1, "narrow"),  # the other direction was that narrow
        ((idle(20), None, 30e6), 4, "usual"),
        ((idle(20), 5e6, 300e3), 4, "usual"),  # its own history says more
    ],
)
def test_as_many_as_the_line_wants(known, count, reason):
    assert streams.choose(*known) == streams.Streams(count, reason)


@pytest.mark.parametrize(
    ("chosen", "run", "remark"),
    [
        (streams.Streams(4, "usual"), 4, None),
        (streams.Streams(4, "usual"), 2, None),  # a server that takes no more: the record has the number
        (streams.Streams(1, "narrow"), 1, "1 narrow"),
        (streams.Streams(1, "narrow"), 3, "3 narrow"),  # a protocol that needs more
        (streams.Streams(6, "long"), 6, "6 long"),
        (streams.Streams(6, "long"), 5, "5 long"),
        (streams.Streams(6, "lossy"), 2, None),  # the cap bears no more: loss is not why there were two
    ],
)
def test_the_reason_goes_with_the_number_that_was_run(chosen, run, remark):
    assert chosen.remark(run) == remark


unknown_or = st.none() | st.floats(0, 1e12)


@given(
    rtt_ms=st.none() | st.floats(0, 10_000),
    loss_pct=st.none() | st.floats(0, 100),
    prior_bps=unknown_or,
    other_bps=unknown_or,
)
def test_always_one_to_six(rtt_ms, loss_pct, prior_bps, other_bps):
    assert 1 <= streams.choose(idle(rtt_ms, loss_pct), prior_bps, other_bps).count <= streams.MOST
