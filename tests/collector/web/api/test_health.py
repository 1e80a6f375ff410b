"""Who may read the figures, and what they say of jobs and devices."""

import threading

import pytest
from flask import Flask
from sqlalchemy import insert

from collector.app import run_web
from collector.config import CollectorConfig, TestpointConfig
from collector.intake.parts import Parts
from collector.notify import watch
from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from collector.web.api import health
from tests.fakes.collector_world import FakeClock
from tests.fakes.wire_device import a_deployment


@pytest.fixture
def parts(store: Store, clock: FakeClock) -> Parts:
    return a_deployment(store, clock)


def ask(parts: Parts, token: str, address: str, path: str = "/metrics", **headers: str) -> int:
    app = Flask("collector.web")
    app.register_blueprint(health.make_blueprint(parts, token))
    return app.test_client().get(path, headers=headers, environ_base={"REMOTE_ADDR": address}).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_a_secret_this_computer_may_ask(parts: Parts, address: str) -> None:
    assert ask(parts, "", address) == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.4", "2001:db8::1", "", "nonsense"])
def test_without_a_secret_nobody_else_may(parts: Parts, address: str) -> None:
    assert ask(parts, "", address) == 403
    assert ask(parts, "", address, "/healthz") == 200


def test_a_secret_lets_in_from_anywhere_and_is_needed_everywhere(parts: Parts) -> None:
    assert ask(parts, "s3cret", "192.0.2.7", Authorization="Bearer s3cret") == 200
    assert ask(parts, "s3cret", "127.0.0.1") == 401
    assert ask(parts, "s3cret", "192.0.2.7", Authorization="bearer  s3cret") == 200
    assert ask(parts, "s3cret", "127.0.0.1", Authorization="Bearer other") == 401
    assert ask(parts, "s3cret", "127.0.0.1", Authorization="Bearer ñ") == 401


def health_of(parts: Parts) -> dict[str, object]:
    app = Flask("collector.web")
    app.register_blueprint(health.make_blueprint(parts, ""))
    found = app.test_client().get("/healthz").json
    assert isinstance(found, dict)
    return found


def test_where_the_jobs_never_ran_it_is_not_said_to_be_well(parts: Parts, clock: FakeClock) -> None:
    assert health_of(parts)["status"] == "ok"
    watch.note_start(parts.store, clock.now_ms())
    clock.advance(14 * 60_000)
    assert health_of(parts)["status"] == "ok", "the jobs may be about to begin"
    clock.advance(60_000)
    assert health_of(parts)["status"] == "ill" and health_of(parts)["ill"] == ["jobs_silent"]


def test_a_web_server_remembers_when_it_first_began(parts: Parts, clock: FakeClock) -> None:
    stop, began_ms = threading.Event(), clock.now_ms()
    stop.set()
    for _start in range(2):
        run_web(parts.store, CollectorConfig(port=0), TestpointConfig(), parts.ports, stop)
        clock.advance(60_000)
    with parts.store.reader() as snapshot:
        assert watch.read_looked(snapshot).first_start_ms == began_ms


def test_contacts_of_devices_that_nobody_let_in_do_not_count(parts: Parts, clock: FakeClock) -> None:
    row = {"school": "S0", "machine_hash": "x", "enrolled_ms": 0}
    heard = {"active": clock.now_ms() - 90_000, "pending": clock.now_ms() - 1_000, "revoked": clock.now_ms()}
    with parts.store.unit() as unit:
        rows = [{**row, "device": state, "state": state, "last_contact_ms": at_ms} for state, at_ms in heard.items()]
        unit.connection.execute(insert(DEVICES), rows)
        unit.commit()
    assert health_of(parts)["last_contact_age_s"] == 90
