"""A Linux computer made of files."""

import os
from pathlib import Path

import pytest

from agent.host import linux_metered, linux_net
from agent.host.linux import LinuxHost
from agent.ports import Octets, WayOut
from agent.wire import forms
from agent.wire.vocabulary import Medium
from tests.fakes.agent_world import FakeClock

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
WIRED = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
RADIO = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
LOCAL = "eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"


class Computer:
    """A root directory to be filled."""

    def __init__(self, root: Path) -> None:
        self.root, self.clock = root, FakeClock()

    def put(self, path: str, content: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)

    def put_device(self, name: str, **files: str) -> None:
        defaults = {"type": "1", "carrier": "1", "uevent": f"INTERFACE={name}"}
        for key, content in {**defaults, **files}.items():
            self.put(f"sys/class/net/{name}/{key.replace('__', '/')}", content + "\n")

    def put_routes(self, *lines: str) -> None:
        self.put("proc/net/route", HEAD + "".join(lines))

    def host(self, **environ: str) -> LinuxHost:
        return LinuxHost(self.clock, environ, self.root)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


def test_a_computer_that_says_nothing_is_unknown_not_an_error(computer: Computer) -> None:
    host = computer.host()

    facts, around = host.machine_facts(), host.surroundings()

    assert (facts.machine_id, facts.disk_serial, facts.hostname, facts.os) == ("", "", "", "Linux")
    assert (around.medium, around.link_bps, around.cpu_pct, around.other_bps, around.metered) == (None,) * 5
    assert host.way_out().gateway is None
    assert forms.is_hex(host.boot_id(), 32)


def test_the_boot_id_is_the_kernels(computer: Computer) -> None:
    computer.put("proc/sys/kernel/random/boot_id", "B4BB3D82-4f35-49bc-8ea9-9705389cfe50\n")

    assert computer.host().boot_id() == "b4bb3d824f3549bc8ea99705389cfe50"


