"""The walk and the daemon's jobs, on a clock that the test moves and a collector that it spoils."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.config import AgentConfig
from agent.daemon import Walk
from agent.jobs import ClockWatch
from agent.locks import FileLock
from agent.measure.session import Plan, Progress
from agent.measure.wirecost import wire_bytes
from agent.permission import Held, Wish
from agent.ports import MachineFacts, Ports
from agent.service import Daemon, mend_clone
from agent.spool.store import Spool
from agent.statusfile import read
from agent.uplink import enrol, settings
from agent.uplink.contact import Contact, Options
from agent.uplink.decide import Silence
from agent.uplink.identity import IdentityStore
from agent.wire import forms
from agent.wire.records import Direction, Failure, Measurement, Rtt
from agent.wire.vocabulary import FailureCode, Phase, Status, Tier, Trigger
from tests.fakes import collector as fake
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness
from tests.fakes.collector import URL, FakeCollector, token_text

DAY_S = 86_400
QUICK = AgentConfig(
    first_test_within_s=10, test_interval_s=600, light_interval_s=900, alone_spread_s=60, min_free_disk_bytes=0
)


@dataclass
class FakeMeasure:
    """Stands in for the session: takes a minute and finds 20 Mbit/s."""

    plans: list[Plan] = field(default_factory=list)
    during: Any = None
    lasts_s: float = 20.0

    def __call__(self, plan: Plan, ports: Ports, *, on_progress: Any = None, cancelled: Any = None) -> Measurement:
        self.plans.append(plan)
        started_ms, mono_ms = ports.clock.now_ms(), ports.clock.mono_ms()
        if self.during is not None:
            self.during()
        ports.clock.sleep(self.lasts_s)
        return Measurement(
            rid=plan.rid, status=Status.OK, tier=plan.tier, trigger=plan.trigger,
            started_at=forms.format_time(started_ms), boot_id=ports.host.boot_id(), started_mono_ms=mono_ms,
            lease_id=plan.lease_id, budget=plan.budget, idle=Rtt(rtt_ms=40.0),
            download=Direction(bps=20_000_000, bytes=5_000_000, wire_bytes_est=5_200_000),
            upload=Direction(bps=5_000_000, bytes=1_000_000),
        )  # fmt: skip


class Lab:
    """One school computer with its daemon, driven by hand."""

    def __init__(self, folder: Path, config: AgentConfig = QUICK, *, enrolled: bool = True, seed: int = 1) -> None:
        self.folder, self.config = folder, config
        self.clock, self.host, self.collector = FakeClock(), FakeHost(), FakeCollector()
        self.collector.servers = []  # no test point to look at: these tests open no socket
        self.ports = Ports(clock=self.clock, randomness=SeededRandomness(seed), host=self.host)
        self.measure = FakeMeasure()
        self.store = IdentityStore(folder)
        self.stop = threading.Event()
        if enrolled:
            self.enrol()
        self.start()

    def enrol(self) -> None:
        token = enrol.read_token(token_text())
        candidate = enrol.begin(self.ports, self.host.machine_facts(), token, URL, None)
        IdentityStore(self.folder).save(enrol.enrol(self.collector, self.ports, candidate, agent_version="0").identity)

    def start(self) -> None:
        self.spool = Spool.open(
            self.folder, clock=self.clock, randomness=self.ports.randomness, boot_id=self.host.boot_id()
        )
        self.spool.recover()
        mend_clone(self.store, self.ports, self.spool)
        options = Options(agent_version="0")
        contact = Contact(self.collector, self.ports, self.spool, self.store, ledger=self.spool.ledger, options=options)
        self.daemon = Daemon(
            self.config, self.folder, self.ports, self.spool, contact, measure=self.measure, cancelled=self.stop
        )

    def restart(self) -> None:
        self.spool.close()
        self.start()

    def drive(self, seconds: float, *, look_s: float = 30.0) -> None:
        """Let time pass as the scheduler does: a look at least every half minute, jobs when they are due."""
        until_ms = self.clock.mono_ms() + seconds * 1000
        while self.clock.mono_ms() < until_ms:
            self.daemon.every_round()
            for job in self.daemon.jobs:
                if job.due_in_s() <= 0:
                    job.run()
            self.collector.now_ms = self.true_ms
            nearest_s = min(max(job.due_in_s(), 0.2) for job in self.daemon.jobs)
            self.clock.advance_s(min(nearest_s, look_s))

    @property
    def true_ms(self) -> int:
        """What the collector's clock says: the monotonic one from a known start."""
        return 1_795_525_509_123 + self.clock.mono_ms() - 86_400_000

    def measurements(self) -> list[dict[str, Any]]:
        return [item for item in self.collector.stored.values() if item["kind"] == "measurement"]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.spool.close()


