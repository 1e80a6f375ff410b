"""Bytes from anybody, unpacked without harm."""

import contextlib
import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire import limits
from collector.intake.answers import RefusedError
from collector.intake.unpack import check_depth, inflate, unpack

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary(max_size=300))
def test_any_bytes_are_unpacked_or_refused(body: bytes) -> None:
    for given_bytes in (body, gzip.compress(body, mtime=0)):
        with contextlib.suppress(RefusedError):
            unpack(given_bytes)


@given(st.lists(JSON_VALUES, max_size=10))
def test_items_come_out_as_they_went_in(items: list[Any]) -> None:
    body = gzip.compress(json.dumps({"items": items}).encode(), mtime=0)
    assert [json.loads(item) for item in unpack(body)] == items


def test_a_bomb_costs_no_more_than_its_cap() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * 1_000_000
    body = b"".join([packer.compress(block) for _ in range(100)] + [packer.flush()])
    tracemalloc.start()
    with pytest.raises(RefusedError, match="inflates"):
        inflate(body)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 3 * limits.BATCH_INFLATED_BYTES


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":'])
def test_depth_is_counted_whatever_the_brackets(opened: str) -> None:
    layers = opened.count("[") + opened.count("{")
    closed = {"[": "]", '{"a":': "}", '[{"a":': "}]"}[opened]
    deep = limits.ENVELOPE_DEPTH // layers
    check_depth(f"{opened * deep}1{closed * deep}".encode())
    with pytest.raises(RefusedError):
        check_depth(f"{opened * (deep + 1)}1{closed * (deep + 1)}".encode())


def test_brackets_inside_texts_do_not_count() -> None:
    check_depth(json.dumps(["[" * 100 + '"\\' + "{" * 100]).encode())
