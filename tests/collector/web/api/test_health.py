"""Who may read the figures."""

import pytest
from flask import Flask

from collector.intake.parts import Parts
from collector.store.open import Store
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
