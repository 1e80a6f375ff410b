"""Which unsigned answers ask for smaller batches, and which do not."""

import pytest

from agent.uplink.decide import Pressure, decide


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (408, Pressure.REPEATED),
        (500, Pressure.REPEATED),
        (503, Pressure.REPEATED),
        (599, Pressure.REPEATED),
        (413, Pressure.AT_ONCE),
        (429, Pressure.NONE),
        (200, Pressure.NONE),
        (302, Pressure.NONE),
        (404, Pressure.NONE),
    ],
)
def test_what_is_too_slow_or_too_large_halves_the_batch(status: int, expected: Pressure) -> None:
    assert decide(None, status, signed=False, code=None).pressure is expected
