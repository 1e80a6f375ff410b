"""A damaged or full disk costs as little as it can, is said, and never blocks what is whole."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import EnlaceError
from agent.locks import FileLock
from agent.outcome import Outcome
from agent.spool import repair, schemafile
from agent.spool.store import Spool, open_reader
from agent.wire import codec
from tests.agent.spool.conftest import World
from tests.agent.spool.records import STUB, fill, measurement
from tests.fakes.agent_world import FakeClock, SeededRandomness
from tests.fakes.records import a_rid

PAGE = 4096


def waiting(spool: Spool) -> set[str]:
    return {row.rid for row in spool.next_batch(1000, 10**8)}


def asides(world: World) -> list[str]:
    return sorted(path.name for path in world.directory.glob("spool.bad-*.sqlite3"))


# --- one row --------------------------------------------------------------------------------------------------------


def test_a_row_with_a_changed_byte_is_set_aside_and_blocks_nobody(world: World, spool: Spool) -> None:
    fill(spool, *range(1, 7))
    (body,) = world.execute("SELECT body FROM rows WHERE seq = 1")[0]
    world.execute("UPDATE rows SET body = ? WHERE seq = 1", body.replace(b"capacity", b"capacitY"))

    assert waiting(spool) == {a_rid(number) for number in range(2, 7)}
    ledger = spool.ledger()
    assert (ledger.created, ledger.ready, ledger.dead) == (6, 5, 1)
    view = spool.list_rows()[-1]
    assert (view.seq, view.state, view.reason) == (1, "dead", "damaged")


def test_damaged_rows_in_front_do_not_hide_a_whole_one(world: World, spool: Spool) -> None:
    fill(spool, *range(1, 31))
    world.execute("UPDATE rows SET body = x'00' WHERE seq <> 7")

    assert [row.seq for row in spool.next_batch(1, 10**6)] == [7]
    assert spool.ledger().is_balanced()


def test_a_body_that_somebody_turned_into_text_is_still_the_same(world: World, spool: Spool) -> None:
    fill(spool, 1)
    world.execute("UPDATE rows SET body = CAST(body AS TEXT)")

    assert waiting(spool) == {a_rid(1)}


def test_a_damaged_marker_names_no_file_of_others(world: World, spool: Spool) -> None:
    spool.mark_running(STUB, a_rid(1), 1)
    world.execute("UPDATE rows SET owner = '../../etc/passwd'")
    world.close()

    assert world.open().recover() == 1


# --- the file -------------------------------------------------------------------------------------------------------


def zero_first_page(path: Path) -> None:
    overwrite(path, 0, bytes(PAGE))


def wrong_magic(path: Path) -> None:
    overwrite(path, 0, b"not a database!!")


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def garbage_in_the_middle(path: Path) -> None:
    overwrite(path, path.stat().st_size // PAGE // 2 * PAGE, b"\xa5" * PAGE)


def cut_short(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size * 3 // 4)


def another_application(path: Path) -> None:
    overwrite(path, 68, b"\0\0\0\1")


def a_counter_that_is_wrong(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("UPDATE ledger SET value = value + 5 WHERE name = 'created'")
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        (zero_first_page, 40),
        (wrong_magic, 40),
        (garbage_in_the_middle, 30),
        (cut_short, 20),
        (another_application, 40),
        (a_counter_that_is_wrong, 40),
    ],
)
def test_a_damaged_file_is_replaced_with_all_that_is_whole(
    world: World, damage: Callable[[Path], None], least: int
) -> None:
    spool = world.open()
    fill(spool, *range(1, 41))
    spool.set_state("ratchet", "7")
    before = spool.ledger().lineage
    world.close()
    damage(world.path)

    again = world.open()

    ledger, summary = again.ledger(), again.summary()
    assert ledger.lineage != before
    assert ledger.is_balanced()
    assert least <= len(waiting(again)) <= 40
    assert "damaged" in (summary.repaired or "")
    assert asides(world) == ["spool.bad-1.sqlite3"]
    fill(again, 100)
    assert world.execute("PRAGMA integrity_check") == [("ok",)]
    assert not list(world.directory.glob("*.new.*")) and not list(world.directory.glob("*graft*"))


def test_a_header_that_forbids_writing_is_mended_at_the_first_write(world: World) -> None:
    """SQLite opens and reads such a file without a word."""
    fill(world.open(), *range(1, 41))
    before = world.open().ledger().lineage
    world.close()
    overwrite(world.path, 18, b"\3")

    again = world.open()
    fill(again, 100)

    assert again.ledger().lineage != before
    assert len(waiting(again)) == 41
    assert asides(world) == ["spool.bad-1.sqlite3"]


def test_what_was_acked_dead_or_running_stays_so_through_a_repair(world: World) -> None:
    spool = world.open()
    fill(spool, 1, 2, 3)
    spool.mark_running(STUB, a_rid(4), 500)
    spool.apply([Outcome(1, "acked"), Outcome(2, "dead", "range")])
    spool.set_state("settings", "{}")
    world.close()
    wrong_magic(world.path)

    again = world.open()

    ledger = again.ledger()
    assert (ledger.created, ledger.acked, ledger.dead, ledger.ready) == (3, 1, 1, 1)
    assert again.get_state("settings") == "{}"
    assert again.spent().day_bytes == 500
    assert again.recover() == 1


def test_row_numbers_are_never_used_again_after_a_repair(world: World) -> None:
    """An answer on its way must not meet another row."""
    spool = world.open()
    fill(spool, *range(1, 11))
    world.close()
    garbage_in_the_middle(world.path)

    again = world.open()
    fill(again, 50)

    assert again.list_rows(1)[0].seq > 10


def test_damage_while_it_runs_is_repaired_on_the_way(world: World, spool: Spool) -> None:
    fill(spool, *range(1, 41))
    spool.close()
    size = world.path.stat().st_size
    spool.ledger()
    for page in range(3, size // PAGE):
        overwrite(world.path, page * PAGE, b"\xa5" * 64)

    spool.list_rows(1000)
    fill(spool, 90)

    assert spool.ledger().is_balanced()
    assert a_rid(90) in waiting(spool)


def test_another_process_that_repairs_is_noticed(world: World) -> None:
    """Whoever still has the old file open must not write into what was moved aside."""
    daemon = world.open()
    fill(daemon, 1, 2, 3)
    repair.rebuild(world.path, "c" * 32, 0, "by another process")

    fill(daemon, 4)

    assert daemon.ledger().lineage == "c" * 32
    assert waiting(daemon) == {a_rid(number) for number in (1, 2, 3, 4)}


def test_a_repair_cut_short_between_its_two_moves_is_completed(world: World) -> None:
    fill(world.open(), 1, 2)
    world.close()
    world.path.rename(world.path.with_name("spool.new.sqlite3"))

    assert waiting(world.open()) == {a_rid(1), a_rid(2)}


def test_a_repair_cut_short_before_its_moves_begins_again(world: World) -> None:
    fill(world.open(), 1, 2)
    world.close()
    world.path.with_name("spool.new.sqlite3").write_bytes(b"half")

    assert waiting(world.open()) == {a_rid(1), a_rid(2)}
    assert not world.path.with_name("spool.new.sqlite3").exists()


def test_an_empty_file_and_a_directory_in_its_place_become_a_spool(world: World) -> None:
    world.directory.mkdir()
    world.path.touch()
    fill(world.open(), 1)
    world.close()
    world.path.unlink()
    world.path.mkdir()

    fill(world.open(), 2)

    assert asides(world) == ["spool.bad-1.sqlite3"]


def test_only_the_last_few_damaged_files_are_kept(world: World) -> None:
    for number in range(1, 7):
        fill(world.open(), number)
        world.close()
        wrong_magic(world.path)
    world.open()

    assert asides(world) == [f"spool.bad-{number}.sqlite3" for number in (4, 5, 6)]


def test_a_newer_file_is_left_alone(world: World) -> None:
    fill(world.open(), 1)
    world.close()
    world.execute("UPDATE meta SET value = '2' WHERE key = 'version'")
    world.execute("PRAGMA user_version = 2")

    with pytest.raises(EnlaceError, match="newer version"):
        world.open()
    assert asides(world) == []


def test_a_damaged_file_makes_a_reader_speak_and_change_nothing(world: World) -> None:
    fill(world.open(), 1)
    world.close()
    wrong_magic(world.path)
    before = world.path.read_bytes()

    with pytest.raises(EnlaceError, match="cannot be read"):
        open_reader(world.directory).summary()
    assert world.path.read_bytes() == before


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spool with forty rows, closed."""
    directory = tmp_path_factory.mktemp("healthy")
    with Spool.open(directory, clock=FakeClock(), randomness=SeededRandomness()) as spool:
        fill(spool, *range(1, 41))
        spool.apply([Outcome(1, "acked"), Outcome(2, "dead", "range")])
    return directory


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_overwritten_stretch_is_survived(healthy: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Whatever lies in the file, the agent opens, the law holds, and no row comes out other than it went in."""
    directory = tmp_path / "copy"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(healthy, directory)
    path = directory / "spool.sqlite3"
    size = path.stat().st_size
    at = data.draw(st.integers(0, size - 1))
    overwrite(path, at, data.draw(st.binary(min_size=1, max_size=min(200, size - at))))

    with Spool.open(directory, clock=FakeClock(), randomness=SeededRandomness(2)) as spool:
        rows = spool.next_batch(1000, 10**8)
        assert spool.ledger().is_balanced()
        assert len(rows) >= 30
        assert all(codec.decode_item(row.body).record == measurement(int(row.rid[-4:], 16)) for row in rows)
        assert spool.add_ready(measurement(99))


# --- no room --------------------------------------------------------------------------------------------------------


def limit_pages(spool: Spool, more: int) -> None:
    """Let the file grow by that many pages and no further, as on a full disk."""
    connection = spool._database._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + more}")


def test_a_full_disk_is_one_sentence_and_heals_by_itself(spool: Spool) -> None:
    fill(spool, 1, 2, 3)
    limit_pages(spool, 0)

    with pytest.raises(EnlaceError, match="No space in"):
        for number in range(10, 30):
            spool.add_ready(measurement(number))
    stored = waiting(spool)
    assert {a_rid(1), a_rid(2), a_rid(3)} <= stored
    assert spool.ledger().is_balanced()

    fill(spool, 40)  # the connection is new, so is the room
    assert waiting(spool) == stored | {a_rid(40)}


def test_the_marker_holds_the_room_of_its_record(spool: Spool) -> None:
    """A disk that fills up during a test does not cost the test."""
    spool.mark_running(STUB, a_rid(1), 1_000)
    limit_pages(spool, 0)

    assert spool.add_ready(measurement(1))


def test_room_is_asked_for_before_the_line_is_spent(spool: Spool, world: World) -> None:
    spool.check_room()
    assert not list(world.directory.glob("*.probe"))
    (world.directory / "room.probe").mkdir()

    with pytest.raises(EnlaceError, match="cannot be used"):
        spool.check_room()


def test_a_writer_that_never_lets_go_is_named(world: World, spool: Spool) -> None:
    stuck = FileLock(world.directory / "write.lock")
    assert stuck.try_acquire()

    with pytest.raises(EnlaceError, match="Another process has been writing"):
        spool.set_state("x", "1")
    stuck.release()
    spool.set_state("x", "1")


def test_the_schema_is_made_of_whole_statements() -> None:
    assert len(schemafile.statements()) == 9
