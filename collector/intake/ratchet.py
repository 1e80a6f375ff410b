"""A counter that tells a computer that restores itself from one whose answer got lost (CONTRACTS 2)."""

from dataclasses import dataclass

from agent.wire import headers


@dataclass(frozen=True)
class Ratchet:
    """Where the counter of a device stands."""

    issued: int  # handed out last
    confirmed: int  # the highest that came back


@dataclass(frozen=True)
class Turned:
    """Where it stands after a committed batch."""

    ratchet: Ratchet
    is_rolled_back: bool  # the device presented what it had long before


def turn(ratchet: Ratchet, presented: str) -> Turned:
    """Return the counter after one more batch.

    Presenting less than was handed out is normal, because answers get lost; less than was once presented is not.

    Args:
        ratchet: Where it stood.
        presented: A well-formed header value: decimal, or `-`.
    """
    issued = ratchet.issued + 1
    if presented == headers.NO_RATCHET:
        return Turned(Ratchet(issued, ratchet.confirmed), is_rolled_back=ratchet.issued > 0)
    value = int(presented)
    if ratchet.confirmed <= value <= ratchet.issued:
        return Turned(Ratchet(issued, value), is_rolled_back=False)
    return Turned(Ratchet(issued, ratchet.confirmed), is_rolled_back=True)
