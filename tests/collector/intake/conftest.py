"""A deployment with two schools, and a device that is enrolled in the first."""

import pytest

from collector.intake.parts import Parts
from collector.store.open import Store
from tests.fakes.collector_world import FakeClock
from tests.fakes.wire_device import WireDevice, a_deployment, a_token


@pytest.fixture
def parts(store: Store, clock: FakeClock) -> Parts:
    return a_deployment(store, clock)


@pytest.fixture
def device(parts: Parts) -> WireDevice:
    made = WireDevice(parts, a_token(parts))
    made.enrol()
    return made
