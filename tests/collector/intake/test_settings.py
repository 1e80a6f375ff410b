"""What devices are told to do."""

from dataclasses import replace

import pytest

from agent.wire import forms, tokens
from agent.wire.signing import Word
from collector import operate
from collector.config import TestpointConfig
from collector.intake import settings
from collector.intake.keyring import KeySource, make_key
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import facts
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_measurement
from tests.fakes.wire_device import WireDevice, a_token

DAY_MS = 86_400_000


def test_windows_of_the_next_fourteen_days_are_in_utc(device: WireDevice, clock: FakeClock) -> None:
    windows = device.ask_settings()["windows_utc"]
    assert len(windows) == 3 * 10  # ten weekdays in two weeks
    assert all(clock.now_ms() < from_ms < to_ms for from_ms, to_ms in windows)
    assert forms.format_time(windows[0][0]) == "2026-11-23T11:00:00.000Z"  # Monday 07:00 in Barbados
    assert windows[-1][1] < clock.now_ms() + 14 * DAY_MS


def test_the_version_changes_with_what_is_said_and_not_with_time(
    device: WireDevice, store: Store, clock: FakeClock
) -> None:
    before = device.ask_settings()["version"]
    clock.advance(DAY_MS)
    assert device.ask_settings()["version"] == before
    with store.unit() as unit:
        facts.raise_settings_version(unit)
        unit.commit()
    raised = device.ask_settings()["version"]
    assert raised != before
    device.parts = replace(device.parts, testpoint=TestpointConfig(port=9999))
    assert device.ask_settings()["version"] != raised
    assert device.post([])["settings_version"] == device.ask_settings()["version"]


def test_a_newer_key_is_announced_to_those_who_pinned_the_old_one(
    device: WireDevice, parts: Parts, store: Store, clock: FakeClock
) -> None:
    assert device.ask_settings()["next_collector_key"] is None
    with store.unit() as unit:
        made = make_key(unit, parts.ports.randomness, clock.now_ms() + 1)
        unit.commit()
    device.parts = replace(parts, keys=KeySource(store, clock))
    told = device.ask_settings()  # its signature is still of the pinned key
    assert told["next_collector_key"] == forms.b64url(made.public_key)
    device.collector_key = made.public_key
    assert device.ask_settings()["next_collector_key"] is None


def test_a_key_made_by_another_process_is_seen_within_a_minute(parts: Parts, store: Store, clock: FakeClock) -> None:
    before = parts.keys.ring().current.key_id
    with store.unit() as unit:
        make_key(unit, parts.ports.randomness, clock.now_ms() + 1)
        unit.commit()
    assert parts.keys.ring().current.key_id == before
    clock.advance(60_000)
    assert parts.keys.ring().current.key_id != before


def test_after_a_rotation_every_device_is_answered_with_the_key_that_it_pinned(
    device: WireDevice, parts: Parts, store: Store, clock: FakeClock
) -> None:
    token, version = device.token, device.ask_settings()["version"]
    clock.advance(1)
    made = forms.unb64url(operate.rotate_key(store, parts.ports), 32)
    clock.advance(60_000)
    assert device.post([a_measurement(1)])["settings_version"] != version  # it asks for its settings, and is told
    assert device.ask_settings()["next_collector_key"] == forms.b64url(made)
    assert device.ask_lease("manual")["granted"] is True
    assert device.post([a_measurement(2)], machine="00" * 32)["code"] == "other_machine"  # refusals too
    later = WireDevice(parts, token, seed=2)  # a token from before the rotation names the old key
    later.collector_key = device.collector_key
    assert later.enrol()["collector_key"] == forms.b64url(device.collector_key)
    assert later.post([])["status"] == 200
    device.collector_key = made
    assert device.post([])["status"] == 200
    assert WireDevice(parts, a_token(parts), seed=3).enrol()["collector_key"] == forms.b64url(made)


def test_a_test_point_that_runs_takes_the_tokens_of_a_collector_with_a_new_key(
    device: WireDevice, parts: Parts, store: Store, clock: FakeClock
) -> None:
    known = [key.public_key for key in parts.keys.ring().keys]
    clock.advance(1)
    operate.rotate_key(store, parts.ports)
    clock.advance(60_000)
    token = device.ask_lease("manual")["access_token"]
    assert tokens.read_access_token(token, known, clock.now_ms()).school == "00123"


@pytest.mark.parametrize(
    ("point", "url"),
    [
        (TestpointConfig(host="::", port=9), "http://127.0.0.1:9"),
        (TestpointConfig(host="::1", port=9), "http://[::1]:9"),
        (TestpointConfig(public_url="https://tp.example"), "https://tp.example"),
    ],
)
def test_the_address_of_the_test_point_is_one_to_connect_to(parts: Parts, point: TestpointConfig, url: str) -> None:
    assert {server.url for server in settings.servers(replace(parts, testpoint=point))} == {url}


def test_a_body_that_is_no_object_is_refused(device: WireDevice) -> None:
    assert device.ask(settings.tell, device.request(Word.SETTINGS, b"[]"))["code"] == "envelope"
    assert device.ask(settings.tell, device.request(Word.SETTINGS, b'{"newer":1}'))["status"] == 200