def servers(lab: Lab) -> None:
    """Give the collector a test point to hand out with its leases only."""
    lab.collector.servers = [{"id": "tp", "engine": "ndt7", "url": "ws://tp.test:1", "udp_port": None}]


# --- the walk -----------------------------------------------------------------------------------------------------


def test_one_measurement_walks_from_due_to_acknowledged(lab: Lab) -> None:
    def look() -> None:
        assert lab.spool.summary().running == 1  # marked before the first byte
        assert lab.spool.spent().day_bytes == 30_000_000  # and its bytes reserved

    lab.measure.during = look
    lab.drive(60)
    (stored,) = lab.measurements()
    assert (stored["trigger"], stored["lease_id"]) == ("startup", "lease-1")
    assert lab.measure.plans[0].access_token == "a.b"
    ledger = lab.spool.ledger()
    assert (ledger.created, ledger.acked, ledger.ready) == (1, 1, 0)
    assert lab.spool.spent().day_bytes == 5_200_000 + wire_bytes(1_000_000)  # reconciled
    assert lab.spool.get_state("ratchet") == str(lab.collector.ratchet)


def test_a_test_that_breaks_off_costs_what_it_carried(lab: Lab) -> None:
    def stall(plan: Plan, ports: Ports, *, on_progress: Any, cancelled: Any = None) -> Measurement:
        on_progress(Progress(Phase.DOWNLOAD, 3.0, 7_000_000, 0.0))
        raise OSError("the card was pulled out")

    walk = Walk(lab.config, lab.ports, lab.spool, lab.daemon.contact, measure=stall, cancelled=lab.stop)
    record = walk.once(Trigger.WINDOW)

    assert isinstance(record, Measurement) and record.status is Status.FAILED
    assert lab.spool.spent().day_bytes == wire_bytes(7_000_000)


def test_every_test_has_a_lease_and_is_posted_at_once(lab: Lab) -> None:
    lab.drive(3_600)
    assert 5 <= len(lab.measurements()) <= 7
    assert len({one["lease_id"] for one in lab.measurements()}) == len(lab.measurements())
    assert lab.measure.plans[-1].prior_download_bps == 20_000_000


@pytest.mark.parametrize("step_s", [-365 * DAY_S, 3_600, -7_200, 25 * 365 * DAY_S])
def test_a_step_of_the_clock_neither_stops_nor_multiplies_tests(lab: Lab, step_s: int) -> None:
    lab.drive(1_300)
    before = len(lab.measure.plans)
    lab.clock.step_wall_s(step_s)
    lab.drive(640)
    assert len(lab.measure.plans) == before + 1
    lab.drive(3 * 620)
    assert before + 3 <= len(lab.measure.plans) <= before + 4
    assert len(lab.measurements()) == len(lab.measure.plans)
    step = lab.daemon.clock_watch.last_step
    assert step is not None and abs(step.by_ms - step_s * 1000) < 1_000
    told = read(lab.folder)["clock_change"]
    assert told["by_s"] == step_s


