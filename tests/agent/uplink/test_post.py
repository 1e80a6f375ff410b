"""A batch against a collector that signs rightly, wrongly, for another batch, or is a portal."""

import gzip
import json
import random
from dataclasses import dataclass

import msgspec
import pytest

from agent.ports import MachineFacts
from agent.uplink import identity, lease, settings
from agent.uplink.decide import Effect, Kind, Silence
from agent.uplink.exchange import Exchange, Reply, retry_after_s
from agent.uplink.identity import Identity
from agent.uplink.post import Posted, encode_batch, send
from agent.uplink.servertime import true_now_ms
from agent.wire import forms, headers, limits
from agent.wire.answers import LeaseDenied, LeaseGranted, SettingsAnswer
from agent.wire.headers import Ledger
from agent.wire.vocabulary import EngineName, Trigger
from tests.fakes import collector as fake
from tests.fakes.agent_world import BOOT, NOON_MS, FakeClock, FakeState, SeededRandomness, fake_ports
from tests.fakes.collector import DEVICE, KEY, URL, FakeCollector
from tests.fakes.records import a_measurement, a_rid

FACTS = MachineFacts("7d0f" * 8, "S3Z9NB0K", "lab-03", "Linux 6.1")


@dataclass(frozen=True)
class ARow:
    seq: int
    rid: str
    body: bytes


def rows(*numbers: int) -> list[ARow]:
    return [ARow(number, a_rid(number), json.dumps(a_measurement(number)).encode()) for number in numbers]


def an_identity() -> Identity:
    made = identity.make(SeededRandomness(), FACTS, token="ENL1-X-Y", pin="ET3O22WL7YIATQBQ", collector_url=URL)
    keys = [forms.b64url(bytes(KEY.verify_key))]
    return msgspec.structs.replace(made, device=DEVICE, collector_keys=keys)


def an_exchange(collector: FakeCollector, state: FakeState | None = None, clock: FakeClock | None = None) -> Exchange:
    who = an_identity()
    collector.device_keys[DEVICE] = who.public_key
    return Exchange(
        collector, fake_ports(clock), state or FakeState(), who, ledger=lambda: Ledger("cd" * 16, created=2, ready=2)
    )


def post(collector: FakeCollector, *numbers: int) -> Posted:
    return send(an_exchange(collector), rows(*numbers))


def test_accepted_and_duplicate_are_acknowledged() -> None:
    collector = FakeCollector()
    first = post(collector, 1, 2)
    again = post(collector, 2, 3)
    assert [(one.seq, one.action) for one in first.decided] == [(1, "acked"), (2, "acked")]
    assert [(one.seq, one.action) for one in again.decided] == [(2, "acked"), (3, "acked")]
    assert set(collector.stored) == {a_rid(1), a_rid(2), a_rid(3)} and collector.duplicates == 1
    assert first.answer is not None and first.answer.ratchet == "1"


def test_every_item_has_its_own_word() -> None:
    collector = FakeCollector()
    collector.item_words = {a_rid(2): ("rejected", "range"), a_rid(3): ("deferred", "schema")}
    posted = post(collector, 1, 2, 3)
    assert [(one.action, one.reason) for one in posted.decided] == [
        ("acked", None),
        ("dead", "range"),
        ("deferred", "schema"),
    ]


TWISTS = {
    "portal": fake.unsigned(200),
    "portal page": fake.unsigned(200, b"<html>sign in</html>"),
    "redirect": fake.unsigned(302, b"", Location="http://portal.test/"),
    "wrong signature": fake.wrong_signature,
    "another batch": fake.of_another_batch,
    "altered body": fake.altered,
    "404": fake.unsigned(404),
    "401 of a box in between": fake.unsigned(401),
}


@pytest.mark.parametrize("name", TWISTS)
def test_a_portal_decides_nothing(name: str) -> None:
    collector = FakeCollector()
    collector.always = TWISTS[name]
    posted = post(collector, 1, 2)
    assert posted.decided == () and posted.answer is None
    assert posted.decision.kind is Kind.PORTAL
    assert "captive portal" in posted.reply.why


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_trouble_decides_nothing(status: int) -> None:
    collector = FakeCollector()
    collector.always = fake.unsigned(status)
    posted = post(collector, 1)
    assert posted.decision.kind is Kind.COLLECTOR_DOWN
    assert {one.action for one in posted.decided} <= {"retry"}


def test_a_lost_answer_is_made_good_by_sending_again() -> None:
    collector = FakeCollector()
    collector.twists = [fake.lost_answer] * 3
    for _ in range(3):
        assert post(collector, 1, 2).decided == ()
    assert len(post(collector, 1, 2).decided) == 2
    assert len(collector.stored) == 2 and collector.duplicates == 6


def test_every_attempt_is_a_new_batch() -> None:
    collector = FakeCollector()
    exchange = an_exchange(collector)
    send(exchange, rows(1))
    send(exchange, rows(1))
    assert len({asked.headers[headers.BATCH] for asked in collector.asked}) == 2


def test_a_single_unreadable_item_becomes_dead_and_a_pair_does_not() -> None:
    collector = FakeCollector()
    collector.twists = [fake.refused(400, "envelope"), fake.refused(400, "envelope"), fake.refused(413, "too_large")]
    assert post(collector, 1, 2).decided == ()
    assert [(one.action, one.reason) for one in post(collector, 1).decided] == [("dead", "envelope")]
    assert [(one.action, one.reason) for one in post(collector, 1).decided] == [("dead", "too_large")]


