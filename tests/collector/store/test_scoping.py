"""A scoped transaction reads and changes its scope alone, whatever the statement."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Select, bindparam, delete, event, func, insert, literal, select, text, update
from sqlalchemy.sql.visitors import iterate

from collector.domain.scope import NOTHING, Scope, scope_of
from collector.store import scoping
from collector.store.open import Store
from collector.store.tables.agent_settings import AGENT_SETTINGS
from collector.store.tables.catalogue import METADATA
from collector.store.tables.devices import DEVICES
from collector.store.tables.hazards import HAZARDS
from collector.store.tables.judgement import EVALUATIONS, FLAG_ACTIONS, FLAG_EVENTS, FLAGS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.people import AUDIT
from collector.store.tables.registry import CALENDAR_DAYS, SCHOOLS, TARGET_VERSIONS
from tests.fakes import pages_world
from tests.fakes.databases import Database

NORTH, CAYS = scope_of(["Norte"]), scope_of(["Los Cayos"])
AREAS = ("North", "North/River", "North / Bend", "Northwest", "north/River", "South", "N", "North/", "North%", "Nort_")


@pytest.fixture
def filled(database: Database) -> Iterator[Store]:
    opened = database.filled(pages_world.small)
    yield opened
    opened.close()


def codes(store: Store, scope: Scope) -> set[str]:
    with store.reader(scope) as snapshot:
        return set(snapshot.connection.scalars(select(SCHOOLS.c.code)))


def test_of_every_table_it_is_said_whose_it_is() -> None:
    for table in METADATA.tables.values():
        apart = (SCHOOLS, CALENDAR_DAYS, TARGET_VERSIONS, AGENT_SETTINGS, HAZARDS)
        named = table.name in scoping.EVERYBODYS | scoping.NOBODYS or table in apart
        assert named != any(key in table.c for key in scoping.KEYS), (
            f"{table.name}: name it in EVERYBODYS or NOBODYS of collector/store/scoping.py, "
            f"or give it one of the columns {scoping.KEYS}"
        )


def test_a_table_of_a_school_shows_the_rows_of_the_scope(filled: Store) -> None:
    mine, all_of_them = codes(filled, CAYS), codes(filled, scope_of([]))
    assert mine == {"00200"} and len(all_of_them) == 5
    for table in METADATA.tables.values():
        if "school" in table.c:
            with filled.reader(CAYS) as snapshot:
                seen = set(snapshot.connection.scalars(select(table.c.school).distinct()))
            assert seen <= mine, table.name
            with filled.reader(NOTHING) as snapshot:
                assert snapshot.connection.execute(select(table)).all() == []
    with filled.reader(CAYS) as snapshot:
        assert snapshot.connection.scalar(select(func.count()).select_from(MEASUREMENTS)) > 0  # type: ignore[operator]


def test_the_database_sees_in_an_area_what_the_rule_sees(store: Store) -> None:
    with store.unit() as unit:
        for number, area in enumerate((*AREAS, None)):
            row = {"code": str(number), "name": "", "name_folded": "", "name_order": "", "area": area}
            unit.connection.execute(insert(SCHOOLS).values(**row, created_ms=0, updated_ms=0))
        unit.commit()
    chance = random.Random(3)
    for _ in range(60):
        scope = Scope(frozenset(chance.sample(AREAS, chance.randrange(4))))
        expected = {str(number) for number, area in enumerate((*AREAS, None)) if scope.covers(area)}
        assert codes(store, scope) == expected, scope


def test_rows_by_flag_and_by_device_are_of_the_school(filled: Store) -> None:
    with filled.unit() as unit:
        for who, area in (("a", NORTH), ("b", CAYS)):
            code = min(codes(filled, area))
            flag = {"flag_id": f"F-{who}", "school": code, "kind": "x", "profile": "x", "metric": "x", "state": "open"}
            days = {"below_since": "2026-11-01", "opened_on": "2026-11-01", "last_day": "2026-11-01"}
            unit.connection.execute(insert(FLAGS).values(**flag, **days, state_count=0, is_stale=False))
            event_row = {"flag_id": f"F-{who}", "seq": 1, "day": "2026-11-01", "event": "opened", "numbers": "{}"}
            unit.connection.execute(insert(FLAG_EVENTS).values(event_row))
        unit.commit()
    with filled.reader(CAYS) as snapshot:
        assert snapshot.connection.scalars(select(FLAG_EVENTS.c.flag_id)).all() == ["F-b"]


def test_every_shape_of_statement_is_limited(filled: Store) -> None:
    newer = EVALUATIONS.alias("newer")
    newest = select(func.max(newer.c.day)).where(newer.c.school == SCHOOLS.c.code).scalar_subquery()
    per_school = select(MEASUREMENTS.c.school, func.count().label("n")).group_by(MEASUREMENTS.c.school).subquery()
    heard = select(DEVICES.c.device).where(DEVICES.c.school == SCHOOLS.c.code).exists()
    shapes: list[Select[Any]] = [
        select(SCHOOLS.c.code).where(heard),
        select(per_school.c.school).join(SCHOOLS, SCHOOLS.c.code == per_school.c.school),
        select(newer.c.school).distinct(),
        select(DEVICES.c.school).select_from(DEVICES.outerjoin(SCHOOLS, SCHOOLS.c.code == DEVICES.c.school)),
        select(SCHOOLS.c.code).select_from(SCHOOLS.outerjoin(FLAGS, FLAGS.c.school == SCHOOLS.c.code)),
        select(SCHOOLS.c.code).outerjoin(EVALUATIONS, EVALUATIONS.c.school == SCHOOLS.c.code).distinct(),
        select(SCHOOLS.c.code).where(newest.is_not(None)),
        select(select(MEASUREMENTS.c.school).distinct().cte("named").c.school),
        select(newer.alias("newest").c.school).distinct(),
        select(per_school.alias("x").c.school),
        select(SCHOOLS.c.code).where(SCHOOLS.c.code.in_(select(DEVICES.c.school))),
    ]
    for shape in shapes:
        for scope, mine in ((CAYS, {"00200"}), (NOTHING, set())):
            with filled.reader(scope) as snapshot:
                assert set(snapshot.connection.scalars(shape)) == mine, str(shape)
    both = select(SCHOOLS.c.code).union_all(select(literal("x")), select(DEVICES.c.school))
    with filled.reader(CAYS) as snapshot:
        assert set(snapshot.connection.scalars(both)) == {"00200", "x"}


def test_a_school_without_rows_of_another_table_stays_in_an_outer_join(filled: Store) -> None:
    joined = SCHOOLS.outerjoin(FLAGS, FLAGS.c.school == SCHOOLS.c.code)
    query = select(SCHOOLS.c.code, FLAGS.c.flag_id).select_from(joined)
    with filled.reader(CAYS) as snapshot:
        assert snapshot.connection.execute(query).all() == [("00200", None)]
    query = select(SCHOOLS.c.code, FLAGS.c.flag_id).outerjoin(FLAGS, FLAGS.c.school == SCHOOLS.c.code)
    with filled.reader(CAYS) as snapshot:
        assert snapshot.connection.execute(query).all() == [("00200", None)]


def test_a_statement_that_is_remembered_takes_its_new_values(filled: Store) -> None:
    def named(snapshot_scope: Scope, code: str, limit: int) -> list[str]:
        with filled.reader(snapshot_scope) as snapshot:
            query = select(SCHOOLS.c.code).where(SCHOOLS.c.code >= code).order_by(SCHOOLS.c.code).limit(limit)
            return list(snapshot.connection.scalars(query))

    assert named(NORTH, "00000", 9) == ["00123", "00201", "00202", "00203"]
    assert named(NORTH, "00202", 9) == ["00202", "00203"]
    assert named(NORTH, "00202", 1) == ["00202"]
    assert named(CAYS, "00000", 9) == ["00200"]
    assert named(NORTH, "00000", 2) == ["00123", "00201"]


def test_the_memory_of_statements_has_an_end(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoping, "_REMEMBERED_MAX", 2)
    for table in (SCHOOLS, DEVICES, FLAGS, MEASUREMENTS):
        with filled.reader(CAYS) as snapshot:
            snapshot.connection.execute(select(table)).all()
        assert len(scoping._remembered_statements) <= 2


def test_changes_reach_the_scope_alone(filled: Store) -> None:
    with filled.unit(CAYS) as unit:
        assert unit.connection.execute(update(SCHOOLS).values(provider="mine")).rowcount == 1
        assert unit.connection.execute(delete(DEVICES).where(DEVICES.c.school == "00123")).rowcount == 0
        unit.commit()
        assert unit.connection.scalars(select(SCHOOLS.c.code)).all() == ["00200"]  # after it, too
    with filled.reader() as snapshot:
        changed = snapshot.connection.scalars(select(SCHOOLS.c.code).where(SCHOOLS.c.provider == "mine")).all()
    assert changed == ["00200"]


def test_what_cannot_be_looked_through_is_refused(filled: Store) -> None:
    with filled.reader(CAYS) as snapshot:
        with pytest.raises(RuntimeError, match="TextClause"):
            snapshot.connection.execute(text("SELECT code FROM schools"))
        assert snapshot.connection.execute(select(AUDIT)).all() == []
    with filled.unit(CAYS) as unit, pytest.raises(RuntimeError, match="TextClause"):
        unit.connection.execute(text("DELETE FROM schools"))
    row = {"action_id": "1", "flag_id": "F", "at_ms": 1, "day": "2026-11-01", "user_name": "x", "action": "note"}
    with filled.unit(CAYS) as unit:
        unit.connection.execute(insert(FLAG_ACTIONS).values(row))


def test_a_calendar_is_of_everybody_of_an_area_or_of_a_school(filled: Store) -> None:
    names = ("default", "area:Norte", "area:Los Cayos", "school:00200", "school:00123")
    with filled.unit() as unit:
        rows = [{"calendar": name, "day": "2026-12-25", "kind": "holiday"} for name in names]
        unit.connection.execute(insert(CALENDAR_DAYS), rows)
        unit.commit()
    with filled.reader(CAYS) as snapshot:
        seen = set(snapshot.connection.scalars(select(CALENDAR_DAYS.c.calendar)))
    assert seen == {"default", "area:Los Cayos", "school:00200"}


def test_whole_country_statements_are_not_touched(filled: Store) -> None:
    seen: list[str] = []
    with filled.reader() as snapshot:
        event.listen(
            snapshot.connection, "before_cursor_execute", lambda _c, _k, statement, *_rest: seen.append(statement)
        )
        snapshot.connection.execute(select(SCHOOLS.c.code)).all()
    assert "WHERE" not in seen[0]
    assert not [part for part in iterate(select(SCHOOLS.c.code)) if part is SCHOOLS.c.area]


def test_targets_are_seen_where_they_hold(filled: Store) -> None:
    places = [
        ("deployment", ""), ("area", "Los Cayos"), ("area", "Los Cayos/Este"), ("area", "Norte"), ("area", "Los"),
        ("school", "00200"), ("school", "00123"),
    ]  # fmt: skip
    with filled.unit() as unit:
        for number, (reach, place) in enumerate(places):
            row = {"version_id": str(number), "reach": reach, "place": place, "valid_from": "2026-12-01"}
            unit.connection.execute(insert(TARGET_VERSIONS).values(**row, created_ms=0, created_by="ana"))
        unit.commit()
    query = select(TARGET_VERSIONS.c.place).order_by(TARGET_VERSIONS.c.version_id)
    with filled.reader(CAYS) as snapshot:
        assert list(snapshot.connection.scalars(query)) == ["", "Los Cayos", "Los Cayos/Este", "00200"]
    with filled.reader(scope_of(["Los Cayos/Este"])) as snapshot:
        assert list(snapshot.connection.scalars(query)) == ["", "Los Cayos", "Los Cayos/Este"]


def test_many_rows_are_changed_at_once_in_the_scope_alone(filled: Store) -> None:
    scope = scope_of(["Los Cayos", "Isla Brava"])
    statement = update(SCHOOLS).where(SCHOOLS.c.code == bindparam("of")).values(name=bindparam("new"))
    with filled.unit(scope) as unit:
        unit.connection.execute(statement, [{"of": code, "new": f"new {code}"} for code in ("00123", "00200", "00201")])
        same = TARGET_VERSIONS.c.version_id == bindparam("of")
        unit.connection.execute(delete(TARGET_VERSIONS).where(same), [{"of": "none"}, {"of": "nothing"}])
        unit.commit()
    with filled.reader() as snapshot:
        new = snapshot.connection.scalars(select(SCHOOLS.c.code).where(SCHOOLS.c.name.like("new %"))).all()
    assert list(new) == ["00200"]
