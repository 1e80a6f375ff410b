"""Hints about a full line and about the provider."""

from dataclasses import replace

import pytest

from collector.domain.diagnosis import line
from collector.domain.diagnosis.facts import Fact, Site
from tests.collector.domain.diagnosis.build import SITE, some


def off(facts: list[Fact], reason: str = "out_of_hours") -> list[Fact]:
    return [replace(fact, votes=False, exclusion=reason) for fact in facts]


def test_a_line_that_is_enough_without_a_class_is_full_in_class() -> None:
    inside, outside = some(20, "c", mbps=12), off(some(8, "o", mbps=26, hour=20))
    hint = line.full_in_class([*inside, *outside], SITE)
    assert hint is not None
    assert hint.part("in_class").typical == 12e6 and hint.part("off_hours").typical == 26e6
    assert hint.keys == {fact.key for fact in (*inside, *outside)}
    weekend = off(some(8, "o", mbps=26), "closed_day")
    assert line.full_in_class([*inside, *weekend], SITE) is not None


@pytest.mark.parametrize(
    "outside",
    [
        off(some(7, "o", mbps=26)),
        off(some(8, "o", mbps=26, days=2)),
        off(some(8, "o", mbps=19)),  # not enough either
        off(some(8, "o", mbps=26), "manual"),  # nobody looked at the hour
        off(some(8, "o", mbps=26), "busy_line"),  # in class hours
        off(some(8, "o", mbps=26, server_id="other")),
        off(some(8, "o", mbps=26, engine="ookla")),
        off(some(8, "o", mbps=26, medium="vpn")),
        off(some(8, "o", mbps=26, network="198.51.100.0/24")),  # a laptop at home
        off(some(8, "o", mbps=26, device="pc-2")),  # another computer: it may be that which is faster
        off(some(8, "o", mbps=26, download_steady_s=0.4, download_stop_reason="budget")),
    ],
)
def test_what_is_not_like_the_tests_of_class_hours_is_not_compared(outside: list[Fact]) -> None:
    assert line.full_in_class([*some(20, "c", mbps=12), *outside], SITE) is None


def test_without_a_target_or_with_a_line_that_reaches_it_nothing_is_full() -> None:
    outside = off(some(8, "o", mbps=60))
    assert line.full_in_class([*some(20, mbps=12), *outside], Site()) is None
    assert line.full_in_class([*some(20, mbps=21), *outside], SITE) is None


def test_a_queue_before_the_test_shows_that_others_use_the_line() -> None:
    quiet = some(9, "q", mbps=27)
    busy = some(12, "b", mbps=11, idle_rtt_ms=90.0, idle_rtt_min_ms=40.0)
    between = some(5, "n", mbps=18, idle_rtt_ms=30.0)
    quiet += some(1, "m", mbps=27, idle_rtt_ms=28.0)  # 10 ms more are nothing
    hint = line.full_when_busy([*quiet, *busy, *between], SITE)
    assert hint is not None
    assert {fact.key for fact in hint.part("busy").facts} == {fact.key for fact in busy}
    assert {fact.key for fact in hint.part("quiet").facts} == {fact.key for fact in quiet}


@pytest.mark.parametrize(
    "more",
    [
        {"gateway_rtt_ms": 25.0},  # the queue may be the Wi-Fi's
        {"gateway_rtt_ms": None, "medium": "wifi"},
        {"idle_method": None},
        {"idle_method": "tcp_connect"},  # has its own shortest round trip
        {"server_id": "other"},
        {"idle_rtt_ms": 45.0},  # longer, but not by much
    ],
)
def test_a_queue_that_may_be_something_else_is_left_out(more: dict[str, object]) -> None:
    values = {"idle_rtt_ms": 90.0, "idle_rtt_min_ms": 70.0, **more}
    busy = some(12, "b", mbps=11, **values)
    assert line.full_when_busy([*some(9, "q", mbps=27), *busy], SITE) is None


def test_a_provider_is_named_when_all_hours_are_under_the_contract_by_cable() -> None:
    tests = some(12, mbps=20)
    hint = line.provider([*tests, *some(30, "w", mbps=4, medium="wifi")], SITE)
    assert hint is not None
    assert hint.part("cable").typical == 20e6 and hint.keys == {fact.key for fact in tests}
    assert {part.name for part in hint.parts} == {"cable", "morning", "afternoon", "quiet"}


@pytest.mark.parametrize(
    "facts",
    [
        some(11, mbps=20),
        some(16, mbps=20, days=4),
        some(20, mbps=24),  # 80 % of the contract
        some(20, mbps=20, medium="wifi"),
        some(20, mbps=20, link_bps=32_000_000),  # the port shows hardly more than the contract
        some(20, mbps=20, link_bps=None),
        some(20, mbps=20, is_client_limited=True),
        some(20, mbps=20, download_lower_bound=True),
        some(20, mbps=20, is_router_slower=True),
        some(20, mbps=20, hour=9),  # one time of the day alone
        [*some(16, mbps=12), *off(some(5, "o", mbps=29, hour=21))],  # full in class, not the provider
        [*some(20, mbps=12, idle_rtt_ms=90.0), *some(11, "q", mbps=12)],  # others used the line
        [*some(20, mbps=12, idle_rtt_ms=35.0), *some(5, "q", mbps=29)],  # kept whenever the line is quiet
    ],
)
def test_a_provider_is_not_named_for_what_may_be_the_schools(facts: list[Fact]) -> None:
    assert line.provider(facts, SITE) is None
    assert line.provider(some(20, mbps=20), Site(20_000_000)) is None
