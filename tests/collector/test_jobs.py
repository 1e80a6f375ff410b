"""Jobs that fail are logged and come again; what need not be kept is forgotten."""

import threading

import pytest

from collector import jobs
from collector.config import CollectorConfig, TestpointConfig
from collector.errors import CollectorError
from collector.store.open import Store
from collector.store.queries import facts, users
from tests.fakes.collector_world import FakeClock, fake_ports


def test_an_evaluation_leaves_its_time(store: Store, clock: FakeClock) -> None:
    stop = threading.Event()
    stop.set()
    jobs.run_jobs(store, CollectorConfig(), TestpointConfig(), fake_ports(clock), stop)
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, facts.LAST_EVALUATION_MS) == str(clock.now_ms())


@pytest.mark.parametrize("error", [CollectorError("no profile"), KeyError("ours")])
def test_a_job_that_fails_hurts_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(*_given: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(jobs.run, "evaluate", fail)
    jobs.evaluate(store, CollectorConfig(), TestpointConfig(), fake_ports())
    assert "job.failed" in caplog.text


def test_old_wrong_passwords_are_forgotten(store: Store, clock: FakeClock) -> None:
    with store.unit() as unit:
        users.add_failure(unit, "old", clock.now_ms() - jobs.FAILURES_KEPT_MS - 1)
        users.add_failure(unit, "new", clock.now_ms())
        unit.commit()
    jobs.tidy(store, fake_ports(clock))
    with store.reader() as snapshot:
        assert users.find_failures(snapshot, "old").count == 0
        assert users.find_failures(snapshot, "new").count == 1
