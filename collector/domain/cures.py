"""What to do about a school that is below its target, as far as its contract tells. Pure."""

from enum import StrEnum
from typing import Final

from collector.domain.targets import BPS_PER_MBPS

CONTRACT_KEPT: Final = 0.8
"""From this share on a contract counts as kept; a provider that delivers less is asked first."""


class Cure(StrEnum):
    """What to do, by whose turn it is."""

    COMPLAIN = "complain"  # the provider delivers less than is paid for
    BUY = "buy"  # it delivers, and the contract is smaller than the target
    LOOK = "look"  # it delivers what should be enough
    FIND_OUT = "find_out"  # nobody knows what was contracted


def cure_of(median_bps: int | None, target_bps: int | None, contract_mbps: float | None) -> Cure:
    """Return what to do about a school.

    Args:
        median_bps: What it typically gets.
        target_bps: What it needs.
        contract_mbps: What is paid for; None or 0: the registry does not say.
    """
    if median_bps is None or not contract_mbps:
        return Cure.FIND_OUT
    contract_bps = contract_mbps * BPS_PER_MBPS
    if median_bps < CONTRACT_KEPT * contract_bps:
        return Cure.COMPLAIN
    return Cure.BUY if target_bps is not None and contract_bps < target_bps else Cure.LOOK
