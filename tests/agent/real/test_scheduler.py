"""Our trigger and loop around APScheduler; real time passes only where its own thread needs it."""

import datetime
import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.real.scheduler import LONGEST_SLEEP_S, DueTrigger, SteadyScheduler, _Guarded

NOW = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)


@dataclass
class AJob:
    name: str = "job"
    lane: str = "one"
    due_s: float = 0.0
    fault: bool = False
    runs: int = 0
    ran: threading.Event = field(default_factory=threading.Event)

    def due_in_s(self) -> float:
        return self.due_s

    def run(self) -> None:
        self.runs += 1
        self.due_s = 3_600
        self.ran.set()
        if self.fault:
            raise RuntimeError("boom")


@given(
    st.floats(-1e12, 1e12),
    st.none() | st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2199, 1, 1)),
)
def test_no_list_of_missed_runs_can_ever_grow(due_s: float, previous: datetime.datetime | None) -> None:
    before = previous.replace(tzinfo=datetime.UTC) if previous else None
    fires = DueTrigger(lambda: due_s).get_next_fire_time(before, NOW)
    assert NOW < fires <= NOW + datetime.timedelta(seconds=LONGEST_SLEEP_S)


@pytest.mark.parametrize("years", [-25, -1, 1, 25])
def test_after_a_step_of_the_clock_every_job_is_near_again(years: int) -> None:
    jobs = [AJob(name=f"job-{n}", due_s=10) for n in range(3)]
    scheduler = SteadyScheduler(jobs, lambda: 0, lambda: False)
    scheduler.start(paused=True)
    try:
        real_now = datetime.datetime.now(datetime.UTC)
        for job in scheduler.get_jobs():
            job.modify(next_run_time=real_now + datetime.timedelta(days=365 * years))
        scheduler.rebase()
        for job in scheduler.get_jobs():
            assert abs((job.next_run_time - real_now).total_seconds()) < 60
    finally:
        scheduler.shutdown(wait=True)


def test_what_is_due_runs_once() -> None:
    job = AJob()
    scheduler = SteadyScheduler([job], lambda: 0, lambda: False)
    scheduler.start()
    try:
        assert job.ran.wait(20)
    finally:
        scheduler.shutdown(wait=True)
    assert job.runs == 1


def test_a_job_that_fails_rests_and_stops_nothing() -> None:
    mono = [0]
    job = AJob(fault=True)
    guarded = _Guarded(job, lambda: mono[0])
    guarded.fire()
    job.due_s = 0
    guarded.fire()
    assert job.runs == 1 and guarded.due_in_s() == 60
    mono[0] = 61_000
    guarded.fire()
    assert job.runs == 2


def test_a_round_that_fails_is_survived() -> None:
    def broken() -> bool:
        raise OSError("disk")

    job = AJob()
    scheduler = SteadyScheduler([job], lambda: 0, broken)
    scheduler.start()
    try:
        assert job.ran.wait(20)
    finally:
        scheduler.shutdown(wait=True)
