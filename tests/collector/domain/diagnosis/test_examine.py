"""All hints together: how often they speak where there is nothing to say."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from collector.domain.diagnosis.examine import RULES, examine
from collector.domain.diagnosis.facts import Cause, Fact
from tests.collector.domain.diagnosis.build import FIRST, SITE, USUAL, some

RUNS = 150


def a_window(chance: Random, *, factor: float = 1.0, off_factor: float = 1.0, wifi_factor: float = 1.0) -> list[Fact]:
    """Return ten days of six tests, half by Wi-Fi, and a dozen off hours, around the target."""
    facts = []
    weather = [chance.lognormvariate(0, 0.25) for _ in range(10)]
    for number in range(72):
        is_off = number >= 60
        day = FIRST + timedelta(days=number % 10)
        by_wifi = number % 2 == 0
        speed = 20e6 * factor * weather[number % 10] * chance.lognormvariate(0, 0.35)
        speed *= (off_factor if is_off else 1.0) * (wifi_factor if by_wifi else 1.0)
        rtt = 20.0 * chance.lognormvariate(0, 0.2)
        facts.append(
            replace(
                USUAL,
                device=f"pc-{number % 2}",
                rid=f"r{number}",
                day=day,
                hour=8 + number % 8,
                votes=not is_off,
                exclusion="out_of_hours" if is_off else None,
                download_bps=round(speed),
                medium="wifi" if by_wifi else "ethernet",
                link_bps=400_000_000 if by_wifi else 1_000_000_000,
                idle_rtt_ms=rtt,
                idle_rtt_min_ms=rtt * 0.93,
            )
        )
    return facts


def share_of(cause: Cause, **more: float) -> float:
    chance = Random(7)
    said = [{hint.cause for hint in examine(a_window(chance, **more), SITE)} for _ in range(RUNS)]
    return sum(cause in causes for causes in said) / RUNS


def test_where_hours_and_media_are_alike_hardly_any_school_gets_a_hint() -> None:
    for factor in (0.8, 0.95, 1.05):
        chance = Random(11)
        spoken = [hint.cause for _ in range(RUNS) for hint in examine(a_window(chance, factor=factor), SITE)]
        likely = [cause for cause in spoken if cause is not Cause.PROVIDER]  # at 16 of 30 Mbit/s it is the provider
        assert len(likely) <= 0.02 * RUNS, (factor, likely)


def test_where_there_is_a_cause_most_schools_get_the_hint() -> None:
    assert share_of(Cause.FULL_IN_CLASS, factor=0.65, off_factor=2.2) > 0.8
    assert share_of(Cause.WIFI_SLOWER, factor=1.1, wifi_factor=0.5) > 0.8


def test_every_cause_has_its_rule_and_they_come_in_the_order_of_the_list() -> None:
    assert list(RULES) == list(Cause)
    assert examine([], SITE) == []
    assert examine(some(20), SITE) == []
    wifi = some(10, "w", mbps=9, medium="wifi", signal_dbm=-80.0)
    found = examine([*some(12, "c", mbps=19), *wifi], SITE)
    assert [hint.cause for hint in found] == [Cause.WIFI_SLOWER, Cause.WIFI_WEAK, Cause.PROVIDER]
    assert all(hint.keys for hint in found)
