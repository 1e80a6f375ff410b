"""Rate and signal of a Wi-Fi link by nl80211 (linux/nl80211.h), for kernels without the old wireless calls.

Anybody may ask; of the answer only three numbers are looked at, never an address or a name.
"""

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

_GENERIC, _CONTROLLER = 16, 16  # NETLINK_GENERIC, GENL_ID_CTRL
_REQUEST, _DUMP = 0x1, 0x300  # NLM_F_REQUEST, NLM_F_DUMP
_ERROR, _DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2  # CTRL_CMD_GETFAMILY, CTRL_ATTR_*
_GET_STATION, _IFINDEX, _STATION = 17, 3, 21  # NL80211_CMD_GET_STATION, NL80211_ATTR_IFINDEX, _STA_INFO
_SIGNAL, _SEND_RATE, _RECEIVE_RATE = 7, 8, 14  # NL80211_STA_INFO_*
_RATE16, _RATE32 = 1, 5  # NL80211_RATE_INFO_*, units of 100 kbit/s
# NL80211_RATE_INFO_*MCS of 802.11n, ac, ax and be: the frame was of data. Beacons and frames that only say that a
# computer sleeps or is still there go at one of the old, slow rates; an idle radio hears and sends little else.
_OF_DATA = {2, 6, 13, 19}
_NESTED = 0x3FFF  # NLA_TYPE_MASK
_LIMIT_S = 1.0
_MOST_ANSWERS = 64
_HEAD = struct.Struct("=IHHII")


@dataclass(frozen=True)
class Radio:
    """How well the radio link goes; None = the driver does not say."""

    rate_bps: int | None  # of data, where the driver tells: the slower direction's
    signal_dbm: float | None


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of netlink attributes; ends at what is none."""
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4 or at + length > len(data):
            return
        yield kind & _NESTED, data[at + 4 : at + length]
        at += (length + 3) & ~3


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of the netlink messages in one answer."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, kind, _, _, _ = _HEAD.unpack_from(data, at)
        if length < _HEAD.size or at + length > len(data):
            return
        yield kind, data[at + _HEAD.size : at + length]
        at += (length + 3) & ~3


def radio_in(station: bytes) -> Radio:
    """Return what the attributes of NL80211_ATTR_STA_INFO say."""
    told = dict(attributes(station))
    signal_dbm = float(struct.unpack("=b", told[_SIGNAL])[0]) if len(told.get(_SIGNAL, b"")) == 1 else None
    is_signal = signal_dbm is not None and -150 <= signal_dbm < 0
    sent, received = (_rate_in(told.get(kind, b"")) for kind in (_SEND_RATE, _RECEIVE_RATE))
    return Radio(_rate_of_data(sent, received), signal_dbm if is_signal else None)


@dataclass(frozen=True)
class _Rate:
    """Of the last frame of one direction."""

    bps: int
    is_of_data: bool


def _rate_of_data(sent: _Rate | None, received: _Rate | None) -> int | None:
    """Return the slower one of those that are of data; where neither shows that, what is sent with.

    The driver chooses with which rate it sends, and tells that also when nothing moves. What was received last tells
    nothing by itself: with an old rate it may be a beacon, on old networks as on new ones.
    """
    of_data = [rate.bps for rate in (sent, received) if rate and rate.is_of_data]
    return min(of_data) if of_data else sent.bps if sent else None


def _rate_in(nested: bytes) -> _Rate | None:
    told = dict(attributes(nested))
    for kind, form in ((_RATE32, "=I"), (_RATE16, "=H")):
        if len(told.get(kind, b"")) == struct.calcsize(form):
            bps = int(struct.unpack(form, told[kind])[0]) * 100_000
            return _Rate(bps, not _OF_DATA.isdisjoint(told)) if bps else None
    return None


def request(family: int, command: int, attribute: int, content: bytes, flags: int) -> bytes:
    """Return a generic netlink request with one attribute."""
    size = 4 + len(content)
    body = struct.pack("=BBHHH", command, 1, 0, size, attribute) + content.ljust((len(content) + 3) & ~3, b"\0")
    return _HEAD.pack(_HEAD.size + len(body), family, flags, 1, 0) + body


def ask(device: str) -> Radio | None:
    """Return what the kernel says of the access point that an interface is joined to; None = nothing."""
    if sys.platform != "linux":
        return None
    with contextlib.suppress(OSError, ValueError), _opened() as sock:
        sock.send(request(_CONTROLLER, _GET_FAMILY, _FAMILY_NAME, b"nl80211\0", _REQUEST))
        family = next((_family_in(content) for _, content in _answers(sock, once=True)), None)
        if family is None:
            return None
        index = struct.pack("=I", socket.if_nametoindex(device))
        sock.send(request(family, _GET_STATION, _IFINDEX, index, _REQUEST | _DUMP))
        for _, content in _answers(sock):
            station = dict(attributes(content[4:])).get(_STATION)
            if station:
                return radio_in(station)
    return None


def _opened() -> socket.socket:
    sock = socket.socket(getattr(socket, "AF_NETLINK", 16), socket.SOCK_RAW, _GENERIC)
    sock.settimeout(_LIMIT_S)
    return sock


def _family_in(content: bytes) -> int | None:
    told = dict(attributes(content[4:])).get(_FAMILY_ID, b"")
    return int(struct.unpack("=H", told)[0]) if len(told) == 2 else None


def _answers(sock: socket.socket, *, once: bool = False) -> Iterator[tuple[int, bytes]]:
    for _ in range(_MOST_ANSWERS):
        for kind, content in messages(sock.recv(65_536)):
            if kind in (_ERROR, _DONE):
                return
            yield kind, content
        if once:
            return
