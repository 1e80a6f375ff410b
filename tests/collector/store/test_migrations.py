"""The revisions lead to exactly the tables that the code knows."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from collector.store import version
from collector.store.migrations.run import known_revisions, migrate
from collector.store.open import Store
from collector.store.tables.catalogue import METADATA


def test_the_code_knows_every_revision_in_order() -> None:
    assert known_revisions() == version.REVISIONS


def test_migrated_tables_equal_the_catalogue(store: Store) -> None:
    with store.unit() as unit:
        found = compare_metadata(MigrationContext.configure(unit.connection), METADATA)
    assert found == []


def test_indexes_of_part_of_a_table_are_made_too(store: Store) -> None:
    from sqlalchemy import text

    expected = {index.name for table in METADATA.tables.values() for index in table.indexes}
    with store.unit() as unit:
        found = set(unit.connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index'")))
    assert expected <= found


def test_migrating_again_changes_nothing(store: Store) -> None:
    assert store.path is not None
    before = store.path.stat().st_mtime_ns
    assert migrate(store.url) == version.REVISIONS[-1]
    assert store.path.stat().st_mtime_ns == before


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    def fail(*_given: object, **_named: object) -> None:
        from sqlalchemy import Column, Text, insert

        METADATA.tables["facts"].create(_given[0])
        _given[0].execute(insert(METADATA.tables["facts"]), {"name": "half", "value": "done"})
        assert Column("x", Text) is not None
        raise KeyError("power cut")

    monkeypatch.setattr(METADATA, "create_all", fail)
    with pytest.raises(KeyError):
        migrate(f"sqlite:///{tmp_path / 'x.db'}")
    database = sqlite3.connect(tmp_path / "x.db")
    assert database.execute("SELECT name FROM sqlite_master WHERE name = 'facts'").fetchall() == []
    database.close()