def test_an_item_that_fails_alone_goes_to_the_back() -> None:
    collector = FakeCollector()
    collector.twists = [fake.silent(Silence.CUT), fake.silent(Silence.REFUSED)]
    assert [one.action for one in post(collector, 1).decided] == ["retry"]
    assert post(collector, 1).decided == ()  # nothing was sent: not the item's fault


def test_a_signed_answer_of_another_form_keeps_everything() -> None:
    def short(collector: FakeCollector, asked: fake.Asked, answer: fake.FakeAnswer) -> fake.FakeAnswer:
        told = json.loads(answer.body)
        return collector.sign(asked, 200, {**told, "items": told["items"][:1]})

    def nonsense(collector: FakeCollector, asked: fake.Asked, answer: fake.FakeAnswer) -> fake.FakeAnswer:
        return collector.sign(asked, 200, {"status": 200, "items": 7})

    def other_rid(collector: FakeCollector, asked: fake.Asked, answer: fake.FakeAnswer) -> fake.FakeAnswer:
        told = json.loads(answer.body)
        return collector.sign(asked, 200, {**told, "items": list(reversed(told["items"]))})

    for twist in (short, nonsense, other_rid):
        collector = FakeCollector()
        collector.twists = [twist]
        assert post(collector, 1, 2).decided == ()


def test_the_agent_goes_by_the_status_in_the_signed_body() -> None:
    def other_status(collector: FakeCollector, asked: fake.Asked, answer: fake.FakeAnswer) -> fake.FakeAnswer:
        return fake.FakeAnswer(503, answer.headers, answer.body)

    collector = FakeCollector()
    collector.twists = [other_status]
    assert [one.action for one in post(collector, 1).decided] == ["acked"]


def test_an_empty_batch_is_a_heartbeat() -> None:
    posted = post(FakeCollector())
    assert posted.decision.effect is Effect.APPLY and posted.decided == ()


def test_a_batch_keeps_both_limits() -> None:
    noise = random.Random(1)
    many = [ARow(n, a_rid(n), json.dumps({"x": noise.randbytes(7_900).hex()}).encode()) for n in range(100)]
    body, used = encode_batch(many)
    assert len(body) <= limits.BATCH_SENT_BYTES
    assert len(gzip.decompress(body)) <= limits.BATCH_INFLATED_BYTES
    assert 1 <= len(used) < 100 and list(used) == many[: len(used)]
    flat = [ARow(n, a_rid(n), b"[" + b" " * 30_000 + b"]") for n in range(100)]
    body, used = encode_batch(flat)
    assert len(gzip.decompress(body)) <= limits.BATCH_INFLATED_BYTES and len(used) == 66


def test_the_collectors_time_is_carried_on_by_the_monotonic_clock() -> None:
    collector, state, clock = FakeCollector(), FakeState(), FakeClock()
    collector.now_ms = NOON_MS + 7_000
    send(an_exchange(collector, state, clock), [])
    clock.step_wall_s(-365 * 86_400)
    clock.advance_s(60)
    assert true_now_ms(state, clock, BOOT) == NOON_MS + 67_000
    assert true_now_ms(state, clock, "cd" * 16) is None
    clock.mono = 5  # a boot whose name nobody could tell from the one before
    assert true_now_ms(state, clock, BOOT) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), ("0", 0), ("999999999", 3600), ("-5", None), ("abc", None), ("1.5", None), ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("Fri, 31 Dec 9999 23:59:59 GMT", 3600), ("٣", None),
        ("1" * 5000, None),
    ],
)  # fmt: skip
def test_an_odd_retry_after_neither_crashes_nor_stops(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-AFTER": value}, NOON_MS) == seconds


def test_a_lease_is_granted_denied_or_unknown() -> None:
    collector = FakeCollector()
    exchange = an_exchange(collector)
    granted = lease.ask(exchange, Trigger.WINDOW, [EngineName.NDT7])
    assert isinstance(granted, LeaseGranted) and granted.lease_id == "lease-1"
    collector.lease_refusal = "busy"
    denied = lease.ask(exchange, Trigger.WINDOW, [EngineName.NDT7])
    assert isinstance(denied, LeaseDenied) and denied.reason == "busy"
    collector.always = fake.unsigned(200, b'{"granted":true}')
    assert isinstance(lease.ask(exchange, Trigger.WINDOW, [EngineName.NDT7]), Reply)


def test_settings_are_kept_for_the_days_without_a_collector() -> None:
    collector, state = FakeCollector(), FakeState()
    told = settings.fetch(an_exchange(collector, state))
    assert isinstance(told, SettingsAnswer)
    settings.keep(state, told)
    assert settings.stored(state) == told
    state.set_state(settings.STORED, "{broken")
    assert settings.stored(state) is None


def test_an_answer_signed_by_the_next_key_is_believed_too() -> None:
    collector = FakeCollector()
    exchange = an_exchange(collector)
    collector.twists = [fake.wrong_signature]
    assert not send(exchange, []).reply.signed
    who = an_identity()
    both = msgspec.structs.replace(
        who, collector_keys=[forms.b64url(bytes(fake.OTHER_KEY.verify_key)), *who.collector_keys]
    )
    exchange = Exchange(collector, fake_ports(), FakeState(), both, ledger=lambda: Ledger("cd" * 16))
    assert send(exchange, []).reply.signed
    collector.twists = [fake.wrong_signature]
    assert send(exchange, []).reply.signed
