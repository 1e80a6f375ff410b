"""What the kernel knows of a TCP connection: TCP_INFO and BBR's state on Linux, None elsewhere.

`read` is one system call and may be called every few milliseconds. Times are microseconds, sizes bytes, rates bytes/s,
as the kernel gives them. Layout: `struct tcp_info` of include/uapi/linux/tcp.h; older kernels return a shorter
structure, whose missing members are None; newer ones a longer one, whose new members are not read.
"""

import socket
import struct
import sys
from dataclasses import dataclass

_IS_LINUX = sys.platform == "linux"
_TCP_CC_INFO = 26  # include/uapi/linux/tcp.h; not in the socket module
_TCP_NOTSENT_LOWAT = 25
_TCP_INFO_BYTES = 232

# Name, struct code, offset. The first eight bytes are single octets and bit fields.
_MEMBERS: tuple[tuple[str, str, int], ...] = (
    ("snd_mss", "=I", 16),
    ("rcv_mss", "=I", 20),
    ("unacked", "=I", 24),
    ("lost", "=I", 32),
    ("rtt_us", "=I", 68),
    ("rtt_var_us", "=I", 72),
    ("snd_cwnd", "=I", 80),
    ("rcv_rtt_us", "=I", 92),
    ("rcv_space", "=I", 96),
    ("total_retrans", "=I", 100),
    ("pacing_rate", "=Q", 104),
    ("bytes_acked", "=Q", 120),
    ("bytes_received", "=Q", 128),
    ("segs_out", "=I", 136),
    ("segs_in", "=I", 140),
    ("notsent_bytes", "=I", 144),
    ("min_rtt_us", "=I", 148),
    ("data_segs_in", "=I", 152),
    ("delivery_rate", "=Q", 160),
    ("busy_time_us", "=Q", 168),
    ("rwnd_limited_us", "=Q", 176),
    ("sndbuf_limited_us", "=Q", 184),
    ("delivered", "=I", 192),
    ("bytes_sent", "=Q", 200),
    ("bytes_retrans", "=Q", 208),
    ("rcv_ooopack", "=I", 224),
)
_READERS = tuple((name, struct.Struct(code), offset) for name, code, offset in _MEMBERS)


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """One reading of TCP_INFO; None = this kernel does not give it."""

    state: int
    is_app_limited: bool  # the last delivery rate was limited by the sender's program, not by the path
    snd_mss: int | None = None
    rcv_mss: int | None = None  # the payload of the peer's full segments, as seen
    unacked: int | None = None  # segments
    lost: int | None = None  # segments
    rtt_us: int | None = None
    rtt_var_us: int | None = None
    snd_cwnd: int | None = None  # segments
    rcv_rtt_us: int | None = None
    rcv_space: int | None = None
    total_retrans: int | None = None  # segments
    pacing_rate: int | None = None  # bytes/s
    bytes_acked: int | None = None
    bytes_received: int | None = None
    segs_out: int | None = None
    segs_in: int | None = None
    notsent_bytes: int | None = None
    min_rtt_us: int | None = None
    data_segs_in: int | None = None  # those behind a hole included
    delivery_rate: int | None = None  # bytes/s
    busy_time_us: int | None = None
    rwnd_limited_us: int | None = None
    sndbuf_limited_us: int | None = None
    delivered: int | None = None  # segments
    bytes_sent: int | None = None  # retransmissions included
    bytes_retrans: int | None = None
    rcv_ooopack: int | None = None  # segments that came behind a hole


@dataclass(frozen=True, slots=True)
class BbrInfo:
    """BBR's model of the path."""

    bandwidth: int  # bytes/s, the maximum of the last ten round trips
    min_rtt_us: int
    pacing_gain: int  # 256 = 1.0
    cwnd_gain: int  # 256 = 1.0


def read(sock: socket.socket) -> TcpInfo | None:
    """Return the kernel's account of the connection, or None where there is none (not Linux, closed socket)."""
    if not _IS_LINUX:
        return None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except OSError:
        return None
    return decode(raw)


def decode(raw: bytes) -> TcpInfo | None:
    """Return the members of a `struct tcp_info` of any length; None if it is too short to be one."""
    if len(raw) < 8:
        return None
    values = {
        name: reader.unpack_from(raw, offset)[0]
        for name, reader, offset in _READERS
        if offset + reader.size <= len(raw)
    }
    if values.get("min_rtt_us") == 0xFFFFFFFF:  # the kernel's "not measured yet"
        values["min_rtt_us"] = None
    return TcpInfo(state=raw[0], is_app_limited=bool(raw[7] & 1), **values)


def read_bbr(sock: socket.socket) -> BbrInfo | None:
    """Return BBR's state of the connection, or None if another algorithm carries it."""
    if congestion_control(sock) != "bbr":
        return None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, _TCP_CC_INFO, 20)
    except OSError:
        return None
    if len(raw) < 20:
        return None
    low, high, min_rtt_us, pacing_gain, cwnd_gain = struct.unpack("=5I", raw)
    return BbrInfo(high << 32 | low, min_rtt_us, pacing_gain, cwnd_gain)


def congestion_control(sock: socket.socket) -> str | None:
    """Return the name of the algorithm that carries the connection ("cubic", "bbr"), or None where unknown.

    Windows does not tell it: "windows" stands for that system's own choice (CUBIC since Windows 10 1709).
    """
    if not _IS_LINUX:
        return "windows" if sys.platform == "win32" else None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    except OSError:
        return None
    return raw.split(b"\0", 1)[0].decode("ascii", "replace") or None


def set_congestion_control(sock: socket.socket, name: str) -> str | None:
    """Ask the kernel for an algorithm; return what the connection has afterwards (None where unknown).

    The kernel refuses names that are not loaded, or not in net.ipv4.tcp_allowed_congestion_control for unprivileged
    programs: the caller looks at what came back.
    """
    if _IS_LINUX:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode("ascii"))
        except (OSError, UnicodeEncodeError):
            return congestion_control(sock)
    return congestion_control(sock)


def set_notsent_lowat(sock: socket.socket, size_bytes: int) -> bool:
    """Keep at most about `size_bytes` unsent in the kernel, so that what is written now leaves soon.

    Returns:
        Whether the kernel knows the option; without it megabytes may lie between `send` and the line.
    """
    if not _IS_LINUX:
        return False
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, size_bytes)
    except OSError:
        return False
    return True
