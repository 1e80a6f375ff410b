"""What happens to the items of a batch, and what the collector says of each."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from agent.wire import forms, headers, signing
from agent.wire.codec import Decoded
from agent.wire.headers import Sent
from collector.errors import StorageError
from collector.intake import batch, items
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import devices, facts
from tests.collector.intake.rows import conflicts, diary_rows, measurement_rows, quarantined
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_diary_run, a_measurement, a_rid
from tests.fakes.wire_device import WireDevice, a_token, packed, statuses


def bad_items() -> list[tuple[dict[str, Any], str]]:
    """One item of each kind of badness with the answer that it gets."""
    return [
        (a_measurement(901, tags=["a\0b"]), "rejected(range)"),
        (a_measurement(902, utc_offset_min=100_000), "rejected(range)"),
        (a_measurement(903, utc_offset_min="minus four"), "rejected(shape)"),
        (a_measurement(904, status="splendid"), "rejected(shape)"),
        (a_measurement(905, kind="poem"), "deferred(kind)"),
        (a_measurement(906, schema=2), "deferred(schema)"),
        (a_measurement(907, padding="x" * 17_000), "rejected(too_large)"),
    ]


def test_ninety_three_of_a_hundred_are_taken_and_each_other_is_told_why(device: WireDevice, store: Store) -> None:
    sent, expected = [], []
    for number in range(93):
        sent.append(a_measurement(number))
        expected.append("accepted")
    for place, (item, answer) in enumerate(bad_items()):
        sent.insert(place * 13, item)
        expected.insert(place * 13, answer)
    told = device.post(sent)
    assert statuses(told) == expected
    assert [one["rid"] for one in told["items"]] == [one["rid"] for one in sent]
    assert len(measurement_rows(store)) == 93


def test_an_answer_has_everything_that_an_agent_goes_by(device: WireDevice, store: Store, clock: FakeClock) -> None:
    told = device.post([])
    with store.reader() as snapshot:
        epoch = facts.find_fact(snapshot, facts.STORE_EPOCH)
    assert told["items"] == []
    assert told["store_epoch"] == epoch
    assert told["server_time_ms"] == clock.now_ms()
    assert told["max_items"] == 100
    assert told["next_after_s"] == 0
    assert told["settings_version"] == device.ask_settings()["version"]


def test_sending_again_is_a_duplicate_whatever_the_order_of_keys(device: WireDevice, store: Store) -> None:
    item = a_measurement(1)
    assert statuses(device.post([item])) == ["accepted"]
    assert statuses(device.post([dict(reversed(item.items()))])) == ["duplicate"]
    assert len(measurement_rows(store)) == 1


def test_a_copy_without_bins_is_a_duplicate(device: WireDevice, store: Store) -> None:
    item = a_measurement(1)
    device.post([item])
    bare = {**item}
    for name in ("download", "upload"):
        bare[name] = {key: value for key, value in item[name].items() if key != "bins"}
    assert statuses(device.post([bare])) == ["duplicate"]
    assert measurement_rows(store)[0]["download_bins"] is not None


def test_the_same_rid_with_other_content_is_kept_apart(device: WireDevice, store: Store) -> None:
    first, other, third = (a_measurement(1, tags=[name]) for name in ("first", "other", "third"))
    device.post([first])
    assert statuses(device.post([other])) == ["rejected(rid_conflict)"]
    assert statuses(device.post([third])) == ["rejected(rid_conflict)"]
    assert [json.loads(row["tags"]) for row in measurement_rows(store)] == [["first"]]
    assert [json.loads(row["body"])["tags"] for row in conflicts(store)] == [["other"]]


def test_a_rid_is_unique_across_kinds(device: WireDevice, store: Store) -> None:
    device.post([a_measurement(1)])
    assert statuses(device.post([a_diary_run(1)])) == ["rejected(rid_conflict)"]
    assert diary_rows(store) == []


def test_twice_in_one_batch_is_accepted_once(device: WireDevice, store: Store) -> None:
    item, other = a_measurement(1), a_measurement(1, tags=["other"])
    assert statuses(device.post([item, item, other])) == ["accepted", "duplicate", "rejected(rid_conflict)"]
    assert len(measurement_rows(store)) == 1


def test_the_same_rid_of_another_device_is_another_measurement(device: WireDevice, store: Store) -> None:
    other = WireDevice(device.parts, device.token, seed=2)
    other.enrol()
    assert statuses(device.post([a_measurement(1)])) == ["accepted"]
    assert statuses(other.post([a_measurement(1)])) == ["accepted"]
    assert len(measurement_rows(store)) == 2


def test_twenty_parallel_copies_make_one_row_each(device: WireDevice, parts: Parts, store: Store) -> None:
    incoming = device.batch_of([a_measurement(number) for number in range(30)])
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: batch.accept(incoming, parts), range(20)))
    told = [statuses(json.loads(answer.body)) for answer in answers]
    assert [sum(one[place] == "accepted" for one in told) for place in range(30)] == [1] * 30
    assert {status for one in told for status in one} == {"accepted", "duplicate"}
    assert len(measurement_rows(store)) == 30


def test_items_that_are_no_records_are_answered_in_their_place(device: WireDevice) -> None:
    without = a_measurement(2)
    del without["rid"]
    told = device.post([without, a_measurement(1), "text", None, [], 7, a_measurement(3, rid="x")])
    assert statuses(told)[1] == "accepted"
    assert [one.get("rid") for one in told["items"]] == [None, a_measurement(1)["rid"], *[None] * 5]
    assert {status for place, status in enumerate(statuses(told)) if place != 1} == {"rejected(shape)"}


def test_members_of_a_newer_agent_are_kept(device: WireDevice, store: Store) -> None:
    device.post([a_measurement(1, colour="teal", engine={"name": "ndt7", "mood": "good"})])
    detail = json.loads(measurement_rows(store)[0]["detail"])
    assert detail == {"colour": "teal", "engine": {"mood": "good"}}


@pytest.mark.parametrize("place", ["decode_item", "place"])
def test_an_item_that_raises_inside_is_kept_and_hurts_nobody(
    device: WireDevice, store: Store, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    module = {"decode_item": items.codec, "place": items.clockfix}[place]
    right = getattr(module, place)
    poison = a_measurement(2)["rid"]

    def raising(*given: Any) -> Any:
        said = given[-1]
        rid = said.rid if place == "place" else json.loads(said).get("rid")
        if rid == poison:
            raise KeyError("ours")
        return right(*given)

    monkeypatch.setattr(module, place, raising)
    told = device.post([a_measurement(1), a_measurement(2), a_measurement(3)])
    assert statuses(told) == ["accepted", "rejected(quarantined)", "accepted"]
    assert len(measurement_rows(store)) == 2
    assert len(quarantined(store)) == 1


def test_a_row_that_cannot_be_bound_is_found_by_itself(
    device: WireDevice, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = items.codec.decode_item

    def huge(raw: bytes) -> Decoded:
        found = right(raw)
        return replace(found, content_hash="\ud800") if found.record.rid == a_measurement(2)["rid"] else found

    monkeypatch.setattr(items.codec, "decode_item", huge)
    told = device.post([a_measurement(1), a_measurement(2), a_measurement(3)])
    assert statuses(told) == ["accepted", "rejected(quarantined)", "accepted"]
    assert len(measurement_rows(store)) == 2


def test_nothing_is_acknowledged_when_the_commit_fails(
    device: WireDevice, parts: Parts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = device.batch_of([a_measurement(1)])

    def fail(_self: object) -> None:
        raise StorageError("no room", is_full=True)

    monkeypatch.setattr("collector.store.unit.UnitOfWork.commit", fail)
    with pytest.raises(StorageError):
        batch.accept(incoming, parts)
    assert measurement_rows(store) == []


def test_a_full_disk_refuses_and_loses_nothing(device: WireDevice, parts: Parts, store: Store) -> None:
    sent = [a_measurement(number) for number in range(100)]
    assert statuses(device.post(sent[:1])) == ["accepted"]
    with store.unit() as unit:
        pages = unit.connection.scalar(text("PRAGMA page_count"))
        unit.connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(StorageError) as raised:
        batch.accept(device.batch_of(sent), parts)
    assert raised.value.is_full
    assert len(measurement_rows(store)) == 1
    with store.unit() as unit:
        unit.connection.execute(text("PRAGMA max_page_count = 1000000"))
    assert statuses(device.post(sent)) == ["duplicate"] + ["accepted"] * 99


# --- the envelope -------------------------------------------------------------------------------------------------


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "envelope"),
        (b"plain", "envelope"),
        (zipped(b""), "envelope"),
        (zipped(b"[]"), "envelope"),
        (zipped(b'{"items":null}'), "envelope"),
        (zipped(b'{"items":[]}x'), "envelope"),
        (zipped('{"items":[]}'.encode("utf-16")), "envelope"),
        (zipped(b'{"items":["\xff"]}'), "envelope"),
        (packed([]) + packed([]), "envelope"),
        (packed([]) + b"tail", "envelope"),
        (packed([])[:-3], "envelope"),
        (packed([None] * 101), "too_large"),
        (zipped(b'{"items":[]' + b" " * 2_000_000 + b"}"), "too_large"),
        (zipped(b'{"items":[{"extra":' + b"[" * 40 + b"]" * 40 + b"}]}"), "envelope"),
        (zipped(b'{"items":[],"extra":' + b"[" * 100 + b"]" * 100 + b"}"), "envelope"),
    ],
    ids=[str(number) for number in range(15)],  # the same on every worker: the bodies are no names
)
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(device: WireDevice, body: bytes, code: str) -> None:
    assert device.ask(batch.accept, device.request(signing.Word.BATCH, body))["code"] == code


def test_nothing_is_inflated_before_the_signature_is_right(device: WireDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.intake.unpack.inflate", lambda _body: pytest.fail("inflated"))
    incoming = device.batch_of([a_measurement(1)])
    forged = replace(incoming, body=incoming.body + b"\0")
    assert device.ask(batch.accept, forged)["code"] == "bad_signature"


@pytest.mark.parametrize("name", headers.SIGNED)
def test_a_changed_header_stores_nothing(device: WireDevice, store: Store, name: str) -> None:
    incoming = device.batch_of([a_measurement(1)])
    value = incoming.headers[name]
    at = 12 if name == headers.SENT else value.index("created=") + 8 if name == headers.LEDGER else len(value) - 1
    changed = value[:at] + ("1" if value[at] == "0" else "0") + value[at + 1 :]
    changed = "5" if name == headers.RATCHET else changed
    forged = replace(incoming, headers={**incoming.headers, name: changed})
    answer = batch.accept(forged, device.parts)
    expected = "unknown_device" if name == headers.DEVICE else "bad_signature"
    assert json.loads(answer.body)["code"] == expected
    assert measurement_rows(store) == []


@pytest.mark.parametrize("name", [*headers.SIGNED, headers.SIGNATURE])
def test_a_missing_or_doubled_header_is_refused(device: WireDevice, name: str) -> None:
    incoming = device.batch_of([])
    value = incoming.headers[name]
    for given in ({}, {name: f"{value}, {value}"}):
        others = {key: kept for key, kept in incoming.headers.items() if key != name}
        answer = batch.accept(replace(incoming, headers={**others, **given}), device.parts)
        code = "bad_signature" if name == headers.SIGNATURE else "envelope"
        assert json.loads(answer.body)["code"] == code


@pytest.mark.parametrize("changes", [{"media": "text/plain"}, {"media": ""}, {"encoding": "gzip"}, {"encoding": "br"}])
def test_another_media_type_or_encoding_is_refused(device: WireDevice, changes: dict[str, str]) -> None:
    assert device.ask(batch.accept, replace(device.batch_of([]), **changes))["code"] == "envelope"


# --- the device ---------------------------------------------------------------------------------------------------


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
        boot = devices.find_boots(snapshot, device.device, {device.boot_id})[device.boot_id]
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


# --- time and place -----------------------------------------------------------------------------------------------


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


def device_row(device: WireDevice, store: Store) -> devices.Device:
    with store.reader() as snapshot:
        found = devices.find_device(snapshot, device.device)
    assert found is not None
    return found


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
