"""What is stored arrives once, whatever becomes of the answers."""

import msgspec
import pytest

from agent.uplink import settings
from agent.uplink.decide import Silence
from agent.wire import forms
from agent.wire.vocabulary import Trigger
from tests.fakes import collector as fake
from tests.fakes.agent_lab import Lab, a_plan, servers
from tests.fakes.collector import FakeCollector


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


def test_new_settings_are_fetched_when_an_answer_names_them(lab: Lab) -> None:
    lab.drive(60)
    lab.collector.settings_version = "2"
    lab.drive(1_000)
    told = settings.stored(lab.spool)
    assert told is not None and told.version == "2"


def test_a_person_s_test_fetches_new_settings_too(lab: Lab) -> None:
    """A computer without a daemon would else measure by the first settings that it was given for ever."""
    lab.daemon.contact.fetch_settings()
    lab.collector.settings_version = "2"
    lab.daemon.walk.once(Trigger.MANUAL)
    told = settings.stored(lab.spool)
    assert told is not None and told.version == "2"
    asked = len(lab.collector.asked)
    lab.daemon.walk.once(Trigger.MANUAL)
    assert [one.path for one in lab.collector.asked[asked:]] == ["/lease/v1/test", "/ingest/v1/batch"]


def test_another_store_gets_everything_again(lab: Lab) -> None:
    lab.drive(1_300)
    before = set(lab.collector.stored)
    lab.collector.stored.clear()
    lab.collector.store_epoch = "epoch-2"
    lab.drive(1_000)
    assert before <= set(lab.collector.stored)


def test_the_heartbeat_comes_with_the_light_probe(lab: Lab) -> None:
    lab.drive(2 * 3_600, look_s=300)
    empty = [one for one in lab.collector.asked if one.path.startswith("/ingest")]
    assert len(empty) >= 8
