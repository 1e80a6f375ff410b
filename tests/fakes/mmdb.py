"""A tiny MMDB file with networks of a test's own (MaxMind DB file format specification 2.0)."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR_BYTES = 16


def _control(kind: int, size: int) -> bytes:
    extended = bytes([kind - 7]) if kind > 7 else b""
    top = 0 if kind > 7 else kind << 5
    if size < 29:
        return bytes([top | size]) + extended
    return bytes([top | 29]) + extended + bytes([size - 29])


def _encoded(value: Any) -> bytes:
    match value:
        case str():
            text = value.encode()
            return _control(2, len(text)) + text
        case int():
            number = value.to_bytes((value.bit_length() + 7) // 8, "big")
            return _control(6 if value < 1 << 32 else 9, len(number)) + number
        case list():
            return _control(11, len(value)) + b"".join(map(_encoded, value))
    return _control(7, len(value)) + b"".join(_encoded(key) + _encoded(one) for key, one in value.items())


def write(path: Path, networks: Mapping[str, tuple[int, str]], kind: str = "Test-ASN") -> Path:
    """Write a file that knows these networks, such as {"203.0.113.0/24": (64496, "Onda Sur")}; return its path."""
    data = b""
    nodes: list[list[int | None]] = [[None, None]]  # each record: a node, -1 - offset of data, or nothing
    for prefix, (number, name) in networks.items():
        offset = len(data)
        data += _encoded({"autonomous_system_number": number, "autonomous_system_organization": name})
        network = ipaddress.ip_network(prefix)
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        bits = "0" * 96 + bits if network.version == 4 else bits
        at = 0
        for bit in bits[:-1]:
            below = nodes[at][int(bit)]
            if below is None:
                nodes.append([None, None])
                below = nodes[at][int(bit)] = len(nodes) - 1
            at = below
        nodes[at][int(bits[-1])] = -1 - offset
    count = len(nodes)

    def record(value: int | None) -> bytes:
        found = count if value is None else value if value >= 0 else count + _SEPARATOR_BYTES - 1 - value
        return found.to_bytes(3, "big")

    tree = b"".join(record(left) + record(right) for left, right in nodes)
    told = {
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1_795_525_509,
        "database_type": kind, "description": {"en": "of a test"}, "ip_version": 6, "languages": ["en"],
        "node_count": count, "record_size": 24,
    }  # fmt: skip
    path.write_bytes(tree + bytes(_SEPARATOR_BYTES) + data + _MARKER + _encoded(told))
    return path
