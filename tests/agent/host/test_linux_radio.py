"""What nl80211 answers, in bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.host import linux_radio
from agent.host.linux_radio import Radio, attributes, messages, radio_in, request


def attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(content), kind) + content.ljust((len(content) + 3) & ~3, b"\0")


SEND = attribute(8 | 0x8000, attribute(1, struct.pack("=H", 722)) + attribute(5, struct.pack("=I", 722)))
RECEIVE = attribute(14 | 0x8000, attribute(5, struct.pack("=I", 1_444)))
SIGNAL = attribute(7, struct.pack("=b", -61))


def test_signal_and_the_slower_rate() -> None:
    assert radio_in(attribute(1, bytes(4)) + SIGNAL + SEND + RECEIVE) == Radio(72_200_000, -61.0)
    assert radio_in(RECEIVE) == Radio(144_400_000, None)
    assert radio_in(attribute(8, attribute(1, struct.pack("=H", 540)))) == Radio(54_000_000, None)


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
