"""Facts of a Linux computer, read from /proc, /sys and /etc; no user names, network names or hardware addresses.

Everything is readable without rights, so that the service and a person's manual test see the same computer.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from agent.host import linux_metered, linux_net, linux_radio, samples
from agent.host.linux_files import lines, text
from agent.ports import Clock, MachineFacts, Octets, WayOut
from agent.wire.records import Surroundings
from agent.wire.vocabulary import Medium

_NO_DISKS = ("loop", "ram", "zram", "sr", "fd", "md", "dm-", "nbd")
_UDEV_SERIALS = ("E:ID_SERIAL_SHORT=", "E:ID_SERIAL=", "E:ID_WWN=")
_TEXT_CHARS = 200


class LinuxHost:
    """The computer that this process runs on."""

    def __init__(self, clock: Clock, environ: Mapping[str, str], root: Path = Path("/")) -> None:
        """Look at a computer.

        Args:
            clock: Waits between two samples.
            environ: The environment, for whether a proxy is set.
            root: Where /proc, /sys, /etc and /run lie.
        """
        self._clock, self._environ, self._root = clock, environ, root

    def boot_id(self) -> str:
        """Return 32 hexadecimal digits that change with every start of the computer."""
        told = text(self._root / "proc/sys/kernel/random/boot_id").replace("-", "").lower()
        if len(told) == 32:
            return told
        started = next((line for line in lines(self._root / "proc/stat") if line.startswith("btime ")), "btime 0")
        return hashlib.sha256(started.encode()).hexdigest()[:32]

    def machine_facts(self) -> MachineFacts:
        """Return what tells this computer from another."""
        candidates = (text(self._root / place) for place in ("etc/machine-id", "var/lib/dbus/machine-id"))
        release = dict(line.partition("=")[::2] for line in lines(self._root / "etc/os-release"))
        return MachineFacts(
            machine_id=next((one for one in candidates if one and one != "uninitialized"), ""),
            disk_serial=self._disk_serial(),
            hostname=text(self._root / "proc/sys/kernel/hostname"),
            os=release.get("PRETTY_NAME", "Linux").strip("\"'")[:_TEXT_CHARS] or "Linux",
        )

    def surroundings(self) -> Surroundings:
        """Return how the computer is connected and how busy it is just now; takes half a second."""
        device = linux_net.physical_device(self._root, linux_net.default_device(self._root))
        cpu, octets, mono_ms = self._cpu(), linux_net.octets(self._root, device), self._clock.mono_ms()
        self._clock.sleep(samples.SAMPLE_S)
        cpu_later, octets_later = self._cpu(), linux_net.octets(self._root, device)
        lasted_s = (self._clock.mono_ms() - mono_ms) / 1000
        medium = linux_net.medium(self._root, linux_net.default_device(self._root))
        link_bps, signal_dbm = self._link(device, medium)
        return Surroundings(
            medium=medium,
            link_bps=link_bps,
            signal_dbm=signal_dbm,
            cpu_pct=samples.busy_pct(cpu, cpu_later),
            other_bps=samples.rate_bps(samples.whole(octets), samples.whole(octets_later), lasted_s),
            proxy=samples.has_proxy(self._environ),
            metered=linux_metered.is_metered(device) if self._root == Path("/") else None,
            on_battery=self._on_battery(),
        )

    def utc_offset_min(self) -> int:
        """Return the local offset from UTC now, minutes east; 0 where the clock is too wrong to say."""
        return samples.utc_offset_min(self._clock)

    def way_out(self) -> WayOut:
        """Return how the computer leaves its own network."""
        return linux_net.way_out(self._root)

    def octets(self) -> Octets | None:
        """Return the bytes that the interface of the default route has moved; None = unknown."""
        device = linux_net.physical_device(self._root, linux_net.default_device(self._root))
        return linux_net.octets(self._root, device)

    # --- inside -------------------------------------------------------------------------------------------------

    def _link(self, device: str | None, medium: Medium | None) -> tuple[int | None, float | None]:
        """Return rate and, of a radio, signal: by the new call, else by the old ones, which cannot tell data apart."""
        if device is None or medium is not Medium.WIFI:
            return linux_net.link_bps(self._root, device, medium), None
        radio = linux_radio.ask(device) if self._root == Path("/") else None
        link_bps = radio.rate_bps if radio and radio.rate_bps else linux_net.link_bps(self._root, device, medium)
        signal_dbm = linux_net.signal_dbm(self._root, device)
        return link_bps, radio.signal_dbm if radio and signal_dbm is None else signal_dbm

    def _cpu(self) -> tuple[int, int] | None:
        """Return the busy and the whole time of all processors in ticks."""
        first = next(iter(lines(self._root / "proc/stat")), "").split()
        if len(first) < 5 or first[0] != "cpu" or not all(one.isdecimal() for one in first[1:9]):
            return None
        ticks = [int(one) for one in first[1:9]]  # user nice system idle iowait irq softirq steal
        return sum(ticks) - ticks[3] - (ticks[4] if len(ticks) > 4 else 0), sum(ticks)

    def _on_battery(self) -> bool | None:
        """Return whether it runs on battery; a computer without one does not."""
        place = self._root / "sys/class/power_supply"
        supplies = sorted(place.iterdir()) if place.is_dir() else []
        own = [one for one in supplies if text(one / "scope") != "Device"]  # not the mouse's
        if any(text(one / "type") in ("Mains", "USB") and text(one / "online") == "1" for one in own):
            return False
        batteries = [text(one / "status") for one in own if text(one / "type") == "Battery"]
        if not batteries:
            return False
        return any(status == "Discharging" for status in batteries)

    def _disk_serial(self) -> str:
        """Return the serial number of the disk that holds the system, else of the first disk; "" = unknown."""
        blocks = self._root / "sys/block"
        names = sorted(one.name for one in blocks.iterdir()) if blocks.is_dir() else []
        fixed = [name for name in names if not name.startswith(_NO_DISKS) and text(blocks / name / "removable") != "1"]
        system = self._system_disk()
        for name in ([system] if system else []) + fixed:
            serial = self._serial_of(blocks / name)
            if serial:
                return serial[:_TEXT_CHARS]
        return ""

    def _system_disk(self) -> str | None:
        """Return the name of the disk under "/", through partitions, encryption and volumes."""
        number = None
        for line in lines(self._root / "proc/self/mountinfo"):
            parts = line.split()
            if len(parts) > 4 and parts[4] == "/":
                number = parts[2]  # the last mount on it counts
        place = self._root / "sys/dev/block" / (number or "-")
        if not place.exists():
            return None
        device = place.resolve()
        for _ in range(8):
            below = sorted((device / "slaves").iterdir()) if (device / "slaves").is_dir() else []
            if (device / "partition").exists():
                device = device.parent
            elif below:
                device = below[0].resolve()
            else:
                break
        return device.name

    def _serial_of(self, disk: Path) -> str:
        for place in ("serial", "device/serial"):
            if told := text(disk / place):
                return told
        for start in _UDEV_SERIALS:
            for line in lines(self._root / "run/udev/data" / f"b{text(disk / 'dev')}"):
                if line.startswith(start) and line != start:
                    return line[len(start) :].strip()
        return text(disk / "wwid") or text(disk / "device/wwid")