@pytest.mark.parametrize("step_s", [-365 * DAY_S, 3_600])
def test_a_step_without_any_collector_neither_stops_tests(tmp_path: Path, step_s: int) -> None:
    config = msgspec.structs.replace(QUICK, servers=["http://127.0.0.1:1"])
    lab = Lab(tmp_path, config, enrolled=False)
    lab.daemon.jobs.remove(lab.daemon.light)
    lab.drive(1_300)
    before = len(lab.measure.plans)
    lab.clock.step_wall_s(step_s)
    lab.drive(700)
    assert len(lab.measure.plans) == before + 1
    assert lab.spool.ledger().ready == before + 1
    lab.spool.close()


def test_a_long_sleep_gives_one_test_and_says_so(lab: Lab) -> None:
    lab.drive(100)
    lab.clock.advance_s(8 * 3_600)
    before = len(lab.measure.plans)
    lab.drive(300)
    assert len(lab.measure.plans) == before + 1
    assert lab.daemon.status()["missed_test_at"] is not None


def test_a_small_correction_of_the_clock_is_none(lab: Lab) -> None:
    watch = ClockWatch(lab.clock)
    lab.clock.step_wall_s(59)
    assert not watch.has_stepped()
    lab.clock.step_wall_s(-61)
    assert watch.has_stepped() and not watch.has_stepped()


# --- windows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("wrong_s", [0, -17 * 365 * DAY_S], ids=["right clock", "2009"])
def test_tests_fall_into_the_collectors_windows_by_the_collectors_time(tmp_path: Path, seed: int, wrong_s: int) -> None:
    """Whatever moments chance picks, and whatever this computer believes: the collector allows every test here."""
    lab = Lab(tmp_path, msgspec.structs.replace(QUICK, test_interval_s=0, tests_per_window=2), seed=seed)
    lab.clock.step_wall_s(wrong_s)
    opens_ms = lab.true_ms + 3 * 3_600_000
    thirds = [[opens_ms + k * 7_200_000, opens_ms + (k + 1) * 7_200_000] for k in range(3)]
    lab.collector.windows = thirds
    lab.drive(12 * 3_600, look_s=300)
    started = [one["started_mono_ms"] - 86_400_000 + 1_795_525_509_123 for one in lab.measurements()]
    in_windows = [sum(first <= at < last + 20_000 for at in started) for first, last in thirds]
    assert in_windows == [2, 2, 2] and len(started) == 7
    lab.spool.close()


def test_a_restart_adds_no_test(lab: Lab) -> None:
    lab.drive(100)
    for _ in range(5):
        lab.restart()
        lab.drive(10)
    assert len(lab.measure.plans) == 1


# --- calibration --------------------------------------------------------------------------------------------------


def calibrating(folder: Path, **changes: Any) -> Lab:
    """A computer whose school is open all day, with four tests a day."""
    lab = Lab(folder, msgspec.structs.replace(QUICK, test_interval_s=21_600, light_interval_s=3_600, **changes))
    day_ms = DAY_S * 1000
    lab.collector.windows = [[lab.true_ms + n * day_ms, lab.true_ms + (n + 1) * day_ms] for n in range(14)]
    lab.collector.calibration_caps = (100_000_000, 100_000_000)
    return lab


def make_tests(lab: Lab, days: float) -> None:
    """Let the days pass with nothing but their tests."""
    until_ms = lab.clock.mono_ms() + days * DAY_S * 1000
    lab.daemon.contact.fetch_settings()
    while lab.clock.mono_ms() < until_ms:
        lab.clock.advance_s(max(lab.daemon.test.due_in_s(), 1.0))
        lab.collector.now_ms = lab.true_ms
        lab.daemon.test.run()


def days_of_calibrations(lab: Lab) -> list[float]:
    return [
        (one["started_mono_ms"] - 86_400_000) / 1000 / DAY_S
        for one in lab.measurements()
        if one["tier"] == Tier.CALIBRATION
    ]


