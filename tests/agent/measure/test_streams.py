"""How many connections carry a direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.measure import streams

UNKNOWN = {"rtt_s": None, "loss_pct": None, "probes": 0, "prior_bps": None}


@pytest.mark.parametrize(
    ("known", "count", "reason"),
    [
        ({}, 4, "usual"),
        ({"rtt_s": 0.04, "loss_pct": 0.0, "probes": 20, "prior_bps": 20e6}, 4, "usual"),
        ({"rtt_s": 0.6}, 6, "long"),
        ({"rtt_s": 0.12, "prior_bps": 90e6}, 6, "long"),
        ({"loss_pct": 10.0, "probes": 20}, 6, "lossy"),
        ({"loss_pct": 5.0, "probes": 20}, 4, "usual"),  # one of twenty may be chance
        ({"loss_pct": 20.0, "probes": 5}, 4, "usual"),
        ({"prior_bps": 1.2e6}, 2, "narrow"),
        ({"prior_bps": 64e3, "rtt_s": 0.7, "loss_pct": 20.0, "probes": 20}, 1, "narrow"),
    ],
)
def test_as_many_as_the_line_wants(known, count, reason):
    assert streams.choose(**{**UNKNOWN, **known}) == streams.Streams(count, reason)


@given(
    rtt_s=st.none() | st.floats(0, 10),
    loss_pct=st.none() | st.floats(0, 100),
    probes=st.integers(0, 100),
    prior_bps=st.none() | st.floats(0, 1e12),
)
def test_always_one_to_six(rtt_s, loss_pct, probes, prior_bps):
    chosen = streams.choose(rtt_s=rtt_s, loss_pct=loss_pct, probes=probes, prior_bps=prior_bps)
    assert 1 <= chosen.count <= streams.MOST
