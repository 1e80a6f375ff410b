"""The JSON that an ndt7 server sends about a test under way (protocol 0.11; names as at Measurement Lab)."""

from typing import Any

import msgspec

from agent.net import tcpinfo
from agent.net.tcpinfo import TcpInfo
from collector.testpoint.exchange import Link

# ndt7's name, ours. A member that this kernel does not give is left out.
TCP_INFO_NAMES = (
    ("BusyTime", "busy_time_us"),
    ("BytesAcked", "bytes_acked"),
    ("BytesReceived", "bytes_received"),
    ("BytesSent", "bytes_sent"),
    ("BytesRetrans", "bytes_retrans"),
    ("DataSegsIn", "data_segs_in"),
    ("Delivered", "delivered"),
    ("DeliveryRate", "delivery_rate"),
    ("MinRTT", "min_rtt_us"),
    ("RTT", "rtt_us"),
    ("RTTVar", "rtt_var_us"),
    ("RWndLimited", "rwnd_limited_us"),
    ("RcvMSS", "rcv_mss"),
    ("RcvOooPack", "rcv_ooopack"),
    ("SndMSS", "snd_mss"),
    ("SndBufLimited", "sndbuf_limited_us"),
    ("NotsentBytes", "notsent_bytes"),
)


class Measurer:
    """Reads the kernel's account of one connection and puts it into words."""

    def __init__(self, test: str, link: Link) -> None:
        """Make the measurer of a "download" or "upload"."""
        self._test = test
        self._link = link
        self._has_begun = False

    def measure(self, elapsed_us: int, app_bytes: int, *, is_last: bool = False) -> bytes:
        """Return one measurement as JSON.

        Args:
            elapsed_us: Since the end of the handshake.
            app_bytes: Payload of binary messages so far.
            is_last: Whether the test ends with it.
        """
        body: dict[str, Any] = {
            "Origin": "server",
            "Test": self._test,
            "AppInfo": {"ElapsedTime": elapsed_us, "NumBytes": app_bytes},
        }
        if is_last or not self._has_begun:
            self._has_begun = True
            body["ConnectionInfo"] = self._connection()
        info = tcpinfo.read(self._link.sock)
        if info is not None:
            body["TCPInfo"] = _tcp_info(info, elapsed_us)
        bbr = tcpinfo.read_bbr(self._link.sock)
        if bbr is not None:
            body["BBRInfo"] = {
                "BW": bbr.bandwidth,
                "MinRTT": bbr.min_rtt_us,
                "PacingGain": bbr.pacing_gain,
                "CwndGain": bbr.cwnd_gain,
                "ElapsedTime": elapsed_us,
            }
        return msgspec.json.encode(body)

    def _connection(self) -> dict[str, Any]:
        sock = self._link.sock
        connection: dict[str, Any] = {"Server": _name(sock.getsockname())}
        try:
            connection["Client"] = _name(sock.getpeername())
        except OSError:
            connection["Client"] = self._link.address
        connection["CongestionControl"] = tcpinfo.congestion_control(sock)
        return connection


def _tcp_info(info: TcpInfo, elapsed_us: int) -> dict[str, Any]:
    values: dict[str, Any] = {"ElapsedTime": elapsed_us, "AppLimited": int(info.is_app_limited)}
    for name, ours in TCP_INFO_NAMES:
        value = getattr(info, ours)
        if value is not None:
            values[name] = value
    return values


def _name(address: tuple[Any, ...]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
