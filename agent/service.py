"""The daemon's life: the lock, what a crash left, a copied disk, the jobs, `status.json`, and an end within 5 s."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from agent import app, log, statusfile
from agent.config import AgentConfig
from agent.daemon import allowance
from agent.daemon.agenda import Agenda
from agent.daemon.jobs import ClockWatch, SettingsJob, TestJob, UploadJob
from agent.daemon.lookout import LightJob
from agent.daemon.sites import SiteWatch
from agent.daemon.walk import Measure, Walk
from agent.errors import EnlaceError
from agent.host.locks import hold_agent_lock
from agent.locks import FileLock
from agent.measure import session
from agent.ports import Ports
from agent.spool.store import Spool
from agent.spool.told import spool_facts
from agent.uplink import enrol, identity
from agent.uplink.contact import Contact
from agent.uplink.identity import IdentityStore, Machine
from agent.uplink.sites import Getter
from agent.wire import forms, shapes
from agent.wire.records import Measurement
from agent.wire.vocabulary import ExitCode

LOG = logging.getLogger(__name__)

ENDS_WITHIN_S = 4.0


def run_daemon(config_path: Path | None, data_path: Path | None, *, version: str) -> int:
    """Run the daemon until it is told to end; returns the exit code.

    Raises:
        EnlaceError: With exit code 5 if another one runs.
    """
    config, data = app.open_config(config_path, data_path)
    return run(config, data, app.make_ports(), version=version)


def run(config: AgentConfig, data: Path, ports: Ports, *, version: str) -> int:
    """Run until told to end; returns the exit code.

    Raises:
        EnlaceError: With exit code 5 if another daemon has the data directory.
    """
    lock = hold_agent_lock(data)
    log.start(data, config.log_level)
    LOG.info("agent.started", extra={"version": version, "pid": os.getpid(), "metered": config.metered})
    shapes.build_all()
    stop, told = threading.Event(), []

    def end(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with app.open_spool(data, ports) as spool:
            recovered = spool.recover()
            mend_clone(IdentityStore(data), ports, spool)
            contact = app.make_contact(config, data, ports, spool, version=version)
            daemon = Daemon(config, data, ports, spool, contact, measure=session.run, cancelled=stop)
            daemon.watch_sites(app.make_getter(config), stop)
            daemon.facts = {"version": version, "recovered_tests": recovered}
            is_clean = daemon.serve(stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        lock.release()
    LOG.info("agent.ended", extra={"clean": is_clean})
    log.stop()
    if not is_clean:  # a thread hangs in foreign code; the marker in the spool tells of the test at the next start
        sys.stdout.flush()
        os._exit(ExitCode.DONE)
    return ExitCode.INTERRUPTED if signal.SIGINT in told else ExitCode.DONE


class Daemon:
    """All jobs of one data directory, and what `status.json` says of them."""

    def __init__(
        self,
        config: AgentConfig,
        data: Path,
        ports: Ports,
        spool: Spool,
        contact: Contact,
        *,
        measure: Measure,
        cancelled: threading.Event,
    ) -> None:
        """Put the jobs together; nothing runs yet.

        Args:
            config: Of this computer.
            data: The data directory.
            ports: The outside world.
            spool: Open.
            contact: With the collector.
            measure: Does the measuring.
            cancelled: Set = end the running test.
        """
        self._config, self._data, self._ports, self._spool, self.contact = config, data, ports, spool, contact
        self.facts: dict[str, Any] = {}  # that `status` repeats as they are
        self.walk = walk = Walk(config, ports, spool, contact, measure=measure, cancelled=cancelled)
        self.agenda = Agenda(config, ports, spool)
        self.clock_watch = ClockWatch(ports.clock)
        lock = FileLock(data / app.TEST_LOCK)
        self.test = TestJob(config, ports, walk, self.agenda, lock, has_room=self._has_room)
        self.light = LightJob(config, ports, walk.asker, walk.handover, contact, spool, is_testing=self._is_testing)
        self.jobs = [
            self.test,
            UploadJob(ports.clock, walk.handover, contact, spool.has_offer),
            SettingsJob(config, ports.clock, walk.handover, contact, self.test.replan),
            self.light,
        ]
        self._started_ms = ports.clock.now_ms()
        self._shown: dict[str, Any] = {}

    def _is_testing(self) -> bool:
        return self.test.testing_since_ms is not None

    def watch_sites(self, getter: Getter, stop: threading.Event) -> None:
        """Let the light probe look at the learning sites that the operator entered.

        Args:
            getter: Brings their pages.
            stop: Set = end soon.
        """
        self.light.sites = SiteWatch(
            self._ports, self.agenda, self._spool, getter, stop=stop, is_testing=self._is_testing
        )

    def serve(self, stop: threading.Event) -> bool:
        """Fire the jobs until told to stop; returns whether all of them have ended."""
        from agent.real.scheduler import SteadyScheduler

        scheduler = SteadyScheduler(self.jobs, self._ports.clock.mono_ms, self.every_round)
        scheduler.start()
        while not stop.wait(1.0):  # in pieces: on Windows nothing interrupts a longer wait
            continue
        scheduler.shutdown(wait=False)
        is_clean = _wait_for_workers(ENDS_WITHIN_S)
        self.show_status(is_ending=True)
        return is_clean

    def every_round(self) -> bool:
        """Look at the clocks and the identity and write the status; returns whether the clock was set."""
        has_stepped = self.clock_watch.has_stepped()
        if has_stepped:
            self.test.replan()
        try:
            self.contact.refresh()
        except EnlaceError as error:
            LOG.warning("identity.unreadable", extra={"why": error.sentence})
        self.show_status()
        return has_stepped

    def _has_room(self) -> bool:
        try:
            app.refuse_full_disk(self._data, self._config)
            self._spool.check_room()
        except EnlaceError as error:
            LOG.warning("disk.full", extra={"why": error.sentence})
            return False
        return True

    # --- status ----------------------------------------------------------------------------------------------

    def show_status(self, *, is_ending: bool = False) -> None:
        """Write `status.json` if it would say something new."""
        told = self.status()
        if is_ending:
            told["next_test_at"] = told["testing_since"] = None
        if told != self._shown:
            stamped = {**told, "written_at": forms.format_time(self._ports.clock.now_ms())}
            if statusfile.write(self._data, stamped):
                self._shown = told

    def status(self) -> dict[str, Any]:
        """Return how the daemon stands; no secrets."""
        clock, contact, test = self._ports.clock, self.contact, self.test
        step, who = self.clock_watch.last_step, contact.identity
        told: dict[str, Any] = {
            **self.facts,
            "pid": os.getpid(),
            "boot_id": self._ports.host.boot_id(),
            "started_at": forms.format_time(self._started_ms),
            "enrolled": contact.is_enrolled,
            "device": who.device if who else None,
            "device_state": who.state if who else None,
            "school": {"code": who.school_code, "name": who.school_name} if who else None,
            "collector": enrol.shown_url(self._config.collector_url or who.collector_url) if who else None,
            "kind": contact.kind,
            "why": contact.why,
            "failures": contact.pace.failures,
            "last_contact_at": _time(contact.last_good_ms),
            "last_test": last_test(test.last),
            "testing_since": _time(test.testing_since_ms),
            "next_test_at": _time(_rounded(clock.now_ms() + round(test.due_in_s() * 1000))) if test.planned else None,
            "test_held": test.held,
            "missed_test_at": _time(test.missed_ms),
            "clock_change": None
            if step is None
            else {"noticed_at": forms.format_time(step.noticed_ms), "by_s": round(step.by_ms / 1000)},
            "light": self.light.last,
            "paused": self.agenda.is_paused(),
        }
        return {**told, "budget": self._budget(), **self._spool_facts()}

    def _budget(self) -> dict[str, int] | None:
        try:
            return allowance.shown(self.walk.purse.spent(), self.walk.purse.caps())
        except EnlaceError:
            return None

    def _spool_facts(self) -> dict[str, Any]:
        try:
            return spool_facts(self._spool)
        except EnlaceError as error:
            return {"spool_problem": error.sentence}


def mend_clone(store: IdentityStore, ports: Ports, spool: Spool) -> bool:
    """Make a copied disk a computer of its own: inherited rows go, a new key comes; returns whether it was a copy.

    The rows go first: if the power fails in between, the next start finds the copy again.
    """
    try:
        found = store.load()
    except EnlaceError as error:
        LOG.error("identity.damaged", extra={"why": error.sentence})
        return False
    if found is None:
        return False
    facts = ports.host.machine_facts()
    if identity.compare(found, facts) is Machine.SAME:
        return False
    dropped = spool.drop_clone()
    store.save(identity.successor(ports.randomness, facts, found))
    LOG.warning("identity.clone", extra={"replaces": found.device, "dropped": dropped})
    return True


def last_test(record: Measurement | None) -> dict[str, Any] | None:
    """Return the last test as `status` tells it; what was not measured is null."""
    if record is None:
        return None
    return {
        "rid": record.rid,
        "started_at": record.started_at,
        "status": record.status,
        "failure": record.failure.code if record.failure else None,
        "trigger": record.trigger,
        "download_bps": record.download.bps if record.download else None,
        "upload_bps": record.upload.bps if record.upload else None,
        "download_is_least": record.download.lower_bound if record.download else None,
        "upload_is_least": record.upload.lower_bound if record.upload else None,
        "idle_rtt_ms": record.idle.rtt_ms if record.idle else None,
    }


def _time(utc_ms: int | None) -> str | None:
    return None if utc_ms is None else forms.format_time(utc_ms)


def _rounded(utc_ms: int) -> int:
    """Return a moment in whole tens of seconds: one that is counted down must not make the file new each time."""
    return utc_ms // 10_000 * 10_000


def _wait_for_workers(limit_s: float) -> bool:
    """Return whether the threads of the jobs ended within the limit."""
    clock = threading.Event()
    step_s = 0.05
    for _ in range(round(limit_s / step_s)):
        if not any(_is_busy(thread) for thread in threading.enumerate()):
            return True
        clock.wait(step_s)
    return False


def _is_busy(thread: threading.Thread) -> bool:
    return thread.name.startswith("ThreadPoolExecutor")
