"""What nl80211 answers, in bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host import linux_radio
from agent.host.linux_radio import Radio, attributes, messages, radio_in, request


def attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(content), kind) + content.ljust((len(content) + 3) & ~3, b"\0")


def told(direction: int, mbps: float, *generation: int) -> bytes:
    """A rate as the kernel nests it: both forms of the number, and the step of the generation that the frame was of."""
    units = round(10 * mbps)
    old = attribute(1, struct.pack("=H", units)) if units < 1 << 16 else b""
    steps = b"".join(attribute(kind, struct.pack("=B", 7)) for kind in generation)
    return attribute(direction | 0x8000, old + attribute(5, struct.pack("=I", units)) + steps)


SENT, RECEIVED = 8, 14
N, AC, AX, BE = 2, 6, 13, 19
SHORT_GUARD, WIDTH_80 = 4, 8
SIGNAL = attribute(7, struct.pack("=b", -61))


def test_signal_and_the_slower_rate_of_data() -> None:
    station = attribute(1, bytes(4)) + SIGNAL + told(SENT, 72.2, N) + told(RECEIVED, 144.4, N)
    assert radio_in(station) == Radio(72_200_000, -61.0)
    assert radio_in(told(SENT, 866.7, AC) + told(RECEIVED, 325, AC)) == Radio(325_000_000, None)
    assert radio_in(attribute(SENT, attribute(1, struct.pack("=H", 540)))) == Radio(54_000_000, None)


@pytest.mark.parametrize("generation", [N, AC, AX, BE])
def test_the_beacons_of_an_idle_radio_are_no_rate_of_data(generation: int) -> None:
    assert radio_in(told(SENT, 866.7, generation, WIDTH_80) + told(RECEIVED, 1.0)).rate_bps == 866_700_000
    assert radio_in(told(SENT, 6.0) + told(RECEIVED, 780.0, generation, SHORT_GUARD)).rate_bps == 780_000_000


def test_a_rate_beyond_the_old_number() -> None:
    assert radio_in(told(SENT, 11_529.6, BE) + told(RECEIVED, 6.0)).rate_bps == 11_529_600_000


def test_an_old_network_is_told_by_what_is_sent() -> None:
    assert radio_in(told(SENT, 54.0) + told(RECEIVED, 1.0)).rate_bps == 54_000_000
    assert radio_in(told(SENT, 11.0, SHORT_GUARD) + told(RECEIVED, 54.0)).rate_bps == 11_000_000
    assert radio_in(told(RECEIVED, 1.0)).rate_bps is None  # may be a beacon, of whatever network


@pytest.mark.parametrize(
    "station",
    [
        b"",
        attribute(7, b""),
        attribute(7, struct.pack("=b", 20)),
        attribute(8, b""),
        attribute(8, attribute(5, bytes(4))),
    ],
)
def test_what_the_driver_does_not_say(station: bytes) -> None:
    assert radio_in(station) == Radio(None, None)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_fault(data: bytes) -> None:
    radio_in(data)
    assert all(len(content) <= len(data) for _, content in [*attributes(data), *messages(data)])


def test_a_request_is_read_back() -> None:
    ((kind, content),) = messages(request(28, 17, 3, struct.pack("=I", 4), 0x301))
    assert (kind, content[0]) == (28, 17)
    assert dict(attributes(content[4:])) == {3: struct.pack("=I", 4)}


def test_an_interface_that_is_no_radio() -> None:
    assert linux_radio.ask("lo") is None
    assert linux_radio.ask("no such one") is None
