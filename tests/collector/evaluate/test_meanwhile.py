"""What comes or changes while the jobs are at it is never passed over, and nobody waits for who waits for them."""

import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.evaluate import availability, hazards, run, work
from collector.evaluate.inputs import Deployment, Reference
from collector.profiles import catalogue as profiles
from collector.store.open import Store
from collector.store.queries import availability_marks
from collector.store.queries.judging import judgement, outages
from collector.store.tables.availability import AVAILABILITY_DAYS, AVAILABILITY_MARKS
from collector.store.tables.hazards import HAZARD_SCHOOLS, HAZARDS
from collector.store.tables.judgement import EVALUATIONS, SCHOOL_DAYS
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from tests.fakes.at_once import at_once
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.diary import StoredRun, a_day, put, stored
from tests.fakes.happenings import break_down, declare, redate
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import WIDTH, Town, a_registry, at_ms, bring, weekdays

TODAY = date(2026, 11, 25)  # a Wednesday
YESTERDAY = date(2026, 11, 24)
OLD = date(2026, 11, 20)
HOLIDAY = b"calendar,date,kind,note\ndefault,2026-11-20,holiday,\n"
CONFIG = CollectorConfig()
MOMENT_S = 0.3  # given to who is not to come through


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(at_ms(TODAY, "12:00"))


@pytest.fixture
def town(store: Store) -> Store:
    bring(store, a_registry("a,Escuela Uno,UTC,120", "b,Escuela Dos,UTC,120"), at_ms(date(2026, 6, 1), "12:00"))
    return store


def a_morning(day: date, first: int) -> list[StoredRun]:
    return stored("a", a_day("d1", at_ms(day, "07:00"), (60, "ok"), (6, "no_internet"), (54, "ok")), first=first)


def declare_holiday(store: Store) -> None:
    with store.unit() as unit:
        import_calendar(unit, HOLIDAY)
        unit.commit()


def deployment(store: Store) -> Deployment:
    with store.reader() as snapshot:
        return work.deployment_of(snapshot, CONFIG, profiles.load(), Reference())


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found]


def down(store: Store) -> dict[str, int]:
    return {row["day"]: row["down_slots"] for row in rows(store, AVAILABILITY_DAYS)}


def evaluate(store: Store, clock: FakeClock) -> None:
    assert run.evaluate(store, CONFIG, fake_ports(clock)).failed == []


def test_runs_of_old_days_that_come_while_newer_ones_are_worked_out_are_for_the_next_run(
    town: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(town, a_morning(OLD, 0))
    availability.work_out(town, deployment(town), clock.now_ms())
    put(town, a_morning(YESTERDAY, 10))
    fold = availability._work_batch

    def late(*given: Any) -> None:
        monkeypatch.undo()
        put(town, a_morning(date(2026, 11, 23), 20))  # a PC that was offline for three days, between plan and work
        fold(*given)

    monkeypatch.setattr(availability, "_work_batch", late)
    for _ in range(2):
        availability.work_out(town, deployment(town), clock.now_ms())
    assert {day: slots for day, slots in down(town).items() if slots} == {
        "2026-11-20": 6,
        "2026-11-23": 6,
        "2026-11-24": 6,
    }
    assert rows(town, AVAILABILITY_MARKS) == []


def test_a_holiday_that_is_declared_while_availability_is_worked_out_counts_in_the_next_run(
    town: Store, clock: FakeClock
) -> None:
    put(town, a_morning(OLD, 0))
    before = deployment(town)
    declare_holiday(town)
    availability.work_out(town, before, clock.now_ms())
    availability.work_out(town, deployment(town), clock.now_ms())
    assert down(town)["2026-11-20"] == 0
    assert rows(town, AVAILABILITY_MARKS) == []


def test_a_holiday_that_is_declared_while_verdicts_are_folded_counts_in_the_next_run(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = weekdays(YESTERDAY, 9)
    bring(store, a_registry("a,Uno,UTC,120"), at_ms(days[0], "06:00"))
    school = Town(store)
    for day in days:
        school.day("a", day, [9_000_000] * WIDTH)
    fold = run._evaluate_batch

    def late(*given: Any) -> None:
        monkeypatch.undo()
        declare_holiday(store)
        fold(*given)

    monkeypatch.setattr(run, "_evaluate_batch", late)
    for _ in range(2):
        evaluate(store, clock)
    found = [rows(store, table) for table in (SCHOOL_DAYS, EVALUATIONS)]
    assert "2026-11-20" not in {row["day"] for row in found[1]}
    run.replay(store, CONFIG, fake_ports(clock))
    assert [rows(store, table) for table in (SCHOOL_DAYS, EVALUATIONS)] == found


def test_a_hazard_that_ends_while_it_is_renewed_keeps_the_days_of_its_end(
    town: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(town, "a", OLD)
    renew = hazards.renew
    ends = threading.Thread(target=redate, args=(town, OLD, YESTERDAY))

    def slow(*given: Any) -> int:
        ends.start()
        ends.join(MOMENT_S)
        return renew(*given)

    monkeypatch.setattr(hazards, "renew", slow)
    hazards.renew_open(town, fake_ports(clock), "UTC")
    ends.join(60)
    (hazard,), (member,) = rows(town, HAZARDS), rows(town, HAZARD_SCHOOLS)
    assert hazard["ends_ms"] == at_ms(YESTERDAY, "12:00")
    assert (member["from_day"], member["to_day"]) == ("2026-11-20", "2026-11-24")


def test_two_that_reopen_the_same_schools_in_different_orders_both_come_through(town: Store) -> None:
    first, second = threading.Event(), threading.Event()

    def there() -> None:
        with town.unit() as unit:
            judgement.reopen_days(unit, "2026-11-20", ["a"])
            first.set()
            second.wait(MOMENT_S)
            judgement.reopen_days(unit, "2026-11-20", ["b"])
            unit.commit()

    def back() -> None:
        assert first.wait(60)
        with town.unit() as unit:
            judgement.reopen_days(unit, "2026-11-23", ["b"])
            second.set()
            judgement.reopen_days(unit, "2026-11-23", ["a"])
            unit.commit()

    at_once(there, back)
    assert {row["school"] for row in rows(town, AVAILABILITY_MARKS)} == {"a", "b"}


def test_who_changes_inputs_and_who_works_availability_out_both_come_through(
    town: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(town, a_morning(OLD, 0))
    take = availability_marks.take
    holiday = threading.Thread(target=declare_holiday, args=(town,))

    def slow(*given: Any) -> Any:
        monkeypatch.undo()
        taken = take(*given)
        holiday.start()
        holiday.join(MOMENT_S)
        return taken

    monkeypatch.setattr(availability_marks, "take", slow)
    availability.work_out(town, deployment(town), clock.now_ms())
    holiday.join(60)
    availability.work_out(town, deployment(town), clock.now_ms())
    assert down(town)["2026-11-20"] == 0


def test_an_outage_stands_whatever_the_order_in_which_a_database_sorts_its_schools(store: Store) -> None:
    """By a language a comes before B and an accent counts for little; by bytes it is the other way round."""
    break_down(store, ["b-1", "B-2", "a-3", "Ñ-4", "o-5", "É-6"], OLD)
    ((row,), schools) = rows(store, OUTAGES), rows(store, OUTAGE_SCHOOLS)
    with store.unit() as unit:
        assert outages.stands(unit, row, schools[::-1])
        assert not outages.write(unit, row, schools)
