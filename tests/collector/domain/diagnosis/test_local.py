"""Hints about Wi-Fi and ports."""

from dataclasses import replace

import pytest

from collector.domain.diagnosis import local
from collector.domain.diagnosis.facts import Cause, Site
from tests.collector.domain.diagnosis.build import SITE, some


def test_wifi_that_is_slower_than_the_cable_is_named_with_both_groups() -> None:
    wifi = some(10, "w", mbps=9, medium="wifi", link_bps=400_000_000)
    cable = some(8, "c", mbps=24)
    other = [replace(fact, votes=False, exclusion="busy_line") for fact in some(9, "o", mbps=1, medium="wifi")]
    hint = local.wifi_slower([*wifi, *cable, *other], SITE)
    assert hint is not None and hint.cause is Cause.WIFI_SLOWER
    assert hint.part("wifi").typical == 9e6 and hint.part("cable").typical == 24e6
    assert hint.keys == {fact.key for fact in (*wifi, *cable)}


@pytest.mark.parametrize(
    ("wifi", "cable"),
    [
        (some(7, "w", mbps=9, medium="wifi"), some(30, "c", mbps=24)),  # too few
        (some(30, "w", mbps=9, medium="wifi"), some(7, "c", mbps=24)),
        (some(10, "w", mbps=9, medium="wifi"), some(10, "c", mbps=24, days=2)),  # on too few days
        (some(10, "w", mbps=18, medium="wifi"), some(10, "c", mbps=24)),  # three quarters of it
        (some(10, "w", mbps=24, medium="wifi"), some(10, "c", mbps=80)),  # reaches the target all the same
        (some(10, "w", mbps=9, medium="wifi", download_lower_bound=True), some(10, "c", mbps=24)),  # cut short
        (some(20, "w", mbps=9, medium="wifi"), []),
        ([], some(20, "c", mbps=9)),
    ],
)
def test_where_wifi_is_not_known_to_be_slower_nothing_is_said(wifi: list, cable: list) -> None:  # type: ignore[type-arg]
    assert local.wifi_slower([*wifi, *cable], SITE) is None


@pytest.mark.parametrize(
    "sign",
    [
        {"signal_dbm": -71.0},
        {"link_bps": 47_000_000},  # half of it is under 1.2 times the target
        {"gateway_rtt_ms": 20.0},
        {"gateway_loss_pct": 10.0},
        {"is_router_slower": True},
    ],
)
def test_a_weak_radio_is_named_by_each_of_its_signs(sign: dict[str, object]) -> None:
    weak = some(8, "w", mbps=9, **{"medium": "wifi", "signal_dbm": -60.0, "link_bps": 400_000_000, **sign})
    good = some(8, "g", mbps=12, medium="wifi", signal_dbm=-60.0, link_bps=400_000_000)
    hint = local.wifi_weak([*weak, *good], SITE)
    assert hint is not None
    assert hint.part("weak").keys == tuple(fact.key for fact in weak)
    assert len(hint.part("wifi").facts) == 16
    assert local.wifi_weak([*weak, *good, *some(1, "x", mbps=12, medium="wifi")], SITE) is None  # less than half
    assert local.wifi_weak(weak[1:], SITE) is None
    assert local.wifi_weak([replace(fact, medium="ethernet") for fact in weak], SITE) is None
    assert local.wifi_weak(weak, Site()) is None


def test_a_weak_signal_that_carries_the_target_is_no_cause() -> None:
    assert local.wifi_weak(some(12, "w", mbps=21, medium="wifi", signal_dbm=-80.0), SITE) is None


def test_a_port_that_is_filled_is_named() -> None:
    filled = some(10, "p", mbps=9.2, link_bps=10_000_000)
    hint = local.port([*filled, *some(10, "c", mbps=19)], SITE)
    assert hint is not None and len(hint.part("cable").facts) == 20
    assert hint.part("filled").keys == tuple(fact.key for fact in filled)
    assert local.slowest_link(hint.part("filled")) == 10_000_000


def test_a_slow_port_whose_tests_stay_far_under_it_is_not_the_cause() -> None:
    assert local.port(some(20, mbps=5, link_bps=10_000_000), SITE) is None
    assert local.port(some(20, mbps=9.2, link_bps=None), SITE) is None
    assert local.port(some(20, mbps=9.2, link_bps=10_000_000), Site(target_bps=None)) is None
    assert local.port(some(20, mbps=9.2, link_bps=10_000_000), Site(target_bps=7_000_000)) is None
    assert local.port(some(20, mbps=18, link_bps=1_000_000_000), SITE) is None
