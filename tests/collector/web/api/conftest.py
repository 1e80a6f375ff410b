"""The whole web application of a deployment, spoken to without a socket."""

import pytest
from werkzeug.test import Client

from collector.app import make_flask
from collector.intake.parts import Parts
from collector.store.open import Store
from tests.fakes.collector_world import FakeClock
from tests.fakes.wire_device import WireDevice, a_deployment, a_token


@pytest.fixture
def parts(store: Store, clock: FakeClock) -> Parts:
    return a_deployment(store, clock)


@pytest.fixture
def client(parts: Parts) -> Client:
    return Client(make_flask(parts))


@pytest.fixture
def device(parts: Parts) -> WireDevice:
    made = WireDevice(parts, a_token(parts))
    made.enrol()
    return made
