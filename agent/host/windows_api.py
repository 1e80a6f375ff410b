"""The few calls into Windows, by ctypes and winreg; imports everywhere, works only there.

Structures and numbers: Microsoft's headers winioctl.h, netioapi.h, ipmib.h, winbase.h. None of the calls needs rights.
"""

import ctypes
import ipaddress
import struct
import sys
from dataclasses import dataclass
from typing import Any

from agent.host import windows_cost, windows_radio
from agent.host.windows_radio import Radio
from agent.ports import Octets

_DEVICE_NUMBER = 0x2D1080  # IOCTL_STORAGE_GET_DEVICE_NUMBER
_QUERY_PROPERTY = 0x2D1400  # IOCTL_STORAGE_QUERY_PROPERTY
_SERIAL_AT = 24  # STORAGE_DEVICE_DESCRIPTOR.SerialNumberOffset
_ROUTE = struct.Struct("<14I")  # MIB_IPFORWARDROW
_TIME_OF_DAY = 3  # SystemTimeOfDayInformation
_NO_HANDLE = 2**64 - 1
_BIG = 4096
_HALF = 0x80  # 128.0.0.0: VPN clients lay two halves over the default route
_LOOPBACK, _HARDWARE, _UP = 24, 1, 1  # IF_TYPE_SOFTWARE_LOOPBACK; MIB_IF_ROW2 flags; IfOperStatusUp


@dataclass(frozen=True)
class Interface:
    """One network interface."""

    kind: int  # IANA type
    link_bps: int
    octets: Octets
    guid: bytes = b""
    description: str = ""  # the driver's name, never the network's


def serial_in(descriptor: bytes) -> str:
    """Return the serial number in a STORAGE_DEVICE_DESCRIPTOR; "" = it has none."""
    if len(descriptor) < _SERIAL_AT + 4:
        return ""
    (offset,) = struct.unpack_from("<I", descriptor, _SERIAL_AT)
    if not 0 < offset < len(descriptor):
        return ""
    return descriptor[offset:].split(b"\0")[0].decode("ascii", "replace").strip()


