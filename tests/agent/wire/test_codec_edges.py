"""The last value that is accepted, and the first that is not."""

import json
from typing import Any

import msgspec
import pytest

from agent.wire import codec, limits
from agent.wire.vocabulary import ItemCode
from tests.fakes.records import a_direction, a_measurement


def decode(item: Any) -> codec.Decoded:
    return codec.decode_item(json.dumps(item).encode())


def is_out_of_range(item: Any) -> bool:
    try:
        decode(item)
    except codec.ItemError as error:
        assert error.code is ItemCode.RANGE
        return True
    return False


@pytest.mark.parametrize(("size_bytes", "expected"), [(limits.BYTES, False), (limits.BYTES + 1, True), (-1, True)])
def test_the_bytes_of_a_bin(size_bytes: int, expected: bool) -> None:
    assert is_out_of_range(a_measurement(download=a_direction(bins=[0, size_bytes]))) is expected


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (limits.SAFE_INTEGER, False),
        (limits.SAFE_INTEGER + 1, True),
        (float(limits.SAFE_INTEGER), False),
        (float(limits.SAFE_INTEGER + 1), True),
    ],
)
def test_a_number_of_a_newer_agent(value: float, expected: bool, sign: int) -> None:
    assert is_out_of_range(a_measurement(newer=sign * value)) is expected


def kept_of(unknown: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of the members that we do not know, as the decoded item tells it."""
    decoded = decode(a_measurement(**unknown))
    return dict(decoded.unknown)


def filled_to(size_bytes: int, name: str = "newer") -> dict[str, str]:
    """Return one unknown member whose JSON has exactly this size."""
    empty = len(msgspec.json.encode({name: ""}))
    return {name: "x" * (size_bytes - empty)}


def test_unknown_members_may_fill_their_room_to_the_last_byte() -> None:
    unknown = filled_to(limits.DETAIL_BYTES)

    assert kept_of(unknown) == unknown


def test_one_byte_more_is_cut_and_said() -> None:
    assert kept_of(filled_to(limits.DETAIL_BYTES + 1)) == {"_cut": True}


@pytest.mark.parametrize(("spare_bytes", "is_kept"), [(0, True), (-1, False)])
def test_what_is_cut_keeps_the_members_that_fit_exactly(spare_bytes: int, is_kept: bool) -> None:
    room_bytes = limits.DETAIL_BYTES - len(b'{"_cut":true}')
    first = filled_to(room_bytes - spare_bytes, "first")
    second = filled_to(100, "second")

    kept = kept_of({**first, **second})

    assert kept == ({**first, "_cut": True} if is_kept else {"_cut": True})