def test_one_test_a_week_is_a_calibration_with_caps_of_its_own(tmp_path: Path) -> None:
    lab = calibrating(tmp_path)
    make_tests(lab, 22)
    days = days_of_calibrations(lab)
    assert 3 <= len(days) <= 4 and days[0] < 7.5
    assert all(7 <= later - before < 7.5 for before, later in pairwise(days))
    long_ones = [plan for plan in lab.measure.plans if plan.tier is Tier.CALIBRATION]
    assert {(plan.trigger, plan.max_bytes_download, plan.max_bytes_upload) for plan in long_ones} == {
        (Trigger.WINDOW, 37_500_000, 9_375_000)
    }
    assert all(plan.lease_id for plan in long_ones)
    asked = [json.loads(one.body) for one in lab.collector.asked if one.path.startswith("/lease")]
    assert [one["tier"] for one in asked].count("calibration") == len(days)
    lab.spool.close()


def test_a_restart_or_a_power_cut_calibrates_no_second_time(tmp_path: Path) -> None:
    lab = calibrating(tmp_path)
    while not days_of_calibrations(lab):
        make_tests(lab, 0.25)
    for _ in range(4):
        lab.restart()
        make_tests(lab, 0.25)
    assert len(days_of_calibrations(lab)) == 1
    lab.spool.close()


@pytest.mark.parametrize("hindrance", ["lease", "day", "technician", "closed"])
def test_where_a_calibration_cannot_be_had_capacity_is_measured(tmp_path: Path, hindrance: str) -> None:
    changes: dict[str, Any] = {"day": {"day_bytes": 60_000_000}, "technician": {"max_bytes_direction": 20_000_000}}
    lab = calibrating(tmp_path, **changes.get(hindrance, {}))
    if hindrance == "lease":
        lab.collector.calibration_caps = (20_000_000, 10_000_000)
    if hindrance == "closed":
        lab.collector.windows = []
    make_tests(lab, 8)
    assert len(lab.measure.plans) >= 28
    assert {plan.tier for plan in lab.measure.plans} == {Tier.CAPACITY}
    assert max(plan.max_bytes_download for plan in lab.measure.plans) <= 20_000_000
    lab.spool.close()


def test_a_calibration_that_reached_nothing_is_tried_again(tmp_path: Path) -> None:
    lab = calibrating(tmp_path)
    made = lab.daemon.walk._measure
    failures: list[Plan] = []

    def unreachable(plan: Plan, ports: Ports, **options: Any) -> Measurement:
        record = made(plan, ports, **options)
        if plan.tier is not Tier.CALIBRATION or len(failures) == 2:
            return record
        failures.append(plan)
        gone = Failure(phase=Phase.PREFLIGHT, code=FailureCode.CONNECT_TIMEOUT)
        return msgspec.structs.replace(record, status=Status.FAILED, failure=gone, download=None, upload=None)

    lab.daemon.walk._measure = unreachable
    make_tests(lab, 7)
    days = days_of_calibrations(lab)
    assert len(failures) == 2 and len(days) == 3 and days[2] - days[0] < 1
    lab.spool.close()


# --- trouble ------------------------------------------------------------------------------------------------------


def test_without_a_collector_tests_go_on_and_arrive_once_later(lab: Lab) -> None:
    servers(lab)
    settings_told = lab.daemon.contact.fetch_settings()
    assert settings_told is not None
    lab.daemon.jobs.remove(lab.daemon.light)
    lab.collector.always = fake.silent(Silence.REFUSED)
    lab.drive(2_400)
    status = lab.daemon.status()
    waiting = status["waiting"]
    assert waiting >= 3 and status["kind"] == "collector_down" and "nothing answers" in status["why"]
    assert all(plan.lease_id is None for plan in lab.measure.plans)
    lab.collector.always = None
    lab.drive(3_700)
    assert lab.spool.summary().waiting == 0
    assert len(lab.measurements()) == len(lab.measure.plans) and lab.collector.duplicates == 0


