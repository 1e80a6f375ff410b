"""When the daemon's test is made again: a busy test point is asked again at its time, a few times."""

import pytest

from agent.config import AgentConfig
from agent.daemon import jobs
from agent.daemon.agenda import Planned
from agent.measure import busy
from agent.ports import Ports
from agent.wire.records import Failure, Measurement
from agent.wire.vocabulary import FailureCode, Phase, Status, Tier, Trigger
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness

NEXT_S = 7_200.0


class WrittenWalk:
    """Makes the records that a test has written."""

    def __init__(self, *records):
        self.records = list(records)

    def once(self, _trigger, *, alone):
        return self.records.pop(0)


class EvenAgenda:
    """One test is due; the next is two hours away."""

    def __init__(self):
        self.tests = 0

    def plan(self):
        return Planned(NEXT_S if self.tests else 0.0, Trigger.WINDOW)

    def is_calibration_due(self, _trigger):
        return False

    def is_paused(self):
        return False

    def note_test(self, _began_mono_ms):
        self.tests += 1


class FreeLock:
    def try_acquire(self):
        return True

    def release(self):
        return


def record(code=None, tags=None):
    return Measurement(
        rid="01a20da9-0003-7000-8000-000000000000",
        status=Status.FAILED if code else Status.OK,
        failure=Failure(phase=Phase.DOWNLOAD, code=code) if code else None,
        tier=Tier.CAPACITY,
        trigger=Trigger.WINDOW,
        started_at="2026-11-24T13:05:09.123Z",
        tags=tags,
    )


def job_of(*records):
    agenda = EvenAgenda()
    ports = Ports(FakeClock(), SeededRandomness(), FakeHost())
    job = jobs.TestJob(AgentConfig(), ports, WrittenWalk(*records), agenda, FreeLock(), has_room=lambda: True)
    return job, agenda


BUSY = record(FailureCode.SERVER_BUSY, [busy.tag(40)])


def test_a_busy_test_point_is_asked_again_at_its_time():
    job, agenda = job_of(BUSY, record())
    job.run()
    assert 40 <= job.due_in_s() <= 60
    assert (agenda.tests, job.held) == (0, "the test point is busy")
    job.run()
    assert job.due_in_s() == pytest.approx(NEXT_S)
    assert (agenda.tests, job.held) == (1, "")


def test_but_not_for_ever():
    job, agenda = job_of(*[BUSY] * (jobs.BUSY_TRIES + 1))
    for _ in range(jobs.BUSY_TRIES + 1):
        job.run()
    assert job.due_in_s() == pytest.approx(NEXT_S)
    assert agenda.tests == 1


def test_other_failures_wait_for_the_next_moment():
    job, agenda = job_of(record(FailureCode.DNS))
    job.run()
    assert job.due_in_s() == pytest.approx(NEXT_S)
    assert agenda.tests == 1


def test_a_moment_that_news_have_put_off_is_waited_for():
    """Windows that changed, or a clock that was put right, after the moment was set."""
    job, agenda = job_of(record())
    agenda.tests = 1
    job.run()
    assert job.due_in_s() == pytest.approx(NEXT_S)
    assert agenda.tests == 1


def test_news_do_not_shorten_the_wait_for_a_turn():
    job, _agenda = job_of(BUSY, record())
    job.run()
    job.replan()
    assert 40 <= job.due_in_s() <= 60


def test_a_moment_that_moved_is_another_test_which_asks_again():
    job, agenda = job_of()
    job._alone, job._busy = True, 2  # the collector was silent, or its test point full
    agenda.tests = 1  # new settings: the moment lies ahead now
    job.run()
    assert (job._alone, job._busy) == (False, 0)
    agenda.tests = 0
    job.replan()
    assert job.planned.in_s == 0.0
