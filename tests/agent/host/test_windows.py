"""A Windows computer that answers as a test tells it."""

import struct

from agent.host.windows import WindowsHost
from agent.host.windows_api import IfRow2, Interface, SystemSource, default_route_in, link_in, serial_in
from agent.host.windows_cost import is_metered
from agent.host.windows_radio import Radio, radio_in
from agent.ports import Octets, WayOut
from agent.wire import forms
from agent.wire.vocabulary import Medium
from tests.fakes.agent_world import FakeClock

NONE = Octets(0, 0)


class FakeSource:
    """Answers from dictionaries."""

    def __init__(self) -> None:
        self.values: dict[str, str | int] = {"MachineGuid": "6F9A-GUID", "BootId": 41, "Hostname": "LAB-03"}
        self.moment: int | None = 7
        self.route: tuple[int, str | None] | None = (12, "192.0.2.1")
        self.interfaces = [
            Interface(6, 100_000_000, Octets(900, 100)),
            Interface(6, 100_000_000, Octets(25_000, 1_000)),
        ]
        self.times = [(100, 400), (150, 500)]
        self.link: bool | None = True
        self.air: Radio | None = None
        self.paid: int | None = None

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

    def has_link(self) -> bool | None:
        return self.link

    def radio(self, guid: bytes) -> Radio | None:
        return self.air

    def cost(self) -> int | None:
        return self.paid


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
    assert host(source).way_out().gateway is None


def test_a_proxy_of_the_environment_or_of_the_user() -> None:
    source = FakeSource()
    assert host(source, HTTPS_PROXY="http://p").surroundings().proxy is True
    source.values["ProxyEnable"] = 1
    assert host(source).surroundings().proxy is True


def test_kinds_of_interfaces() -> None:
    for kind, medium in {71: Medium.WIFI, 243: Medium.CELLULAR, 53: Medium.VPN, 1: Medium.UNKNOWN}.items():
        source = FakeSource()
        source.interfaces = [Interface(kind, 0, NONE)] * 2
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
    # A VPN lays two halves over the default route, with whatever metric.
    halves = [row(0, 0, gateway, 12, 25), row(0, 0x80, 3, 33, 90), row(0x80, 0x80, 3, 33, 90)]
    assert default_route_in(struct.pack("<I", 3) + b"".join(halves)) == (33, "3.0.0.0")


def test_a_tunnel_that_passes_for_a_network_card() -> None:
    for name, medium in {"TAP-Windows Adapter V9": Medium.VPN, "Intel(R) Ethernet I219-V": Medium.ETHERNET}.items():
        source = FakeSource()
        source.interfaces = [Interface(6, 1_000_000_000, NONE, description=name)] * 2
        assert host(source).surroundings().medium is medium


def test_radio_and_cost() -> None:
    source = FakeSource()
    source.interfaces = [Interface(71, 300_000_000, NONE, b"g" * 16)] * 2
    source.air, source.paid = Radio(72_200_000, -61.0), 4
    around = host(source).surroundings()
    assert (around.link_bps, around.signal_dbm, around.metered) == (72_200_000, -61.0, True)
    source.interfaces, source.air, source.paid = [Interface(71, 300_000_000, NONE)] * 2, None, 1
    around = host(source).surroundings()
    assert (around.link_bps, around.signal_dbm, around.metered) == (300_000_000, None, False)


def test_what_a_cost_means() -> None:
    told = {None: None, 0: None, 1: False, 2: True, 4: True, 0x10001: True, 0x40001: True, 0x20000: None}
    assert {cost: is_metered(cost) for cost in told} == told


def attributes(state: int, quality: int, receive_kbps: int, send_kbps: int) -> bytes:
    """WLAN_CONNECTION_ATTRIBUTES as the service fills it."""
    profile = "school".encode("utf-16-le").ljust(512, b"\0")
    ssid = struct.pack("<I32s", 6, b"school")
    association = ssid + struct.pack("<I6s2xII3I", 1, b"\x02" * 6, 7, 0, quality, receive_kbps, send_kbps)
    return struct.pack("<II", state, 0) + profile + association + struct.pack("<iiII", 1, 0, 7, 4)


def test_radio_in_the_services_bytes() -> None:
    assert radio_in(attributes(1, 78, 144_400, 72_200)) == Radio(72_200_000, -61.0)
    assert radio_in(attributes(1, 78, 144_400, 72_200), struct.pack("<i", -58)) == Radio(72_200_000, -58.0)
    assert radio_in(attributes(1, 78, 1_000, 866_700)) == Radio(866_700_000, -61.0)  # idle: a beacon came last
    assert radio_in(attributes(1, 78, 144_400, 0)) == Radio(144_400_000, -61.0)
    assert radio_in(attributes(1, 78, 0, 0), struct.pack("<i", 12)) == Radio(None, -61.0)
    assert radio_in(attributes(1, 400, 0, 0)) == Radio(None, None)
    assert radio_in(attributes(4, 78, 1, 1)) is None  # disconnected
    assert radio_in(attributes(1, 78, 1, 1)[:580]) is None
    assert radio_in(b"") is None


def interfaces(*rows: tuple[int, int, int]) -> bytes:
    """MIB_IF_TABLE2 with rows of type, flags and state."""
    made = [IfRow2(type=kind, flags=flags, operational=state) for kind, flags, state in rows]
    return struct.pack("<II", len(rows), 0) + b"".join(bytes(row) for row in made)


def test_a_link_in_the_table_of_interfaces() -> None:
    assert link_in(interfaces((24, 1, 1), (6, 1, 2), (71, 1, 1))) is True
    assert link_in(interfaces((6, 0, 1), (6, 1, 2), (24, 0, 1))) is False  # a virtual one, and a cable without an end
    assert link_in(interfaces((24, 0, 1), (131, 0, 1))) is None
    assert link_in(interfaces((6, 1, 1))[:100]) is None
    assert link_in(b"") is None


def test_the_way_out() -> None:
    source = FakeSource()
    assert host(source).way_out() == WayOut(True, True, "192.0.2.1")
    assert host(source).octets() == Octets(900, 100)
    source.route, source.link = None, False
    assert host(source).way_out() == WayOut(False, False, None)
    assert host(source).octets() is None


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
    assert source.has_link() is None
    assert source.radio(b"g" * 16) is None
    assert source.cost() is None
    assert source.version().startswith("Windows")
