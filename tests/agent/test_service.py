"""The daemon's identity and its status: enrolment, a copied disk, and what `status.json` says."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.daemon.jobs import LOOK_AGAIN_S, UploadJob
from agent.outcome import Outcome
from agent.ports import MachineFacts
from agent.spool.store import Spool
from agent.wire import forms
from tests.fakes import collector as fake
from tests.fakes.agent_lab import DAY_S, Lab, a_plan, servers
from tests.fakes.agent_world import SeededRandomness


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


def test_a_row_that_a_newer_collector_is_waited_for_keeps_nobody_busy(lab: Lab) -> None:
    lab.daemon.walk.handover.post()
    lab.drive(120)
    lab.spool.add_ready(lab.measure(a_plan(1), lab.ports))
    assert lab.spool.has_offer()
    (row,) = lab.spool.next_batch(10, 100_000)
    lab.spool.apply([Outcome(row.seq, "deferred", "unsupported_kind")])
    assert (lab.spool.summary().waiting, lab.spool.has_offer()) == (1, False)
    upload = next(job for job in lab.daemon.jobs if isinstance(job, UploadJob))
    assert upload.due_in_s() == LOOK_AGAIN_S
