"""Hints about the line itself: full while it is used, or less than what is paid for."""

from collections.abc import Iterable, Sequence
from typing import Final

from collector.domain.diagnosis.facts import (
    ETHERNET,
    LIMITS,
    Cause,
    Fact,
    Hint,
    Limits,
    Part,
    Site,
    is_enough,
    is_surely_slower,
    series_of,
    speeds,
    voting,
)
from collector.domain.validity import MIN_STEADY_S

IN_CLASS, OFF_HOURS, QUIET, BUSY, BY_CABLE = "in_class", "off_hours", "quiet", "busy", "cable"
MORNING, AFTERNOON = "morning", "afternoon"
HOURS: Final = (MORNING, AFTERNOON, OFF_HOURS)
_PRECISE: Final = "precise"
_NOON: Final = 12


def full_in_class(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that the line reaches the target when there is no class, and not in class."""
    if site.target_bps is None:
        return None
    inside, outside = _of_same_computers(voting(facts), _off_hours(facts))
    slow, fast = speeds(IN_CLASS, inside), speeds(OFF_HOURS, outside)
    return _full(Cause.FULL_IN_CLASS, slow, fast, site.target_bps, limits)


def full_when_busy(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that tests reach the target only where round trips before them show a quiet line.

    A computer does not see what others of the school move; a queue at the line shows it. Where the way to the router
    is slow already, the queue may be the Wi-Fi's, and such a test is left out.
    """
    if site.target_bps is None:
        return None
    quiet, busy = _of_same_computers(*split_by_queue(voting(facts), limits))
    return _full(Cause.FULL_WHEN_BUSY, speeds(BUSY, busy), speeds(QUIET, quiet), site.target_bps, limits)


def _full(cause: Cause, slow: Part | None, fast: Part | None, target_bps: int, limits: Limits) -> Hint | None:
    if slow is None or fast is None:
        return None
    if not all(is_enough(part.facts, limits.min_tests, limits.min_days) for part in (slow, fast)):
        return None
    is_full = slow.typical < target_bps <= fast.typical and fast.typical >= limits.faster * slow.typical
    return Hint(cause, (slow, fast)) if is_full and is_surely_slower(slow, fast, limits) else None


def _of_same_computers(some: Sequence[Fact], others: Sequence[Fact]) -> tuple[list[Fact], list[Fact]]:
    """Return the tests of computers that are in both groups: else two computers are compared, not two hours."""
    both = {fact.device for fact in some} & {fact.device for fact in others}
    return [fact for fact in some if fact.device in both], [fact for fact in others if fact.device in both]


def _off_hours(facts: Sequence[Fact]) -> list[Fact]:
    """Return the tests outside class hours that are of one kind with those that count.

    They were sent from a network from which tests of class hours were sent: a laptop measures another line at home.
    """
    series = series_of(facts)
    networks = {fact.network for fact in voting(facts)}
    return [
        fact
        for fact in facts
        if fact.is_in_class is False
        and fact.download_bps is not None
        and (fact.engine, fact.server_id) == series
        and fact.network in networks
        and not fact.is_vpn
        and not _is_too_short(fact)
    ]


def _is_too_short(fact: Fact) -> bool:
    steady_s = fact.download_steady_s
    return fact.download_stop_reason != _PRECISE and steady_s is not None and steady_s < MIN_STEADY_S


def split_by_queue(facts: Iterable[Fact], limits: Limits = LIMITS) -> tuple[list[Fact], list[Fact]]:
    """Return the tests that began on a quiet line and those that began on a busy one; the others are neither.

    Quiet and busy are against the shortest round trip of the same computer to the same server by the same method.
    """
    shortest: dict[tuple[str, str | None, str | None], float] = {}
    known = [fact for fact in facts if _is_told(fact, limits)]
    for fact in known:
        place = (fact.device, fact.server_id, fact.idle_method)
        floor = fact.idle_rtt_min_ms if fact.idle_rtt_min_ms is not None else fact.idle_rtt_ms
        shortest[place] = min(shortest.get(place, float("inf")), floor or 0.0)
    quiet, busy = [], []
    for fact in known:
        floor = shortest[fact.device, fact.server_id, fact.idle_method]
        rtt = fact.idle_rtt_ms or 0.0
        if rtt >= limits.busy_factor * floor and rtt >= floor + limits.busy_ms:
            busy.append(fact)
        elif rtt <= max(limits.quiet_factor * floor, floor + limits.quiet_ms):
            quiet.append(fact)
    return quiet, busy


def _is_told(fact: Fact, limits: Limits) -> bool:
    """Return whether a queue before the test was one of the line, not of the school's own network."""
    if fact.idle_rtt_ms is None or fact.idle_method is None:
        return False
    if fact.gateway_rtt_ms is not None:
        return fact.gateway_rtt_ms < limits.router_ms
    return fact.medium == ETHERNET


def provider(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that by cable, at every hour, less arrives than is paid for.

    What the school itself may have caused is left out: Wi-Fi, slow ports, computers that could not keep up, tests that
    were cut short or began on a busy line. Every time of the day that was seen must be slow, the quiet ones too.
    """
    contract_bps = site.contract_bps
    if not contract_bps:
        return None
    known = [*voting(facts), *_off_hours(facts)]
    busy = {fact.key for fact in split_by_queue(known, limits)[1]}
    tests = [fact for fact in known if fact.key not in busy and _shows_contract(fact, contract_bps, limits)]
    if not is_enough(tests, limits.contract_tests, limits.contract_days):
        return None
    times = [part for part in _times(tests, limits) if len(part.facts) >= limits.hour_tests]
    everything = speeds(BY_CABLE, tests)
    if everything is None or len({part.name for part in times} & set(HOURS)) < 2:
        return None
    is_slow = all(part.typical < limits.contract_kept * contract_bps for part in (everything, *times))
    return Hint(Cause.PROVIDER, (everything, *times)) if is_slow else None


def _shows_contract(fact: Fact, contract_bps: int, limits: Limits) -> bool:
    return (
        fact.medium == ETHERNET
        and fact.link_bps is not None
        and fact.link_bps >= limits.contract_room * contract_bps
        and not fact.download_lower_bound
        and not fact.is_client_limited
        and not fact.is_router_slower
    )


def _times(tests: Sequence[Fact], limits: Limits) -> list[Part]:
    groups = {
        MORNING: [fact for fact in tests if fact.is_in_class and fact.hour < _NOON],
        AFTERNOON: [fact for fact in tests if fact.is_in_class and fact.hour >= _NOON],
        OFF_HOURS: [fact for fact in tests if not fact.is_in_class],
        QUIET: split_by_queue(tests, limits)[0],
    }
    return [part for part in (speeds(name, found) for name, found in groups.items()) if part is not None]
