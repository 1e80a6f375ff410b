"""Strict decoding: what is refused, with which word, and that nothing else is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire import codec, limits
from agent.wire.records import Diary, Measurement
from agent.wire.vocabulary import DiaryState, FailureCode, ItemCode, Status
from tests.fakes.records import a_diary_run, a_direction, a_failed_measurement, a_measurement, a_rid, an_rtt


def decode(item: Any) -> codec.Decoded:
    return codec.decode_item(json.dumps(item).encode())


def refusal(item: Any) -> ItemCode:
    with pytest.raises(codec.ItemError) as caught:
        codec.decode_item(item if isinstance(item, bytes) else json.dumps(item).encode())
    return caught.value.code


SHAPE: dict[str, Any] = {
    "no rid": {k: v for k, v in a_measurement().items() if k != "rid"},
    "rid in upper case": a_measurement(rid=a_rid(0xABCDEF).upper()),
    "rid without dashes": a_measurement(rid=a_rid(1).replace("-", "")),
    "rid of version 4": a_measurement(rid="f47ac10b-58cc-4372-a567-0e02b2c3d479"),
    "rid with a new line": a_measurement(rid=a_rid(1) + "\n"),
    "wrong type": a_measurement(utc_offset_min="minus four"),
    "true as a number": a_measurement(started_mono_ms=True),
    "a fraction of a byte": a_measurement(download=a_direction(bytes=1.5)),
    "word outside a list": a_measurement(status="splendid"),
    "ip family 5": a_measurement(server={"id": "a", "host": "b", "scheme": "ws", "ip_family": 5}),
    "ok with a failure": a_measurement(failure={"phase": "download", "code": "reset", "detail": ""}),
    "failed without a failure": a_measurement(status="failed"),
    "boot id in upper case": a_measurement(boot_id="AB" * 16),
    "boot id too short": a_measurement(boot_id="ab" * 15),
    "time without milliseconds": a_measurement(started_at="2026-11-24T13:05:09Z"),
    "time with an offset": a_measurement(started_at="2026-11-24T13:05:09.123+00:00"),
    "a day that does not exist": a_measurement(started_at="2026-02-30T13:05:09.123Z"),
    "arabic digits in a time": a_measurement(started_at="٢٠٢٦-11-24T13:05:09.123Z"),
    "diary without slots": {k: v for k, v in a_diary_run().items() if k != "slots"},
    "a list": [],
    "a text": "text",
    "null": None,
    "kind is a number": a_measurement(kind=5),
    "schema is a text": a_measurement(schema="1"),
    "schema is true": a_measurement(schema=True),
    "schema 0": a_measurement(schema=0),
}

RANGE: dict[str, Any] = {
    "NUL in a text": a_measurement(tags=["a\0b"]),
    "negative rtt": a_measurement(idle=an_rtt(-5.0)),
    "rtt above ten minutes": a_measurement(idle=an_rtt(600_000.1)),
    "negative speed": a_measurement(download=a_direction(1, bps=-1)),
    "speed beyond 64 bit": a_measurement(download=a_direction(1, bps=2**64)),
    "speed of 31 digits": a_measurement(upload=a_direction(1, bps=10**30)),
    "loss above 100": a_measurement(idle=an_rtt(loss_pct=100.1)),
    "41 bins": a_measurement(download=a_direction(bins=[1] * 41)),
    "negative bin": a_measurement(download=a_direction(bins=[1, -1])),
    "absurd offset": a_measurement(utc_offset_min=901),
    "9 tags": a_measurement(tags=["t"] * 9),
    "a long tag": a_measurement(tags=["t" * 257]),
    "long detail": a_failed_measurement(failure={"phase": "preflight", "code": "dns", "detail": "x" * 201}),
    "negative monotonic clock": a_measurement(started_mono_ms=-1),
    "monotonic clock beyond 2^53": a_measurement(started_mono_ms=2**53),
    "long lease id": a_measurement(lease_id="x" * 65),
    "0 streams": a_measurement(download=a_direction(streams=0)),
    "65 streams": a_measurement(download=a_direction(streams=65)),
    "an hour and more": a_measurement(download=a_direction(duration_s=3600.5)),
    "half width": a_measurement(download=a_direction(half_width_pct=1000.5)),
    "signal": a_measurement(surroundings={"medium": "wifi", "signal_dbm": 51}),
    "year 1969": a_measurement(started_at="1969-12-31T23:59:59.999Z"),
    "year 2200": a_measurement(started_at="2200-01-01T00:00:00.000Z"),
    "slots": a_diary_run(slots=10**6 + 1),
    "21 probes": a_diary_run(probes=[{"name": "a", "state": "open", "ms": 1.0}] * 21),
    "a probe's name": a_diary_run(probes=[{"name": "a" * 257, "state": "open", "ms": 1.0}]),
    "unknown member with NUL": a_measurement(extra="a\0b"),
    "unknown name with NUL": a_measurement(**{"a\0b": 1}),
    "unknown member too deep": a_measurement(extra=[[[[[[[[1]]]]]]]]),
    "unknown number beyond 2^53": a_measurement(extra=2**53),
    "unknown nested number": a_measurement(download={**a_direction(), "extra": 1e300}),
}


@pytest.mark.parametrize("name", SHAPE)
def test_a_wrong_shape_is_refused_as_shape(name: str) -> None:
    assert refusal(SHAPE[name]) is ItemCode.SHAPE


@pytest.mark.parametrize("name", RANGE)
def test_a_value_out_of_bounds_is_refused_as_range(name: str) -> None:
    assert refusal(RANGE[name]) is ItemCode.RANGE


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"rid":NaN}',
        b'{"a":1e999}',
        b"\xff\xfe",
        b'{"boot_id":"\xff"}',
        b"[" * 9000,
        b'{"a":"\\ud800"}',
        b"{}x",
    ],
)
def test_what_is_no_json_is_refused_as_shape(raw: bytes) -> None:
    assert refusal(raw) is ItemCode.SHAPE


def test_the_edges_themselves_are_accepted() -> None:
    direction = a_direction(10**12, bins=[0] * 40, streams=64, duration_s=3600, half_width_pct=1000)
    decoded = decode(
        a_measurement(
            download=direction, idle=an_rtt(600_000.0, rtt_p90_ms=600_000, loss_pct=100), utc_offset_min=-900,
            tags=["t" * 256] * 8, started_mono_ms=2**53 - 1, lease_id="x" * 64, extra=[[[[[[[1]]]]]]],
            started_at="1970-01-01T00:00:00.000Z",
        )
    )  # fmt: skip
    assert isinstance(decoded.record, Measurement)
    assert decoded.record.download is not None
    assert decoded.record.download.bps == 10**12
    assert decode(a_measurement(started_at="2199-12-31T23:59:59.999Z")).record is not None


def test_an_item_of_exactly_16_kb_is_taken_and_one_byte_more_is_not() -> None:
    bare = json.dumps(a_measurement(note=""))
    room = limits.ITEM_BYTES - len(bare)
    assert codec.decode_item(json.dumps(a_measurement(note="x" * room)).encode()).unknown == {"_cut": True}
    assert refusal(a_measurement(note="x" * (room + 1))) is ItemCode.TOO_LARGE


def test_newer_agents_are_put_off_not_refused() -> None:
    assert refusal(a_measurement(kind="poem")) is ItemCode.KIND
    assert refusal(a_measurement(schema=2)) is ItemCode.SCHEMA
    assert refusal(a_measurement(schema=2, kind="poem", status="splendid")) is ItemCode.SCHEMA


def test_the_identity_of_a_refused_item_is_told_where_it_can_be_read() -> None:
    for item in (a_measurement(utc_offset_min="x"), a_measurement(kind="poem"), a_measurement(note="x" * 20_000)):
        with pytest.raises(codec.ItemError) as caught:
            decode(item)
        assert caught.value.rid == a_rid(1)
    with pytest.raises(codec.ItemError) as caught:
        decode(a_measurement(rid="A"))
    assert caught.value.rid is None


def test_unknown_members_are_kept_where_they_stood() -> None:
    item = a_measurement(colour="teal", download={**a_direction(), "shade": [1, {"a": None}]})
    assert decode(item).unknown == {"colour": "teal", "download": {"shade": [1, {"a": None}]}}


def test_unknown_members_of_a_member_of_a_list_stay_at_its_place() -> None:
    sites = [{"name": "a", "state": "open"}, {"name": "b", "state": "open", "shade": 1}]
    assert decode(a_diary_run(probes=sites)).unknown == {"probes": [{}, {"shade": 1}]}


def test_too_many_unknown_members_are_cut_and_the_record_is_kept() -> None:
    decoded = decode(a_measurement(**{f"note_{n}": "x" * 100 for n in range(60)}))
    assert decoded.unknown["_cut"] is True
    assert 30 < len(decoded.unknown) < 40
    assert len(json.dumps(decoded.unknown)) <= limits.DETAIL_BYTES + 200


def test_content_ignores_order_spelling_nulls_and_bins_and_nothing_else() -> None:
    item = a_measurement()
    same = decode(item).content_hash
    bare = {k: v for k, v in item["download"].items() if k != "bins"}
    assert decode(dict(reversed(item.items()))).content_hash == same
    assert decode({**item, "download": bare}).content_hash == same
    assert codec.decode_item(json.dumps(item, indent=3).encode()).content_hash == same
    said = {name: value for name, value in item.items() if value is not None}
    assert len(said) < len(item)
    assert decode(said).content_hash == decode({**said, "of_a_newer_agent": None}).content_hash == same
    assert decode({**item, "download": {**item["download"], "shade": None}}).content_hash == same
    assert decode({**item, "bins": [1]}).content_hash != same
    assert decode({**item, "download": {**item["download"], "bps": 1}}).content_hash != same
    assert decode({**item, "extra": 1}).content_hash != same


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_word_is_read(code: FailureCode) -> None:
    record = decode(a_failed_measurement(code=code)).record
    assert isinstance(record, Measurement)
    assert record.failure is not None
    assert record.failure.code is code
    assert record.status is Status.FAILED


@pytest.mark.parametrize("state", DiaryState)
def test_every_diary_word_is_read(state: DiaryState) -> None:
    record = decode(a_diary_run(state=state, boot_id=None, from_mono_ms=None)).record
    assert isinstance(record, Diary)
    assert record.state is state


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.data())
def test_a_spoilt_record_is_read_or_refused_and_never_raises_otherwise(data: st.DataObject) -> None:
    item = a_measurement() if data.draw(st.booleans()) else a_diary_run()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(sorted(item)) | st.text(max_size=8))
        item[place] = data.draw(JSON)
    try:
        decoded = decode(item)
    except codec.ItemError as error:
        assert isinstance(error.code, ItemCode)
    else:
        again = codec.decode_item(codec.encode(decoded.record))
        assert again.record == decoded.record


EDGES = (0, 1, -1, 0.5, 64, 65, 100, 10**6, 10**6 + 1, 10**12, 10**12 + 1, 2**53, 2**63, 2**64, 1e300, True, 1.0, None)
WORDS = ("", "x" * 64, "x" * 65, "😀" * 64, "😀" * 65, "é" * 256, "é" * 257, "x" * 201, "a\0b", "\\u0000", "ok", "ndt7")


@given(st.data())
def test_what_passes_in_one_look_passes_step_by_step_with_the_same_result(data: st.DataObject) -> None:
    item = a_measurement() if data.draw(st.booleans()) else a_diary_run()
    for _ in range(data.draw(st.integers(0, 2))):
        part: Any = item
        while True:
            place = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
            if not (isinstance(part[place], dict | list) and part[place] and data.draw(st.booleans())):
                break
            part = part[place]
        part[place] = data.draw(st.sampled_from(EDGES) | st.sampled_from(WORDS) | JSON)
    raw = json.dumps(item).encode()
    kept = json.loads(raw)
    try:
        found = codec._decode_well(kept, raw)
    except codec.ItemError as error:
        with pytest.raises(codec.ItemError) as raised:
            codec._decode_object(kept)
        assert raised.value.code is error.code
    else:
        assert found is None or found == codec._decode_object(kept)


def test_a_record_that_is_well_passes_in_one_look() -> None:
    for item in (a_measurement(), a_failed_measurement(), a_diary_run()):
        assert codec._decode_well(item, json.dumps(item).encode()) is not None


@pytest.mark.parametrize(
    "change", [{"new": 1}, {"schema": True}, {"schema": 1.0}, {"tags": ["a\0b"]}, {"utc_offset_min": 901}]
)
def test_what_is_odd_is_looked_at_step_by_step(change: dict[str, Any]) -> None:
    item = a_measurement(**change)
    assert codec._decode_well(item, json.dumps(item).encode()) is None


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(codec.ItemError):
        codec.decode_item(raw)


@given(JSON)
def test_arbitrary_json_never_raises_anything_else(value: Any) -> None:
    with pytest.raises(codec.ItemError):
        decode(value)
