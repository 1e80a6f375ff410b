"""Rows that somebody alters, plants or deletes in what is worked out are right after the next run, or in their turn."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Table, and_, delete, insert, select, update

from collector.config import CollectorConfig
from collector.evaluate import turns
from collector.evaluate.run import evaluate
from collector.store.open import Store
from collector.store.queries import availability_marks, facts
from collector.store.tables.availability import AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import (
    CONDITION_DAYS,
    EVALUATIONS,
    NEWEST_EVALUATIONS,
    PERIOD_VERDICTS,
    SCHOOL_DAYS,
    SCHOOL_MONTHS,
    SILENCES,
)
from collector.store.tables.measurements import DIARY
from collector.store.tables.people import FACTS
from collector.store.tables.sites import NETWORK_DAYS, NETWORK_STANDINGS, SITE_DAYS, SITE_STANDINGS, SITE_TOTALS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.diary import a_day, stored
from tests.fakes.records import a_measurement
from tests.fakes.school_days import Town, a_registry, at_ms, bring, weekdays

YESTERDAY = date(2026, 11, 24)
DAYS = weekdays(YESTERDAY, 12)
NOW_MS = at_ms(date(2026, 11, 25), "12:00")
CODES = ("a", "b", "c")
AT_ONCE = (
    *(AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES, NEWEST_EVALUATIONS, SITE_STANDINGS, NETWORK_STANDINGS),
    *(SILENCES,),
)
"""What a run finds, wherever among the last ten school days it is."""
IN_TURN = (SITE_DAYS, SITE_TOTALS, PERIOD_VERDICTS, EVALUATIONS, SCHOOL_DAYS, SCHOOL_MONTHS, CONDITION_DAYS)
DERIVED = (*AT_ONCE, *IN_TURN)
Row = dict[str, Any]


def fill(store: Store) -> None:
    """Bring three schools with twelve school days of tests, diaries, looks at two sites, and networks."""
    heading = "code,name,timezone,students_total,provider"
    lines = [f"{code},Escuela,UTC,120,Onda" for code in CODES]
    bring(store, a_registry(*lines, heading=heading), at_ms(DAYS[0], "01:00"))
    town = Town(store)
    rows, seen = [], []
    for number, code in enumerate(CODES):
        for at, day in enumerate(DAYS):
            late = a_measurement()["loaded"] | {"download_p95_ms": 150.0 + 200 * (number == 1 and at > 5)}
            town.day(code, day, [30_000_000 - 9_000_000 * number] * 6, loaded=late)
            parts = [(40, "ok"), (6 + at % 3, "no_internet" if (at + number) % 2 else "portal"), (30, "ok")]
            runs = stored(code, a_day(f"d-{code}", at_ms(day, "07:00"), *parts), first=1000 * number + 10 * at)
            told = ",".join(
                f'{{"name":"{name}","state":"{"open" if (at + number) % 4 else "blocked"}","ms":null}}'
                for name in ("Library", "Maths")
            )
            rows += [{**run.row(), "probes": f"[{told}]" if run.state == "ok" else None} for run in runs]
            seen.append({"school": code, "device": f"d-{code}", "day": day.isoformat(), "asn": 64496 + at % 2,
                         "as_name": "Onda", "in_hours": True})  # fmt: skip
    pc = {"state": "active", "enrolled_ms": at_ms(DAYS[0], "06:00"), "last_contact_ms": at_ms(DAYS[-2], "10:00")}
    with store.unit() as unit:
        unit.connection.execute(insert(DIARY), rows)
        availability_marks.mark_runs(unit, rows)
        unit.connection.execute(insert(NETWORK_DAYS), seen)
        pcs = [{**pc, "device": f"d-{code}", "school": code, "machine_hash": code} for code in CODES]
        unit.connection.execute(insert(DEVICES), pcs)
        unit.commit()


def run(store: Store, *, is_whole_week_over: bool = False) -> None:
    """Let the jobs evaluate; after a week in which they rested it is everybody's turn."""
    with store.unit() as unit:
        until = NOW_MS // turns.TURN_MS - (turns.TURNS if is_whole_week_over else 0)
        facts.set_fact(unit, facts.TURNS_UNTIL, str(until))
        unit.commit()
    assert evaluate(store, CollectorConfig(), fake_ports(FakeClock(NOW_MS))).failed == []


@pytest.fixture
def country(store: Store) -> Store:
    fill(store)
    run(store)
    run(store)  # networks follow from standings, which follow from days
    return store


