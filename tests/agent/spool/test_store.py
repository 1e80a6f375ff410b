"""The spool keeps everything until it is acknowledged, and its numbers always add up."""

import json
import sqlite3
from collections import Counter

import msgspec
import pytest

from agent.errors import EnlaceError
from agent.outcome import Outcome
from agent.spool import queue
from agent.spool.rows import Limits, RowState
from agent.spool.store import Spool, open_reader
from agent.wire import codec, limits
from agent.wire.vocabulary import FailureCode, Status, Tier, Trigger
from tests.agent.spool.conftest import World
from tests.agent.spool.records import STUB, diary, fill, measurement, note_answer
from tests.fakes.agent_world import NOON_MS
from tests.fakes.records import a_direction, a_rid

DAY_MS = 86_400_000


def seqs(spool: Spool, max_items: int = 100) -> list[int]:
    return [row.seq for row in spool.next_batch(max_items, 10**6)]


def states(world: World) -> Counter[object]:
    return Counter(state for (state,) in world.execute("SELECT state FROM rows"))


# --- in -------------------------------------------------------------------------------------------------------------


def test_a_record_comes_out_as_it_went_in(spool: Spool) -> None:
    spool.add_ready(measurement(1))
    spool.add_ready(diary(2))

    rows = {row.kind: row for row in spool.next_batch(10, 10**6)}

    assert codec.decode_item(rows["measurement"].body).record == measurement(1)
    assert codec.decode_item(rows["diary"].body).record == diary(2)
    assert rows["diary"].rid == a_rid(2)


def test_what_was_added_is_there_after_reopening(world: World) -> None:
    fill(world.open(), 1, 2, 3)
    world.close()

    again = world.open()

    assert again.ledger().created == again.ledger().ready == 3
    assert len(seqs(again)) == 3


def test_a_second_record_of_the_same_identity_changes_nothing(spool: Spool) -> None:
    fill(spool, 1)

    assert not spool.add_ready(measurement(1, tags=["second"]))
    assert spool.ledger().created == 1
    assert b"second" not in spool.next_batch(1, 10**6)[0].body


def test_a_record_that_is_too_big_for_the_wire_loses_its_series_only(spool: Spool) -> None:
    record = measurement(1, download=a_direction(bins=[10**11] * 40), tags=["x" * 250] * 8)
    padded = msgspec.structs.replace(record, tags=[f"{n}" + "é" * 250 for n in range(8)] * 4)
    assert len(codec.encode(padded)) > limits.ITEM_BYTES

    spool.add_ready(padded)

    (row,) = spool.next_batch(1, 10**6)
    assert json.loads(row.body)["download"]["bins"] is None
    assert json.loads(row.body)["tags"] == padded.tags


def test_two_spools_on_one_directory_take_turns(world: World) -> None:
    """The daemon and a manual test write to the same file."""
    daemon, manual = world.open(), world.open()
    for number in range(1, 11):
        (daemon if number % 2 else manual).add_ready(measurement(number))

    assert daemon.ledger() == manual.ledger()
    assert daemon.ledger().ready == 10


# --- a test that runs -----------------------------------------------------------------------------------------------


def test_a_running_marker_is_no_record_yet(spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 1_000)

    assert spool.ledger().created == 0
    assert spool.summary().running == 1
    assert spool.next_batch(10, 10**6) == []


def test_a_finished_test_takes_the_place_of_its_marker(world: World, spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 1_000)
    fill(spool, 1)

    assert states(world) == {"ready": 1}
    assert spool.recover() == 0


