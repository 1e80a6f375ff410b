"""The released payloads and signed bytes: a change here is a new schema, never an edit."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nacl.signing import SigningKey

from agent.wire import codec, headers, signing
from tests.fakes.records import a_diary_run, a_failed_measurement, a_measurement

GOLDEN = Path(__file__).parents[2] / "golden" / "wire" / "v1"
DEVICE_KEY, COLLECTOR_KEY = SigningKey(bytes(range(32))), SigningKey(bytes(range(32, 64)))
PAYLOADS = {
    "measurement.json": a_measurement(),
    "measurement-failed.json": a_failed_measurement(2),
    "diary.json": a_diary_run(3),
}


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    return json.loads((GOLDEN / "vectors.json").read_text())


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_released_payload_is_read_and_written_byte_for_byte(name: str) -> None:
    raw = (GOLDEN / name).read_bytes().rstrip(b"\n")
    decoded = codec.decode_item(raw)
    assert codec.encode(decoded.record) == raw
    assert decoded.unknown == {}
    assert json.loads(raw) == PAYLOADS[name]


def test_the_members_stand_in_the_order_of_the_contract() -> None:
    names = list(json.loads((GOLDEN / "measurement.json").read_text()))
    assert names[:6] == ["schema", "kind", "rid", "status", "failure", "tier"]
    assert names == list(a_measurement())


def test_the_request_vector(vectors: dict[str, Any]) -> None:
    parsed = headers.parse(vectors["headers"])
    text = signing.request_text(signing.Word.BATCH, parsed.values(), vectors["body"].encode())
    assert text.decode() == vectors["signed_text"]
    assert signing.sign(DEVICE_KEY, text) == vectors["Enlace-Signature"]
    assert signing.is_signed(bytes(DEVICE_KEY.verify_key), text, vectors["Enlace-Signature"])
    assert parsed.as_mapping() == vectors["headers"]


def test_the_answer_vector(vectors: dict[str, Any]) -> None:
    given = vectors["headers"]
    body = vectors["answer_body"].encode()
    text = signing.answer_text(given["Enlace-Device"], given["Enlace-Batch"], vectors["collector_key_id"], body)
    assert text.decode() == vectors["answer_signed_text"]
    assert signing.sign(COLLECTOR_KEY, text) == vectors["answer_signature"]


def test_the_answer_is_written_byte_for_byte(vectors: dict[str, Any]) -> None:
    from agent.wire.answers import BatchAnswer, encode

    body = vectors["answer_body"].encode()
    assert encode(msgspec.json.decode(body, type=BatchAnswer)) == body


def test_settings_are_written_byte_for_byte_and_read_as_an_older_collector_tells_them() -> None:
    from agent.wire.answers import SettingsAnswer, encode

    raw = (GOLDEN / "settings.json").read_bytes().rstrip(b"\n")
    told = msgspec.json.decode(raw, type=SettingsAnswer)
    assert encode(told) == raw and len(told.campaign_utc) == 2
    older = raw[: raw.index(b',"campaign_utc"')] + b"}"
    assert msgspec.json.decode(older, type=SettingsAnswer) == msgspec.structs.replace(told, campaign_utc=[])


def test_key_ids_and_pin(vectors: dict[str, Any]) -> None:
    public = bytes(COLLECTOR_KEY.verify_key)
    assert signing.key_id(public) == vectors["collector_key_id"]
    assert signing.key_id(bytes(DEVICE_KEY.verify_key)) == vectors["device_key_id"]
    assert signing.pin_of(public) == vectors["token_pin"]