@pytest.mark.parametrize(
    "twist", [fake.unsigned(200), fake.wrong_signature, fake.of_another_batch], ids=["{}", "wrong", "other batch"]
)
def test_a_portal_leaves_the_spool_as_it_is(lab: Lab, twist: fake.Twist) -> None:
    lab.collector.always = twist
    lab.spool.add_ready(lab.measure(a_plan(1), lab.ports))
    before = lab.spool.list_rows()
    lab.daemon.walk.handover.post(fresh=True)
    assert lab.spool.list_rows() == before
    status = lab.daemon.status()
    assert (status["kind"], status["waiting"]) == ("portal", 1) and "captive portal" in status["why"]


def test_lost_answers_double_nothing(lab: Lab) -> None:
    lab.spool.add_ready(lab.measure(a_plan(1), lab.ports))
    lab.collector.twists = [fake.lost_answer] * 3
    lab.drive(2_000)
    assert lab.collector.duplicates >= 2
    assert lab.spool.summary().waiting == 0
    ledger = lab.spool.ledger()
    assert ledger.acked == ledger.created == len(lab.collector.stored)


def test_one_bad_record_does_not_hold_the_others_up(lab: Lab) -> None:
    rids = [forms.uuid7(n, bytes([n] * 10)) for n in range(1, 9)]
    for number, rid in enumerate(rids, 1):
        lab.spool.add_ready(msgspec.structs.replace(lab.measure(a_plan(number), lab.ports), rid=rid))

    def refuse(collector: FakeCollector, asked: fake.Asked, answer: fake.FakeAnswer) -> fake.FakeAnswer | Silence:
        bad = any(item["rid"] == rids[3] for item in asked.items)
        return collector.refuse(asked, 400, "envelope") if bad else collector._answer(asked)

    lab.collector.always = fake._before(refuse)
    lab.drive(1_500)
    assert set(rids) - set(lab.collector.stored) == {rids[3]}
    dead = [row for row in lab.spool.list_rows() if row.state == "dead"]
    assert [(row.rid, row.reason) for row in dead] == [(rids[3], "envelope")]
    assert lab.spool.ledger().is_balanced()


def test_too_big_a_batch_gets_smaller_until_it_passes(lab: Lab) -> None:
    for number in range(1, 41):
        lab.spool.add_ready(lab.measure(a_plan(number), lab.ports))
    sizes: list[int] = []

    def small_only(collector: FakeCollector, asked: fake.Asked, answer: fake.FakeAnswer) -> fake.FakeAnswer | Silence:
        sizes.append(len(asked.body))
        return fake.FakeAnswer(413, {}, b"") if len(asked.items) > 12 else collector._answer(asked)

    lab.collector.always = fake._before(small_only)
    lab.drive(3_600)
    assert lab.spool.summary().waiting == 0
    assert {row.state for row in lab.spool.list_rows(100)} == {"acked"}


@pytest.mark.parametrize(("reason", "code"), [("busy", "lease_busy"), ("budget", "budget"), ("paused", "paused")])
def test_a_refused_lease_that_says_something_makes_a_skipped_record(lab: Lab, reason: str, code: str) -> None:
    lab.collector.lease_refusal = reason
    lab.drive(4_000)
    assert lab.measure.plans == []
    (first, *_) = lab.measurements()
    assert (first["status"], first["failure"]["code"]) == ("skipped", code)


@pytest.mark.parametrize("reason", ["enough", "closed", "pending"])
def test_enough_closed_and_pending_make_no_record(lab: Lab, reason: str) -> None:
    lab.collector.lease_refusal = reason
    lab.drive(2_000)
    assert lab.measure.plans == [] and lab.measurements() == []


