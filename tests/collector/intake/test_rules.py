"""What a school's devices keep to, and that each is told of a change, and no other school's."""

import msgspec
import pytest

from collector.config import CollectorConfig
from collector.intake import rules
from collector.intake.parts import Parts
from collector.intake.rules import NAMES, Origin, Wishes
from collector.store.open import Store
from collector.store.queries import agent_settings, campaigns
from collector.store.queries.agent_settings import EVERYWHERE, SettingsDecision
from collector.store.queries.campaigns import Campaign
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_direction, a_measurement
from tests.fakes.wire_device import WireDevice, a_token

TUESDAY_10_LOCAL_MS = 1_795_528_800_000  # 2026-11-24T14:00:00Z, 10:00 in Barbados
HOUR_MS = 3_600_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(TUESDAY_10_LOCAL_MS)


def decide(store: Store, place: str, number: int = 1, **said: object) -> None:
    """Store what somebody decided."""
    text = rules.stored(Wishes(**said))  # type: ignore[arg-type]
    with store.unit() as unit:
        agent_settings.add(unit, SettingsDecision(place, number, text, "because", 1, "ana"))
        unit.commit()


@pytest.fixture
def elsewhere(device: WireDevice, parts: Parts) -> WireDevice:
    made = WireDevice(parts, a_token(parts, "S-2"), seed=3)
    made.enrol()
    return made


def test_the_nearest_place_wins_and_says_so() -> None:
    config = CollectorConfig(day_bytes=200_000_000)
    held = rules.combine(config, Wishes(tests_per_window=3, month_bytes=9), Wishes(month_bytes=5_000_000_000))
    assert (held.tests_per_window, held.test_bytes, held.day_bytes) == (3, 100_000_000, 200_000_000)
    assert held.month_bytes == 5_000_000_000 and held.lease_s == 120
    assert [held.origins[name] for name in NAMES] == [
        *(Origin.DEPLOYMENT, Origin.SHIPPED, Origin.FILE, Origin.SCHOOL),
        *(Origin.SHIPPED, Origin.SHIPPED, Origin.SHIPPED),
    ]


def test_a_school_may_be_paused_alone_and_never_tests_while_all_are_paused() -> None:
    config = CollectorConfig()
    alone = rules.combine(config, Wishes(), Wishes(paused=True))
    assert alone.paused and alone.origins["paused"] is Origin.SCHOOL
    for school in (Wishes(paused=False), Wishes(paused=True)):
        held = rules.combine(config, Wishes(paused=True), school)
        assert held.paused and held.origins["paused"] is Origin.DEPLOYMENT
    again = rules.combine(CollectorConfig(paused=True), Wishes(paused=False), Wishes())
    assert not again.paused and again.origins["paused"] is Origin.DEPLOYMENT


def test_what_is_stored_is_what_was_said() -> None:
    said = Wishes(paused=False, day_bytes=40_000_000)
    assert msgspec.json.decode(rules.stored(said), type=Wishes) == said
    assert rules.stored(Wishes()) == "{}"


def test_a_school_s_devices_are_told_and_no_other_school_s(
    device: WireDevice, elsewhere: WireDevice, store: Store
) -> None:
    before, theirs = device.post([])["settings_version"], elsewhere.post([])["settings_version"]
    decide(store, "00123", tests_per_window=5, day_bytes=40_000_000)
    told = device.ask_settings()
    assert told["tests_per_window"] == 5 and told["budget"]["day_bytes"] == 40_000_000
    assert told["budget"]["month_bytes"] == 4_000_000_000
    assert device.post([])["settings_version"] == told["version"] != before
    assert elsewhere.post([])["settings_version"] == theirs == elsewhere.ask_settings()["version"]
    decide(store, "00123", 2)
    assert device.post([])["settings_version"] == before, "what holds again is what they were told before"


def test_what_is_said_of_all_reaches_whom_it_changes(device: WireDevice, elsewhere: WireDevice, store: Store) -> None:
    decide(store, "00123", tests_per_window=5)
    mine, theirs = device.post([])["settings_version"], elsewhere.post([])["settings_version"]
    decide(store, EVERYWHERE, tests_per_window=5)
    assert device.post([])["settings_version"] == mine, "its own value was that already"
    assert elsewhere.post([])["settings_version"] != theirs
    assert elsewhere.ask_settings()["tests_per_window"] == 5


def test_the_lease_goes_by_what_holds(device: WireDevice, elsewhere: WireDevice, store: Store) -> None:
    decide(store, EVERYWHERE, lease_s=300, test_bytes=50_000_000)
    decide(store, "00123", test_bytes=2_000_000, day_bytes=30_000_000)
    told = device.ask_lease("manual")
    assert (told["max_bytes_download"], told["max_bytes_upload"], told["expires_in_s"]) == (2_000_000, 2_000_000, 300)
    assert told["expires_at_ms"] == TUESDAY_10_LOCAL_MS + 300_000
    assert elsewhere.ask_lease("manual")["max_bytes_download"] == 50_000_000
    spent = a_direction(8_000_000) | {"bytes": 14_000_000, "wire_bytes_est": 14_500_000}
    done = a_measurement(1, boot_id=device.boot_id, started_mono_ms=device.mono_ms + 1000, download=spent, upload=spent)
    device.post([done])
    assert device.ask_lease("manual")["reason"] == "budget"


def test_so_many_tests_of_a_window_are_enough(device: WireDevice, store: Store) -> None:
    decide(store, "00123", tests_per_window=1)
    device.post([a_measurement(1, boot_id=device.boot_id, started_mono_ms=device.mono_ms + 1000)])
    assert device.ask_lease()["reason"] == "enough"
    decide(store, "00123", 2, tests_per_window=2)
    assert device.ask_lease()["granted"] is True


def test_one_school_is_paused(device: WireDevice, elsewhere: WireDevice, store: Store) -> None:
    decide(store, "00123", paused=True)
    assert device.ask_lease("manual")["reason"] == "paused" and device.ask_settings()["paused"] is True
    assert elsewhere.ask_lease("manual")["granted"] is True and elsewhere.ask_settings()["paused"] is False


def test_a_campaign_and_the_settings_of_a_school_stand_beside_each_other(
    device: WireDevice, store: Store, clock: FakeClock
) -> None:
    window = (clock.now_ms() - HOUR_MS, clock.now_ms() + HOUR_MS)
    made = Campaign("00123", "c1", clock.now_ms(), "otto", "all", (device.device,), (window,), window[1])
    with store.unit() as unit:
        assert campaigns.add(unit, made)
        unit.commit()
    asked = device.ask_settings()
    decide(store, "00123", tests_per_window=1, test_bytes=3_000_000)
    told = device.ask_settings()
    assert told["campaign_utc"] == asked["campaign_utc"] == [[*window, 6]]
    assert told["version"] != asked["version"] and told["tests_per_window"] == 1
    granted = device.ask_lease("campaign")
    assert granted["granted"] is True and granted["max_bytes_download"] == 3_000_000
    with store.unit() as unit:
        assert campaigns.call_off(unit, "00123", "c1", clock.now_ms())
        unit.commit()
    after = device.ask_settings()
    assert after["campaign_utc"] == [] and after["version"] != told["version"] and after["tests_per_window"] == 1