def test_a_power_cut_becomes_a_measurement_exactly_once(world: World) -> None:
    world.open().mark_running(STUB, a_rid(1), 1_000)
    world.close()
    world.reboot()

    again = world.open()

    assert again.recover() == 1
    assert again.recover() == 0
    (row,) = again.next_batch(10, 10**6)
    record = codec.decode_item(row.body).record
    assert (record.rid, record.status, record.tier, record.trigger) == (
        a_rid(1), Status.INTERRUPTED, Tier.CALIBRATION, Trigger.MANUAL,
    )  # fmt: skip
    assert record.failure.code is FailureCode.POWER_CUT
    assert record.started_mono_ms == 86_400_000
    assert again.ledger().created == 1


def test_an_agent_that_was_ended_in_the_same_boot_says_cancelled(world: World) -> None:
    world.open().mark_running(STUB, a_rid(1), 1_000)
    world.close()

    again = world.open()

    assert again.recover() == 1
    assert b'"code":"cancelled"' in again.next_batch(1, 10**6)[0].body


@pytest.mark.parametrize("stub", [b"", b"{", b"[]", b'{"tier":"none"}', b'{"started_at":5}', b"\xff\xfe"])
def test_a_marker_that_says_nothing_readable_still_becomes_a_record(world: World, stub: bytes) -> None:
    world.open().mark_running(stub, a_rid(1), 1_000)
    world.close()
    world.reboot()

    again = world.open()

    assert again.recover() == 1
    record = codec.decode_item(again.next_batch(1, 10**6)[0].body).record
    assert record.status is Status.INTERRUPTED
    assert record.started_at == "2026-11-24T14:25:09.123Z" or record.started_at.startswith("2026-11-24")


def test_the_test_of_a_living_process_is_left_alone(world: World) -> None:
    """A daemon that starts beside a manual test must not declare it dead."""
    manual, daemon = world.open(), world.open()
    manual.mark_running(STUB, a_rid(1), 1_000)

    assert daemon.recover() == 0
    assert manual.add_ready(measurement(1))
    assert daemon.ledger().created == 1


# --- out ------------------------------------------------------------------------------------------------------------


def test_a_few_of_the_newest_go_first_then_the_oldest(spool: Spool) -> None:
    fill(spool, *range(1, 41))

    assert seqs(spool, 30) == [*range(40, 30, -1), *range(1, 21)]
    assert seqs(spool, 1) == [40]


def test_a_batch_stays_within_its_bytes_but_one_row_always_goes(spool: Spool) -> None:
    fill(spool, *range(1, 11))
    size = len(spool.next_batch(1, 10**6)[0].body)

    assert len(spool.next_batch(10, 3 * (size + 1))) == 3
    assert len(spool.next_batch(10, 1)) == 1


def test_outcomes_move_rows_and_the_law_holds(world: World, spool: Spool) -> None:
    fill(spool, 1, 2, 3, 4)

    spool.apply(
        [Outcome(1, "acked"), Outcome(2, "dead", "range"), Outcome(3, "deferred", "schema"), Outcome(4, "retry", "cut")]
    )

    ledger = spool.ledger()
    assert (ledger.created, ledger.acked, ledger.ready, ledger.dead, ledger.dropped) == (4, 1, 2, 1, 0)
    assert ledger.is_balanced()
    assert {row.seq: (row.state, row.reason) for row in spool.list_rows()} == {
        1: (RowState.ACKED, None),
        2: (RowState.DEAD, "range"),
        3: (RowState.READY, "schema"),
        4: (RowState.READY, "cut"),
    }


def test_an_outcome_that_comes_twice_or_too_late_changes_nothing(spool: Spool) -> None:
    fill(spool, 1)
    spool.apply([Outcome(1, "acked")])

    spool.apply([Outcome(1, "dead"), Outcome(1, "acked"), Outcome(99, "acked")])

    assert spool.ledger().acked == 1
    assert spool.ledger().dead == 0


def test_a_failing_row_goes_behind_all_others(spool: Spool) -> None:
    fill(spool, 1, 2, 3)

    spool.apply([Outcome(3, "retry", "too_slow")])

    assert seqs(spool, 1) == [2]
    assert seqs(spool)[-1] == 3
    assert spool.list_rows()[0].tries == 1


