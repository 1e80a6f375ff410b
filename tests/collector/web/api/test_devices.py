"""The four addresses of devices over HTTP: what goes in, what comes back, and never a 5xx for what somebody sent."""

import json
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from agent.wire import forms, headers, signing
from agent.wire.signing import Word
from collector.errors import StorageError
from collector.intake.incoming import Incoming
from collector.intake.parts import Parts
from collector.web.api.devices import BATCH_PATH, ENROL_PATH, LEASE_PATH, PATHS, SETTINGS_PATH
from tests.fakes.records import a_measurement
from tests.fakes.wire_device import WireDevice, a_token


def send(client: Client, path: str, incoming: Incoming, **changes: Any) -> TestResponse:
    given = {**incoming.headers, "Content-Type": incoming.media, **changes.pop("headers", {})}
    kept = {name: value for name, value in given.items() if value is not None}
    return client.post(path, data=changes.get("body", incoming.body), headers=kept)


def is_signed(device: WireDevice, incoming: Incoming, response: TestResponse, name: str | None = None) -> bool:
    text = signing.answer_text(
        name or device.device, incoming.batch, signing.key_id(device.collector_key), response.get_data()
    )
    return signing.is_signed(device.collector_key, text, response.headers.get(headers.SIGNATURE, ""))


def test_a_batch_is_answered_signed_and_never_cached(client: Client, device: WireDevice) -> None:
    incoming = device.batch_of([a_measurement(1)])
    response = send(client, BATCH_PATH, incoming, headers={"Accept-Encoding": "gzip, br"})
    assert response.status_code == 200
    assert response.json is not None
    assert response.json["items"][0]["status"] == "accepted"
    assert is_signed(device, incoming, response)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store, no-transform"
    assert "Content-Encoding" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_the_other_three_addresses_answer_signed(client: Client, device: WireDevice, parts: Parts) -> None:
    lease = device.request(Word.LEASE, b'{"trigger":"manual","engines":["ndt7"]}')
    settings = device.request(Word.SETTINGS, b"{}")
    for path, incoming in ((LEASE_PATH, lease), (SETTINGS_PATH, settings)):
        response = send(client, path, incoming)
        assert response.status_code == 200
        assert is_signed(device, incoming, response)
    other = WireDevice(parts, a_token(parts), seed=2)
    enrolment = other.enrolment()
    response = send(client, ENROL_PATH, enrolment)
    assert response.json is not None
    assert is_signed(other, enrolment, response, response.json["device"])


def test_refusals_are_signed_problem_json(client: Client, device: WireDevice) -> None:
    right = device.batch_of([a_measurement(1)])
    cases = {
        "bad_signature": send(client, BATCH_PATH, right, body=right.body + b"x"),
        "envelope": send(client, BATCH_PATH, right, headers={"Content-Type": "text/plain"}),
        "too_large": send(client, BATCH_PATH, right, body=b"x" * 256_001),
    }
    for code, response in cases.items():
        told = json.loads(response.get_data())
        assert response.headers["Content-Type"] == "application/problem+json"
        assert (told["code"], told["status"]) == (code, response.status_code)
        assert set(told) >= {"type", "title", "status", "code", "detail"}
        assert is_signed(device, right, response)


def test_a_charset_beside_the_media_type_is_passed_over(client: Client, device: WireDevice) -> None:
    media = f"{headers.BATCH_MEDIA}; charset=utf-8"
    assert send(client, BATCH_PATH, device.batch_of([]), headers={"Content-Type": media}).status_code == 200


def test_an_unknown_device_can_verify_that_it_is_unknown(client: Client, device: WireDevice) -> None:
    device.device = "00000000-0000-4000-8000-000000000000"
    incoming = device.batch_of([])
    response = send(client, BATCH_PATH, incoming)
    assert response.status_code == 401
    assert is_signed(device, incoming, response)


def test_plain_bodies_have_a_small_cap(client: Client, device: WireDevice) -> None:
    for path in (LEASE_PATH, SETTINGS_PATH, ENROL_PATH):
        incoming = device.request(Word.SETTINGS, b"{" + b" " * 8000 + b"}")
        response = send(client, path, incoming)
        assert json.loads(response.get_data())["code"] == "too_large"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(client: Client, path: str, method: str) -> None:
    response = client.open(path, method=method)
    assert response.status_code == 405


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("value", ["", "-", "é", "a" * 3000, "\t", "1 2 3", str(2**70)])
def test_any_header_is_refused_without_a_fault(client: Client, device: WireDevice, path: str, value: str) -> None:
    for name in (*headers.SIGNED, headers.SIGNATURE, headers.OLD_SIGNATURE):
        incoming = device.batch_of([])
        status = send(client, path, incoming, headers={name: value.encode().decode("latin-1")}).status_code
        assert 400 <= status < 500 or name == headers.OLD_SIGNATURE


@pytest.mark.parametrize(("is_full", "code", "status"), [(True, "storage", 507), (False, "maintenance", 503)])
def test_a_database_that_is_away_or_full_is_said_signed(
    client: Client, device: WireDevice, monkeypatch: pytest.MonkeyPatch, is_full: bool, code: str, status: int
) -> None:
    def fail(_self: object) -> None:
        raise StorageError("away", is_full=is_full)

    incoming = device.batch_of([a_measurement(1)])
    monkeypatch.setattr("collector.store.unit.UnitOfWork.commit", fail)
    response = send(client, BATCH_PATH, incoming)
    assert (response.status_code, json.loads(response.get_data())["code"]) == (status, code)
    assert response.headers["Retry-After"].isdigit()
    assert is_signed(device, incoming, response)


def test_the_whole_collector_is_open_to_devices_without_signing_in(client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).status_code == 200
    assert client.get("/").status_code == 303


def test_health_says_how_old_the_newest_data_are(client: Client, device: WireDevice, parts: Parts) -> None:
    assert client.get("/healthz").json == {
        "status": "ok", "last_measurement_age_s": None, "last_contact_age_s": None, "last_evaluation_age_s": None,
        "ill": [],
    }  # fmt: skip
    device.post([a_measurement(1)])
    parts.ports.clock.sleep(90)
    told = client.get("/healthz").json
    assert told is not None
    assert (told["last_measurement_age_s"], told["last_contact_age_s"]) == (90, 90)


def test_figures_for_monitors_are_lines_of_text(client: Client, device: WireDevice) -> None:
    device.post([a_measurement(1)])
    lines = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_data(as_text=True).splitlines()
    assert "enlace_up 1" in lines
    assert 'enlace_devices{state="active"} 1' in lines
    assert any(line.startswith("enlace_last_measurement_timestamp_seconds ") for line in lines)


def test_no_address_of_a_school_is_in_an_answer(client: Client, device: WireDevice) -> None:
    response = send(client, BATCH_PATH, device.batch_of([]))
    assert forms.is_hex(json.loads(response.get_data())["store_epoch"], 32)
    assert b"127.0.0.1" not in response.get_data()
