"""All hints about a school at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from collector.domain.diagnosis import distance, line, local
from collector.domain.diagnosis.facts import LIMITS, Cause, Fact, Hint, Limits, Site

Rule = Callable[[Sequence[Fact], Site, Limits], Hint | None]

RULES: Final[Mapping[Cause, Rule]] = {
    Cause.WIFI_SLOWER: local.wifi_slower,
    Cause.WIFI_WEAK: local.wifi_weak,
    Cause.PORT: local.port,
    Cause.FULL_IN_CLASS: line.full_in_class,
    Cause.FULL_WHEN_BUSY: line.full_when_busy,
    Cause.PROVIDER: line.provider,
    Cause.FARTHER_SERVER: distance.farther_server,
    Cause.SERVER_FAR: distance.server_far,
    Cause.DELAY: distance.delay,
}


def examine(facts: Sequence[Fact], site: Site, limits: Limits = LIMITS) -> list[Hint]:
    """Return every hint that the tests support, in the order of `Cause`; silence where they cannot tell."""
    found = {cause: rule(facts, site, limits) for cause, rule in RULES.items()}
    if found[Cause.FARTHER_SERVER] is not None:
        found[Cause.SERVER_FAR] = None  # the same with less to show for it
    return [hint for hint in found.values() if hint is not None]