def test_many_changes_are_one_commit_or_none(spool: Spool) -> None:
    def half() -> None:
        spool.set_state("ratchet", "8")
        fill(spool, 1)
        raise RuntimeError("power")

    spool.set_state("ratchet", "7")
    with pytest.raises(RuntimeError, match="power"):
        spool.atomically(half)

    assert spool.get_state("ratchet") == "7"
    assert spool.ledger().created == 0


# --- deferred and offered again -------------------------------------------------------------------------------------


def test_a_deferred_row_is_offered_once_a_day(world: World, spool: Spool) -> None:
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    fill(spool, 1, 2)
    spool.apply([Outcome(1, "deferred", "kind")])

    assert seqs(spool) == [2]
    world.clock.advance_s(86_300)
    assert seqs(spool) == [2]
    world.clock.advance_s(200)
    assert sorted(seqs(spool)) == [1, 2]
    assert spool.summary().deferred == 1


def test_a_deferred_row_waits_for_server_time_whatever_the_wall_clock_says(world: World, spool: Spool) -> None:
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    fill(spool, 1)
    spool.apply([Outcome(1, "deferred", "kind")])

    world.clock.step_wall_s(10 * 365 * 86_400)
    assert seqs(spool) == []
    world.reboot()
    again = world.open()
    assert seqs(again) == []
    note_answer(again, NOON_MS + 2 * DAY_MS, world.clock.mono, world.boot_id)
    assert seqs(again) == [1]


def test_newer_settings_offer_deferred_rows_again(spool: Spool) -> None:
    fill(spool, 1)
    spool.apply([Outcome(1, "deferred", "schema")])
    spool.offer_deferred("1")
    spool.apply([Outcome(1, "deferred", "schema")])

    assert spool.offer_deferred("1") == 0
    assert seqs(spool) == []
    assert spool.offer_deferred("2") == 1
    assert seqs(spool) == [1]


def test_another_store_gets_everything_again(spool: Spool) -> None:
    fill(spool, 1, 2, 3, 4)
    spool.apply([Outcome(1, "acked"), Outcome(2, "acked"), Outcome(3, "dead", "shape"), Outcome(4, "deferred", "kind")])
    assert spool.offer_again("epoch-1") == 0, "the first store ever seen has what it acknowledged"
    assert spool.offer_again("epoch-1") == 0

    assert spool.offer_again("epoch-2") == 2

    ledger = spool.ledger()
    assert (ledger.acked, ledger.ready, ledger.dead) == (0, 3, 1)
    assert ledger.is_balanced()
    assert sorted(seqs(spool)) == [1, 2, 4]


# --- a copied computer ----------------------------------------------------------------------------------------------


def test_a_clone_forgets_what_the_original_still_has(spool: Spool) -> None:
    fill(spool, 1, 2, 3)
    spool.mark_running(STUB, a_rid(9), 10)
    spool.apply([Outcome(1, "acked")])
    spool.set_state("ratchet", "12")
    before = spool.ledger().lineage

    assert spool.drop_clone() == 2
    assert spool.drop_clone() == 0

    ledger = spool.ledger()
    assert spool.summary().dropped == {"clone": 2}
    assert ledger.is_balanced()
    assert ledger.lineage != before
    assert spool.get_state("ratchet") is None
    assert spool.recover() == 0
    assert spool.next_batch(10, 10**6) == []


# --- how long, how much ---------------------------------------------------------------------------------------------


def test_acked_rows_stay_fourteen_days_of_server_time(world: World, spool: Spool) -> None:
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    fill(spool, 1, 2)
    spool.apply([Outcome(1, "acked")])

    world.clock.advance_s(13.9 * 86_400)
    spool.apply([])
    assert states(world) == {"acked": 1, "ready": 1}
    world.clock.advance_s(0.2 * 86_400)
    spool.apply([])
    assert states(world) == {"ready": 1}
    assert spool.ledger().acked == 1


