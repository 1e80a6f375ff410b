"""How a computer becomes a device, again and again, and who is kept out."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from nacl.signing import SigningKey

from agent.wire import forms
from agent.wire.tokens import parse_enrol_token
from collector import operate
from collector.intake import enrol
from collector.intake.keyring import NEWS_MS, KeySource, make_key
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import devices, tokens
from tests.collector.intake.rows import measurement_rows
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_measurement
from tests.fakes.wire_device import WireDevice, a_token, statuses

DAY_MS = 86_400_000


def find_device(store: Store, device: str) -> devices.Device:
    with store.reader() as snapshot:
        found = devices.find_device(snapshot, device)
    assert found is not None
    return found


def test_a_token_admits_a_computer_to_its_school(parts: Parts) -> None:
    told = WireDevice(parts, a_token(parts)).enrol()
    assert told["state"] == "active"
    assert told["school"] == {"code": "00123", "name": "Escuela Uno"}
    assert told["ratchet"] == "0"
    assert told["settings"]["windows_utc"]


def test_the_answer_carries_the_key_that_the_token_pins(parts: Parts) -> None:
    device = WireDevice(parts, a_token(parts))
    told = device.enrol()
    assert forms.unb64url(told["collector_key"], 32) == device.collector_key
    assert parse_enrol_token(device.token).pin


def test_a_token_of_a_key_made_a_moment_ago_is_answered_with_that_key(
    parts: Parts, store: Store, clock: FakeClock
) -> None:
    """The commands `key rotate` and `token create` run beside the server, which knows the keys of its last look."""
    parts.keys.ring()
    clock.advance(NEWS_MS)
    with store.unit() as unit:
        made = make_key(unit, parts.ports.randomness, clock.now_ms())
        unit.commit()
    device = WireDevice(parts, a_token(parts))
    device.collector_key = made.public_key  # which the token pins
    assert forms.unb64url(device.enrol()["collector_key"], 32) == made.public_key


def test_tokens_of_unknown_keys_make_the_keys_be_read_once_a_second(
    parts: Parts, store: Store, clock: FakeClock
) -> None:
    keys = KeySource(store, clock)
    pin = parse_enrol_token(a_token(parts)).pin
    first, known = keys.ring(), keys.of_token(pin)
    assert keys.of_token("A" * 16) == known and keys.ring() is first
    clock.advance(NEWS_MS)
    assert keys.of_token("A" * 16) == known and keys.ring() is not first
    again = keys.ring()
    assert keys.of_token("A" * 16) == known and keys.ring() is again


def test_a_token_may_be_typed_in_small_letters_and_with_blanks(parts: Parts) -> None:
    token = a_token(parts).lower()
    assert WireDevice(parts, f" {token[:12]} {token[12:]}").enrol()["status"] == 200


def test_the_same_key_again_is_the_same_device(device: WireDevice, store: Store) -> None:
    name = device.device
    assert device.enrol()["device"] == name
    assert statuses(device.post([a_measurement(1)])) == ["accepted"]


def test_a_new_key_on_the_same_computer_replaces_a_silent_one(
    device: WireDevice, parts: Parts, clock: FakeClock
) -> None:
    device.post([])
    clock.advance(DAY_MS)
    again = WireDevice(parts, device.token, seed=9, machine=device.machine)
    assert again.enrol()["state"] == "active"
    assert again.device == device.device
    assert statuses(again.post([a_measurement(1)])) == ["accepted"]
    assert device.post([a_measurement(2)])["code"] == "key_revoked"


def test_a_new_key_beside_one_that_speaks_waits_for_a_person(
    device: WireDevice, parts: Parts, store: Store, clock: FakeClock
) -> None:
    device.post([])
    again = WireDevice(parts, device.token, seed=9, machine=device.machine)
    assert again.enrol()["state"] == "pending"
    assert again.device == device.device
    clock.advance(60_000)
    newer = a_measurement(1, boot_id=again.boot_id, started_mono_ms=again.mono_ms + 1000)
    assert statuses(again.post([newer])) == ["accepted"]
    assert again.ask_lease("manual")["reason"] == "pending"
    assert [row["school"] for row in measurement_rows(store)] == [None]
    assert device.post([])["status"] == 200
    operate.approve_device(store, parts.ports, device.device)
    assert device.post([])["code"] == "key_revoked"
    assert again.ask_lease("manual")["granted"] is True
    assert [row["school"] for row in measurement_rows(store)] == ["00123"]


def test_a_new_key_that_the_old_one_vouches_for_works_at_once(device: WireDevice, parts: Parts) -> None:
    device.post([])
    again = WireDevice(parts, device.token, seed=9, machine=device.machine)
    assert again.enrol(old_key=device.key)["state"] == "active"
    assert device.post([])["code"] == "key_revoked"


def test_a_key_that_vouches_for_nothing_it_knows_does_not_count(device: WireDevice, parts: Parts) -> None:
    device.post([])
    again = WireDevice(parts, device.token, seed=9, machine=device.machine)
    assert again.enrol(old_key=SigningKey(bytes(32)))["state"] == "pending"


def test_a_replaced_key_that_comes_back_waits_like_a_new_one(
    device: WireDevice, parts: Parts, clock: FakeClock
) -> None:
    again = WireDevice(parts, device.token, seed=9, machine=device.machine)
    again.enrol()
    again.post([])
    assert device.enrol()["state"] == "pending"
    clock.advance(DAY_MS)
    assert device.enrol()["state"] == "pending"  # until a person says so, the same request has the same answer


def test_another_computer_with_the_same_token_is_another_device(device: WireDevice, parts: Parts) -> None:
    other = WireDevice(parts, device.token, seed=2)
    other.enrol()
    assert other.device != device.device
    assert statuses(device.post([a_measurement(1)])) == ["accepted"]


def test_a_clone_that_the_original_vouches_for_waits_for_a_person_even_with_a_used_up_token(
    parts: Parts, store: Store
) -> None:
    first = WireDevice(parts, a_token(parts, max_devices=1))
    first.enrol()
    clone = WireDevice(parts, first.token, seed=2)
    assert clone.enrol(replaces=first.device, old_key=first.key)["state"] == "pending"
    assert clone.device != first.device
    assert find_device(store, clone.device).replaces == first.device
    assert clone.ask_lease()["reason"] == "pending"


@pytest.mark.parametrize("days", [1, 14])
def test_the_name_of_a_device_alone_opens_nothing(parts: Parts, store: Store, clock: FakeClock, days: int) -> None:
    first = WireDevice(parts, a_token(parts, max_devices=1, days=days))
    first.enrol()
    clock.advance(3 * DAY_MS)
    code = "token_expired" if days == 1 else "token_exhausted"
    for seed in range(2, 12):
        stranger = WireDevice(parts, first.token, seed=seed)
        assert stranger.enrol(replaces=first.device)["code"] == code
        assert stranger.enrol(replaces=first.device, old_key=SigningKey(bytes(32)))["code"] == code
        assert stranger.enrol(replaces="no-such-device", old_key=first.key)["code"] == code
    with store.reader() as snapshot:
        assert [one.device for one in devices.list_devices(snapshot)] == [first.device]


def test_a_key_of_another_school_or_of_a_revoked_device_vouches_for_nobody(parts: Parts, store: Store) -> None:
    other = WireDevice(parts, a_token(parts, "S-2"))
    other.enrol()
    used_up = a_token(parts, max_devices=1)
    first = WireDevice(parts, used_up, seed=2)
    first.enrol()
    clone = WireDevice(parts, used_up, seed=3)
    assert clone.enrol(replaces=other.device, old_key=other.key)["code"] == "token_exhausted"
    operate.revoke_device(store, parts.ports, first.device)
    assert clone.enrol(replaces=first.device, old_key=first.key)["code"] == "token_exhausted"


def test_no_more_clones_wait_than_the_token_is_for(parts: Parts, store: Store) -> None:
    first = WireDevice(parts, a_token(parts, max_devices=2))
    first.enrol()
    WireDevice(parts, first.token, seed=2).enrol()
    clones = [WireDevice(parts, first.token, seed=seed) for seed in range(3, 7)]
    told = [clone.enrol(replaces=first.device, old_key=first.key) for clone in clones]
    assert [one["status"] for one in told] == [200, 200, 403, 403]
    operate.approve_device(store, parts.ports, clones[0].device)
    assert clones[2].enrol(replaces=first.device, old_key=first.key)["state"] == "pending"


def test_a_known_computer_is_no_new_device_whatever_it_says_to_replace(device: WireDevice, parts: Parts) -> None:
    device.post([])
    for seed in range(2, 6):
        again = WireDevice(parts, device.token, seed=seed, machine=device.machine)
        assert again.enrol(replaces="another-device")["state"] == "pending"
        assert again.device == device.device


def test_only_some_keys_of_a_device_wait(device: WireDevice, parts: Parts, store: Store, clock: FakeClock) -> None:
    device.post([])
    for seed in range(2, 20):
        clock.advance(1000)
        WireDevice(parts, device.token, seed=seed, machine=device.machine).enrol()
    with store.reader() as snapshot:
        kept = devices.list_keys_of(snapshot, device.device)
    assert [key.state for key in kept] == ["pending"] * enrol.PENDING_KEYS + ["active"]
    assert kept[0].added_ms == clock.now_ms()


def test_a_key_on_another_computer_is_told_so(device: WireDevice) -> None:
    device.machine = "00" * 32
    assert device.enrol()["code"] == "other_machine"


def test_the_cap_counts_computers_and_not_enrolments(parts: Parts) -> None:
    token = a_token(parts, max_devices=2)
    first, second, third = (WireDevice(parts, token, seed=seed) for seed in (1, 2, 3))
    assert [one.enrol()["status"] for one in (first, second, third)] == [200, 200, 403]
    assert third.enrol()["code"] == "token_exhausted"
    assert first.enrol()["status"] == 200


def test_no_race_passes_the_cap(parts: Parts, store: Store) -> None:
    token = a_token(parts, max_devices=5)
    incomings = [WireDevice(parts, token, seed=seed).enrolment() for seed in range(1, 21)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda incoming: enrol.enrol(incoming, parts), incomings))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [403] * 15
    with store.reader() as snapshot:
        kept = tokens.find_token(snapshot, parse_enrol_token(token).secret_hash())
    assert kept is not None
    assert kept.used == 5


def test_a_reinstalled_computer_is_not_locked_out_by_an_expired_token(parts: Parts, clock: FakeClock) -> None:
    first = WireDevice(parts, a_token(parts, days=1))
    first.enrol()
    clock.advance(3 * DAY_MS)
    assert first.enrol()["state"] == "active"
    again = WireDevice(parts, first.token, seed=9, machine=first.machine)
    assert again.enrol()["state"] == "pending"
    assert WireDevice(parts, first.token, seed=3).enrol()["code"] == "token_expired"


def test_a_revoked_token_admits_nobody(device: WireDevice, parts: Parts, store: Store) -> None:
    with store.unit() as unit:
        found = tokens.find_token(unit, parse_enrol_token(device.token).secret_hash())
        assert found is not None
        tokens.revoke_token(unit, found.token_id, 1)
        unit.commit()
    assert device.enrol()["code"] == "token_revoked"
    assert WireDevice(parts, device.token, seed=2).enrol()["code"] == "token_revoked"


def test_a_revoked_device_stays_out(device: WireDevice, parts: Parts, store: Store) -> None:
    operate.revoke_device(store, parts.ports, device.device)
    assert device.enrol()["code"] == "device_blocked"
    again = WireDevice(parts, device.token, seed=9, machine=device.machine)
    assert again.enrol()["code"] == "device_blocked"


def test_a_device_moves_with_a_token_of_another_school(
    device: WireDevice, parts: Parts, store: Store, clock: FakeClock
) -> None:
    clock.advance(DAY_MS)
    device.token = a_token(parts, "S-2")
    assert device.enrol()["school"]["code"] == "S-2"
    with store.reader() as snapshot:
        kept = devices.list_assignments(snapshot, device.device)
    assert [(one.school, one.to_ms) for one in kept] == [("00123", clock.now_ms()), ("S-2", None)]


@pytest.mark.parametrize(
    ("token", "code"),
    [("", "token_unknown"), ("ENL1", "token_unknown"), ("x" * 200, "token_unknown"), ("é" * 30, "token_unknown")],
)
def test_a_token_that_is_none_is_refused_in_words(parts: Parts, token: str, code: str) -> None:
    told = WireDevice(parts, token).enrol()
    assert (told["code"], told["status"]) == (code, 403)


def test_a_token_that_we_never_made_is_refused(parts: Parts) -> None:
    right = a_token(parts)
    assert WireDevice(parts, right.replace(right.split("-")[1], "A" * 26)).enrol()["code"] == "token_unknown"


def test_a_mistyped_pin_makes_no_device_and_costs_no_place(parts: Parts, store: Store) -> None:
    """The computer does not believe an answer of a key that its token does not name, so nobody would ever post."""
    right = a_token(parts)
    wrong = right[:-1] + ("A" if right[-1] != "A" else "B")
    device = WireDevice(parts, wrong)
    told = device.enrol()
    assert (told["status"], told["code"]) == (403, "token_unknown")
    assert forms.unb64url(told["collector_key"], 32) == device.collector_key  # signed by the one that it has
    with store.reader() as snapshot:
        assert [token.used for token in tokens.list_tokens(snapshot)] == [0]
        assert devices.list_devices(snapshot) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"public_key": "short"},
        {"public_key": 5},
        {"machine_hash": None},
        {"machine_hash": "AB" * 32},
        {"os": "a\0b"},
        {"os": "x" * 300},
        {"token": {"a": 1}},
        {"token": "x" * 5000},
        {"hostname_hash": "\ud800"},
        {"agent_version": 1e308},
        {"replaces": "Not A Device"},
    ],
)
def test_a_body_that_is_no_enrolment_is_refused(parts: Parts, changes: dict[str, Any]) -> None:
    assert WireDevice(parts, a_token(parts)).enrol(**changes)["code"] == "envelope"


def test_a_signature_of_another_key_makes_no_device(parts: Parts, store: Store) -> None:
    device = WireDevice(parts, a_token(parts))
    assert device.enrol(public_key=forms.b64url(bytes(SigningKey(bytes(32)).verify_key)))["code"] == "bad_signature"
    with store.reader() as snapshot:
        assert devices.list_devices(snapshot) == []


def test_a_request_without_a_batch_id_is_refused_and_carries_the_key(parts: Parts) -> None:
    incoming = WireDevice(parts, a_token(parts)).enrolment()
    del dict(incoming.headers)["Enlace-Batch"]
    bare = type(incoming)({}, incoming.media, "", incoming.body, False, None)
    answer = enrol.enrol(bare, parts)
    assert json.loads(answer.body)["code"] == "envelope"
    assert json.loads(answer.body)["collector_key"]
    assert "Enlace-Signature" not in answer.headers
