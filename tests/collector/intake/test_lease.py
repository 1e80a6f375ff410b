"""Who may test when, and for how many bytes."""

import pytest
from sqlalchemy import insert

from agent.wire import tokens
from agent.wire.vocabulary import Trigger
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import leases
from collector.store.tables.judgement import EVALUATIONS
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_direction, a_failed_measurement, a_measurement
from tests.fakes.wire_device import WireDevice, a_deployment, a_token, statuses

TUESDAY_10_LOCAL_MS = 1_795_528_800_000  # 2026-11-24T14:00:00Z, 10:00 in Barbados
HOUR_MS = 3_600_000
NIGHT_MS = TUESDAY_10_LOCAL_MS + 12 * HOUR_MS


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(TUESDAY_10_LOCAL_MS)


def a_second(device: WireDevice) -> WireDevice:
    other = WireDevice(device.parts, device.token, seed=2)
    other.enrol()
    return other


def just_measured(device: WireDevice, number: int = 1, **changes: object) -> dict[str, object]:
    return a_measurement(number, boot_id=device.boot_id, started_mono_ms=device.mono_ms + 1000, **changes)


def test_a_lease_says_where_and_for_how_much(device: WireDevice, clock: FakeClock) -> None:
    told = device.ask_lease()
    assert told["granted"] is True
    assert told["expires_in_s"] == 120
    assert told["expires_at_ms"] == clock.now_ms() + 120_000
    assert [server["engine"] for server in told["servers"]] == ["ndt7", "librespeed"]
    assert {server["url"] for server in told["servers"]} == {"http://127.0.0.1:8481"}
    assert {server["udp_port"] for server in told["servers"]} == {8481}
    claims = tokens.read_access_token(told["access_token"], [device.collector_key], clock.now_ms())
    assert (claims.school, claims.lease_id) == ("00123", told["lease_id"])
    assert claims.max_bytes >= told["max_bytes_download"] + told["max_bytes_upload"]
    with pytest.raises(ValueError, match="expired"):
        tokens.read_access_token(told["access_token"], [device.collector_key], clock.now_ms() + 300_000)


def test_one_device_of_a_school_at_a_time(device: WireDevice, clock: FakeClock) -> None:
    other = a_second(device)
    assert device.ask_lease()["granted"] is True
    told = other.ask_lease()
    assert (told["granted"], told["reason"], told["retry_after_s"]) == (False, "busy", 120)
    clock.advance(120_000)
    assert other.ask_lease()["granted"] is True


def test_a_lease_of_a_clock_that_was_ahead_keeps_no_school_from_testing(device: WireDevice, clock: FakeClock) -> None:
    other = a_second(device)
    clock.now += HOUR_MS
    assert device.ask_lease()["granted"] is True
    clock.now -= HOUR_MS
    assert other.ask_lease()["granted"] is True
    clock.now -= 1000
    assert device.ask_lease()["granted"] is False, "a second between two machines is no clock that was put back"


def test_the_holder_renews_and_another_school_is_not_held_up(device: WireDevice) -> None:
    elsewhere = WireDevice(device.parts, a_token(device.parts, "S-2"), seed=3)
    elsewhere.enrol()
    first, second = device.ask_lease(), device.ask_lease()
    assert second["granted"] is True
    assert first["lease_id"] != second["lease_id"]
    assert elsewhere.ask_lease("manual")["granted"] is True


def test_the_measurement_frees_the_lease(device: WireDevice, store: Store) -> None:
    other = a_second(device)
    lease_id = device.ask_lease()["lease_id"]
    assert statuses(device.post([just_measured(device, lease_id=lease_id)])) == ["accepted"]
    with store.reader() as snapshot:
        assert leases.find_lease(snapshot, "00123") is None
    assert other.ask_lease()["granted"] is True


def test_nobody_frees_the_lease_of_another(device: WireDevice) -> None:
    other = a_second(device)
    lease_id = device.ask_lease()["lease_id"]
    other.post([just_measured(other, lease_id=lease_id)])
    assert other.ask_lease()["reason"] == "busy"


def test_two_tests_of_a_window_are_enough_until_it_ends(device: WireDevice, clock: FakeClock) -> None:
    device.post([just_measured(device, 1)])
    device.post([a_failed_measurement(7, boot_id=device.boot_id, started_mono_ms=device.mono_ms + 1000)])
    assert device.ask_lease()["granted"] is True
    device.post([just_measured(device, 2)])
    told = device.ask_lease()
    assert told["reason"] == "enough"
    clock.advance(told["retry_after_s"] * 1000)
    assert device.ask_lease()["granted"] is True


def test_a_person_may_test_though_there_is_enough_or_the_school_is_closed(device: WireDevice, clock: FakeClock) -> None:
    device.post([just_measured(device, 1), just_measured(device, 2)])
    assert device.ask_lease()["reason"] == "enough"
    assert device.ask_lease("manual")["granted"] is True
    clock.now = NIGHT_MS
    assert device.ask_lease("manual")["granted"] is True


def test_tests_by_hand_are_not_counted(device: WireDevice) -> None:
    device.post([just_measured(device, number, trigger="manual") for number in range(5)])
    assert device.ask_lease()["granted"] is True