def test_dead_rows_stay_ninety_days(world: World, spool: Spool) -> None:
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    fill(spool, 1)
    spool.apply([Outcome(1, "dead", "range")])

    world.clock.advance_s(91 * 86_400)
    spool.apply([])

    assert states(world) == {}
    assert spool.ledger().dead == 1
    assert spool.ledger().is_balanced()


def test_a_wall_clock_in_2036_drops_nothing(world: World, spool: Spool) -> None:
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    fill(spool, 1, 2, 3)
    spool.apply([Outcome(1, "acked"), Outcome(2, "dead")])

    world.clock.step_wall_s(10 * 365 * 86_400)
    fill(spool, 4)
    world.reboot()
    again = world.open()
    again.recover()
    fill(again, 5)

    assert states(world) == {"acked": 1, "dead": 1, "ready": 3}


def test_rows_of_a_year_without_contact_are_kept_when_it_comes_back(world: World, spool: Spool) -> None:
    """Nobody knows how old they are: they count as new from the first answer on."""
    fill(spool, 1)
    world.reboot()
    again = world.open()
    note_answer(again, NOON_MS + 800 * DAY_MS, world.clock.mono, world.boot_id)
    again.apply([])

    assert states(world) == {"ready": 1}
    world.clock.advance_s(401 * 86_400)
    again.apply([])
    assert states(world) == {}
    assert again.summary().dropped == {"age": 1}
    assert again.ledger().is_balanced()


def test_one_wrong_answer_about_the_time_makes_nothing_old(world: World, spool: Spool) -> None:
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    fill(spool, 1, 2)
    spool.apply([Outcome(1, "acked")])

    note_answer(spool, NOON_MS + 3_000 * DAY_MS, world.clock.mono, world.boot_id)
    spool.apply([])
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    spool.apply([])

    assert states(world) == {"acked": 1, "ready": 1}


def test_over_the_cap_series_go_first_then_the_oldest_and_all_is_counted(world: World) -> None:
    fill(world.open(), 1, 2, 3, 4, 5)
    world.close()
    size = sum(size for (size,) in world.execute("SELECT size_bytes FROM rows"))

    spool = world.open(Limits(cap_bytes=size + 1_000))
    fill(spool, 6)

    assert spool.summary().dropped == {}
    assert world.execute("SELECT count(*) FROM rows WHERE has_bins = 0") != [(0,)]
    assert b'"bins":null' in next(row.body for row in spool.next_batch(9, 10**6) if row.seq == 1)
    assert spool.summary().size_bytes <= size + 1_000

    world.close()
    tight = world.open(Limits(cap_bytes=5_000))
    fill(tight, 7)
    assert tight.summary().size_bytes <= 5_000
    assert tight.summary().dropped["cap"] >= 3
    assert seqs(tight)[0] == 7
    assert tight.ledger().is_balanced()


def test_copies_of_what_arrived_go_before_what_waits(world: World) -> None:
    spool = world.open()
    fill(spool, 1, 2, 3, 4)
    spool.apply([Outcome(4, "acked"), Outcome(3, "dead")])
    world.close()

    spool = world.open(Limits(cap_bytes=4_500))
    spool.apply([])

    assert states(world)["ready"] == 2
    assert states(world)["acked"] == 0
    assert spool.summary().dropped == {}


# --- budget ---------------------------------------------------------------------------------------------------------


def test_bytes_count_before_the_first_is_sent_and_are_put_right_after(spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 20_000_000)
    assert spool.spent().day_bytes == 20_000_000

    spool.add_ready(measurement(1), spent_bytes=12_345_678)

    assert (spool.spent().day, spool.spent().day_bytes, spool.spent().month_bytes) == (
        "2026-11-24", 12_345_678, 12_345_678,
    )  # fmt: skip


