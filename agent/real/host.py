"""Which operating system this is: the one place that asks."""

import os
import platform
import socket
import time
import uuid

from agent.ports import Clock, Host, MachineFacts, Octets, WayOut
from agent.wire.records import Surroundings


def make_host(clock: Clock) -> Host:
    """Return the facts of this computer's operating system."""
    if platform.system() == "Windows":
        from agent.host.windows import WindowsHost
        from agent.host.windows_api import SystemSource

        return WindowsHost(clock, os.environ, SystemSource())
    if platform.system() == "Linux":
        from agent.host.linux import LinuxHost

        return LinuxHost(clock, os.environ)
    return PlainHost()


class PlainHost:
    """What Python alone knows, for systems without a module of their own."""

    def __init__(self) -> None:
        self._boot_id = uuid.uuid4().hex  # no clock of an earlier process is believed

    def boot_id(self) -> str:
        """Return an id of this process: a boot is not to be had."""
        return self._boot_id

    def machine_facts(self) -> MachineFacts:
        """Return name and system; nothing tells this computer from a copy."""
        return MachineFacts("", "", socket.gethostname(), f"{platform.system()} {platform.release()}")

    def surroundings(self) -> Surroundings:
        """Return that nothing is known."""
        return Surroundings()

    def utc_offset_min(self) -> int:
        """Return the local offset from UTC now, minutes east."""
        return time.localtime().tm_gmtoff // 60

    def way_out(self) -> WayOut:
        """Return that nobody knows."""
        return WayOut()

    def octets(self) -> Octets | None:
        """Return that nobody knows."""
        return None
