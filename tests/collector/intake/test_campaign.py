"""Tests that a person has asked for: who is told, who gets a lease, and when it is enough."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from agent.wire.answers import SettingsAnswer
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import campaigns
from collector.store.queries.campaigns import Campaign
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_measurement
from tests.fakes.wire_device import WireDevice

SIX_IN_THE_MORNING_MS = 1_795_514_400_000  # Tuesday 24 November 2026, 06:00 in Barbados
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
MORNING = (SIX_IN_THE_MORNING_MS - HOUR_MS, SIX_IN_THE_MORNING_MS + HOUR_MS)
EVENING = (SIX_IN_THE_MORNING_MS + 11 * HOUR_MS, SIX_IN_THE_MORNING_MS + 13 * HOUR_MS)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(SIX_IN_THE_MORNING_MS)


@pytest.fixture
def asked(device: WireDevice, store: Store) -> Campaign:
    made = Campaign(
        "00123",
        "c1",
        SIX_IN_THE_MORNING_MS - HOUR_MS,
        "otto",
        "outside",
        (device.device,),
        (MORNING, EVENING),
        EVENING[1],
    )
    with store.unit() as unit:
        assert campaigns.add(unit, made)
        unit.commit()
    return made


def another(device: WireDevice) -> WireDevice:
    made = WireDevice(device.parts, device.token, seed=2)
    made.enrol()
    return made


def made_by(device: WireDevice, number: int, **changes: Any) -> dict[str, Any]:
    return a_measurement(
        number, boot_id=device.boot_id, started_mono_ms=device.mono_ms + 1000, trigger="campaign", **changes
    )


def test_only_who_is_asked_is_told(device: WireDevice, asked: Campaign) -> None:
    other = another(device)
    assert device.ask_settings()["campaign_utc"] == [[*MORNING, 6], [*EVENING, 6]]
    assert other.ask_settings()["campaign_utc"] == []


def test_the_school_s_devices_learn_that_their_settings_are_old_and_others_do_not(
    device: WireDevice, parts: Parts, store: Store, clock: FakeClock
) -> None:
    from tests.fakes.wire_device import a_token

    elsewhere = WireDevice(parts, a_token(parts, "S-2"), seed=3)
    elsewhere.enrol()
    before, theirs = device.post([])["settings_version"], elsewhere.post([])["settings_version"]
    made = Campaign("00123", "c1", clock.now_ms(), "otto", "outside", (device.device,), (MORNING, EVENING), EVENING[1])
    with store.unit() as unit:
        campaigns.add(unit, made)
        unit.commit()
    told = device.post([])["settings_version"]
    assert told != before and device.ask_settings()["version"] == told
    assert elsewhere.post([])["settings_version"] == theirs
    clock.now = EVENING[1]
    assert device.post([])["settings_version"] == before and device.ask_settings()["campaign_utc"] == []


def test_older_agents_pass_over_what_they_do_not_know(device: WireDevice, asked: Campaign) -> None:
    class Older(msgspec.Struct, frozen=True, kw_only=True):
        version: str
        windows_utc: list[list[int]]

    told = msgspec.json.encode(device.ask_settings())
    assert len(msgspec.json.decode(told, type=Older).windows_utc) > 0
    newer = msgspec.json.decode(told, type=SettingsAnswer)
    assert newer.campaign_utc == [[*MORNING, 6], [*EVENING, 6]]
    without = {name: value for name, value in device.ask_settings().items() if name != "campaign_utc"}
    assert msgspec.convert(without, type=SettingsAnswer).campaign_utc == []


def test_nobody_else_gets_a_lease_for_it(device: WireDevice, asked: Campaign) -> None:
    other = another(device)
    assert other.ask_lease("campaign")["reason"] == "closed"
    assert device.ask_lease("campaign")["granted"] is True


def test_outside_its_windows_it_is_closed_until_the_next(device: WireDevice, asked: Campaign, clock: FakeClock) -> None:
    clock.now = MORNING[1]
    told = device.ask_lease("campaign")
    assert told["reason"] == "closed" and told["retry_after_s"] == 6 * 3600  # at most so long
    clock.now = EVENING[0] - HOUR_MS
    assert device.ask_lease("campaign")["retry_after_s"] == 3600
    clock.now = EVENING[1]
    assert device.ask_lease("campaign")["reason"] == "closed"


def test_without_a_campaign_nobody_tests_for_one(device: WireDevice) -> None:
    assert device.ask_lease("campaign")["reason"] == "closed"


def test_five_tests_of_a_window_by_cable_are_enough(device: WireDevice, asked: Campaign, clock: FakeClock) -> None:
    wifi = {"surroundings": {"medium": "wifi", "link_bps": 400_000_000}}
    cable = {"surroundings": {"medium": "ethernet", "link_bps": 1_000_000_000}}
    for number in range(6):
        assert device.ask_lease("campaign")["granted"] is True, number
        device.post([made_by(device, number, **(wifi if number == 0 else cable))])
        clock.advance(8 * MINUTE_MS)
    told = device.ask_lease("campaign")
    assert told["reason"] == "enough" and told["retry_after_s"] == (MORNING[1] - clock.now_ms()) / 1000
    clock.now = EVENING[0]
    assert device.ask_lease("campaign")["granted"] is True


def test_two_computers_do_not_test_within_five_minutes(
    device: WireDevice, asked: Campaign, store: Store, clock: FakeClock
) -> None:
    other = another(device)
    with store.unit() as unit:
        assert campaigns.call_off(unit, "00123", "c1", clock.now_ms())
        again = replace(asked, campaign_id="c2", made_ms=clock.now_ms(), devices=(device.device, other.device))
        assert campaigns.add(unit, again)
        unit.commit()
    lease = device.ask_lease("campaign")["lease_id"]
    cable = {"medium": "ethernet", "link_bps": 1_000_000_000}
    device.post([made_by(device, 1, lease_id=lease, surroundings=cable)])
    told = other.ask_lease("campaign")
    assert told["reason"] == "busy" and 300 <= told["retry_after_s"] <= 331
    clock.advance(told["retry_after_s"] * 1000)
    assert other.ask_lease("campaign")["granted"] is True


def test_of_two_people_one_asks_and_what_is_called_off_is_over(store: Store, asked: Campaign, clock: FakeClock) -> None:
    with store.unit() as unit:
        assert not campaigns.add(unit, replace(asked, campaign_id="c2", made_by="ana"))
        assert not campaigns.call_off(unit, "00123", "c2", clock.now_ms())
        assert campaigns.call_off(unit, "00123", "c1", clock.now_ms())
        assert not campaigns.call_off(unit, "00123", "c1", clock.now_ms())
        assert campaigns.find_current(unit, "00123", clock.now_ms()) is None
        assert campaigns.add(unit, replace(asked, campaign_id="c2", made_ms=clock.now_ms()))