def test_machine_facts_come_from_etc_and_proc(computer: Computer) -> None:
    computer.put("etc/machine-id", "uninitialized\n")
    computer.put("var/lib/dbus/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    computer.put("etc/os-release", 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    computer.put("proc/sys/kernel/hostname", "lab-03\n")

    facts = computer.host().machine_facts()

    assert facts.machine_id == "3d1219c7c4c5404aaa1f6d2a48adfda4"
    assert (facts.hostname, facts.os) == ("lab-03", "Debian GNU/Linux 12 (bookworm)")


# --- disk -----------------------------------------------------------------------------------------------------------


def put_disk(computer: Computer, name: str, number: str, **files: str) -> None:
    for key, content in {"dev": number, "removable": "0", **files}.items():
        computer.put(f"sys/block/{name}/{key.replace('__', '/')}", content + "\n")


def test_the_system_disk_is_found_through_encryption_and_partition(computer: Computer) -> None:
    put_disk(computer, "sda", "8:0", serial="WRONG")
    put_disk(computer, "nvme0n1", "259:0", device__serial="S3Z9NB0K  ")
    put_disk(computer, "dm-0", "254:0")
    computer.put("sys/block/nvme0n1/nvme0n1p2/partition", "2\n")
    slaves = computer.root / "sys/block/dm-0/slaves"
    slaves.mkdir()
    (slaves / "nvme0n1p2").symlink_to(computer.root / "sys/block/nvme0n1/nvme0n1p2")
    numbers = computer.root / "sys/dev/block"
    numbers.mkdir(parents=True)
    (numbers / "254:0").symlink_to(computer.root / "sys/block/dm-0")
    computer.put("proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/mapper/root rw\n23 22 0:5 / /dev rw - x y rw\n")

    assert computer.host().machine_facts().disk_serial == "S3Z9NB0K"


def test_without_a_known_system_disk_the_first_fixed_one_counts(computer: Computer) -> None:
    put_disk(computer, "loop0", "7:0", serial="LOOP")
    put_disk(computer, "sda", "8:0", removable="1", serial="STICK")
    put_disk(computer, "sdb", "8:16")
    computer.put("run/udev/data/b8:16", "S:disk/by-id/x\nE:ID_SERIAL=Samsung_S4EV\nE:ID_SERIAL_SHORT=S4EV\n")

    assert computer.host().machine_facts().disk_serial == "S4EV"


# --- the way out ----------------------------------------------------------------------------------------------------


def test_a_cable_with_its_speed(computer: Computer) -> None:
    computer.put_routes(RADIO, WIRED, LOCAL)
    computer.put_device("eth0", speed="100", statistics__rx_bytes="0", statistics__tx_bytes="0")

    around = computer.host().surroundings()

    assert (around.medium, around.link_bps) == (Medium.ETHERNET, 100_000_000)
    assert computer.host().way_out().gateway == "192.0.2.1"


@pytest.mark.parametrize("speed", ["-1", "", "fast", "99999999999"])
def test_a_port_that_does_not_know_its_speed_has_none(computer: Computer, speed: str) -> None:
    computer.put_routes(WIRED)
    computer.put_device("eth0", speed=speed)

    assert computer.host().surroundings().link_bps is None


def test_radio_with_its_signal(computer: Computer) -> None:
    computer.put_routes(RADIO)
    computer.put_device("wlan0", wireless__x="")
    computer.put(
        "proc/net/wireless",
        "Inter-| sta-|   Quality\n face | tus | link level noise\n wlan0: 0000   54.  -56.  -256  0 0 0 0 0 0\n",
    )

    around = computer.host().surroundings()

    assert (around.medium, around.signal_dbm) == (Medium.WIFI, -56.0)


def test_an_old_drivers_signal_is_an_unsigned_byte(computer: Computer) -> None:
    computer.put("proc/net/wireless", "a\nb\n wlan0: 0000 54. 200. 161 0 0 0 0 0 0\n")

    assert linux_net.signal_dbm(computer.root, "wlan0") == -56.0
    assert linux_net.signal_dbm(computer.root, "wlan1") is None


@pytest.mark.parametrize(
    ("files", "medium"),
    [
        ({"tun_flags": "0x1001", "type": "65534"}, Medium.VPN),
        ({"uevent": "DEVTYPE=wireguard", "type": "65534"}, Medium.VPN),
        ({"type": "65534"}, Medium.VPN),
        ({"uevent": "DEVTYPE=wwan"}, Medium.CELLULAR),
        ({"type": "519"}, Medium.CELLULAR),
        ({"type": "512"}, Medium.UNKNOWN),
        ({"uevent": "DEVTYPE=wlan"}, Medium.WIFI),
        ({}, Medium.ETHERNET),
    ],
)
def test_the_medium_by_what_the_interface_is(computer: Computer, files: dict[str, str], medium: Medium) -> None:
    computer.put_routes(WIRED.replace("eth0", "net0"))
    computer.put_device("net0", **files)

    assert computer.host().surroundings().medium is medium


def test_a_bridge_is_what_is_under_it(computer: Computer) -> None:
    computer.put_routes(WIRED.replace("eth0", "br0"))
    computer.put_device("br0")
    computer.put_device("veth1")
    computer.put_device("eth0", speed="1000", device__x="")
    for name in ("eth0", "veth1"):
        (computer.root / "sys/class/net/br0" / f"lower_{name}").symlink_to(computer.root / "sys/class/net" / name)

    assert computer.host().surroundings().link_bps == 1_000_000_000


def test_a_vpn_that_lies_over_the_default_route_counts(computer: Computer) -> None:
    halves = "tun0\t00000000\t0108000A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
    computer.put_routes(WIRED, halves)
    computer.put_device("tun0", tun_flags="0x1001", type="65534")

    assert computer.host().surroundings().medium is Medium.VPN


def test_a_line_of_ipv6_alone(computer: Computer) -> None:
    computer.put_routes()
    near = "fe800000000000000000000000000001"
    zero = "0" * 32
    computer.put(
        "proc/net/ipv6_route",
        f"{zero} 00 {zero} 00 {near} 00000400 00000001 00000000 00000003     eth0\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n",
    )
    computer.put_device("eth0")

    assert computer.host().way_out().gateway == "fe80::1%eth0"
    assert computer.host().surroundings().medium is Medium.ETHERNET


# --- busy, power, proxy ---------------------------------------------------------------------------------------------


class BusyClock(FakeClock):
    """While it sleeps, the computer works and others use the line."""

    computer: Computer

    def sleep(self, seconds: float) -> None:
        self.advance_s(seconds)
        self.computer.put("proc/stat", "cpu  150 0 0 150 0 0 0 0 0 0\ncpu0 1 1 1 1\n")
        self.computer.put("sys/class/net/eth0/statistics/rx_bytes", "101000\n")


def test_how_busy_the_computer_and_its_line_are(tmp_path: Path) -> None:
    clock = BusyClock()
    computer = clock.computer = Computer(tmp_path)
    computer.clock = clock
    computer.put_routes(WIRED)
    computer.put_device("eth0", statistics__rx_bytes="1000", statistics__tx_bytes="500")
    computer.put("proc/stat", "cpu  120 0 0 80 0 0 0 0 0 0\n")

    around = computer.host().surroundings()

    assert (around.cpu_pct, around.other_bps) == (30.0, 1_600_000)


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({}, False),
        ({"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Charging"}}, False),
        ({"AC": {"type": "Mains", "online": "0"}, "BAT0": {"type": "Battery", "status": "Discharging"}}, True),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, False),
    ],
)
def test_on_battery(computer: Computer, supplies: dict[str, dict[str, str]], expected: bool) -> None:
    for name, files in supplies.items():
        for key, content in files.items():
            computer.put(f"sys/class/power_supply/{name}/{key}", content + "\n")

    assert computer.host().surroundings().on_battery is expected