def test_a_used_up_budget_makes_a_skipped_record(tmp_path: Path) -> None:
    lab = Lab(tmp_path, msgspec.structs.replace(QUICK, day_bytes=0))
    lab.drive(60)
    assert lab.measure.plans == []
    assert lab.measurements()[0]["failure"]["code"] == FailureCode.BUDGET
    lab.spool.close()


def test_the_budget_holds_whatever_the_lease_allows(tmp_path: Path) -> None:
    lab = Lab(tmp_path, msgspec.structs.replace(QUICK, day_bytes=20_000_000))
    lab.drive(3_600)
    assert 1 <= len(lab.measure.plans) <= 4
    assert all(plan.max_bytes_download + plan.max_bytes_upload <= 20_000_000 for plan in lab.measure.plans)
    lab.spool.close()


def test_a_full_disk_costs_no_data_loses_nothing_and_heals(lab: Lab) -> None:
    lab.collector.always = fake.silent(Silence.REFUSED)
    for number in (1, 2, 3):
        lab.spool.add_ready(lab.measure(a_plan(number), lab.ports))
    lab.measure.plans.clear()
    lab.daemon._config = msgspec.structs.replace(QUICK, min_free_disk_bytes=2**60)
    lab.drive(600)
    assert lab.measure.plans == []
    status = lab.daemon.status()
    assert (status["waiting"], status["test_held"]) == (3, "there is no room on the disk")
    lab.collector.always = None
    lab.daemon._config = QUICK
    lab.drive(1_300)
    assert lab.measure.plans != [] and lab.daemon.status()["test_held"] == ""
    assert lab.spool.summary().waiting == 0 and lab.spool.ledger().dropped == 0
    assert len(lab.measurements()) == 3 + len(lab.measure.plans)


def test_a_running_test_of_a_person_is_not_disturbed(lab: Lab) -> None:
    other = FileLock(lab.folder / "test.lock")
    assert other.try_acquire()
    lab.drive(300)
    assert lab.measure.plans == []
    other.release()
    lab.drive(60)
    assert len(lab.measure.plans) == 1


def test_a_fault_of_ours_costs_one_measurement(lab: Lab) -> None:
    def break_down() -> None:
        raise RuntimeError("boom")

    lab.measure.during = break_down
    lab.drive(60)
    (stored,) = lab.measurements()
    assert stored["status"] == "failed" and stored["failure"]["detail"] == "RuntimeError"
    assert lab.spool.summary().running == 0


# --- enrolment and identity ---------------------------------------------------------------------------------------


def test_only_a_signed_word_starts_enrolment_and_once_an_hour(lab: Lab) -> None:
    lab.drive(60)
    lab.collector.device_keys.clear()
    lab.collector.enrol_refusal = "maintenance"
    lab.drive(7_300, look_s=300)
    tries = [asked for asked in lab.collector.asked if asked.path == "/enrol/v1/device"][1:]
    assert 1 <= len(tries) <= 3
    lab.collector.enrol_refusal = None
    lab.drive(7_300, look_s=300)
    assert lab.daemon.contact.is_enrolled and lab.spool.summary().waiting <= 1
    assert lab.store.load() == lab.daemon.contact.identity


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_unsigned_refusal_never_starts_enrolment(lab: Lab, status: int) -> None:
    lab.collector.always = fake.unsigned(status)
    lab.drive(7_200, look_s=300)
    assert [asked.path for asked in lab.collector.asked].count("/enrol/v1/device") == 1  # the first one, by hand


def test_a_refused_key_rests_and_goes_on_measuring(lab: Lab) -> None:
    servers(lab)
    lab.daemon.contact.fetch_settings()
    lab.daemon.jobs.remove(lab.daemon.light)
    lab.collector.always = fake.refused(401, "key_revoked")
    lab.drive(6 * 3_600, look_s=300)
    posts = [asked for asked in lab.collector.asked if asked.path.startswith("/ingest")]
    assert len(posts) <= 4  # after 0, 1, 3 hours
    assert len(lab.measure.plans) > 20
    assert "key_revoked" in lab.daemon.status()["why"]


