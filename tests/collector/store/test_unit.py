"""Nothing counts before the commit, and a reader changes nothing."""

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from collector.errors import StorageError
from collector.store import locks
from collector.store import unit as units
from collector.store.open import Store
from collector.store.queries import facts
from tests.fakes.at_once import at_once


def test_what_is_not_committed_is_undone(store: Store) -> None:
    with store.unit() as unit:
        facts.set_fact(unit, "a", "1")
        unit.commit()
        facts.set_fact(unit, "b", "1")
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, "a") == "1"
        assert facts.find_fact(snapshot, "b") is None


def test_an_exception_undoes_everything(store: Store) -> None:
    with pytest.raises(KeyError), store.unit() as unit:
        facts.set_fact(unit, "a", "1")
        raise KeyError
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, "a") is None


def test_a_reader_sees_one_moment_and_cannot_write(store: Store) -> None:
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, "a") is None
        with store.unit() as unit:
            facts.set_fact(unit, "a", "1")
            unit.commit()
        assert facts.find_fact(snapshot, "a") is None
    with pytest.raises((StorageError, DBAPIError), match=r"read-?only"), store.reader() as snapshot:
        snapshot.connection.execute(text("DELETE FROM facts"))
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, "a") == "1"


def test_a_fact_is_replaced(store: Store) -> None:
    with store.unit() as unit:
        facts.set_fact(unit, "a", "1")
        facts.set_fact(unit, "a", "2")
        facts.raise_settings_version(unit)
        facts.raise_settings_version(unit)
        assert facts.find_fact(unit, "a") == "2"
        assert facts.find_fact(unit, facts.SETTINGS_VERSION) == "2"


@pytest.mark.sqlite
def test_durability_is_set_on_every_connection(store: Store) -> None:
    with store.unit() as unit:
        found = {
            name: unit.connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
        }
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000, "query_only": 0}
    assert found == expected


def test_a_unit_is_used_inside_with_only(store: Store) -> None:
    with pytest.raises(RuntimeError):
        facts.find_fact(store.unit(), "a")


def test_a_full_disk_is_told_apart_from_a_wrong_statement(store: Store) -> None:
    full = OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
    with pytest.raises(StorageError) as raised, store.unit():
        raise full
    assert raised.value.is_full
    assert not units.storage_error(OperationalError("", {}, sqlite3.OperationalError("disk I/O error"))).is_full
    wrong = IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE"))
    with pytest.raises(IntegrityError), store.unit():
        raise wrong


@pytest.mark.sqlite
def test_a_unit_inside_a_unit_is_a_fault_and_no_endless_wait(store: Store) -> None:
    with store.unit(), pytest.raises(RuntimeError, match="inside another"), store.unit():
        pass
    with store.unit() as unit:
        assert facts.find_fact(unit, "a") is None


def test_what_two_have_to_do_one_after_the_other_they_do(store: Store) -> None:
    """Each reads a number and writes it one higher: on PostgreSQL both would write the same without holding a name."""

    def count() -> None:
        for _ in range(10):
            with store.unit() as unit:
                locks.hold(unit, ("b", "a"))
                facts.set_fact(unit, "n", str(int(facts.find_fact(unit, "n") or "0") + 1))
                unit.commit()

    at_once(count, count, count)
    with store.reader() as snapshot:
        assert facts.find_fact(snapshot, "n") == "30"
