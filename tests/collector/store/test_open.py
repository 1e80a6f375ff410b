"""Databases that are ours, older, newer, of somebody else, or not there."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.store import engine, version
from collector.store.open import Store, create
from tests.fakes.databases import OnServer

FILE = engine.FILE_NAME


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def with_revision(directory: Path, revision: str) -> Path:
    create(directory).close()
    with closing(sqlite3.connect(directory / FILE)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", [revision])
        database.commit()
    return directory / FILE


def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    create(tmp_path / "new" / "data").close()
    before = sha256(tmp_path / "new" / "data" / FILE)
    create(tmp_path / "new" / "data").close()
    Store.open(tmp_path / "new" / "data").close()
    assert sha256(tmp_path / "new" / "data" / FILE) == before


@pytest.mark.parametrize("opening", [Store.open, create])
def test_a_newer_database_is_refused_and_left_as_it_was(tmp_path: Path, opening: object) -> None:
    path = with_revision(tmp_path, "ffffffffffff")
    before = sha256(path)
    with pytest.raises(CollectorError) as raised:
        opening(tmp_path)  # type: ignore[operator]  # both take a directory
    assert "newer version" in raised.value.sentence
    assert "ffffffffffff" in raised.value.sentence
    assert version.REVISIONS[-1] in raised.value.sentence
    assert sha256(path) == before


def test_without_a_database_one_is_told_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(CollectorError, match="init") as raised:
        Store.open(tmp_path)
    assert raised.value.exit_code is ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


def test_an_older_database_has_to_be_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path).close()
    monkeypatch.setattr(version, "REVISIONS", (*version.REVISIONS, "9999"))
    with pytest.raises(CollectorError, match="migrate"):
        Store.open(tmp_path)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to have a header" * 10, b""])
def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(CollectorError):
        Store.open(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("CREATE TABLE diary (mine TEXT)")
        database.commit()
    for opening in (Store.open, create):
        with pytest.raises(CollectorError, match="not of Enlace"):
            opening(tmp_path)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CollectorError, match="cannot be made"):
        create(tmp_path / "file" / "data")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        (Path("/var"), "sqlite:////var/collector.sqlite3"),
    ],
)
def test_places_and_addresses(given: str | Path, url: str) -> None:
    assert engine.url_of(given) == url


@pytest.mark.parametrize(("given", "expected"), [("off", None), ("3", 3), ("", 5)])
def test_a_pooler_can_do_without_prepared_statements(on_server: OnServer, given: str, expected: int | None) -> None:
    more = f"&prepare_threshold={given}" if given else ""
    store = Store.open(on_server.url + more)
    with store.reader() as snapshot:
        assert snapshot.connection.connection.driver_connection.prepare_threshold == expected  # type: ignore[union-attr]
    store.close()


@pytest.mark.parametrize("given", ["never", "-1", "1.5"])
def test_a_wrong_threshold_is_said(given: str) -> None:
    with pytest.raises(CollectorError, match="prepare_threshold="):
        engine.make_engine(f"postgresql+psycopg://u@h/d?prepare_threshold={given}")


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(CollectorError):
        engine.sqlite_path(url)


def test_a_fault_says_nothing_of_the_rows(store: Store) -> None:
    with store.unit() as unit, pytest.raises(SQLAlchemyError) as fault:
        unit.connection.execute(text("INSERT INTO nowhere (phone) VALUES (:phone)"), [{"phone": "555 0101"}] * 2)
    assert "nowhere" in str(fault.value) and "555" not in str(fault.value)
