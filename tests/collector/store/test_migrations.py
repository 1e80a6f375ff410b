"""The revisions lead to exactly the tables that the code knows."""

import random
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import text

from collector.domain.scope import scope_of
from collector.store import version
from collector.store.migrations import run
from collector.store.migrations.run import migrate
from collector.store.open import Store
from collector.store.queries.notices import outbox
from collector.store.tables.catalogue import METADATA
from tests.collector.store.queries.judging.test_summaries import SERIES, an_evaluation
from tests.fakes import recount


def test_the_code_knows_every_revision_in_order() -> None:
    found = ScriptDirectory(str(Path(run.__file__).parent)).walk_revisions()
    assert tuple(script.revision for script in found)[::-1] == version.REVISIONS


def test_migrated_tables_equal_the_catalogue(store: Store) -> None:
    with store.unit() as unit:
        found = compare_metadata(MigrationContext.configure(unit.connection), METADATA)
    assert found == []


def test_indexes_of_part_of_a_table_are_made_too(store: Store) -> None:
    expected = {index.name for table in METADATA.tables.values() for index in table.indexes}
    with store.unit() as unit:
        of_engine = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'"}
        query = of_engine.get(unit.connection.dialect.name, "SELECT indexname FROM pg_indexes")
        found = set(unit.connection.scalars(text(query)))
    assert expected <= found


@pytest.mark.sqlite
def test_migrating_again_changes_nothing(store: Store) -> None:
    assert store.path is not None
    before = store.path.stat().st_mtime_ns
    assert migrate(store.url) == version.REVISIONS[-1]
    assert store.path.stat().st_mtime_ns == before


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def fail(self: Operations, name: str, *columns: Any, **named: Any) -> Any:
        made.append(name)
        if len(made) == 5:
            raise KeyError("power cut")
        return right(self, name, *columns, **named)

    right = Operations.create_table
    monkeypatch.setattr(Operations, "create_table", fail)
    with pytest.raises(KeyError):
        migrate(f"sqlite:///{tmp_path / 'x.db'}")
    monkeypatch.undo()
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert migrate(f"sqlite:///{tmp_path / 'x.db'}") == version.REVISIONS[-1]


def test_each_step_is_one_transaction(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(version.REVISIONS[-1],)]


def test_calendars_of_areas_and_of_schools_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(f"sqlite:///{path}", "0003")
    with closing(sqlite3.connect(path)) as database:
        school = "INSERT INTO schools (code, name, area, name_folded, name_order, created_ms, updated_ms)"
        database.execute(f"{school} VALUES ('7', 'Uno', 'Sur', '', '', 0, 0), ('8', 'Dos', '7', '', '', 0, 0)")
        names = ("default", "7", "8", "Sur", "an area of yesterday")
        days = [(name, "2026-12-25", "holiday", f"of {name}") for name in names]
        database.executemany("INSERT INTO calendar_days VALUES (?, ?, ?, ?)", days)
        database.commit()
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT calendar, note FROM calendar_days ORDER BY calendar").fetchall()
    assert found == [
        ("area:7", "of 7"),
        ("area:Sur", "of Sur"),
        ("area:an area of yesterday", "of an area of yesterday"),
        ("default", "of default"),
        ("school:7", "of 7"),
        ("school:8", "of 8"),
    ]


