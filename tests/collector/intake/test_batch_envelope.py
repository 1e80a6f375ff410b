"""Which requests with a batch are read at all: body, signature, headers, media type."""

import gzip
import json
from dataclasses import replace

import pytest

from agent.wire import headers, signing
from collector.intake import batch
from collector.store.open import Store
from tests.collector.intake.rows import measurement_rows
from tests.fakes.records import a_measurement
from tests.fakes.wire_device import WireDevice, packed


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "envelope"),
        (b"plain", "envelope"),
        (zipped(b""), "envelope"),
        (zipped(b"[]"), "envelope"),
        (zipped(b'{"items":null}'), "envelope"),
        (zipped(b'{"items":[]}x'), "envelope"),
        (zipped('{"items":[]}'.encode("utf-16")), "envelope"),
        (zipped(b'{"items":["\xff"]}'), "envelope"),
        (packed([]) + packed([]), "envelope"),
        (packed([]) + b"tail", "envelope"),
        (packed([])[:-3], "envelope"),
        (packed([None] * 101), "too_large"),
        (zipped(b'{"items":[]' + b" " * 2_000_000 + b"}"), "too_large"),
        (zipped(b'{"items":[{"extra":' + b"[" * 40 + b"]" * 40 + b"}]}"), "envelope"),
        (zipped(b'{"items":[],"extra":' + b"[" * 100 + b"]" * 100 + b"}"), "envelope"),
    ],
    ids=[str(number) for number in range(15)],  # the same on every worker: the bodies are no names
)
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(device: WireDevice, body: bytes, code: str) -> None:
    assert device.ask(batch.accept, device.request(signing.Word.BATCH, body))["code"] == code


def test_nothing_is_inflated_before_the_signature_is_right(device: WireDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.intake.unpack.inflate", lambda _body: pytest.fail("inflated"))
    incoming = device.batch_of([a_measurement(1)])
    forged = replace(incoming, body=incoming.body + b"\0")
    assert device.ask(batch.accept, forged)["code"] == "bad_signature"


@pytest.mark.parametrize("name", headers.SIGNED)
def test_a_changed_header_stores_nothing(device: WireDevice, store: Store, name: str) -> None:
    incoming = device.batch_of([a_measurement(1)])
    value = incoming.headers[name]
    at = 12 if name == headers.SENT else value.index("created=") + 8 if name == headers.LEDGER else len(value) - 1
    changed = value[:at] + ("1" if value[at] == "0" else "0") + value[at + 1 :]
    changed = "5" if name == headers.RATCHET else changed
    forged = replace(incoming, headers={**incoming.headers, name: changed})
    answer = batch.accept(forged, device.parts)
    expected = "unknown_device" if name == headers.DEVICE else "bad_signature"
    assert json.loads(answer.body)["code"] == expected
    assert measurement_rows(store) == []


@pytest.mark.parametrize("name", [*headers.SIGNED, headers.SIGNATURE])
def test_a_missing_or_doubled_header_is_refused(device: WireDevice, name: str) -> None:
    incoming = device.batch_of([])
    value = incoming.headers[name]
    for given in ({}, {name: f"{value}, {value}"}):
        others = {key: kept for key, kept in incoming.headers.items() if key != name}
        answer = batch.accept(replace(incoming, headers={**others, **given}), device.parts)
        code = "bad_signature" if name == headers.SIGNATURE else "envelope"
        assert json.loads(answer.body)["code"] == code


@pytest.mark.parametrize("changes", [{"media": "text/plain"}, {"media": ""}, {"encoding": "gzip"}, {"encoding": "br"}])
def test_another_media_type_or_encoding_is_refused(device: WireDevice, changes: dict[str, str]) -> None:
    assert device.ask(batch.accept, replace(device.batch_of([]), **changes))["code"] == "envelope"
