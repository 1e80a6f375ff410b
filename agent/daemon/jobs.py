"""The daemon's jobs: when each is due, counted in monotonic time, and what it does.

`agent.real.scheduler` fires them; `walk.Walk` is what most of them do. Nothing here looks at the wall clock to
decide when: it may be years off, or be set while the agent runs.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from agent.config import AgentConfig
from agent.daemon.agenda import Agenda, Planned
from agent.daemon.handover import Handover
from agent.daemon.permission import Held
from agent.daemon.walk import Walk
from agent.locks import FileLock
from agent.measure import busy
from agent.ports import Clock, Ports
from agent.uplink.contact import Contact
from agent.wire.records import Measurement
from agent.wire.vocabulary import FailureCode, LeaseRefusal, Tier, Trigger

LOG = logging.getLogger(__name__)

TEST_LANE, ERRAND_LANE = "test", "errand"

LOOK_AGAIN_S = 30.0  # how soon another process' rows, identity or end of a test is noticed
FULL_DISK_RETRY_S = 60.0
SETTINGS_RETRY_S = 600.0
NO_WINDOW_S = 3_600.0  # how soon to look for a window again
BUSY_TRIES = 3
MISSED_AFTER_S = 60.0
CLOCK_STEP_MS = 60_000


@dataclass
class ClockStep:
    """The last time that somebody set this computer's clock."""

    noticed_ms: int  # by the new time
    by_ms: int