def test_the_hours_that_were_known_hold_for_every_day_before(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(f"sqlite:///{path}", "0001")
    with closing(sqlite3.connect(path)) as database:
        school = "INSERT INTO schools (code, name, name_folded, name_order, opening, created_ms, updated_ms)"
        database.execute(f"{school} VALUES ('a', 'Uno', 'uno', '1', 'sat 08:00-12:00', 0, 0)")
        database.execute(
            "INSERT INTO school_facts (school, valid_from) VALUES ('a', '0001-01-01'), ('a', '2026-01-01')"
        )
        database.commit()
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT opening FROM school_facts").fetchall()
    assert found == [("sat 08:00-12:00",)] * 2


def test_what_stands_of_each_school_is_found_in_the_evaluations_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(f"sqlite:///{path}", "0011")
    chance = random.Random(4)
    days = [date(2026, 9, 28) + timedelta(days=at) for at in range(60)]
    rows = [
        an_evaluation(school, series, day, chance)
        for school in ("s1", "s2", "s3")
        for series in SERIES
        for day in chance.sample(days, 20)
    ]
    with closing(sqlite3.connect(path)) as database:
        names = ", ".join(rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        database.executemany(f"INSERT INTO evaluations ({names}) VALUES ({values})", rows)  # noqa: S608 -- our own names
        made = [("s1", day.isoformat(), at % 3) for at, day in enumerate(days)]  # days without tests too
        day = "INSERT INTO school_days (school, day, is_open, measurements, voting) VALUES (?, ?, 1, ?, 0)"
        database.executemany(day, made)
        database.commit()
    migrate(f"sqlite:///{path}")
    store = Store(f"sqlite:///{path}")
    recount.check(store)
    store.close()


def test_who_acknowledged_a_flag_until_now_is_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(f"sqlite:///{path}", "0005")
    with closing(sqlite3.connect(path)) as database:
        acts = [("a3", "f", 30, "note"), ("a1", "f", 10, "acknowledged"), ("a2", "g", 20, "closed")]
        insert = "INSERT INTO flag_actions (action_id, flag_id, at_ms, day, user_name, action)"
        database.executemany(f"{insert} VALUES (?, ?, ?, '2026-11-24', 'ana', ?)", acts)
        database.commit()
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        numbered = database.execute("SELECT action_id, action, seq FROM flag_actions ORDER BY action_id").fetchall()
        work = database.execute("SELECT flag_id, version, owner, seen_by FROM flag_work ORDER BY flag_id").fetchall()
    assert numbered == [("a1", "taken", 1), ("a2", "closed", 1), ("a3", "note", 2)]
    assert work == [("f", 2, "ana", "ana"), ("g", 1, None, "ana")]


def test_messages_that_wait_are_for_the_areas_that_their_readers_have(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(f"sqlite:///{path}", "0030")
    areas = {"ana": "[]", "maria": '["Norte", "Bahía Honda"]'}
    with closing(sqlite3.connect(path)) as database:
        user = "INSERT INTO users (user_id, name, name_folded, password_hash, role, created_ms, areas)"
        database.executemany(f"{user} VALUES (?, ?, ?, 'x', 'viewer', 0, ?)", [(n, n, n, a) for n, a in areas.items()])
        readers = ("user:ana", "user:maria", "user:nobody", "webhook:h1")
        notice = (
            "INSERT INTO notices (notice_id, reader, topic, language, zone, payload, made_ms, state, tries, next_ms)"
        )
        rows = [(reader, reader, 70 + at) for at, reader in enumerate(readers)]
        database.executemany(f"{notice} VALUES (?, ?, 'digest', 'en', 'UTC', '{{}}', ?, 'waiting', 1, 99)", rows)
        database.commit()
    migrate(f"sqlite:///{path}")
    store = Store(f"sqlite:///{path}")
    with store.reader() as snapshot:
        found = {reader: outbox.find(snapshot, reader) for reader in readers}
    store.close()
    told = {reader: (one.areas, one.due_ms) for reader, one in found.items() if one is not None}
    assert told == {
        "user:ana": ("[]", 70), "user:maria": (areas["maria"], 71), "user:nobody": ("[]", 72), "webhook:h1": ("[]", 73)
    }  # fmt: skip
    assert outbox.is_for(found["user:maria"], scope_of(["Bahía Honda", "Norte"]))  # type: ignore[arg-type]


def test_delays_of_the_days_that_a_window_reaches_are_worked_out_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    migrate(f"sqlite:///{path}", "0031")
    days = (("2026-10-14", 5, 1), ("2026-10-15", 5, 0), ("2026-11-20", 0, 1), ("2026-11-24", 5, 0))
    with closing(sqlite3.connect(path)) as database:
        insert = "INSERT INTO school_days (school, day, is_open, measurements, voting) VALUES ('a', ?, 1, 5, ?)"
        database.executemany(insert, [day[:2] for day in days])
        database.commit()
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT day, voting, is_final, loaded_n FROM school_days ORDER BY day").fetchall()
    assert found == [(*day, None) for day in days]
