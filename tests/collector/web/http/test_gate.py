"""Places: who finds none is told at once, and a place is given back however a request ends."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from agent.wire import headers, signing
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.web.http.gate import Gate, Places
from tests.fakes.collector_world import FakeClock
from tests.fakes.wire_device import WireDevice, a_deployment, a_token


@pytest.fixture
def parts(store: Store, clock: FakeClock) -> Parts:
    return a_deployment(store, clock)


def a_gate(parts: Parts, application: Any) -> tuple[Gate, dict[str, Places]]:
    places = {"ingest": Places(1), "enrol": Places(1), "pages": Places(2), "exports": Places(2)}
    return Gate(places, parts, application), places


def hello(_environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def test_a_place_is_given_back_after_the_answer(parts: Parts) -> None:
    gate, places = a_gate(parts, hello)
    client = Client(gate)
    for _ in range(5):
        assert client.post("/ingest/v1/batch", buffered=True).get_data() == b"hello"
    assert places["ingest"].share() == 0


def test_a_place_is_kept_while_an_answer_streams(parts: Parts) -> None:
    gate, places = a_gate(parts, hello)
    pieces, _status, _headers = run_wsgi_app(gate, EnvironBuilder("/exports/x.csv").get_environ())
    assert places["exports"].share() == 0.5
    pieces.close()  # type: ignore[attr-defined]  # the iterable of a WSGI answer
    pieces.close()  # type: ignore[attr-defined]  # closing twice gives back one place
    assert places["exports"].share() == 0


def test_a_fault_gives_the_place_back(parts: Parts) -> None:
    def broken(_environ: Any, _start_response: Any) -> Iterable[bytes]:
        raise KeyError

    gate, places = a_gate(parts, broken)
    with pytest.raises(KeyError):
        Client(gate).get("/")
    assert places["pages"].share() == 0


def test_a_herd_of_devices_leaves_the_pages_alone(parts: Parts) -> None:
    gate, places = a_gate(parts, hello)
    assert places["ingest"].take()
    client = Client(gate)
    for path in ("/ingest/v1/batch", "/lease/v1/test", "/settings/v1"):
        response = client.post(path)
        assert response.status_code == 503
        assert 15 <= int(response.headers["Retry-After"]) <= 45
    assert client.post("/enrol/v1/device").status_code == 200
    assert client.get("/").status_code == 200


def test_a_device_can_verify_that_there_is_no_place(parts: Parts) -> None:
    gate, places = a_gate(parts, hello)
    device = WireDevice(parts, a_token(parts))
    device.enrol()
    places["ingest"].take()
    incoming = device.batch_of([])
    response = Client(gate).post("/ingest/v1/batch", headers=dict(incoming.headers))
    told = json.loads(response.get_data())
    assert (told["code"], told["status"]) == ("overload", 503)
    assert told["retry_after_s"] == int(response.headers["Retry-After"])
    text = signing.answer_text(device.device, incoming.batch, signing.key_id(device.collector_key), response.get_data())
    assert signing.is_signed(device.collector_key, text, response.headers[headers.SIGNATURE])


def test_a_person_is_told_in_words(parts: Parts) -> None:
    gate, places = a_gate(parts, hello)
    assert places["pages"].take()
    assert places["pages"].take()
    response = Client(gate).get("/schools")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    text = response.get_data(as_text=True)
    assert "Load this page again in" in text and "Cargue esta página otra vez en" in text
    assert "/static/site.css" in text


def test_slow_downloads_leave_the_pages_alone(parts: Parts) -> None:
    gate, _places = a_gate(parts, hello)
    held = [run_wsgi_app(gate, EnvironBuilder("/exports/measurements.csv").get_environ())[0] for _ in range(2)]
    client = Client(gate)
    third = client.get("/exports/file?table=schools")
    assert third.status_code == 503 and int(third.headers["Retry-After"]) > 0
    assert client.get("/").status_code == client.get("/exports").status_code == 200
    for pieces in held:
        pieces.close()  # type: ignore[attr-defined]  # the iterable of a WSGI answer
    assert client.get("/exports/measurements.csv").status_code == 200


def test_static_files_take_no_place_of_a_page(parts: Parts) -> None:
    gate, places = a_gate(parts, hello)
    assert places["pages"].take() and places["pages"].take()
    assert Client(gate).get("/static/site.css").status_code == 200