def test_a_copied_disk_becomes_a_computer_of_its_own(lab: Lab) -> None:
    lab.spool.add_ready(lab.measure(a_plan(1), lab.ports))
    original = lab.store.load()
    lab.host.facts = MachineFacts("9999" * 8, "OTHER-77", "lab-04", "Linux 6.1")
    lab.restart()
    assert lab.spool.ledger().dropped == 1 and lab.spool.summary().waiting == 0
    lab.drive(120)
    mine = lab.daemon.contact.identity
    assert mine is not None and original is not None
    assert mine.device != original.device and mine.key != original.key and mine.state == "pending"
    asked = [one for one in lab.collector.asked if one.path == "/enrol/v1/device"][-1]
    assert json.loads(asked.body)["replaces"] == original.device


def test_a_new_network_name_changes_nothing(lab: Lab) -> None:
    before = lab.store.load()
    facts = lab.host.facts
    lab.host.facts = MachineFacts(facts.machine_id, facts.disk_serial, "other-name", "Linux 7")
    lab.restart()
    assert lab.store.load() == before


def test_a_request_under_way_never_holds_up_the_look_at_the_identity(lab: Lab) -> None:
    """The look happens on the scheduler's thread: a slow collector must not stop the clocks."""
    waited: list[bool] = []
    post = lab.collector.post

    def slow(*args: Any, **options: Any) -> Any:
        look = threading.Thread(target=lab.daemon.contact.refresh, daemon=True)
        look.start()
        look.join(5)
        waited.append(look.is_alive())
        return post(*args, **options)

    lab.collector.post = slow  # type: ignore[method-assign]
    lab.daemon.contact.fetch_settings()
    assert waited == [False]


def test_enrolment_beside_the_daemon_is_noticed(tmp_path: Path) -> None:
    lab = Lab(tmp_path, enrolled=False)
    lab.spool.add_ready(lab.measure(a_plan(1), lab.ports))
    lab.drive(60)
    assert lab.daemon.status()["why"] == "this computer is not enrolled"
    lab.enrol()
    lab.drive(60)
    assert lab.spool.summary().waiting == 0
    lab.spool.close()


# --- settings, epoch, status --------------------------------------------------------------------------------------


def test_new_settings_are_fetched_when_an_answer_names_them(lab: Lab) -> None:
    lab.drive(60)
    lab.collector.settings_version = "2"
    lab.drive(1_000)
    told = settings.stored(lab.spool)
    assert told is not None and told.version == "2"


def test_another_store_gets_everything_again(lab: Lab) -> None:
    lab.drive(1_300)
    before = set(lab.collector.stored)
    lab.collector.stored.clear()
    lab.collector.store_epoch = "epoch-2"
    lab.drive(1_000)
    assert before <= set(lab.collector.stored)


def test_a_paused_school_measures_nothing(lab: Lab) -> None:
    lab.collector.paused = True
    lab.daemon.contact.fetch_settings()
    lab.drive(700)
    assert lab.measure.plans == []
    assert lab.measurements()[0]["failure"]["code"] == "paused"


def test_the_heartbeat_comes_with_the_light_probe(lab: Lab) -> None:
    lab.drive(2 * 3_600, look_s=300)
    empty = [one for one in lab.collector.asked if one.path.startswith("/ingest")]
    assert len(empty) >= 8


def test_the_status_has_no_secrets_and_is_not_rewritten_for_nothing(lab: Lab) -> None:
    lab.drive(60)
    text = (lab.folder / "status.json").read_text()
    who = lab.store.load()
    assert who is not None
    assert who.key not in text and who.token not in text and who.token[5:31] not in text
    assert (lab.folder / "status.json").stat().st_mode & 0o044 == 0o044
    stamp = (lab.folder / "status.json").stat().st_mtime_ns
    lab.daemon.show_status()
    assert (lab.folder / "status.json").stat().st_mtime_ns == stamp