def test_a_power_cut_leaves_the_reservation_spent(world: World) -> None:
    world.open().mark_running(STUB, a_rid(1), 20_000_000)
    world.close()
    world.reboot()

    again = world.open()
    again.recover()

    assert again.spent().day_bytes == 20_000_000


def test_a_day_is_local_and_a_month_is_the_sum_of_its_days(world: World, spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 5)
    assert spool.spent(-15 * 60).day == "2026-11-23"
    world.clock.advance_s(86_400)
    spool.mark_running(STUB, a_rid(2), 7)

    assert (spool.spent().day_bytes, spool.spent().month_bytes) == (7, 12)
    world.clock.advance_s(7 * 86_400)
    assert (spool.spent().day, spool.spent().day_bytes, spool.spent().month_bytes) == ("2026-12-02", 0, 0)


def test_setting_the_clock_makes_no_new_budget(world: World, spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 100)
    for _ in range(5):
        world.clock.step_wall_s(86_400 * 40)
        assert spool.spent().day_bytes == 100
    again = world.open()
    assert again.spent().day_bytes == 100


def test_the_servers_time_decides_the_day(world: World, spool: Spool) -> None:
    world.clock.now = 0
    note_answer(spool, NOON_MS, world.clock.mono, world.boot_id)
    spool.mark_running(STUB, a_rid(1), 9)

    assert spool.spent().day == "2026-11-24"


# --- looking --------------------------------------------------------------------------------------------------------


def test_a_reader_sees_what_the_writer_commits_and_can_change_nothing(world: World, spool: Spool) -> None:
    with open_reader(world.directory) as reader:
        fill(spool, 1, 2)
        assert reader.summary() == spool.summary()
        assert reader.ledger() == spool.ledger()
        assert len(reader.list_rows(1)) == 1
        assert [json.loads(line)["record"]["rid"] for line in reader.export()] == [a_rid(1), a_rid(2)]


def test_looking_where_nothing_is_makes_nothing(world: World) -> None:
    with open_reader(world.directory) as reader:
        assert reader.summary().waiting == 0
        assert list(reader.export()) == []
    assert not world.directory.exists()


def test_the_oldest_waiting_row_is_named(world: World, spool: Spool) -> None:
    assert spool.summary().oldest_ms is None
    fill(spool, 1)
    world.clock.advance_s(60)
    fill(spool, 2)

    assert spool.summary().oldest_ms == NOON_MS


def test_state_is_kept_replaced_and_removed(world: World, spool: Spool) -> None:
    assert spool.get_state("x") is None
    spool.set_state("x", "1")
    spool.set_state("x", "zwei — 2")
    world.close()
    again = world.open()
    assert again.get_state("x") == "zwei — 2"
    world.execute("UPDATE state SET value = 'drei' WHERE key = 'x'")
    assert again.get_state("x") is None, "a damaged value is as good as none"
    again.set_state("x", None)
    assert world.execute("SELECT count(*) FROM state WHERE key = 'x'") == [(0,)]


def test_a_test_that_could_not_be_kept_at_its_end_is_kept_before_the_next(
    world: World, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.mark_running(STUB, a_rid(1), 1_000)
    with monkeypatch.context() as full:
        full.setattr(queue, "put_ready", _no_room)
        with pytest.raises(EnlaceError, match="disk I/O"):
            spool.add_ready(measurement(1), spent_bytes=700)
        with pytest.raises(EnlaceError, match="disk I/O"):
            spool.recover()
    assert spool.summary().running == 1
    assert spool.recover() == 0  # nothing was interrupted
    (row,) = spool.next_batch(10, 10**6)
    assert msgspec.json.decode(row.body)["status"] == "ok"
    assert (spool.summary().running, spool.spent().day_bytes) == (0, 700)
    assert spool.recover() == 0 and spool.ledger().created == 1


def _no_room(*_: object) -> bool:
    raise sqlite3.OperationalError("disk I/O error")
