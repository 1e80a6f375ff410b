"""When tests are made: in the collector's windows, whatever the clock believes, and which of them calibrate."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.daemon.jobs import ClockWatch
from agent.measure.session import Plan
from agent.ports import Ports
from agent.statusfile import read
from agent.wire.records import Failure, Measurement
from agent.wire.vocabulary import FailureCode, Phase, Status, Tier, Trigger
from tests.fakes.agent_lab import DAY_S, QUICK, Lab


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


@pytest.mark.parametrize("wrong_s", [0, -17 * 365 * DAY_S], ids=["right clock", "2009"])
def test_tests_that_a_person_asked_for_are_made_beside_the_others(tmp_path: Path, wrong_s: int) -> None:
    lab = Lab(tmp_path, msgspec.structs.replace(QUICK, test_interval_s=0, tests_per_window=2))
    lab.clock.step_wall_s(wrong_s)
    hour_ms = 3_600_000
    opens_ms = lab.true_ms + 4 * hour_ms
    lab.collector.windows = [[opens_ms + k * 2 * hour_ms, opens_ms + (k + 1) * 2 * hour_ms] for k in range(3)]
    lab.collector.campaign = [
        [opens_ms - 2 * hour_ms, opens_ms, 6],
        [opens_ms + 6 * hour_ms, opens_ms + 8 * hour_ms, 6],
    ]
    lab.drive(14 * 3_600, look_s=300)
    started = [
        (one["trigger"], one["started_mono_ms"] - 86_400_000 + 1_795_525_509_123, one["lease_id"])
        for one in lab.measurements()
    ]
    asked = [at_ms for trigger, at_ms, lease_id in started if trigger == Trigger.CAMPAIGN and lease_id]
    assert [sum(first <= at < last for at in asked) for first, last, _ in lab.collector.campaign] == [6, 6]
    in_windows = [sum(first <= at < last for _, at, _ in started) for first, last in lab.collector.windows]
    assert in_windows == [2, 2, 2] and len(asked) == 12
    lab.spool.close()


def test_what_was_called_off_is_not_tested(tmp_path: Path) -> None:
    lab = Lab(tmp_path, msgspec.structs.replace(QUICK, test_interval_s=0))
    lab.collector.campaign = [[lab.true_ms + 3_600_000, lab.true_ms + 3 * 3_600_000, 6]]
    lab.daemon.contact.fetch_settings()
    lab.collector.lease_refusal = "enough"  # another computer of the school has made them
    lab.drive(2 * 3_600, look_s=300)
    assert [one["trigger"] for one in lab.measurements()].count(Trigger.CAMPAIGN) == 0
    lab.collector.lease_refusal, lab.collector.campaign, lab.collector.settings_version = None, [], "2"
    lab.drive(3_600, look_s=300)
    assert [one["trigger"] for one in lab.measurements()].count(Trigger.CAMPAIGN) == 0
    lab.spool.close()