def default_route_in(table: bytes) -> tuple[int, str | None] | None:
    """Return interface number and gateway of the default route in a MIB_IPFORWARDTABLE; None = there is none."""
    if len(table) < 4:
        return None
    (count,) = struct.unpack_from("<I", table)
    best: tuple[tuple[bool, int], int, str | None] | None = None
    for row in range(min(count, (len(table) - 4) // _ROUTE.size)):
        fields = _ROUTE.unpack_from(table, 4 + row * _ROUTE.size)
        target, mask, gateway, number = fields[0], fields[1], fields[3], fields[4]
        rank = mask == 0, fields[9]  # the more specific one, then the lower metric
        if target or mask not in (0, _HALF) or (best is not None and rank >= best[0]):
            continue
        address = ipaddress.IPv4Address(struct.pack("<I", gateway))
        best = rank, number, None if address.is_unspecified else str(address)
    return None if best is None else best[1:]


class IfRow2(ctypes.Structure):
    """MIB_IF_ROW2, as far as it is read."""

    _fields_ = [
        ("luid", ctypes.c_uint64), ("index", ctypes.c_uint32), ("guid", ctypes.c_ubyte * 16),
        ("alias", ctypes.c_uint16 * 257), ("description", ctypes.c_uint16 * 257),
        ("address_bytes", ctypes.c_uint32), ("address", ctypes.c_ubyte * 32), ("permanent", ctypes.c_ubyte * 32),
        ("mtu", ctypes.c_uint32), ("type", ctypes.c_uint32), ("tunnel", ctypes.c_int32), ("media", ctypes.c_int32),
        ("physical", ctypes.c_int32), ("access", ctypes.c_int32), ("direction", ctypes.c_int32),
        ("flags", ctypes.c_uint32), ("operational", ctypes.c_int32), ("admin", ctypes.c_int32),
        ("connected", ctypes.c_int32), ("network", ctypes.c_ubyte * 16), ("connection", ctypes.c_int32),
        ("send_bps", ctypes.c_uint64), ("receive_bps", ctypes.c_uint64), ("in_octets", ctypes.c_uint64),
        ("in_rest", ctypes.c_uint64 * 8), ("out_octets", ctypes.c_uint64), ("out_rest", ctypes.c_uint64 * 8),
    ]  # fmt: skip


def link_in(table: bytes) -> bool | None:
    """Return whether any real port or radio in a MIB_IF_TABLE2 is up; None = it has none."""
    size = ctypes.sizeof(IfRow2)
    if len(table) < 8:
        return None
    count = min(struct.unpack_from("<I", table)[0], (len(table) - 8) // size)
    rows = [IfRow2.from_buffer_copy(table, 8 + number * size) for number in range(count)]
    real = [row for row in rows if row.type != _LOOPBACK and row.flags & _HARDWARE]
    return any(row.operational == _UP for row in real) if real else None


class SystemSource:
    """The Windows that this process runs on; what fails is not known."""

    def registry(self, path: str, name: str, *, of_user: bool = False) -> str | int | None:
        """Return a value of the registry, of the machine or of the user."""
        if sys.platform == "win32":
            import winreg

            hive = winreg.HKEY_CURRENT_USER if of_user else winreg.HKEY_LOCAL_MACHINE
            try:
                with winreg.OpenKey(hive, path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as key:
                    value, _ = winreg.QueryValueEx(key, name)
            except OSError:
                return None
            return value if isinstance(value, (str, int)) else None
        return None

    def boot_moment(self) -> int | None:
        """Return when the kernel started, without the steps that the clock has made since."""
        found = (ctypes.c_int64 * 6)()  # BootTime, CurrentTime, TimeZoneBias, TimeZoneId, BootTimeBias, SleepTimeBias
        library = _library("ntdll")
        if library is None or library.NtQuerySystemInformation(_TIME_OF_DAY, found, ctypes.sizeof(found), None):
            return None
        return int(found[0] - found[4])

    def disk_serial(self) -> str:
        """Return the serial number of the system disk."""
        told = _ask_device(r"\\.\C:", _DEVICE_NUMBER, b"")
        if len(told) < 8:
            return ""
        number = struct.unpack_from("<I", told, 4)[0]
        return serial_in(_ask_device(rf"\\.\PhysicalDrive{number}", _QUERY_PROPERTY, bytes(12)))

    def version(self) -> str:
        """Return name and version of the system."""
        if sys.platform == "win32":
            found = sys.getwindowsversion()
            return f"Windows {found.major}.{found.minor}.{found.build}"
        return "Windows"

    def default_route(self) -> tuple[int, str | None] | None:
        """Return interface number and gateway of the default route."""
        library, size = _library("iphlpapi"), ctypes.c_uint32(64_000)
        table = ctypes.create_string_buffer(size.value)
        if library is None or library.GetIpForwardTable(table, ctypes.byref(size), 1):
            return None
        return default_route_in(table.raw[: size.value])

    def interface(self, number: int) -> Interface | None:
        """Return the facts of an interface."""
        library, row = _library("iphlpapi"), IfRow2()
        row.index = number
        if library is None or library.GetIfEntry2(ctypes.byref(row)):
            return None
        name = bytes(row.description).decode("utf-16-le", "replace").split("\0")[0]
        rate_bps = min(row.send_bps, row.receive_bps)
        return Interface(row.type, rate_bps, Octets(row.in_octets, row.out_octets), bytes(row.guid), name)

    def has_link(self) -> bool | None:
        """Return whether any real port or radio is up."""
        library, table = _library("iphlpapi"), ctypes.c_void_p()
        if library is None or library.GetIfTable2(ctypes.byref(table)) or not table.value:
            return None
        try:
            count = ctypes.c_uint32.from_address(table.value).value
            return link_in(ctypes.string_at(table.value, 8 + count * ctypes.sizeof(IfRow2)))
        finally:
            library.FreeMibTable(table)

    def radio(self, guid: bytes) -> Radio | None:
        """Return rate and signal of a Wi-Fi interface."""
        return windows_radio.ask(_library("wlanapi"), guid)

    def cost(self) -> int | None:
        """Return what the connection to the Internet costs, as NLM_CONNECTION_COST."""
        return windows_cost.ask(_library("ole32"))

    def processor_times(self) -> tuple[int, int] | None:
        """Return the busy and the whole time of all processors."""
        library, idle, kernel, user = _library("kernel32"), ctypes.c_uint64(), ctypes.c_uint64(), ctypes.c_uint64()
        if library is None or not library.GetSystemTimes(ctypes.byref(idle), ctypes.byref(kernel), ctypes.byref(user)):
            return None
        whole = kernel.value + user.value  # the kernel's time contains the idle time
        return whole - idle.value, whole

    def on_battery(self) -> bool | None:
        """Return whether it runs on battery."""
        library, status = _library("kernel32"), ctypes.create_string_buffer(12)
        if library is None or not library.GetSystemPowerStatus(status):
            return None
        return {0: True, 1: False}.get(status.raw[0])


def _library(name: str) -> Any:
    """Return one of Windows' own libraries; None elsewhere."""
    if sys.platform == "win32":
        return ctypes.WinDLL(name)
    return None


def _ask_device(path: str, code: int, question: bytes) -> bytes:
    """Return the answer of a device to a control code; b"" = none. Opened without any access right."""
    library = _library("kernel32")
    if library is None:
        return b""
    library.CreateFileW.restype = ctypes.c_void_p
    handle = library.CreateFileW(ctypes.c_wchar_p(path), 0, 3, None, 3, 0, None)
    if handle is None or handle == _NO_HANDLE:
        return b""
    answer, size = ctypes.create_string_buffer(_BIG), ctypes.c_uint32()
    try:
        done = library.DeviceIoControl(
            ctypes.c_void_p(handle), code, question, len(question), answer, _BIG, ctypes.byref(size), None
        )
    finally:
        library.CloseHandle(ctypes.c_void_p(handle))
    return answer.raw[: size.value] if done else b""
