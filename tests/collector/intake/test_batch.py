"""What happens to the items of a batch, and what the collector says of each."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, text

from agent.wire.codec import Decoded
from collector.errors import StorageError
from collector.intake import batch, items
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import facts
from tests.collector.intake.rows import conflicts, diary_rows, measurement_rows, quarantined
from tests.fakes.collector_world import FakeClock
from tests.fakes.records import a_diary_run, a_measurement
from tests.fakes.wire_device import WireDevice, statuses


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
    alone = device.post([a_measurement(2), a_diary_run(4)])  # one row of each kind needs no savepoint on SQLite
    assert statuses(alone) == ["rejected(quarantined)", "accepted"]
    assert len(measurement_rows(store)) == 2 and len(diary_rows(store)) == 1


@pytest.mark.sqlite
def test_what_a_computer_sends_after_a_test_takes_few_statements(device: WireDevice, store: Store) -> None:
    statements: list[str] = []
    for engine in (store._reading, store._writing):
        event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    run = a_diary_run(2) | {"boot_id": device.boot_id, "from_mono_ms": device.mono_ms}
    assert statuses(device.post([a_measurement(1), run])) == ["accepted", "accepted"]
    assert len(statements) <= 13, statements


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


@pytest.mark.sqlite
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
