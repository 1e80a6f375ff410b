"""How bad it is."""

import pytest

from collector.domain.severity import severity_of
from collector.domain.words import Severity


@pytest.mark.parametrize(
    ("median_mbps", "expected"),
    [
        (20.0, None),
        (25.0, None),
        (19.99, Severity.MILD),
        (16.0, Severity.MILD),
        (15.99, Severity.SERIOUS),
        (10.0, Severity.SERIOUS),
        (9.99, Severity.SEVERE),
        (0.0, Severity.SEVERE),
    ],
)
def test_severity_follows_the_typical_test(median_mbps: float, expected: Severity | None) -> None:
    assert severity_of(median_mbps * 1_000_000, 20_000_000) is expected