def test_the_status_of_the_daemon_says_what_another_process_has_spent(lab: Lab) -> None:
    """A manual test beside the daemon is a process of its own: what it spent is in the spool alone."""
    lab.drive(60)
    beside = Spool.open(lab.folder, clock=lab.clock, randomness=SeededRandomness(9), boot_id=lab.host.boot_id())
    before = lab.daemon.status()["budget"]["day_bytes"]
    rid = forms.uuid7(1, bytes(10))
    beside.mark_running(b"{}", rid, 44_000_000, utc_offset_min=-240)
    assert lab.daemon.status()["budget"]["day_bytes"] == before + 44_000_000
    assert lab.daemon.status()["budget"]["month_bytes"] == before + 44_000_000
    beside.close()
    lab.clock.advance_s(DAY_S)
    assert lab.daemon.status()["budget"]["day_bytes"] == 0


def test_a_manual_wish_goes_before_the_configuration(lab: Lab) -> None:
    outcome = lab.daemon.walk.once(Trigger.MANUAL, Wish(max_bytes=1_000_000))
    assert isinstance(outcome, Measurement) and outcome.trigger is Trigger.MANUAL
    plan = lab.measure.plans[-1]
    assert plan.max_bytes_download + plan.max_bytes_upload == 1_000_000


def test_no_cap_is_no_way_round_the_budget(lab: Lab) -> None:
    """`--max-bytes 0` lifts the cap of the test; the day's and the month's need `--force`."""
    left: list[int] = []
    lab.measure.during = lambda: left.append(300_000_000 - lab.spool.spent(-240).day_bytes)

    assert isinstance(lab.daemon.walk.once(Trigger.MANUAL, Wish(max_bytes=0)), Measurement)
    plan = lab.measure.plans[-1]
    assert (plan.max_bytes_download, plan.max_bytes_upload) == (150_000_000, 150_000_000)
    assert left == [0]  # all of it reserved while nobody knows what it will cost
    assert plan.budget is not None and plan.budget.max_bytes == 300_000_000

    assert isinstance(lab.daemon.walk.once(Trigger.MANUAL, Wish(max_bytes=0, force=True)), Measurement)
    plan = lab.measure.plans[-1]
    assert (plan.max_bytes_download, plan.max_bytes_upload) == (0, 0)
    assert left == [0, 0]


@pytest.mark.parametrize("force", [False, True])
def test_a_tiny_cap_never_becomes_no_cap(lab: Lab, force: bool) -> None:
    assert isinstance(lab.daemon.walk.once(Trigger.MANUAL, Wish(max_bytes=1, force=force)), Measurement)
    plan = lab.measure.plans[-1]
    assert (plan.max_bytes_download, plan.max_bytes_upload) == (1, 1)


def test_a_person_is_told_no_and_may_insist(lab: Lab) -> None:
    lab.collector.lease_refusal = "enough"
    outcome = lab.daemon.walk.once(Trigger.MANUAL)
    assert isinstance(outcome, Held) and outcome.reason == "enough"
    entries = tuple(msgspec.convert(lab.collector.servers, list[Any])) or ()
    forced = lab.daemon.walk.once(Trigger.MANUAL, Wish(force=True, servers=entries))
    assert isinstance(forced, Held) and forced.reason == "no_server"  # nowhere to measure, with or without leave


def a_plan(number: int) -> Plan:
    return Plan(
        rid=forms.uuid7(1_795_525_509_123, number.to_bytes(10, "big")), tier=Tier.CAPACITY, trigger=Trigger.WINDOW,
        engine=None, servers=(), max_bytes_download=1, max_bytes_upload=1, lease_id=None, access_token=None,
        prior_download_bps=None, prior_upload_bps=None, budget=None,
    )  # fmt: skip
