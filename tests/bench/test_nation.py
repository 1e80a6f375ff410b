"""A country that is made piece by piece is the one that is made at once, and grows to the past."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select

from bench.nationwide import country, rows
from bench.nationwide.country import CONFIG, Made, build
from collector import operate
from collector.evaluate.run import replay
from collector.real.world import real_ports
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS

SCHOOLS = 30


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    operate.init(tmp_path, real_ports())
    return Store.open(tmp_path)


def everything(store: Store, table: Table) -> list[tuple[object, ...]]:
    with store.reader() as snapshot:
        return [tuple(row) for row in snapshot.connection.execute(select(table).order_by(*table.primary_key))]


def days_of(store: Store) -> list[str]:
    with store.reader() as snapshot:
        query = select(SCHOOL_DAYS.c.day).group_by(SCHOOL_DAYS.c.day).order_by(SCHOOL_DAYS.c.day)
        return list(snapshot.connection.scalars(query.having(func.sum(SCHOOL_DAYS.c.voting) > 0)))


def test_a_day_is_the_same_each_time_and_another_each_day() -> None:
    schools = rows.schools_of(SCHOOLS)[1]
    made = [list(rows.placed(schools, day)) for day in (date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 3))]
    assert made[0] == made[1] and len(made[0]) == len(made[2]) == sum(school.tests for school in schools)
    assert not {one.decoded.record.rid for one in made[0]} & {one.decoded.record.rid for one in made[2]}


def test_a_country_is_made_in_pieces_goes_on_and_grows(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(country, "DAYS_OF_AN_EVALUATION", 6)
    monkeypatch.setattr(country, "DAYS_OF_A_TRANSACTION", 2)
    a_day = sum(school.tests for school in rows.schools_of(SCHOOLS)[1])
    kept: list[Made] = []

    def interrupted(made: Made) -> None:
        kept.append(made)
        if made.evaluations == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(empty, SCHOOLS, 14 * a_day, None, interrupted)
    made = build(empty, SCHOOLS, 14 * a_day, kept[-1], kept.append)
    assert (made.days, made.rows, made.evaluations, made.until) == (14, 14 * a_day, 3, made.last)
    assert len(days_of(empty)) == 14
    judged, measured = everything(empty, EVALUATIONS), everything(empty, MEASUREMENTS)
    replay(empty, CONFIG, real_ports())
    assert everything(empty, EVALUATIONS) == judged and everything(empty, MEASUREMENTS) == measured
    assert build(empty, SCHOOLS, 14 * a_day, made, kept.append) == made
    grown = build(empty, SCHOOLS, 17 * a_day, replace(made, first="", until="", last=""), kept.append)
    assert (grown.days, grown.rows, grown.evaluations) == (17, 17 * a_day, 1)
    assert grown.first < made.first and len(days_of(empty)) == 17
    assert set(measured) < set(everything(empty, MEASUREMENTS))
