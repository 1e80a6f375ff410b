"""What is new of a school's line: marks grow, are taken once, and what follows from them is written on both engines."""

from datetime import date
from typing import Any

from sqlalchemy import select

from collector.config import CollectorConfig
from collector.evaluate import work
from collector.evaluate.availability import work_out
from collector.evaluate.inputs import Reference
from collector.profiles import catalogue as profiles
from collector.store.open import Store
from collector.store.queries import availability_marks as marks
from collector.store.queries.availability_marks import Mark
from collector.store.tables.availability import AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES
from tests.fakes.diary import a_day, put, stored
from tests.fakes.school_days import a_registry, at_ms, bring

DAY = date(2026, 11, 24)
NOW_MS = at_ms(date(2026, 11, 25), "12:00")


def test_marks_grow_to_both_sides_and_are_taken_once(store: Store) -> None:
    bring(store, a_registry("a,Escuela Uno,UTC,120", "b,Escuela Dos,UTC,120"), NOW_MS)
    with store.unit() as unit:
        marks.take(unit, ["a", "b"])
        marks.mark_span(unit, "a", 500, 900)
        marks.mark_span(unit, "a", 400, 600)
        marks.mark_span(unit, "a", 700, 1000)
        assert marks.marks(unit) == [Mark("a", 400, 1000)]
        marks.mark_span(unit, "a", 700, None)
        marks.mark_span(unit, "a", 800, 900)
        assert marks.take(unit, ["a", "b"]) == {"a": Mark("a", 400, None)}
        marks.mark_days(unit, "1970-01-02", ["b"])
        marks.mark_days(unit, "0001-01-01")
        assert sorted(marks.marks(unit)) == [Mark("a", 0, None), Mark("b", 0, None)]
        assert marks.take(unit, ["a"]) == {"a": Mark("a", 0, None)}
        assert marks.take(unit, ["a"]) == {}


def test_what_follows_is_written_and_written_again(store: Store) -> None:
    bring(store, a_registry("a,Escuela Uno,UTC,120"), at_ms(date(2026, 6, 1), "12:00"))
    for part in (0, 50):
        begin_ms = at_ms(DAY, "07:00" if part == 0 else "12:00")
        put(store, stored("a", a_day("d1", begin_ms, (48, "ok"), (6, "no_internet"), (6, "ok")), first=part))
        with store.reader() as snapshot:
            deployment = work.deployment_of(snapshot, CollectorConfig(), profiles.load(), Reference())
        assert work_out(store, deployment, NOW_MS).failed == []

    def rows(table: Any) -> list[Any]:
        with store.reader() as snapshot:
            return list(snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings())

    first, today = rows(AVAILABILITY_DAYS)
    assert (first["good_slots"], first["down_slots"], first["unobserved_slots"]) == (108, 12, 0)
    assert (today["day"], today["unobserved_slots"]) == ("2026-11-25", 120)
    assert [row["down_slots"] for row in rows(LOCAL_OUTAGES)] == [6, 6]
    assert [row["availability"] for row in rows(AVAILABILITY_NOW)] == [0.9]
