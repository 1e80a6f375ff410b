"""What of an address counts as one customer, and what of it may be told to others."""

import ipaddress

_CUSTOMER_PREFIX = {4: 32, 6: 64}  # a line of IPv6 has a /64 at least, and may use any address in it
_TOLD_PREFIX = {4: 24, 6: 48}  # names a provider's region, not a school


def _network(address: str, prefixes: dict[int, int]) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, prefixes[parsed.version]), strict=False))


def customer_of(address: str) -> str:
    """Return what caps are counted for: an IPv4 address, or the /64 of an IPv6 address, as a network."""
    return _network(address, _CUSTOMER_PREFIX)


def told_of(address: str) -> str:
    """Return what a receipt says of an address: its /24 (IPv4) or /48 (IPv6)."""
    return _network(address, _TOLD_PREFIX)


def family_of(network: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in network else 4
