"""Facts of a Windows computer behind the same port; the calls themselves are in `windows_api`."""

import hashlib
from collections.abc import Mapping
from typing import Protocol

from agent.host import samples
from agent.host.windows_api import Interface
from agent.host.windows_cost import is_metered
from agent.host.windows_radio import Radio
from agent.ports import Clock, MachineFacts, Octets, WayOut
from agent.wire import limits
from agent.wire.records import Surroundings
from agent.wire.vocabulary import Medium

_TEXT_CHARS = 200

_CRYPTOGRAPHY = r"SOFTWARE\Microsoft\Cryptography"
_PREFETCH = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
_HOSTNAME = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
_INTERNET = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"

# IANA interface types, ipifcons.h
_MEDIA = {6: Medium.ETHERNET, 71: Medium.WIFI, 243: Medium.CELLULAR, 244: Medium.CELLULAR, 53: Medium.VPN,
          131: Medium.VPN, 23: Medium.VPN}  # fmt: skip
# Drivers of tunnels that pass for a network card.
_TUNNELS = ("tap-", "tap ", "wintun", "wireguard", "openvpn", "vpn", "anyconnect", "fortinet", "pangp", "tailscale")


class Source(Protocol):
    """What Windows is asked for; None or "" = it does not say."""

    def registry(self, path: str, name: str, *, of_user: bool = False) -> str | int | None:
        """Return a value of the registry, of the machine or of the user."""

    def boot_moment(self) -> int | None:
        """Return a number that belongs to this boot and does not follow the clock."""

    def disk_serial(self) -> str:
        """Return the serial number of the system disk."""

    def version(self) -> str:
        """Return name and version of the system."""

    def default_route(self) -> tuple[int, str | None] | None:
        """Return interface number and gateway of the default route."""

    def interface(self, number: int) -> Interface | None:
        """Return the facts of an interface."""

    def processor_times(self) -> tuple[int, int] | None:
        """Return the busy and the whole time of all processors."""

    def on_battery(self) -> bool | None:
        """Return whether it runs on battery."""

    def has_link(self) -> bool | None:
        """Return whether any real port or radio is up."""

    def radio(self, guid: bytes) -> Radio | None:
        """Return rate and signal of a Wi-Fi interface."""

    def cost(self) -> int | None:
        """Return what the connection to the Internet costs, as NLM_CONNECTION_COST."""


class WindowsHost:
    """The computer that this process runs on."""

    def __init__(self, clock: Clock, environ: Mapping[str, str], source: Source) -> None:
        """Look at a computer.

        Args:
            clock: Waits between two samples.
            environ: The environment, for whether a proxy is set.
            source: `windows_api.SystemSource()`, or a test's.
        """
        self._clock, self._environ, self._source = clock, environ, source

    def boot_id(self) -> str:
        """Return 32 hexadecimal digits that change with every start of the computer."""
        counted = self._source.registry(_PREFETCH, "BootId")
        moment = self._source.boot_moment() if counted is None else None
        told = f"{self._machine_guid()}\n{counted}\n{moment}"
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def machine_facts(self) -> MachineFacts:
        """Return what tells this computer from another."""
        return MachineFacts(
            machine_id=self._machine_guid(),
            disk_serial=self._source.disk_serial()[:_TEXT_CHARS],
            hostname=str(self._source.registry(_HOSTNAME, "Hostname") or ""),
            os=self._source.version()[:_TEXT_CHARS],
        )

    def surroundings(self) -> Surroundings:
        """Return how the computer is connected and how busy it is just now; takes half a second."""
        route = self._source.default_route()
        before, cpu, mono_ms = self._interface(route), self._source.processor_times(), self._clock.mono_ms()
        self._clock.sleep(samples.SAMPLE_S)
        after, cpu_later = self._interface(route), self._source.processor_times()
        lasted_s = (self._clock.mono_ms() - mono_ms) / 1000
        medium = None if after is None else _medium(after)
        radio = self._source.radio(after.guid) if after is not None and medium is Medium.WIFI else None
        link_bps = radio.rate_bps if radio and radio.rate_bps else after.link_bps if after else None
        return Surroundings(
            medium=medium,
            link_bps=link_bps if link_bps is not None and 0 < link_bps <= limits.BPS else None,
            signal_dbm=radio.signal_dbm if radio else None,
            cpu_pct=samples.busy_pct(cpu, cpu_later),
            other_bps=samples.rate_bps(samples.whole(_octets(before)), samples.whole(_octets(after)), lasted_s),
            proxy=self._has_proxy(),
            metered=is_metered(self._source.cost()),
            on_battery=self._source.on_battery(),
        )

    def utc_offset_min(self) -> int:
        """Return the local offset from UTC now, minutes east; 0 where the clock is too wrong to say."""
        return samples.utc_offset_min(self._clock)

    def way_out(self) -> WayOut:
        """Return how the computer leaves its own network."""
        route = self._source.default_route()
        return WayOut(self._source.has_link(), route is not None, None if route is None else route[1])

    def octets(self) -> Octets | None:
        """Return the bytes that the interface of the default route has moved; None = unknown."""
        return _octets(self._interface(self._source.default_route()))

    def _machine_guid(self) -> str:
        return str(self._source.registry(_CRYPTOGRAPHY, "MachineGuid") or "").lower()

    def _interface(self, route: tuple[int, str | None] | None) -> Interface | None:
        return None if route is None else self._source.interface(route[0])

    def _has_proxy(self) -> bool:
        if samples.has_proxy(self._environ):
            return True
        if self._source.registry(_INTERNET, "ProxyEnable", of_user=True) == 1:
            return True
        return bool(self._source.registry(_INTERNET, "AutoConfigURL", of_user=True))


def _medium(interface: Interface) -> Medium:
    medium = _MEDIA.get(interface.kind, Medium.UNKNOWN)
    is_tunnel = any(word in interface.description.lower() for word in _TUNNELS)
    return Medium.VPN if is_tunnel and medium is Medium.ETHERNET else medium


def _octets(interface: Interface | None) -> Octets | None:
    return None if interface is None else interface.octets
