"""The network that a school is seen on against the provider that is paid; pure.

A network is an autonomous system: its number tells whose line carries the school, whatever the address.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from collector.domain.conditions import DayState

LEARNT_SCHOOLS: Final = 3  # of a provider on one network, before that is taken for the provider's own
LEARNT_SHARE: Final = 0.5  # of the provider's schools whose network is known


@dataclass(frozen=True)
class Own:
    """The networks that are taken for a provider's own."""

    numbers: frozenset[int] = frozenset()
    is_declared: bool = False  # a person said so; else learnt from where its schools are seen

    @property
    def is_known(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self.numbers)


def own_networks(declared: Collection[int], seen: Mapping[int, int], schools: int) -> Own:
    """Return what counts as a provider's own networks: what people declared, else what most of its schools are on.

    Args:
        declared: Numbers that people gave to the provider.
        seen: How many of its schools were seen on each network.
        schools: How many of its schools were seen on any.
    """
    if declared:
        return Own(frozenset(declared), is_declared=True)
    most = {number for number, count in seen.items() if count >= LEARNT_SCHOOLS and count >= LEARNT_SHARE * schools}
    return Own(frozenset(most))


def observe(seen: Mapping[int, str], own: Own) -> tuple[DayState, dict[str, Any]]:
    """Return what a school day says for the flag `other_network`, with its numbers.

    Bad only where every network of the day is another than the provider's: a line that changes between two of them,
    or between the provider's and another, is no other provider's.

    Args:
        seen: Names of the networks on which the school was seen in school hours, by number.
        own: The provider's.
    """
    named = [f"AS{number} {seen[number]}".rstrip() for number in sorted(seen)]
    numbers = {"seen": ", ".join(named), "numbers": sorted(seen), "own": sorted(own.numbers)}
    if not seen or not own.is_known:
        return DayState.UNKNOWN, numbers
    return (DayState.GOOD if own.numbers & seen.keys() else DayState.BAD), numbers


def is_elsewhere(last: Collection[int], known: Collection[int]) -> bool:
    """Return whether a PC was seen last on networks that are none of its school's.

    Where nothing is known of the school, nothing is said of the PC. A line that flaps between two networks has both
    among the known ones.

    Args:
        last: On which the PC was seen on its last day.
        known: The provider's own, those of the school's other PCs, and its own of earlier days in school hours.
    """
    return bool(last) and bool(known) and not set(last) & set(known)
