"""A Windows computer that answers as a test tells it."""

import struct

from agent.host.windows import WindowsHost
from agent.host.windows_api import Interface, SystemSource, default_route_in, serial_in
from agent.wire import forms
from agent.wire.vocabulary import Medium
from tests.fakes.agent_world import FakeClock


class FakeSource:
    """Answers from dictionaries."""

    def __init__(self) -> None:
        self.values: dict[str, str | int] = {"MachineGuid": "6F9A-GUID", "BootId": 41, "Hostname": "LAB-03"}
        self.moment: int | None = 7
        self.route: tuple[int, str | None] | None = (12, "192.0.2.1")
        self.interfaces = [Interface(6, 100_000_000, 1_000), Interface(6, 100_000_000, 26_000)]
        self.times = [(100, 400), (150, 500)]

    def registry(self, path: str, name: str, *, of_user: bool = False) -> str | int | None:
        return self.values.get(name)

    def boot_moment(self) -> int | None:
        return self.moment

    def disk_serial(self) -> str:
        return "S3Z9NB0K"

    def version(self) -> str:
        return "Windows 10.0.19045"

    def default_route(self) -> tuple[int, str | None] | None:
        return self.route

    def interface(self, number: int) -> Interface | None:
        return self.interfaces.pop(0) if self.interfaces else None

    def processor_times(self) -> tuple[int, int] | None:
        return self.times.pop(0) if self.times else None

    def on_battery(self) -> bool | None:
        return True


def host(source: FakeSource, **environ: str) -> WindowsHost:
    return WindowsHost(FakeClock(), environ, source)


def test_the_boot_id_changes_with_the_boot_and_with_nothing_else() -> None:
    source = FakeSource()
    first = host(source).boot_id()
    source.moment = 8
    assert host(source).boot_id() == first
    source.values["BootId"] = 42
    assert host(source).boot_id() != first
    del source.values["BootId"]
    third = host(source).boot_id()
    source.moment = 9
    assert host(source).boot_id() != third
    assert forms.is_hex(first, 32)


def test_machine_facts() -> None:
    facts = host(FakeSource()).machine_facts()

    assert (facts.machine_id, facts.disk_serial, facts.hostname, facts.os) == (
        "6f9a-guid", "S3Z9NB0K", "LAB-03", "Windows 10.0.19045",
    )  # fmt: skip


def test_surroundings() -> None:
    around = host(FakeSource()).surroundings()

    assert (around.medium, around.link_bps, around.on_battery) == (Medium.ETHERNET, 100_000_000, True)
    assert (around.cpu_pct, around.other_bps, around.proxy) == (50.0, 400_000, False)


def test_a_computer_without_a_way_out() -> None:
    source = FakeSource()
    source.route, source.interfaces, source.times = None, [], []

    around = host(source).surroundings()

    assert (around.medium, around.link_bps, around.cpu_pct, around.other_bps) == (None,) * 4
    assert host(source).default_gateway() is None


def test_a_proxy_of_the_environment_or_of_the_user() -> None:
    source = FakeSource()
    assert host(source, HTTPS_PROXY="http://p").surroundings().proxy is True
    source.values["ProxyEnable"] = 1
    assert host(source).surroundings().proxy is True


def test_kinds_of_interfaces() -> None:
    for kind, medium in {71: Medium.WIFI, 243: Medium.CELLULAR, 53: Medium.VPN, 1: Medium.UNKNOWN}.items():
        source = FakeSource()
        source.interfaces = [Interface(kind, 0, 0)] * 2
        around = host(source).surroundings()
        assert (around.medium, around.link_bps) == (medium, None)


def test_the_default_route_is_the_one_with_the_lowest_metric() -> None:
    def row(target: int, mask: int, gateway: int, number: int, metric: int) -> bytes:
        return struct.pack("<14I", target, mask, 0, gateway, number, 4, 3, 0, 0, metric, 0, 0, 0, 0)

    gateway = int.from_bytes(bytes([192, 0, 2, 1]), "little")
    table = b"".join([struct.pack("<I", 3), row(0, 0, 1, 5, 50), row(0, 0, gateway, 12, 25), row(10, 255, 2, 7, 1)])

    assert default_route_in(table) == (12, "192.0.2.1")
    assert default_route_in(table[:10]) is None
    assert default_route_in(b"") is None
    assert default_route_in(struct.pack("<I", 1) + row(0, 0, 0, 9, 1)) == (9, None)


def test_a_serial_number_in_a_descriptor() -> None:
    head = bytes(24) + struct.pack("<I", 40) + bytes(12)

    assert serial_in(head + b"  S3Z9NB0K \0rest") == "S3Z9NB0K"
    assert serial_in(bytes(64)) == ""
    assert serial_in(b"short") == ""
    assert serial_in(bytes(24) + struct.pack("<I", 10**6)) == ""


def test_elsewhere_the_system_says_nothing() -> None:
    source = SystemSource()

    assert source.registry("x", "y") is None
    assert source.boot_moment() is None
    assert source.disk_serial() == ""
    assert source.default_route() is None
    assert source.interface(1) is None
    assert source.processor_times() is None
    assert source.on_battery() is None
    assert source.version().startswith("Windows")
