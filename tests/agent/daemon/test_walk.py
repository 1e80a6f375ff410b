"""The walk of one measurement: from due to acknowledged, and what stops it."""

from typing import Any

import msgspec

from agent.daemon.walk import Walk
from agent.locks import FileLock
from agent.measure.session import Plan, Progress
from agent.measure.wirecost import wire_bytes
from agent.ports import Ports
from agent.uplink.decide import Silence
from agent.wire.records import Measurement
from agent.wire.vocabulary import Phase, Status, Trigger
from tests.fakes import collector as fake
from tests.fakes.agent_lab import QUICK, Lab, a_plan


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
    assert not lab.measure.plans[-1].download_wanders


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
    told = [one for one in lab.measurements() if one["failure"]]
    assert [(one["status"], one["failure"]["code"]) for one in told] == [("failed", "disk")]  # once, not every minute
    assert len(lab.measurements()) == 3 + len(told) + len(lab.measure.plans)


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
