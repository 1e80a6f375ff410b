"""What the collector's processes do before their threads run."""

import threading

import pytest

from collector import app, jobs
from collector.config import CollectorConfig, TestpointConfig
from collector.store.open import Store
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.probe_shape import Probe


def test_the_web_knows_what_devices_send_before_the_first_comes(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = Probe(monkeypatch)
    app.create_app(store, CollectorConfig(), fake_ports(clock))
    assert probe.is_built()


def test_the_jobs_know_what_they_read_before_they_begin(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe, stop = Probe(monkeypatch), threading.Event()
    stop.set()
    jobs.run_jobs(store, CollectorConfig(), TestpointConfig(), fake_ports(clock), stop)
    assert probe.is_built()
