"""Rate and signal of a Wi-Fi interface from Windows' own service (wlanapi.h); no name of a network is kept.

From Windows 11 24H2 on the service tells nothing to programs that may not know the place: then nothing is known.
"""

import ctypes
import struct
from dataclasses import dataclass
from typing import Any

_CLIENT_VERSION = 2
_CURRENT_CONNECTION, _RSSI = 7, 0x10000102  # WLAN_INTF_OPCODE
# WLAN_CONNECTION_ATTRIBUTES: state, mode, profile name (512 bytes), then WLAN_ASSOCIATION_ATTRIBUTES: SSID (36), BSS
# type, BSSID (6, padded to 8), PHY type and index, and these three.
_QUALITY_AND_RATES = struct.Struct("<3I")  # quality in %, receiving and sending rate in kbit/s
_AT = 576
_CONNECTED = 1  # wlan_interface_state_connected


@dataclass(frozen=True)
class Radio:
    """How well the radio link goes."""

    rate_bps: int | None  # with which this computer sends
    signal_dbm: float | None


def radio_in(attributes: bytes, rssi: bytes = b"") -> Radio | None:
    """Return what WLAN_CONNECTION_ATTRIBUTES and the answer to the RSSI question say; None = not connected.

    Without an RSSI the quality stands for it: 0 % is -100 dBm, 100 % is -50 dBm (wlanapi.h).
    """
    if len(attributes) < _AT + _QUALITY_AND_RATES.size or struct.unpack_from("<I", attributes)[0] != _CONNECTED:
        return None
    quality, receive_kbps, send_kbps = _QUALITY_AND_RATES.unpack_from(attributes, _AT)
    signal_dbm = struct.unpack_from("<i", rssi)[0] if len(rssi) >= 4 else None
    if signal_dbm is None or not -150 <= signal_dbm < 0:
        signal_dbm = quality / 2 - 100 if quality <= 100 else None
    # What came last to an idle radio is a beacon, at the slowest rate that there is; nothing here tells it from data.
    rates = [rate for rate in (send_kbps, receive_kbps) if 0 < rate < 100_000_000]
    return Radio(rates[0] * 1_000 if rates else None, None if signal_dbm is None else float(signal_dbm))


def ask(library: Any, guid: bytes) -> Radio | None:
    """Return what the service says of an interface; None = nothing, or no such service.

    Args:
        library: wlanapi.dll; None elsewhere.
        guid: Of the interface, as in MIB_IF_ROW2.
    """
    if library is None or len(guid) != 16:
        return None
    handle, version = ctypes.c_void_p(), ctypes.c_uint32()
    if library.WlanOpenHandle(_CLIENT_VERSION, None, ctypes.byref(version), ctypes.byref(handle)):
        return None
    try:
        return radio_in(_query(library, handle, guid, _CURRENT_CONNECTION), _query(library, handle, guid, _RSSI))
    finally:
        library.WlanCloseHandle(handle, None)


def _query(library: Any, handle: ctypes.c_void_p, guid: bytes, code: int) -> bytes:
    size, data = ctypes.c_uint32(), ctypes.c_void_p()
    if library.WlanQueryInterface(handle, guid, code, None, ctypes.byref(size), ctypes.byref(data), None):
        return b""
    try:
        return ctypes.string_at(data, size.value)
    finally:
        library.WlanFreeMemory(data)