def test_that_there_is_a_proxy_is_known_but_not_which(computer: Computer) -> None:
    assert computer.host().surroundings().proxy is False
    assert computer.host(https_proxy="http://user:secret@proxy:3128").surroundings().proxy is True
    assert computer.host(HTTP_PROXY="http://proxy:3128").surroundings().proxy is True


def test_a_clock_beyond_all_calendars_has_no_offset(computer: Computer) -> None:
    computer.clock.now = 10**20

    assert computer.host().utc_offset_min() == 0


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="Linux only")
def test_the_computer_that_runs_this_answers() -> None:
    host = LinuxHost(FakeClock(), os.environ)

    assert forms.is_hex(host.boot_id(), 32)
    assert host.boot_id() == host.boot_id()
    assert host.machine_facts().hostname
    host.surroundings()


def test_a_cable_without_an_end(computer: Computer) -> None:
    assert computer.host().way_out() == WayOut()
    computer.put_device("lo", carrier="1")
    computer.put_device("eth0", carrier="", device__x="")
    computer.put_device("docker0", carrier="1")
    computer.put_routes()
    assert computer.host().way_out() == WayOut(has_link=False, has_route=False)
    computer.put_device("wlan0", carrier="1", device__x="")
    computer.put_routes(RADIO)
    assert computer.host().way_out() == WayOut(has_link=True, has_route=True, gateway="192.168.1.1")


def test_a_computer_of_virtual_ports_only_goes_by_those(computer: Computer) -> None:
    computer.put_device("lo", carrier="1")
    computer.put_device("line", carrier="1")
    assert computer.host().way_out().has_link is True


def test_a_modems_line_has_a_route_and_no_gateway(computer: Computer) -> None:
    computer.put_routes("ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n")
    assert computer.host().way_out() == WayOut(has_link=None, has_route=True, gateway=None)


def test_bytes_of_the_way_out(computer: Computer) -> None:
    assert computer.host().octets() is None
    computer.put_routes(WIRED)
    computer.put_device("eth0", statistics__rx_bytes="1000", statistics__tx_bytes="24")
    assert computer.host().octets() == Octets(received=1000, sent=24)


def test_bytes_where_sys_shows_another_namespace(computer: Computer) -> None:
    computer.put_routes(WIRED)
    counters = "eth0: 5000 10 0 0 0 0 0 0 700 9 0 0 0 0 0 0\n"
    computer.put("proc/net/dev", f"Inter-|   Receive\n face |bytes\n    lo: 1 1 0 0 0 0 0 0 1 1\n  {counters}")
    assert computer.host().octets() == Octets(received=5000, sent=700)


@pytest.mark.parametrize(
    ("told", "metered"),
    [("yes", True), ("yes (guessed)\n", True), ("no", False), ("no (guessed)", False), ("unknown", None), ("", None)],
)
def test_what_the_network_manager_says_of_the_cost(told: str, metered: bool | None) -> None:
    assert linux_metered.metered_in(told) is metered
    assert linux_metered.is_metered(None) is None
