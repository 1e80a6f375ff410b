"""Whether a test may be made and what it may cost: the lease, the budget, and what a person wishes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.daemon.permission import Held, Wish
from agent.uplink.decide import Silence
from agent.wire.answers import ServerEntry
from agent.wire.records import Measurement
from agent.wire.vocabulary import EngineName, FailureCode, Trigger
from tests.fakes.agent_lab import QUICK, Lab

HERE = (ServerEntry(id="tp", engine=EngineName.NDT7, url="ws://tp.test:1"),)


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


def test_a_paused_school_measures_nothing(lab: Lab) -> None:
    lab.collector.paused = True
    lab.daemon.contact.fetch_settings()
    lab.drive(700)
    assert lab.measure.plans == []
    assert lab.measurements()[0]["failure"]["code"] == "paused"


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


def test_a_manual_wish_goes_before_the_configuration(lab: Lab) -> None:
    outcome = lab.daemon.walk.once(Trigger.MANUAL, Wish(max_bytes=1_000_000))
    assert isinstance(outcome, Measurement) and outcome.trigger is Trigger.MANUAL
    plan = lab.measure.plans[-1]
    assert plan.max_bytes_download + plan.max_bytes_upload == 1_000_000


def test_no_cap_is_no_way_round_the_budget(lab: Lab) -> None:
    """Without a lease `--max-bytes 0` lifts the cap of the test; the day's and the month's need `--force`."""
    left: list[int] = []
    lab.measure.during = lambda: left.append(300_000_000 - lab.spool.spent(-240).day_bytes)
    lab.collector.always = lambda *_: Silence.TOO_SLOW
    wish = Wish(max_bytes=0, servers=HERE)

    assert isinstance(lab.daemon.walk.once(Trigger.MANUAL, wish), Measurement)
    plan = lab.measure.plans[-1]
    assert (plan.max_bytes_download, plan.max_bytes_upload) == (150_000_000, 150_000_000)
    assert left == [0]  # all of it reserved while nobody knows what it will cost
    assert plan.budget is not None and plan.budget.max_bytes == 300_000_000

    assert isinstance(lab.daemon.walk.once(Trigger.MANUAL, replace(wish, force=True)), Measurement)
    plan = lab.measure.plans[-1]
    assert (plan.max_bytes_download, plan.max_bytes_upload) == (0, 0)
    assert left == [0, 0]


@pytest.mark.parametrize("granted", [0, -1])
@pytest.mark.parametrize("max_bytes", [None, 0])
def test_a_lease_that_grants_nothing_is_no_test_without_a_cap(lab: Lab, granted: int, max_bytes: int | None) -> None:
    lab.collector.lease_caps = (granted, granted)
    for force in (False, True):
        lab.daemon.walk.once(Trigger.MANUAL, Wish(max_bytes=max_bytes, force=force))
    assert lab.measure.plans != []
    assert all((plan.max_bytes_download, plan.max_bytes_upload) == (1, 1) for plan in lab.measure.plans)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("max_bytes", [0, 10**12])
def test_what_came_with_a_lease_bounds_a_person_too(lab: Lab, max_bytes: int, force: bool) -> None:
    """The test point counts both directions under one token: a download beyond its part would take the upload's."""
    spent: list[int] = []
    lab.measure.during = lambda: spent.append(lab.spool.spent(-240).day_bytes)
    assert isinstance(lab.daemon.walk.once(Trigger.MANUAL, Wish(max_bytes=max_bytes, force=force)), Measurement)
    plan = lab.measure.plans[-1]
    assert plan.lease_id is not None
    assert (plan.max_bytes_download, plan.max_bytes_upload) == (20_000_000, 10_000_000)
    assert spent == [30_000_000]
    assert plan.budget is not None and plan.budget.max_bytes == 30_000_000


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
