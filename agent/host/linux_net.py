"""What Linux says about the way out: default route, medium, speed, signal. Reads only; sends nothing."""

import ipaddress
import struct
import sys
from pathlib import Path

from agent.host.linux_files import lines, number, text
from agent.ports import Octets, WayOut
from agent.wire import limits
from agent.wire.vocabulary import Medium

_UP = 0x1
_HALF = "00000080"  # 128.0.0.0: VPN clients lay two halves over the default route
_ETHERNET, _RAW_IP, _NONE = 1, 519, 65534  # ARPHRD_*, linux/if_arp.h
_CELLULAR_DRIVERS = {"cdc_mbim", "qmi_wwan", "cdc_ncm_wwan", "iosm", "mhi_net"}
_SIOCGIWRATE = 0x8B21  # linux/wireless.h
_NETS = "sys/class/net"


def default_device(root: Path) -> str | None:
    """Return the interface of the default route, IPv4 before IPv6; None = there is none."""
    found = _route4(root)
    if found is not None:
        return found[0]
    found = _route6(root)
    return None if found is None else found[0]


def way_out(root: Path) -> WayOut:
    """Return link, default route and gateway; a route is unknown where the kernel's tables cannot be read."""
    found = [one for one in (_route4(root), _route6(root)) if one is not None]
    is_told = bool(lines(root / "proc/net/route") or lines(root / "proc/net/ipv6_route"))
    return WayOut(
        has_link=_has_link(root),
        has_route=bool(found) if is_told else None,
        gateway=next((gateway for _, gateway in found if gateway is not None), None),
    )


def _has_link(root: Path) -> bool | None:
    """Return whether any port or radio has a live other end; of a computer without real ones, any interface."""
    nets = root / _NETS
    names = sorted(one.name for one in nets.iterdir() if one.name != "lo") if nets.is_dir() else []
    if not names and not nets.is_dir():
        return None
    real = [name for name in names if (nets / name / "device").exists()] or names
    return any(text(nets / name / "carrier") == "1" for name in real)


def _route4(root: Path) -> tuple[str, str | None] | None:
    best: tuple[tuple[int, int], str, str | None] | None = None
    for line in lines(root / "proc/net/route")[1:]:
        parts = line.split()
        if len(parts) < 8 or parts[1] != "00000000" or parts[7] not in ("00000000", _HALF):
            continue
        if not int(parts[3], 16) & _UP:
            continue
        rank = (0 if parts[7] == _HALF else 1, int(parts[6]))  # the more specific one, then the lower metric
        address = ipaddress.IPv4Address(struct.pack("=I", int(parts[2], 16)))
        if best is None or rank < best[0]:
            best = rank, parts[0], None if address.is_unspecified else str(address)
    return None if best is None else best[1:]


def _route6(root: Path) -> tuple[str, str | None] | None:
    best: tuple[int, str, str | None] | None = None
    for line in lines(root / "proc/net/ipv6_route"):
        parts = line.split()
        if len(parts) < 10 or parts[0] != "0" * 32 or parts[1] != "00" or parts[9] == "lo":
            continue
        if not int(parts[8], 16) & _UP:
            continue
        metric, address = int(parts[5], 16), ipaddress.IPv6Address(bytes.fromhex(parts[4]))
        if best is None or metric < best[0]:
            named = f"{address}%{parts[9]}" if address.is_link_local else str(address)
            best = metric, parts[9], None if address.is_unspecified else named
    return None if best is None else best[1:]


def physical_device(root: Path, device: str | None) -> str | None:
    """Return the interface under a bridge, bond or VLAN; the same one where there is nothing under it."""
    for _ in range(4):
        if device is None:
            return None
        place = root / _NETS / device
        below = sorted(one.name.removeprefix("lower_") for one in place.glob("lower_*"))
        below = [name for name in below if (root / _NETS / name / "device").exists()] or below
        below = [name for name in below if text(root / _NETS / name / "carrier") == "1"] or below
        if not below:
            return device
        device = below[0]
    return device


def medium(root: Path, device: str | None) -> Medium | None:
    """Return what the computer is connected by; None = no default route.

    Args:
        root: Where /sys lies.
        device: Of the default route. A tunnel is a VPN, whatever it runs over.
    """
    if device is None:
        return None
    place = root / _NETS / device
    told = text(place / "uevent")
    if (place / "tun_flags").exists() or "DEVTYPE=wireguard" in told:
        return Medium.VPN
    place = root / _NETS / (physical_device(root, device) or device)
    kind, told = number(place / "type"), text(place / "uevent")
    driver = (place / "device/driver").resolve().name if (place / "device/driver").exists() else ""
    if (place / "wireless").exists() or (place / "phy80211").exists() or "DEVTYPE=wlan" in told:
        return Medium.WIFI
    if "DEVTYPE=wwan" in told or kind == _RAW_IP or driver in _CELLULAR_DRIVERS:
        return Medium.CELLULAR
    if kind == _NONE:
        return Medium.VPN
    return Medium.ETHERNET if kind == _ETHERNET else Medium.UNKNOWN


def link_bps(root: Path, device: str | None, kind: Medium | None) -> int | None:
    """Return the speed of the port or of the radio link, bit/s; None = unknown, as with virtual ports."""
    if device is None:
        return None
    if kind is Medium.WIFI:
        return _wifi_rate_bps(device) if root == Path("/") else None
    speed_mbps = number(root / _NETS / device / "speed")
    return speed_mbps * 1_000_000 if speed_mbps is not None and 0 < speed_mbps < limits.BPS // 1_000_000 else None


def signal_dbm(root: Path, device: str | None) -> float | None:
    """Return the level of the radio signal; None = unknown."""
    for line in lines(root / "proc/net/wireless"):
        name, _, rest = line.strip().partition(":")
        parts = rest.split()
        if name != device or len(parts) < 3:
            continue
        try:
            level = float(parts[2])
        except ValueError:
            return None
        level = level - 256 if level > 63 else level  # old drivers count it as an unsigned byte
        low, high = limits.SIGNAL_DBM
        return level if low <= level < 0 <= high else None
    return None


def octets(root: Path, device: str | None) -> Octets | None:
    """Return the bytes that an interface has moved; None = unknown."""
    place = root / _NETS / (device or "-") / "statistics"
    received, sent = number(place / "rx_bytes"), number(place / "tx_bytes")
    if received is not None and sent is not None:
        return Octets(received, sent)
    for line in lines(root / "proc/net/dev")[2:]:  # where /sys shows another network namespace
        name, _, rest = line.partition(":")
        counters = rest.split()
        if name.strip() == device and len(counters) > 8 and counters[0].isdecimal() and counters[8].isdecimal():
            return Octets(int(counters[0]), int(counters[8]))
    return None


def _wifi_rate_bps(device: str) -> int | None:
    """Return the radio's bit rate by the old wireless call; None where the kernel has it no more."""
    if sys.platform == "win32":
        return None
    import fcntl
    import socket

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            told = fcntl.ioctl(asked.fileno(), _SIOCGIWRATE, struct.pack("16s16x", device.encode()[:15]))
    except (OSError, ValueError):
        return None
    rate_bps = int(struct.unpack_from("=i", told, 16)[0])
    return rate_bps if rate_bps > 0 else None