class ClockWatch:
    """Tells that the wall clock was set: it and the monotonic one no longer agree."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ms = clock.now_ms() - clock.mono_ms()
        self.last_step: ClockStep | None = None

    def has_stepped(self) -> bool:
        """Return whether the clock was set by more than a minute since the last look."""
        offset_ms = self._clock.now_ms() - self._clock.mono_ms()
        by_ms, self._offset_ms = offset_ms - self._offset_ms, offset_ms
        if abs(by_ms) <= CLOCK_STEP_MS:
            return False
        self.last_step = ClockStep(self._clock.now_ms(), by_ms)
        LOG.warning("clock.set", extra={"by_s": by_ms / 1000})
        return True


class Timed:
    """A job with one moment at which it is due."""

    def __init__(self, name: str, lane: str, clock: Clock, first_s: float) -> None:
        self.name, self.lane, self._clock = name, lane, clock
        self.due_ms = clock.mono_ms() + round(first_s * 1000)

    def due_in_s(self) -> float:
        """Return how long until it is due; <= 0 = now."""
        return (self.due_ms - self._clock.mono_ms()) / 1000

    def run(self) -> None:
        """Do it."""
        raise NotImplementedError

    def set_due_in(self, seconds: float) -> None:
        """Make it due after so many seconds from now."""
        self.due_ms = self._clock.mono_ms() + round(max(seconds, 0.0) * 1000)


class TestJob(Timed):
    """Tests at their moments, one at a time on this computer."""

    def __init__(
        self,
        config: AgentConfig,
        ports: Ports,
        walk: Walk,
        agenda: Agenda,
        lock: FileLock,
        *,
        has_room: Callable[[], bool],
    ) -> None:
        """Make the job; the first test comes soon after the start.

        Args:
            config: Intervals.
            ports: Clock and chance.
            walk: What a test is.
            agenda: When the next one is due.
            lock: Held while a test runs, here or by a person's command.
            has_room: Whether a measurement could be stored.
        """
        super().__init__("test", TEST_LANE, ports.clock, 0.0)
        self._config, self._ports, self._walk, self._agenda, self._lock = config, ports, walk, agenda, lock
        self._has_room = has_room
        self._alone = False  # the collector had no word for the due test: it is made without asking again
        self._busy = 0  # so often was the due test put off because another one, or the test point, was busy
        self._began_ms = 0  # the test under way; monotonic
        self.planned: Planned | None = None
        self.last: Measurement | None = None
        self.missed_ms: int | None = None  # wall time at which planned tests that had passed were made good
        self.testing_since_ms: int | None = None
        self.held = ""  # why the last due test was not made, in words
        self._unstored: Measurement | None = None  # says that there was no room, and waits for some
        self._plan()

    def replan(self) -> None:
        """Find the next moment anew; a test that waits for its turn keeps its time."""
        if not self._alone and not self._busy:
            self._plan()

    def _plan(self) -> None:
        self.planned = self._agenda.plan()
        self.set_due_in(self.planned.in_s if self.planned else NO_WINDOW_S)

    def run(self) -> None:
        """Make the due test, or find when to try again."""
        late, late_s = self.planned, -self.due_in_s()
        planned = self._agenda.plan()
        if late is None or planned is None or planned.in_s > 0:  # the clock or the windows changed meanwhile
            self._alone, self._busy = False, 0  # another moment: the collector is asked again
            self._plan()
            return
        if not self._has_room():
            self.held = "there is no room on the disk"
            self._unstored = self._unstored or self._walk.without_room(planned.trigger)
            self.set_due_in(FULL_DISK_RETRY_S)
            return
        if self._unstored:
            self._walk.store(self._unstored)
            self._unstored = None
        try:
            is_free = self._lock.try_acquire()
        except OSError as error:
            self.held = f"the lock file {self._lock.path} cannot be written: {error.strerror}"
            LOG.warning("test.lock_unusable", extra={"why": self.held})
            self.set_due_in(FULL_DISK_RETRY_S)
            return
        if not is_free:
            self.set_due_in(min(LOOK_AGAIN_S, self._config.light_interval_s))
            return
        if late.missed or late_s > MISSED_AFTER_S:
            self.missed_ms = self._clock.now_ms()
            LOG.info("test.late", extra={"missed": planned.missed, "by_s": max(0.0, late_s)})
        self.testing_since_ms, self._began_ms = self._clock.now_ms(), self._clock.mono_ms()
        try:
            outcome = self._make(planned.trigger)
        finally:
            self.testing_since_ms = None
            self._lock.release()
        if isinstance(outcome, Held):
            self._wait_for(planned.trigger, outcome)
        elif not self._comes_back(outcome):
            self._done(outcome)

    def _make(self, trigger: Trigger) -> Measurement | Held:
        if self._agenda.is_paused():
            return self._walk.skip(trigger, FailureCode.PAUSED)
        if not (self._agenda.is_calibration_due(trigger) and self._walk.purse.can_calibrate()):
            return self._walk.once(trigger, alone=self._alone)
        before = self._agenda.note_calibration()
        outcome = self._walk.once(trigger, alone=self._alone, tier=Tier.CALIBRATION)
        if isinstance(outcome, Held) or outcome.tier is not Tier.CALIBRATION or outcome.download is None:
            self._agenda.take_back_calibration(before)
        return outcome

    def _done(self, record: Measurement | None) -> None:
        self.last = record or self.last
        self.held, self._alone, self._busy = "", False, 0
        self._agenda.note_test(self._began_ms)
        self._plan()

    def _comes_back(self, record: Measurement) -> bool:
        """Try again when a busy test point wants to be asked again; return False where there is no such time."""
        come_back_s = busy.come_back_s(record)
        if come_back_s is None or self._busy >= BUSY_TRIES:
            return False
        self.last, self.held = record, "the test point is busy"
        self._busy += 1
        self.set_due_in(come_back_s * self._ports.randomness.uniform(1.0, 1.5))
        return True

    def _wait_for(self, trigger: Trigger, held: Held) -> None:
        """Decide what a refused test becomes: another try, a test without a collector, or a record that says why."""
        LOG.info("test.held", extra={"reason": held.reason})
        if held.reason == "no_word":
            self._alone = True
            self.set_due_in(self._ports.randomness.uniform(0, self._config.alone_spread_s))
        elif held.reason == LeaseRefusal.BUSY and self._busy < BUSY_TRIES:
            self._busy += 1
            self.set_due_in((held.retry_after_s or 60.0) * self._ports.randomness.uniform(1.0, 1.5))
        else:
            self._done(self._walk.skip_for(trigger, held))
        self.held = held.why


class UploadJob(Timed):
    """Hands over what waits, as soon as the contact allows."""

    def __init__(self, clock: Clock, handover: Handover, contact: Contact, has_offer: Callable[[], bool]) -> None:
        super().__init__("upload", ERRAND_LANE, clock, 0.0)
        self._handover, self._contact, self._has_offer = handover, contact, has_offer

    def due_in_s(self) -> float:
        """Return how long until the next try: at once if something waits and nothing forbids it."""
        if not self._contact.is_enrolled:
            return super().due_in_s()
        wait_s = self._contact.wait_s()
        if wait_s > 0:
            return wait_s
        return 0.0 if self._has_offer() else LOOK_AGAIN_S

    def run(self) -> None:
        """Post the backlog; a copied computer first has to become a device of its own."""
        self.set_due_in(LOOK_AGAIN_S)
        self._contact.refresh()
        if not self._contact.is_enrolled:
            self._contact.enrol_if_asked()
        self._handover.post()


class SettingsJob(Timed):
    """Asks the collector for its settings, now and then and when an answer says they have changed."""

    def __init__(
        self, config: AgentConfig, clock: Clock, handover: Handover, contact: Contact, on_news: Callable[[], None]
    ) -> None:
        super().__init__("settings", ERRAND_LANE, clock, 0.0)
        self._every_s = config.settings_interval_s
        self._handover, self._contact, self._on_news = handover, contact, on_news

    def due_in_s(self) -> float:
        """Return how long until it is due."""
        if not self._contact.is_enrolled:
            return LOOK_AGAIN_S
        wait_s = self._contact.wait_s(fresh=True)
        if wait_s > 0:
            return wait_s
        return 0.0 if self._handover.settings_are_old else super().due_in_s()

    def run(self) -> None:
        """Fetch them; the next test's moment follows new windows."""
        self._handover.settings_are_old = False
        self.set_due_in(self._every_s)
        if self._contact.fetch_settings() is None:
            self.set_due_in(min(self._every_s, SETTINGS_RETRY_S))
            return
        self._on_news()
