"""Hints about what lies before the line: the school's Wi-Fi and the port of the computer."""

from collections.abc import Sequence

from collector.domain.diagnosis.facts import (
    ETHERNET,
    LIMITS,
    WIFI,
    Cause,
    Fact,
    Hint,
    Limits,
    Part,
    Site,
    is_enough,
    is_surely_slower,
    speeds,
    voting,
)
from collector.domain.observations import HEADROOM

BY_WIFI, BY_CABLE, WEAK, FILLED = "wifi", "cable", "weak", "filled"


def wifi_slower(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that the same line is faster by cable.

    A Wi-Fi test that was cut short says nothing: the air may have carried more.
    """
    tests = voting(facts)
    wifi = speeds(BY_WIFI, (fact for fact in tests if fact.medium == WIFI and not fact.download_lower_bound))
    cable = speeds(BY_CABLE, (fact for fact in tests if fact.medium == ETHERNET))
    if wifi is None or cable is None:
        return None
    if not all(is_enough(part.facts, limits.min_tests, limits.min_days) for part in (wifi, cable)):
        return None
    is_slower = wifi.typical <= limits.slower * cable.typical and is_surely_slower(wifi, cable, limits)
    is_short = site.target_bps is None or wifi.typical < site.target_bps
    return Hint(Cause.WIFI_SLOWER, (wifi, cable)) if is_slower and is_short else None


def wifi_weak(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that the radio itself is weak where the tests by Wi-Fi are under the target."""
    everything = speeds(BY_WIFI, (fact for fact in voting(facts) if fact.medium == WIFI))
    if everything is None or site.target_bps is None or everything.typical >= site.target_bps:
        return None
    known = [fact for fact in everything.facts if _knows_radio(fact)]
    weak = [fact for fact in known if _is_weak(fact, site.target_bps, limits)]
    part = speeds(WEAK, weak)
    if part is None or not is_enough(weak, limits.min_tests, limits.min_days):
        return None
    return Hint(Cause.WIFI_WEAK, (part, everything)) if len(weak) >= limits.part * len(everything.facts) else None


def _knows_radio(fact: Fact) -> bool:
    return any(
        value is not None for value in (fact.signal_dbm, fact.link_bps, fact.gateway_rtt_ms, fact.gateway_loss_pct)
    )


def _is_weak(fact: Fact, target_bps: int, limits: Limits) -> bool:
    """Return whether a test by Wi-Fi was under the target and its radio shows why."""
    if fact.download_bps is None or fact.download_bps >= target_bps or fact.download_lower_bound:
        return False
    ceiling = fact.ceiling_bps
    return (
        (fact.signal_dbm is not None and fact.signal_dbm < limits.weak_signal_dbm)
        or (ceiling is not None and ceiling < HEADROOM * target_bps)
        or (fact.gateway_rtt_ms is not None and fact.gateway_rtt_ms >= limits.router_ms)
        or (fact.gateway_loss_pct is not None and fact.gateway_loss_pct >= limits.router_loss_pct)
        or fact.is_router_slower
    )


def port(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that tests by cable fill a port which cannot show the target.

    A slow port whose tests stay far under it is no cause: something else is slower still.
    """
    everything = speeds(BY_CABLE, (fact for fact in voting(facts) if fact.medium == ETHERNET))
    if everything is None or site.target_bps is None:
        return None
    filled = [fact for fact in everything.facts if _fills_port(fact, site.target_bps, limits)]
    part = speeds(FILLED, filled)
    if part is None or not is_enough(filled, limits.min_tests, limits.min_days):
        return None
    return Hint(Cause.PORT, (part, everything)) if len(filled) >= limits.part * len(everything.facts) else None


def _fills_port(fact: Fact, target_bps: int, limits: Limits) -> bool:
    ceiling, speed = fact.ceiling_bps, fact.download_bps
    if ceiling is None or speed is None or speed >= target_bps:
        return False
    return ceiling < HEADROOM * target_bps and speed >= limits.port_filled * ceiling


def slowest_link(part: Part) -> int | None:
    """Return the rate of the slowest link of a group, bit/s; None where none is known."""
    return min((fact.link_bps for fact in part.facts if fact.link_bps), default=None)
