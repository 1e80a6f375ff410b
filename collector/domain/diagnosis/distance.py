"""Hints about time rather than speed: a server that is far away, and a line that answers late under load."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from collector.domain.diagnosis.facts import (
    LIMITS,
    Cause,
    Fact,
    Hint,
    Limits,
    Part,
    Site,
    is_enough,
    series_of,
    speeds,
    voting,
)
from collector.domain.words import Technology

FAR, NEAR, LATE, ALL, IDLE = "far", "near", "late", "all", "idle"
# Ways on which a long round trip is the server's distance. A satellite is far by itself, a mobile network slow.
_QUICK_WAYS: Final = frozenset({Technology.FIBRE, Technology.DSL, Technology.CABLE, Technology.RADIO})


def farther_server(facts: Sequence[Fact], _site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that another server, which this school has reached as well, answers much sooner."""
    method = usual_method(fact.idle_method for fact in voting(facts))
    server = series_of(facts)[1]
    if method is None or server is None:
        return None
    by_server: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.server_id is not None and fact.idle_method == method and not fact.is_vpn:
            by_server.setdefault(fact.server_id, []).append(fact)
    parts = {name: _shortest(FAR if name == server else NEAR, found) for name, found in by_server.items()}
    far = parts.pop(server, None)
    others = [part for part in parts.values() if part is not None and _is_enough(part, limits)]
    near = min(others, key=lambda part: part.typical, default=None)
    if far is None or near is None or not _is_enough(far, limits):
        return None
    is_farther = far.typical >= limits.farther_factor * near.typical and far.typical - near.typical >= limits.farther_ms
    return Hint(Cause.FARTHER_SERVER, (far, near)) if is_farther else None


def server_far(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that the server is far: the shortest round trips are long, and the school's own network is quick.

    Silent where the technology is one that is slow by itself, or is not known.
    """
    tests = voting(facts)
    method = usual_method(fact.idle_method for fact in tests)
    if site.technology not in _QUICK_WAYS or method is None:
        return None
    known = [fact for fact in tests if fact.idle_method == method and _is_router_quick(fact, limits)]
    far = _shortest(FAR, known)
    if far is None or not _is_enough(far, limits) or far.typical < limits.far_ms:
        return None
    return Hint(Cause.SERVER_FAR, (far,))


def _is_router_quick(fact: Fact, limits: Limits) -> bool:
    return fact.gateway_rtt_ms is not None and fact.gateway_rtt_ms < limits.router_ms


def _shortest(name: str, facts: Iterable[Fact]) -> Part | None:
    found = tuple(fact for fact in facts if fact.idle_rtt_min_ms is not None)
    values = [fact.idle_rtt_min_ms for fact in found if fact.idle_rtt_min_ms is not None]
    return Part(name, found, median(values)) if values else None


def _is_enough(part: Part, limits: Limits) -> bool:
    return is_enough(part.facts, limits.min_tests, limits.min_days)


def delay(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> Hint | None:
    """Return the hint that the speed is enough, and what is asked for while the line is loaded comes late."""
    tests = voting(facts)
    typical = speeds(ALL, tests)
    method = usual_method(fact.loaded_method for fact in tests)
    if typical is None or method is None or site.target_bps is None or typical.typical < site.target_bps:
        return None
    known = [fact for fact in tests if fact.loaded_method == method and loaded_ms(fact) is not None]
    late = [fact for fact in known if _is_late(fact, limits)]
    if not is_enough(late, limits.min_tests, limits.min_days) or len(late) < limits.part * len(known):
        return None
    loaded = [found for fact in late if (found := loaded_ms(fact)) is not None]
    idle = [fact.idle_rtt_ms for fact in late if fact.idle_rtt_ms is not None]
    parts = (
        Part(LATE, tuple(late), median(loaded)),
        Part(IDLE, tuple(late), median(idle)),
        Part(ALL, tuple(known), median(found for fact in known if (found := loaded_ms(fact)) is not None)),
    )
    return Hint(Cause.DELAY, parts)


def _is_late(fact: Fact, limits: Limits) -> bool:
    loaded, idle = loaded_ms(fact), fact.idle_rtt_ms
    if loaded is None or idle is None or fact.idle_method != fact.loaded_method:
        return False
    return loaded - idle >= limits.late_ms and loaded >= limits.late_factor * idle


def loaded_ms(fact: Fact) -> float | None:
    """Return the round trip under load, of the worse direction; None where it was not measured."""
    found = [ms for ms in (fact.loaded_download_rtt_ms, fact.loaded_upload_rtt_ms) if ms is not None]
    return max(found, default=None)


def usual_method(methods: Iterable[str | None]) -> str | None:
    """Return the method of most tests: latencies by different methods are never compared."""
    counts: dict[str, int] = {}
    for method in methods:
        if method is not None:
            counts[method] = counts.get(method, 0) + 1
    return max(counts, key=lambda method: (counts[method], method), default=None)
