"""How reliable the lines of each provider are: how much they were up, and how often and how long they broke."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages import providers as pages_providers
from collector.store.queries.pages.availability import Slots
from collector.store.queries.pages.outages import OfProvider, OutageRow
from collector.store.queries.pages.providers import ProviderFilter
from collector.store.unit import Snapshot
from collector.web.views import remembered
from collector.web.views.figures import median

DAYS: Final = 30  # in which outages are counted
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class Reliability:
    """One provider's."""

    up: float | None = None  # of what was seen of its lines in school hours; None: nobody saw anything
    outages: int = 0  # regional ones that are put down to it
    repair_ms: float | None = None  # how long the middle one of those that are over lasted; None: none is over


def since_ms(now_ms: int) -> int:
    """Return from when on outages are counted."""
    return now_ms - DAYS * _DAY_MS


def seen_slots(snapshot: Snapshot, wanted: ProviderFilter) -> Mapping[str, Slots]:
    """Return what was seen of the lines of each provider's schools in their last school days."""

    def count() -> Mapping[str, Slots]:
        return pages_providers.seen_slots(snapshot, wanted)

    return remembered.of_availability("seen_slots", snapshot, count, wanted)


def by_provider(snapshot: Snapshot, wanted: ProviderFilter, now_ms: int) -> Mapping[str, Reliability]:
    """Return how reliable each provider's lines are; one of whom nothing is known is not in it.

    Args:
        snapshot: What is shown.
        wanted: Which schools.
        now_ms: The moment, UTC milliseconds.
    """
    slots = seen_slots(snapshot, wanted)
    of_provider: dict[str, list[OutageRow]] = {}
    asked = OfProvider(since_ms(now_ms), area=wanted.area, technology=wanted.technology)
    for row in pages_outages.list_of_providers(snapshot, asked):
        of_provider.setdefault(row.provider, []).append(row)
    return {
        name: Reliability(
            up=slots[name].share if name in slots else None,
            outages=len(of_provider.get(name, ())),
            repair_ms=_repair_ms(of_provider.get(name, ())),
        )
        for name in slots.keys() | of_provider.keys()
    }


def _repair_ms(rows: Sequence[OutageRow]) -> float | None:
    ends = [(row.from_ms, row.to_ms or row.closed_ms) for row in rows if not row.is_live]
    return median([end - start for start, end in ends if end is not None])
