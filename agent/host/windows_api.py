"""The few calls into Windows, by ctypes and winreg; imports everywhere, works only there.

Structures and numbers: Microsoft's headers winioctl.h, netioapi.h, ipmib.h, winbase.h. None of the calls needs rights.
"""

import ctypes
import ipaddress
import struct
import sys
from dataclasses import dataclass
from typing import Any

_DEVICE_NUMBER = 0x2D1080  # IOCTL_STORAGE_GET_DEVICE_NUMBER
_QUERY_PROPERTY = 0x2D1400  # IOCTL_STORAGE_QUERY_PROPERTY
_SERIAL_AT = 24  # STORAGE_DEVICE_DESCRIPTOR.SerialNumberOffset
_ROUTE = struct.Struct("<14I")  # MIB_IPFORWARDROW
_TIME_OF_DAY = 3  # SystemTimeOfDayInformation
_NO_HANDLE = 2**64 - 1
_BIG = 4096


@dataclass(frozen=True)
class Interface:
    """One network interface."""

    kind: int  # IANA type
    link_bps: int
    octets: int  # both directions


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
    best: tuple[int, int, str | None] | None = None
    for row in range(min(count, (len(table) - 4) // _ROUTE.size)):
        fields = _ROUTE.unpack_from(table, 4 + row * _ROUTE.size)
        target, mask, gateway, number, metric = fields[0], fields[1], fields[3], fields[4], fields[9]
        if target or mask or (best is not None and metric >= best[0]):
            continue
        address = ipaddress.IPv4Address(struct.pack("<I", gateway))
        best = metric, number, None if address.is_unspecified else str(address)
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
        return Interface(row.type, min(row.send_bps, row.receive_bps), row.in_octets + row.out_octets)

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
