"""Attained, failed, or not to be known."""

import pytest

from collector.domain.observations import ceiling_bps, is_under_ceiling, remedy_of, value_of
from collector.domain.words import ObservationValue, Remedy
from tests.collector.domain.build import TARGET_BPS, an_observation

ATTAINED, UNKNOWN, FAILED = ObservationValue.ATTAINED, ObservationValue.UNKNOWN, ObservationValue.FAILED


@pytest.mark.parametrize(
    ("mbps", "more", "expected"),
    [
        (20.0, {}, ATTAINED),
        (19.999999, {}, FAILED),
        (19.0, {"lower_bound": True}, UNKNOWN),
        (20.0, {"lower_bound": True}, ATTAINED),
        (9.0, {"medium": "ethernet", "link_bps": 10_000_000}, UNKNOWN),
        (21.0, {"medium": "ethernet", "link_bps": 10_000_000}, ATTAINED),
        (9.0, {"medium": "ethernet", "link_bps": 100_000_000}, FAILED),
        (9.0, {"medium": "wifi", "link_bps": 47_000_000}, UNKNOWN),
        (9.0, {"medium": "wifi", "link_bps": 48_000_000}, FAILED),  # 0.5 x 48 = 1.2 x 20
        (9.0, {"medium": "wifi"}, FAILED),
    ],
)
def test_three_values(mbps: float, more: dict[str, object], expected: ObservationValue) -> None:
    assert value_of(an_observation(mbps, **more), TARGET_BPS) is expected


@pytest.mark.parametrize(
    ("medium", "link_bps", "expected"),
    [
        ("ethernet", 100_000_000, 94_000_000),
        ("wifi", 100_000_000, 50_000_000),
        ("unknown", 100_000_000, 94_000_000),
        (None, 100_000_000, 94_000_000),
        ("wifi", None, None),
        ("ethernet", 0, None),
    ],
)
def test_a_link_shows_no_more_than_its_ceiling(
    medium: str | None, link_bps: int | None, expected: float | None
) -> None:
    assert ceiling_bps(medium, link_bps) == expected


def test_a_wired_link_needs_a_fifth_more_than_the_target() -> None:
    edge_bps = round(1.2 * TARGET_BPS / 0.94)

    assert is_under_ceiling(an_observation(medium="ethernet", link_bps=edge_bps - 2), TARGET_BPS)
    assert not is_under_ceiling(an_observation(medium="ethernet", link_bps=edge_bps + 2), TARGET_BPS)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"lower_bound": True}, Remedy.LARGER_CAP),
        ({"medium": "wifi", "link_bps": 10_000_000}, Remedy.CABLE),
        ({"medium": "ethernet", "link_bps": 10_000_000}, Remedy.FASTER_PORT),
        ({"medium": "ethernet", "link_bps": 10_000_000, "lower_bound": True}, Remedy.FASTER_PORT),
    ],
)
def test_each_limit_has_its_remedy(more: dict[str, object], expected: Remedy) -> None:
    assert remedy_of(an_observation(9.0, **more), TARGET_BPS) is expected