def everything(store: Store) -> dict[str, list[Row]]:
    with store.reader() as snapshot:
        found = {
            table.name: [
                dict(row) for row in snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in DERIVED
        }
        counted = select(FACTS).where(FACTS.c.name.startswith("heard:")).order_by(FACTS.c.name)
        return {**found, "heard": [dict(row) for row in snapshot.connection.execute(counted).mappings()]}


def key_of(table: Table, row: Row) -> ColumnElement[bool]:
    return and_(*(column == row[column.name] for column in table.primary_key))


def another(table: Table, rows: list[Row], row: Row, name: str, chance: random.Random) -> Any:
    """Return another value of a column, of its kind; None: there is none."""
    value = row[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float) and table.c[name].type.python_type in (int, float):
        return value + 1
    others = sorted({one[name] for one in rows if one[name] not in (None, value)})
    return chance.choice(others) if others else None


def deeds(table: Table, rows: list[Row], chance: random.Random) -> Iterator[Any]:
    """Yield a change of one row, a deletion of one, and a row that was never there."""
    keys = [column.name for column in table.primary_key]
    row = chance.choice(rows)
    names = [name for name in row if name not in keys and another(table, rows, row, name, chance) is not None]
    if names:
        name = chance.choice(sorted(names))
        yield update(table).where(key_of(table, row)).values({name: another(table, rows, row, name, chance)})
    yield delete(table).where(key_of(table, chance.choice(rows)))
    there = {tuple(one[key] for key in keys) for one in rows}
    for name in chance.sample(keys, len(keys)):
        if name == "from_ms":
            planted = {**row, name: row[name] + 600_000}
        elif name == "day":
            planted = {**row, name: (date.fromisoformat(row[name]) + timedelta(days=1)).isoformat()}
        else:
            planted = {**row, name: another(table, rows, row, name, chance)}
        if planted[name] is not None and tuple(planted[key] for key in keys) not in there:
            yield insert(table).values(**planted)
            return


def do(store: Store, statement: Any) -> None:
    with store.unit() as unit:
        unit.connection.execute(statement)
        unit.commit()


def recent(table: Table, rows: list[Row]) -> list[Row]:
    """Return the rows that pages show: of the last ten school days."""
    first = DAYS[-10].isoformat()
    if table is LOCAL_OUTAGES:
        return [row for row in rows if row["from_ms"] >= at_ms(DAYS[-10], "00:00")]
    return [row for row in rows if row["day"] >= first] if table is AVAILABILITY_DAYS else rows


@pytest.mark.sqlite
def test_what_somebody_did_to_a_row_is_undone_by_the_next_run(country: Store) -> None:
    before, chance = everything(country), random.Random(15)
    for table in AT_ONCE:
        for statement in deeds(table, recent(table, before[table.name]), chance):
            do(country, statement)
            assert everything(country) != before, (table.name, statement)
            run(country)
            assert everything(country) == before, (table.name, statement, statement.compile().params)


@pytest.mark.sqlite
def test_the_rest_is_right_when_its_schools_turn_has_come(country: Store) -> None:
    before, chance = everything(country), random.Random(15)
    for table in IN_TURN:
        for statement in deeds(table, before[table.name], chance):
            do(country, statement)
            assert everything(country) != before, (table.name, statement)
            run(country, is_whole_week_over=True)
            assert everything(country) == before, (table.name, statement, statement.compile().params)


def test_a_count_of_pcs_heard_that_somebody_altered_is_right_after_the_next_run(country: Store) -> None:
    before = everything(country)
    assert before["heard"]
    for row in (before["heard"][0], before["heard"][-1]):
        do(country, update(FACTS).where(FACTS.c.name == row["name"]).values(value=row["value"].replace(": 3", ": 4")))
        do(country, delete(FACTS).where(FACTS.c.name == before["heard"][2]["name"]))
        run(country)
        assert everything(country) == before


def test_a_week_of_turns_changes_nothing_where_nobody_did_anything(country: Store) -> None:
    before = everything(country)
    run(country, is_whole_week_over=True)
    assert everything(country) == before


def test_everybody_has_a_turn_in_a_week_and_nobody_two_in_one_quarter(store: Store) -> None:
    names = [f"S{number:05}" for number in range(500)]
    had: list[str] = []
    with store.unit() as unit:
        for quarter in range(40):
            now_ms = NOW_MS + quarter * turns.TURN_MS
            had += turns.in_turn(unit, names, now_ms, 40)
            turns.note(unit, now_ms)
            assert turns.in_turn(unit, names, now_ms, 40) == set()
        unit.commit()
    assert sorted(had) == names
    with store.reader() as snapshot:  # the jobs rested for three weeks
        assert turns.in_turn(snapshot, names, NOW_MS + 4 * turns.TURNS * turns.TURN_MS) == set(names)


@pytest.mark.parametrize("table", [AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES], ids=lambda table: table.name)
def test_all_rows_of_one_school_are_there_again_after_the_next_run(country: Store, table: Table) -> None:
    before = everything(country)
    do(country, delete(table).where(table.c.school == "b"))
    run(country)
    assert everything(country) == before


def test_rows_of_a_school_that_was_never_heard_go(country: Store) -> None:
    bring(country, a_registry("z,Escuela,UTC,120", heading="code,name,timezone,students_total"), NOW_MS)
    for _ in range(2):  # PCs are counted again, ten days in each
        run(country)
    before = everything(country)
    for table in (AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES, NEWEST_EVALUATIONS):
        do(country, insert(table).values(**{**before[table.name][-1], "school": "z"}))
        run(country)
        assert everything(country) == before, table.name
