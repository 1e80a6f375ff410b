"""Payload and bytes on the wire: there and back without ever passing a cap."""

from hypothesis import given
from hypothesis import strategies as st

from agent.measure.wirecost import OVERHEAD_BYTES, payload_within, wire_bytes


@given(st.integers(1, 10**12))
def test_a_transfer_within_its_cap_costs_no_more_than_the_cap(cap: int) -> None:
    payload = payload_within(cap)
    assert payload >= 1
    assert wire_bytes(payload) <= cap
    if payload > 1:
        assert wire_bytes(payload + OVERHEAD_BYTES) <= cap


def test_a_megabyte_costs_its_headers_and_acknowledgements_too() -> None:
    assert wire_bytes(1_000_000) == 1_046_271
    assert payload_within(1_000_000) == 951_775
