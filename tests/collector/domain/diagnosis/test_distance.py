"""Hints about far servers and late answers."""

from dataclasses import replace

import pytest

from collector.domain.diagnosis import distance
from collector.domain.diagnosis.facts import Fact, Site
from collector.domain.words import Technology
from tests.collector.domain.diagnosis.build import CONTRACT_BPS, SITE, TARGET_BPS, some


def test_a_server_that_answers_sooner_shows_that_the_usual_one_is_far() -> None:
    usual = some(20, "u", idle_rtt_min_ms=120.0)
    near = [replace(fact, votes=False, exclusion="other_server") for fact in some(8, "n", server_id="tp2")]
    hint = distance.farther_server([*usual, *near], SITE)
    assert hint is not None and (hint.part("far").typical, hint.part("near").typical) == (120.0, 18.0)
    assert hint.part("near").keys == tuple(fact.key for fact in near)
    assert distance.farther_server([*usual, *near[1:]], SITE) is None
    other_way = [replace(fact, idle_method="tcp_connect") for fact in near]
    assert distance.farther_server([*usual, *other_way], SITE) is None
    assert distance.farther_server([*some(20, idle_rtt_min_ms=50.0), *near], SITE) is None  # 32 ms more
    assert distance.farther_server(usual, SITE) is None


def test_long_round_trips_that_nothing_at_the_school_explains_are_the_servers() -> None:
    hint = distance.server_far(some(8, idle_rtt_min_ms=130.0), SITE)
    assert hint is not None and hint.part("far").typical == 130.0


@pytest.mark.parametrize(
    ("facts", "technology"),
    [
        (some(8, idle_rtt_min_ms=130.0), Technology.SATELLITE),
        (some(8, idle_rtt_min_ms=130.0), Technology.CELLULAR),
        (some(8, idle_rtt_min_ms=130.0), Technology.OTHER),
        (some(8, idle_rtt_min_ms=130.0), None),
        (some(8, idle_rtt_min_ms=99.0), Technology.FIBRE),
        (some(7, idle_rtt_min_ms=130.0), Technology.FIBRE),
        (some(20, idle_rtt_min_ms=130.0, gateway_rtt_ms=None), Technology.FIBRE),
        (some(20, idle_rtt_min_ms=130.0, gateway_rtt_ms=30.0), Technology.FIBRE),
        (some(20, idle_rtt_min_ms=None), Technology.FIBRE),
    ],
)
def test_where_something_else_may_explain_them_no_server_is_far(
    facts: list[Fact], technology: Technology | None
) -> None:
    assert distance.server_far(facts, Site(TARGET_BPS, CONTRACT_BPS, technology)) is None


def test_enough_speed_that_answers_late_under_load_is_a_delay() -> None:
    late = some(8, "l", loaded_upload_rtt_ms=400.0)
    soon = some(8, "s")
    hint = distance.delay([*late, *soon], SITE)
    assert hint is not None
    assert (hint.part("late").typical, hint.part("idle").typical) == (400.0, 20.0)
    assert hint.part("late").keys == tuple(fact.key for fact in late) and len(hint.part("all").facts) == 16
    assert distance.delay([*late, *soon, *some(1, "x")], SITE) is None  # less than half


@pytest.mark.parametrize(
    "more",
    [
        {"download_bps": 15_000_000},  # the speed is not enough either
        {"idle_method": "tcp_connect"},
        {"idle_rtt_ms": None},
        {"idle_rtt_ms": 140.0},  # not three times
        {"loaded_method": None},
        {"loaded_upload_rtt_ms": 119.0},
    ],
)
def test_where_it_is_not_known_to_be_the_load_nothing_is_late(more: dict[str, object]) -> None:
    assert distance.delay(some(12, **{"loaded_upload_rtt_ms": 400.0, **more}), SITE) is None
