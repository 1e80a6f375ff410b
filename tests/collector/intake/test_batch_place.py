"""To which moment and to which school an item of a batch belongs."""

from agent.wire import forms
from agent.wire.headers import Sent
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import devices
from tests.collector.intake.rows import device_row, diary_rows, measurement_rows
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_diary_run, a_measurement
from tests.fakes.wire_device import WireDevice, a_token


def test_times_are_exact_adjusted_or_bounded(device: WireDevice, store: Store, clock: FakeClock) -> None:
    device.clock_error_ms = -86_400_000  # its clock is a day slow
    device.post([])
    clock.advance(60_000)
    device.boot_id, device.mono_ms, old_boot = "aa" * 16, 900_000, device.boot_id
    now_ms = clock.now_ms()
    started = "2026-11-20T11:58:20.000Z"  # by the slow clock: 11:58:20 of the right day
    sent = Sent(now_ms + device.clock_error_ms, 1_000_000, device.boot_id)
    device.post(
        [
            a_measurement(1, boot_id=device.boot_id, started_mono_ms=900_000),
            a_measurement(2, boot_id=old_boot, started_at=started),
            a_measurement(3, boot_id="99" * 16, started_at="1999-01-01T00:00:00.000Z"),
        ],
        sent=sent,
    )
    rows = {row["rid"]: row for row in measurement_rows(store)}
    exact, adjusted, bounded = (rows[a_measurement(number)["rid"]] for number in (1, 2, 3))
    assert (exact["time_quality"], exact["started_ms"]) == ("exact", now_ms - 100_000)
    assert (adjusted["time_quality"], adjusted["started_ms"]) == ("adjusted", now_ms - 60_000 - 100_000)
    assert (bounded["time_quality"], bounded["time_width_ms"]) == ("bounded", 60_000)
    assert bounded["started_ms"] == now_ms - 60_000
    assert bounded["started_raw_ms"] == 915_148_800_000


def test_a_record_of_any_boot_that_was_heard_is_dated_by_its_clock(
    device: WireDevice, store: Store, clock: FakeClock
) -> None:
    boots = {"aa" * 16: -86_400_000, "bb" * 16: -7_200_000, "cc" * 16: 0}
    for device.boot_id, device.clock_error_ms in boots.items():
        device.post([])
        clock.advance(60_000)
    raw_ms = clock.now_ms() - 150_000
    records = [
        a_measurement(number, boot_id=boot_id, started_at=forms.format_time(raw_ms + error_ms))
        for number, (boot_id, error_ms) in enumerate(boots.items())
    ]
    device.post(records)
    assert {row["started_ms"] for row in measurement_rows(store)} == {raw_ms}


def test_the_school_is_the_one_of_the_assignment_at_that_time(
    device: WireDevice, store: Store, clock: FakeClock
) -> None:
    clock.advance(3_600_000)
    moved_ms = clock.now_ms()
    with store.unit() as unit:
        devices.assign(unit, device.device, "S-2", moved_ms)
        unit.commit()
    clock.advance(3_600_000)
    mono_ms = 50_000_000
    items_sent = [
        a_measurement(1, boot_id=device.boot_id, started_mono_ms=mono_ms - 5_400_000),
        a_measurement(2, boot_id=device.boot_id, started_mono_ms=mono_ms - 1_800_000),
        a_measurement(3, boot_id=device.boot_id, started_mono_ms=mono_ms - 9_000_000),
    ]
    device.post(items_sent, sent=Sent(clock.now_ms(), mono_ms, device.boot_id))
    found = {row["rid"]: row["school"] for row in measurement_rows(store)}
    assert [found[a_measurement(number)["rid"]] for number in (1, 2, 3)] == ["00123", "S-2", None]


def test_a_diary_run_keeps_its_length(device: WireDevice, store: Store, clock: FakeClock) -> None:
    mono_ms = 90_000_000
    run = a_diary_run(1, boot_id=device.boot_id, from_mono_ms=mono_ms - 900_000, slots=3)
    device.post(
        [run, a_diary_run(2, state="off", boot_id=None, from_mono_ms=None)], sent=Sent(1, mono_ms, device.boot_id)
    )
    rows = {row["state"]: row for row in diary_rows(store)}
    assert (rows["ok"]["from_ms"], rows["ok"]["to_ms"]) == (clock.now_ms() - 900_000, clock.now_ms())
    assert rows["off"]["to_ms"] - rows["off"]["from_ms"] == 900_000


def test_a_pending_device_is_stored_without_a_school_and_gets_it_when_approved(
    device: WireDevice, parts: Parts, store: Store, clock: FakeClock
) -> None:
    clone = WireDevice(parts, a_token(parts), seed=7)
    assert clone.enrol(replaces=device.device)["state"] == "pending"
    clock.advance(60_000)
    clone.post([a_measurement(1, boot_id=clone.boot_id, started_mono_ms=clone.mono_ms + 1000)])
    assert [row["school"] for row in measurement_rows(store)] == [None]
    with store.unit() as unit:
        devices.approve(unit, device_row(clone, store), clock.now_ms())
        unit.commit()
    assert [row["school"] for row in measurement_rows(store)] == ["00123"]
    assert device_row(clone, store).state == "active"
