"""A person decides about what waits: what was seen, and nothing that came after it."""

from typing import Any

import pytest

from collector.intake import approval
from collector.intake.approval import Seen
from collector.intake.parts import Parts
from collector.store.queries import devices
from tests.fakes import labs
from tests.fakes.wire_device import WireDevice, a_token


def decide(parts: Parts, act: Any, device: str, key_id: str | None) -> bool:
    with parts.store.unit() as unit:
        done: bool = act(unit, Seen(device, key_id), parts.ports.clock.now_ms())
        unit.commit()
    return done


def standing(parts: Parts, device: str) -> tuple[str, dict[str, str]]:
    """Return the state of a device and of each of its keys."""
    with parts.store.reader() as snapshot:
        found = devices.find_device(snapshot, device)
        assert found is not None
        return found.state, {key.key_id: key.state for key in devices.list_keys_of(snapshot, device)}


@pytest.fixture
def original(parts: Parts) -> WireDevice:
    made = labs.enrolled(parts, a_token(parts), seed=7)
    made.ask_settings()  # so that its key is in use
    return made


@pytest.fixture
def copy(parts: Parts, original: WireDevice) -> WireDevice:
    return labs.copies(parts, original, 1)[0]


def key_of(parts: Parts, one: WireDevice) -> str:
    (key_id,) = standing(parts, one.device)[1]
    return key_id


def test_a_copy_is_approved_with_the_key_that_was_seen_and_a_later_key_goes_on_waiting(
    parts: Parts, copy: WireDevice
) -> None:
    seen = key_of(parts, copy)
    copy.ask_settings()
    later = labs.new_key(copy, seed=31)
    assert decide(parts, approval.approve, copy.device, seen)
    assert standing(parts, copy.device) == ("active", {seen: "active", later: "pending"})


def test_a_new_key_is_approved_and_one_that_came_later_never_counts(parts: Parts, original: WireDevice) -> None:
    old = key_of(parts, original)
    seen, later = labs.new_key(original, seed=41), labs.new_key(original, seed=42)
    assert decide(parts, approval.approve, original.device, seen)
    assert standing(parts, original.device) == ("active", {old: "revoked", seen: "active", later: "revoked"})


@pytest.mark.parametrize("act", [approval.approve, approval.refuse])
def test_what_does_not_wait_as_it_was_seen_stays_as_it_is(parts: Parts, copy: WireDevice, act: Any) -> None:
    before = standing(parts, copy.device)
    assert not decide(parts, act, copy.device, None)  # it has a key that was not seen
    assert not decide(parts, act, copy.device, "0" * 16)
    assert not decide(parts, act, "nothing", None)
    assert standing(parts, copy.device) == before
    seen = key_of(parts, copy)
    assert decide(parts, act, copy.device, seen)
    assert not decide(parts, act, copy.device, seen)  # somebody was quicker


def test_a_refused_copy_is_heard_no_more(parts: Parts, copy: WireDevice) -> None:
    assert decide(parts, approval.refuse, copy.device, key_of(parts, copy))
    assert standing(parts, copy.device)[0] == "revoked"
    assert copy.ask_settings()["code"] == "device_blocked"


def test_of_two_keys_of_a_copy_one_can_be_refused(parts: Parts, copy: WireDevice) -> None:
    first = key_of(parts, copy)
    copy.ask_settings()
    second = labs.new_key(copy, seed=51)
    assert decide(parts, approval.refuse, copy.device, second)
    assert standing(parts, copy.device) == ("pending", {first: "active", second: "revoked"})


def test_a_refused_new_key_leaves_the_old_one_in_use(parts: Parts, original: WireDevice) -> None:
    old, old_key = key_of(parts, original), original.key
    seen = labs.new_key(original, seed=61)
    assert decide(parts, approval.refuse, original.device, seen)
    assert standing(parts, original.device) == ("active", {old: "active", seen: "revoked"})
    original.key = old_key
    assert original.ask_settings()["status"] == 200