def test_outside_opening_hours_only_a_start_is_tested_and_twice_at_most(device: WireDevice, clock: FakeClock) -> None:
    clock.now = NIGHT_MS
    told = device.ask_lease("window")
    assert told["reason"] == "closed"
    assert 0 < told["retry_after_s"] <= 6 * 3600
    assert device.ask_lease("startup")["granted"] is True
    device.post([just_measured(device, number, trigger="startup") for number in (1, 2)])
    assert device.ask_lease("startup")["reason"] == "enough"


def test_a_holiday_is_closed(device: WireDevice, store: Store) -> None:
    from sqlalchemy import insert

    from collector.store.tables.registry import CALENDAR_DAYS

    with store.unit() as unit:
        unit.connection.execute(insert(CALENDAR_DAYS).values(calendar="default", day="2026-11-24", kind="holiday"))
        unit.commit()
    assert device.ask_lease()["reason"] == "closed"


@pytest.mark.parametrize("trigger", list(Trigger))
def test_nobody_tests_while_all_is_paused(store: Store, clock: FakeClock, trigger: Trigger) -> None:
    parts = a_deployment(store, clock, paused=True)
    device = WireDevice(parts, a_token(parts))
    device.enrol()
    assert device.ask_lease(trigger)["reason"] == "paused"


def test_an_unknown_line_may_move_the_most_and_a_known_one_two_seconds_worth(device: WireDevice) -> None:
    assert device.ask_lease("manual")["max_bytes_download"] == 100_000_000
    device.post([just_measured(device, 1, download=a_direction(80_000_000), upload=a_direction(1_000_000))])
    told = device.ask_lease("manual")
    assert told["max_bytes_download"] == 20_000_000
    assert told["max_bytes_upload"] == 10_000_000


def test_a_calibration_may_move_its_full_ten_seconds_and_a_boost(device: WireDevice) -> None:
    device.post([just_measured(device, 1, download=a_direction(40_000_000), upload=a_direction(8_000_000))])
    told = device.ask_lease("manual", tier="calibration")
    assert (told["max_bytes_download"], told["max_bytes_upload"]) == (75_000_000, 15_000_000)
    told = device.ask_lease("manual", tier="capacity")
    assert (told["max_bytes_download"], told["max_bytes_upload"]) == (10_000_000, 10_000_000)


def test_a_slow_line_may_move_enough_to_reach_its_target(device: WireDevice, parts: Parts, store: Store) -> None:
    device.post([just_measured(device, 1, download=a_direction(4_000_000), upload=None)])
    judged = {column.name: None for column in EVALUATIONS.columns} | {
        "school": "00123", "profile": parts.config.profile, "profile_version": "1", "metric": "download_bps",
        "n": 1, "days": 1, "attained": 0, "unknown": 0, "failed": 1, "share": 0.5, "verdict": "INSUFFICIENT",
        "state": "none", "state_count": 0, "is_estimated": False,
    }  # fmt: skip
    with store.unit() as unit:
        for day, target_bps in (("2026-11-20", 400_000_000), ("2026-11-23", 100_000_000)):
            unit.connection.execute(insert(EVALUATIONS).values({**judged, "day": day, "target_bps": target_bps}))
        unit.commit()
    assert device.ask_lease("manual")["max_bytes_download"] == 25_000_000


def test_never_more_than_what_is_left_of_the_day(store: Store, clock: FakeClock) -> None:
    parts = a_deployment(store, clock, day_bytes=30_000_000)
    device = WireDevice(parts, a_token(parts))
    device.enrol()
    spent = a_direction(8_000_000) | {"bytes": 9_500_000, "wire_bytes_est": 10_000_000}
    device.post([just_measured(device, 1, download=spent, upload=spent)])
    told = device.ask_lease("manual")
    assert (told["max_bytes_download"], told["max_bytes_upload"]) == (5_000_000, 5_000_000)
    device.post([just_measured(device, 2, download=spent, upload=None)])
    told = device.ask_lease("manual")
    assert told["reason"] == "budget"
    assert told["retry_after_s"] == 14 * 3600  # midnight in Barbados


def test_a_replayed_request_gets_no_lease(device: WireDevice) -> None:
    sent = device.sent()
    device.ask_lease(sent=sent)
    assert device.ask_lease(sent=sent)["reason"] == "busy"


def test_a_lease_does_not_move_the_ratchet(device: WireDevice) -> None:
    device.post([])
    before = device.ratchet
    device.ask_lease()
    device.ask_settings()
    assert device.post([])["ratchet"] == str(int(before) + 1)


def test_only_the_engines_asked_for_are_offered(device: WireDevice, parts: Parts) -> None:
    from agent.wire.signing import Word
    from collector.intake import lease

    asked = device.request(Word.LEASE, b'{"trigger":"manual","engines":["librespeed"]}')
    assert [server["engine"] for server in device.ask(lease.ask, asked)["servers"]] == ["librespeed"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"trigger":"whim","engines":[]}', b'{"trigger":"window"}', b"\xff"])
def test_a_body_that_is_no_question_is_refused(device: WireDevice, body: bytes) -> None:
    from agent.wire.signing import Word
    from collector.intake import lease

    assert device.ask(lease.ask, device.request(Word.LEASE, body))["code"] == "envelope"
