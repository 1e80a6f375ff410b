"""Jobs that fail are logged and come again; what need not be kept is forgotten."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Table, insert, select

from collector import jobs
from collector.config import CollectorConfig, TestpointConfig
from collector.errors import CollectorError
from collector.store.open import Store
from collector.store.queries import facts, forgetting, users
from collector.store.tables.devices import BOOTS
from collector.store.tables.measurements import CONFLICTS, QUARANTINE
from tests.fakes.collector_world import FakeClock, fake_ports


def test_an_evaluation_leaves_its_time(store: Store, clock: FakeClock) -> None:
    stop = threading.Event()
    stop.set()
    jobs.run_jobs(store, CollectorConfig(), TestpointConfig(), fake_ports(clock), stop)
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, facts.LAST_EVALUATION_MS) == str(clock.now_ms())


class TwoLooks:
    """An event that lets the clock be looked at twice; before the first look somebody sets it."""

    def __init__(self, clock: FakeClock, by_ms: int) -> None:
        self._clock, self._by_ms, self.looks = clock, by_ms, 0

    def wait(self, seconds: float) -> bool:
        self.looks += 1
        self._clock.advance(round(seconds * 1000))
        if self.looks == 1:
            self._clock.now += self._by_ms
        return self.looks > 2


@pytest.mark.parametrize(("by_ms", "is_noticed"), [(-86_400_000, True), (5_000, False)])
def test_no_job_rests_until_a_clock_that_was_put_back_is_as_late_again(
    clock: FakeClock, by_ms: int, *, is_noticed: bool
) -> None:
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start(paused=True)
    try:
        first = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        scheduler.add_job(print, "interval", seconds=60, id="often", next_run_time=first)
        scheduler.add_job(print, "cron", second=10, id="by the clock", next_run_time=first)
        stop: Any = TwoLooks(clock, by_ms)
        jobs.follow_clock(scheduler, clock, stop, clock.now_ms() - clock.mono_ms())
        moved = first + timedelta(milliseconds=by_ms, seconds=jobs.LOOK_AT_CLOCK_S)
        assert {job.next_run_time for job in scheduler.get_jobs()} == {moved if is_noticed else first}
    finally:
        scheduler.shutdown(wait=False)


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


def kept(store: Store, table: Table) -> set[tuple[str, str]]:
    with store.reader() as snapshot:
        key = list(table.primary_key)
        return {(row[0], row[1]) for row in snapshot.connection.execute(select(*key))}


def test_clocks_of_boots_are_known_for_as_long_as_something_of_them_may_come(store: Store, clock: FakeClock) -> None:
    ages = {("a", "1"): 401, ("a", "2"): 399, ("b", "1"): 500, ("b", "2"): 450}
    rows = [
        {"device": device, "boot_id": boot, "offset_ms": 0, "mono_ms": 0, "seen_ms": clock.now_ms() - days * 86_400_000}
        for (device, boot), days in ages.items()
    ]
    with store.unit() as unit:
        unit.connection.execute(insert(BOOTS), rows)
        unit.commit()
    jobs.tidy(store, fake_ports(clock))
    assert kept(store, BOOTS) == {("a", "2"), ("b", "2")}  # the newest of each is when it was heard of


def test_copies_kept_apart_are_neither_too_old_nor_too_many(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "KEPT_APART", 2)
    ages = {("a", "1"): 3, ("a", "2"): 2, ("a", "3"): 1, ("b", "1"): 399, ("c", "1"): 401}
    times = {key: clock.now_ms() - days * 86_400_000 for key, days in ages.items()}
    with store.unit() as unit:
        for (device, name), at_ms in times.items():
            common = {"device": device, "body": "{}", "received_ms": at_ms}
            unit.connection.execute(insert(CONFLICTS).values(rid=name, content_hash="", **common))
            unit.connection.execute(insert(QUARANTINE).values(body_hash=name, reason="", **common))
        unit.commit()
    jobs.tidy(store, fake_ports(clock))
    for table in (CONFLICTS, QUARANTINE):
        assert kept(store, table) == {("a", "2"), ("a", "3"), ("b", "1")}
