"""APScheduler fires the daemon's jobs; our own trigger and loop keep it right when somebody sets the clock.

APScheduler sleeps and decides by the wall clock: set back an hour, it stands still for an hour; set forward 25 years,
it lists every run it believes to have missed until memory is gone. So the trigger asks the daemon, which counts in
monotonic time, and never names a moment more than half a minute away; the loop looks at both clocks at every round.
"""

import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.triggers.base import BaseTrigger

LOG = logging.getLogger(__name__)

LONGEST_SLEEP_S = 30.0
SHORTEST_STEP_S = 0.2
AFTER_A_FAULT_S = 60.0


class Job(Protocol):
    """One of the daemon's jobs."""

    @property
    def name(self) -> str:
        """For the log."""

    @property
    def lane(self) -> str:
        """Jobs of one lane never run at the same time."""

    def due_in_s(self) -> float:
        """Return how long until it is due, by the monotonic clock; <= 0 = now."""

    def run(self) -> None:
        """Do it."""


class DueTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires when the daemon says so, and at least every half minute to ask it again."""

    def __init__(self, due_in_s: Callable[[], float]) -> None:
        self._due_in_s = due_in_s

    def get_next_fire_time(
        self, previous_fire_time: datetime.datetime | None, now: datetime.datetime
    ) -> datetime.datetime:
        """Return a moment after `now` in any case, so that no list of missed runs can grow."""
        wait_s = min(max(self._due_in_s(), SHORTEST_STEP_S), LONGEST_SLEEP_S)
        return now + datetime.timedelta(seconds=wait_s)


@dataclass
class _Guarded:
    """A job at the edge: a fault of ours is logged once and the daemon goes on."""

    job: Job
    mono_ms: Callable[[], int]
    rests_until_ms: int = -1

    def due_in_s(self) -> float:
        """Return how long until the job is due; a job that failed rests a minute."""
        rest_s = (self.rests_until_ms - self.mono_ms()) / 1000
        try:
            return max(self.job.due_in_s(), rest_s)
        except Exception:
            LOG.exception("job.failed", extra={"job": self.job.name})
            self.rests_until_ms = self.mono_ms() + round(AFTER_A_FAULT_S * 1000)
            return AFTER_A_FAULT_S

    def fire(self) -> None:
        """Run the job if it is due."""
        if self.due_in_s() > 0:
            return
        try:
            self.job.run()
        except Exception:
            LOG.exception("job.failed", extra={"job": self.job.name})
            self.rests_until_ms = self.mono_ms() + round(AFTER_A_FAULT_S * 1000)


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]  # the library has no types
    """A background scheduler that survives any step of the wall clock."""

    def __init__(self, jobs: Sequence[Job], mono_ms: Callable[[], int], every_round: Callable[[], bool]) -> None:
        """Make a scheduler; `start` runs it.

        Args:
            jobs: What to fire.
            mono_ms: The monotonic clock.
            every_round: Called at least every half minute; True = the wall clock was set, moments must be found anew.
        """
        lanes = sorted({job.lane for job in jobs})
        super().__init__(
            timezone=datetime.UTC,  # a look-up of the local zone fails on some computers and must not stop the start
            executors={lane: ThreadPoolExecutor(1) for lane in lanes},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            daemon=True,
        )
        self._every_round = every_round
        for job in jobs:
            guarded = _Guarded(job, mono_ms)
            self.add_job(guarded.fire, DueTrigger(guarded.due_in_s), executor=job.lane, id=job.name, name=job.name)

    def _main_loop(self) -> None:
        wait_s: float | None = SHORTEST_STEP_S
        while self.state != STATE_STOPPED:
            self._event.wait(LONGEST_SLEEP_S if wait_s is None else min(max(wait_s, 0.0), LONGEST_SLEEP_S))
            self._event.clear()
            if self.state == STATE_STOPPED:
                return
            wait_s = self.one_round()

    def one_round(self) -> float | None:
        """Look at the clocks, start what is due, return the seconds to the next moment."""
        try:
            if self._every_round():
                self.rebase()
        except Exception:
            LOG.exception("round.failed")
        wait_s: Any = self._process_jobs()
        return None if wait_s is None else float(wait_s)

    def rebase(self) -> None:
        """Find every job's next moment anew from now: the old ones belong to another clock."""
        now = datetime.datetime.now(datetime.UTC)
        for job in self.get_jobs():
            job.modify(next_run_time=job.trigger.get_next_fire_time(None, now))
