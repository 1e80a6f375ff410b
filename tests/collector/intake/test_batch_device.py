"""What a batch says of the device that sent it, and of devices that may not send."""

from dataclasses import replace

from agent.wire import forms
from collector.intake import batch
from collector.store.open import Store
from collector.store.queries import device_requests, devices
from tests.collector.intake.rows import device_row, diary_rows, measurement_rows
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_diary_run, a_measurement, a_rid
from tests.fakes.wire_device import WireDevice, packed, statuses


def test_three_lost_answers_in_a_row_are_no_roll_back(device: WireDevice, store: Store) -> None:
    device.post([])
    old = device.ratchet
    for number in range(3):
        device.post([a_measurement(number)], ratchet=old)
    device.post([])
    assert not device_row(device, store).is_volatile


def test_a_computer_that_restores_itself_is_taken_and_marked(device: WireDevice, store: Store) -> None:
    first = device.ratchet
    for _ in range(3):
        device.post([])
    assert statuses(device.post([a_measurement(1)], ratchet=first)) == ["accepted"]
    assert device_row(device, store).is_volatile


def test_a_replayed_request_changes_nothing_of_the_device(device: WireDevice, store: Store, clock: FakeClock) -> None:
    incoming = device.batch_of([a_measurement(1)])
    device.ask(batch.accept, incoming)
    device.post([a_measurement(2)])
    before = device_row(device, store)
    clock.advance(3_600_000)
    told = device.ask(batch.accept, incoming)
    assert statuses(told) == ["duplicate"]
    assert told["ratchet"] == str(before.ratchet_issued)
    assert device_row(device, store) == before


def test_a_captured_request_that_comes_a_day_late_dates_nothing_by_its_receipt(
    device: WireDevice, store: Store, clock: FakeClock
) -> None:
    device.clock_error_ms = -7_200_000  # two hours slow
    made_ms = clock.now_ms()
    raw = forms.format_time(made_ms - 60_000 + device.clock_error_ms)
    of_boot = {"boot_id": device.boot_id, "started_mono_ms": device.mono_ms + 1000 - 60_000, "started_at": raw}
    captured = device.batch_of([a_measurement(1, **of_boot), a_diary_run(2, boot_id=device.boot_id, from_at=raw)])
    clock.advance(5000)
    device.post([a_measurement(3)], passes_ms=5000)
    before = device_row(device, store)
    clock.advance(86_400_000)
    assert statuses(device.ask(batch.accept, captured)) == ["accepted", "accepted"]
    row = next(one for one in measurement_rows(store) if one["rid"] == a_rid(1))
    assert (row["time_quality"], row["started_ms"]) == ("adjusted", made_ms - 60_000)
    assert diary_rows(store)[0]["time_quality"] != "exact"
    assert device_row(device, store) == before
    with store.reader() as snapshot:
        boot = device_requests.find_boots(snapshot, device.device, device.boot_id, set()).known[device.boot_id]
    assert boot.seen_ms == made_ms + 5000


def test_what_a_batch_settled_waits_on_the_device_no_longer(device: WireDevice, store: Store) -> None:
    device.counts = {"ready": 3}
    told = statuses(device.post([a_measurement(1), a_measurement(2), {}]))
    assert told == ["accepted", "accepted", "rejected(shape)"]
    assert device_row(device, store).ledger_ready == 0
    device.counts = {"ready": 2}
    assert statuses(device.post([a_measurement(1), a_measurement(4, schema=99)])) == ["duplicate", "deferred(schema)"]
    assert device_row(device, store).ledger_ready == 1
    device.counts = {"ready": 0}
    device.post([a_measurement(3)])
    assert device_row(device, store).ledger_ready == 0


def test_the_ledger_and_its_lineage_are_written_down(device: WireDevice, store: Store, clock: FakeClock) -> None:
    device.counts = {"created": 9, "acked": 4, "ready": 2, "dead": 1, "dropped": 2}
    device.post([a_measurement(1)])
    assert device_row(device, store).ledger_ready == 1  # its count included what the batch brought
    device.post([], lineage="ee" * 16)
    row = device_row(device, store)
    ledger = (row.ledger_created, row.ledger_acked, row.ledger_ready, row.ledger_dead, row.ledger_dropped)
    assert ledger == (9, 4, 2, 1, 2)
    assert (row.lineage, row.lineages) == ("ee" * 16, 2)
    assert row.last_contact_ms == clock.now_ms()


def test_only_devices_with_a_backlog_wait_when_many_come(device: WireDevice) -> None:
    device.parts = replace(device.parts, load=lambda: 0.9)
    assert device.post([])["next_after_s"] == 0
    device.counts = {"ready": 50}
    assert device.post([])["next_after_s"] >= 5


def test_a_device_that_was_revoked_is_blocked_only_with_a_right_signature(device: WireDevice, store: Store) -> None:
    with store.unit() as unit:
        devices.revoke(unit, device.device, 1)
        unit.commit()
    incoming = device.batch_of([a_measurement(1)])
    assert device.ask(batch.accept, incoming)["code"] == "device_blocked"
    forged = replace(incoming, body=packed([]))
    assert device.ask(batch.accept, forged)["code"] == "bad_signature"
    assert measurement_rows(store) == []


def test_another_computer_is_told_so(device: WireDevice) -> None:
    assert device.ask(batch.accept, device.batch_of([], machine="00" * 32))["code"] == "other_machine"


def test_of_the_address_only_the_network_is_kept(device: WireDevice, store: Store) -> None:
    addresses = ["198.51.100.77", "2001:db8:1:2:3::4", "::ffff:203.0.113.9", "unknown", None]
    for number, address in enumerate(addresses):
        device.post([a_measurement(number)], address=address)
    kept = {row["rid"]: row["client_ip_prefix"] for row in measurement_rows(store)}
    expected = ["198.51.100.0/24", "2001:db8:1::/48", "203.0.113.0/24", None, None]
    assert [kept[a_measurement(number)["rid"]] for number in range(5)] == expected
