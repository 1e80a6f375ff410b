"""Backups: whole or not at all, of one moment, checked, a number of them kept; made while others write."""

import sqlite3
import stat
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from collector import cli
from collector.errors import CollectorError
from collector.real.host import RealHost
from collector.store import backup, version
from collector.store import open as stores
from collector.store.open import Store
from collector.store.queries import facts, keys
from tests.collector.test_cli import Ran
from tests.fakes.databases import Database

EPOCH = "b" * 32


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = stores.create(tmp_path / "data")
    with made.unit() as unit:
        facts.set_fact(unit, facts.STORE_EPOCH, "a" * 32)
        facts.set_fact(unit, "counter", "0")
        unit.commit()
    yield made
    made.close()


def read(path: Path, name: str) -> str:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return str(connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])


def test_a_backup_is_one_checked_file_with_another_epoch_for_its_owner_alone(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups" / "daily"
    made = backup.make(store.url, folder, "20261126T190000Z", EPOCH, keep=7)
    assert made.path == folder / "enlace-20261126T190000Z.sqlite3" and made.size_bytes == made.path.stat().st_size
    assert [one.name for one in folder.iterdir()] == [made.path.name]
    if sys.platform != "win32":
        assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert read(made.path, facts.STORE_EPOCH) == EPOCH
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, facts.STORE_EPOCH) == "a" * 32
    assert version.find(f"sqlite:///{made.path}") == version.REVISIONS[-1]


def test_what_is_restored_is_a_deployment_with_its_keys(store: Store, tmp_path: Path) -> None:
    made = backup.make(store.url, tmp_path / "b", "20261126T190000Z", EPOCH, keep=7)
    place = tmp_path / "restored"
    place.mkdir()
    made.path.rename(place / "collector.sqlite3")
    again = Store.open(place)
    with store.reader() as before, again.reader() as after:
        assert keys.list_keys(after) == keys.list_keys(before)
    again.close()


def test_while_others_write_every_backup_is_of_one_moment(store: Store, tmp_path: Path) -> None:
    """Two facts are always raised together: no copy has one without the other."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with store.unit() as unit:
                facts.set_fact(unit, "counter", str(number))
                facts.set_fact(unit, "twin", str(number) + "x" * 5_000)
                unit.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [backup.make(store.url, tmp_path / "b", f"2026112{n}T190000Z", EPOCH, keep=7) for n in range(5)]
    finally:
        stop.set()
        writer.join()
    for one in made:
        counter = read(one.path, "counter")
        assert counter == "0" or read(one.path, "twin") == counter + "x" * 5_000


def test_so_many_are_kept_and_nothing_else_is_touched(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "enlace-old.sqlite3").write_text("mine too")
    for n in range(1, 6):
        last = backup.make(store.url, folder, f"2026110{n}T000000Z", EPOCH, keep=2)
    assert last.dropped == 1
    assert sorted(one.name for one in folder.iterdir()) == [
        "enlace-20261104T000000Z.sqlite3", "enlace-20261105T000000Z.sqlite3", "enlace-old.sqlite3", "notes.txt",
    ]  # fmt: skip


def test_one_that_fails_leaves_the_older_ones_and_no_remainder(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    made = backup.make(store.url, folder, "20261101T000000Z", EPOCH, keep=7)
    assert store.path is not None
    store.close()
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CollectorError) as refused:
        backup.make(store.url, folder, "20261102T000000Z", EPOCH, keep=1)
    assert refused.value.sentence.count(".") <= 4 and "\n" not in refused.value.sentence
    assert [one.name for one in folder.iterdir()] == [made.path.name]
    with pytest.raises(CollectorError, match="No backup was made in"):
        backup.make(store.url, made.path, "20261103T000000Z", EPOCH, keep=7)


def test_what_is_being_written_does_not_count_as_a_backup(tmp_path: Path) -> None:
    (tmp_path / ".enlace-20261101T000000Z.sqlite3.new").write_text("half")
    assert RealHost(tmp_path, "http://127.0.0.1:1").modified_ms(str(tmp_path)) is None


# --- PostgreSQL -----------------------------------------------------------------------------------------------------

URL = "postgresql+psycopg://enlace:s3cret@db.example:5432/enlace?prepare_threshold=off"
FAKE = """#!/bin/sh
echo "$0 $*" >> "{log}"
echo "password $PGPASSWORD" >> "{log}"
for word in "$@"; do case "$word" in --file=*) echo dump > "${{word#--file=}}";; esac; done
{end}
"""


def a_program(folder: Path, name: str, log: Path, end: str = "exit 0") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(FAKE.format(log=log, end=end))
    (folder / name).chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the programs of this test are shell scripts")
def test_postgresql_is_dumped_by_its_own_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, log = tmp_path / "bin", tmp_path / "log"
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    for name in ("pg_dump", "pg_restore"):
        a_program(programs, name, log)
    made = backup.make(URL, tmp_path / "b", "20261101T000000Z", EPOCH, keep=7)
    assert made.path.name == "enlace-20261101T000000Z.dump" and made.path.read_text() == "dump\n"
    said = log.read_text()
    assert "--dbname=postgresql://enlace@db.example:5432/enlace\n" in said and "password s3cret" in said
    assert "s3cret" not in said.replace("password s3cret", "") and "pg_restore --list" in said

    a_program(programs, "pg_dump", log, "echo 'pg_dump: error: server version mismatch' >&2; exit 1")
    with pytest.raises(CollectorError, match=r"pg_dump ended with 1 \(pg_dump: error: server version mismatch\)"):
        backup.make(URL, tmp_path / "b", "20261102T000000Z", EPOCH, keep=7)
    assert [one.name for one in (tmp_path / "b").iterdir()] == [made.path.name]


def test_without_its_program_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CollectorError) as refused:
        backup.make(URL, tmp_path / "b", "20261101T000000Z", EPOCH, keep=7)
    assert refused.value.sentence.startswith(
        "No backup was made: pg_dump is not installed. Install PostgreSQL's client"
    )
    assert refused.value.exit_code == 2


def test_either_database_is_backed_up_for_real(database: Database, tmp_path: Path) -> None:
    used = database.empty()
    made = backup.make(used.url, tmp_path / "b", "20261101T000000Z", EPOCH, keep=7)
    begins = b"SQLite format 3\0" if used.path is not None else b"PGDMP"
    with made.path.open("rb") as file:
        assert file.read(len(begins)) == begins
    used.close()


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_made(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENLACE_DATABASE_URL", raising=False)

    def go(*words: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, "--data", str(tmp_path / "data")])
        return Ran(int(ended.value.code or 0), *capfd.readouterr())

    folder = str(tmp_path / "b")
    assert go("backup", folder).code == 2, "there is no database"
    go("init")
    ran = go("backup", folder, "--keep", "1")
    assert ran.code == 0 and ran.out.startswith(f"{folder}/enlace-") and "MB, checked." in ran.out
    assert len(list((tmp_path / "b").iterdir())) == 1
