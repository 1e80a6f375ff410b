"""Who may read what the programs keep: the account that they run as, its group at most, never others."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire import ownfiles
from agent.wire.logfiles import LogFiles

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_sqlite_makes_is_as_the_file_that_was_reserved(tmp_path: Path) -> None:
    ownfiles.reserve(tmp_path / "x.sqlite3")
    database = sqlite3.connect(tmp_path / "x.sqlite3")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE t (a)")
    assert {path.name: rights(path) for path in tmp_path.iterdir()} == dict.fromkeys(
        ("x.sqlite3", "x.sqlite3-wal", "x.sqlite3-shm"), 0o640
    )
    database.close()


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o640), (0o666, 0o660), (0o600, 0o600), (0o660, 0o660)])
def test_a_file_of_an_earlier_version_is_taken_from_others_and_left_to_the_group(
    tmp_path: Path, before: int, after: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"kept")
    path.chmod(before)
    ownfiles.reserve(path)
    assert (rights(path), path.read_bytes()) == (after, b"kept")


def test_what_is_not_a_file_of_ours_is_left_alone(tmp_path: Path) -> None:
    elsewhere, link, folder = tmp_path / "elsewhere", tmp_path / "link", tmp_path / "folder"
    elsewhere.write_bytes(b"x")
    elsewhere.chmod(0o644)
    link.symlink_to(elsewhere)
    folder.mkdir(mode=0o755)
    for path in (link, folder, tmp_path / "none"):
        ownfiles.withhold(path)
    ownfiles.reserve(link)
    assert (rights(elsewhere), rights(folder), (tmp_path / "none").exists()) == (0o644, 0o755, False)


def test_a_log_is_not_for_others_when_it_begins_nor_when_it_turns_over(tmp_path: Path) -> None:
    old = tmp_path / "a.log.1"
    old.write_bytes(b"old")
    handler = LogFiles(tmp_path / "a.log", file_bytes=50, files=3)
    for number in range(5):
        handler.handle(logging.makeLogRecord({"msg": f"{number} {'x' * 40}", "levelno": logging.INFO}))
    handler.close()
    found = {path.name: rights(path) for path in tmp_path.iterdir()}
    assert found == dict.fromkeys(("a.log", "a.log.1", "a.log.2"), 0o640)
