"""What is known of a school changes: days before keep what held then, days concerned are judged again."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.evaluate.run import evaluate
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import WIDTH, Town, a_registry, at_ms, bring, weekdays

YESTERDAY, TODAY = date(2026, 11, 24), date(2026, 11, 25)
DAYS = weekdays(YESTERDAY, 12)
SLOW, FAST = 9_000_000, 40_000_000
HEADING = "code,name,timezone,students_total,area,opening"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(at_ms(TODAY, "06:00"))


@pytest.fixture
def town(store: Store) -> Town:
    bring(store, a_registry("a,Uno,UTC,120,Sur,", heading=HEADING), at_ms(DAYS[0], "06:00"))
    return Town(store)


def run(store: Store, clock: FakeClock) -> Any:
    return evaluate(store, CollectorConfig(), fake_ports(clock))


def take(store: Store, *rows: str) -> None:
    with store.unit() as unit:
        import_calendar(unit, a_registry(*rows, heading="calendar,date,kind"))
        unit.commit()


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found]


def exclusions(store: Store, day: date) -> set[str | None]:
    start = at_ms(day, "00:00")
    found = rows(store, MEASUREMENTS)
    return {row["exclusion"] for row in found if start <= row["started_ms"] < start + 86_400_000}


def test_a_holiday_that_becomes_known_takes_its_tests_and_its_evaluation_away(
    store: Store, town: Town, clock: FakeClock
) -> None:
    for day in DAYS[:7]:
        town.day("a", day, [SLOW] * WIDTH)
    run(store, clock)
    (flag,) = rows(store, FLAGS)
    assert flag["opened_on"] == DAYS[5].isoformat()

    take(store, *(f"default,{day.isoformat()},holiday" for day in DAYS[5:7]))
    assert run(store, clock).schools == 1

    assert [exclusions(store, day) for day in DAYS[4:7]] == [{None}, {"suppressed"}, {"suppressed"}]
    assert [(row["suppressed"], row["voting"]) for row in rows(store, SCHOOL_DAYS)[4:]] == [
        (None, WIDTH),
        ("holiday", 0),
        ("holiday", 0),
    ]
    assert max(row["day"] for row in rows(store, EVALUATIONS)) == DAYS[4].isoformat()
    assert [flag["state"] for flag in rows(store, FLAGS)] == ["retracted"]

    take(store, f"a,{DAYS[5].isoformat()},open")
    run(store, clock)
    assert exclusions(store, DAYS[5]) == {None}
    assert max(row["day"] for row in rows(store, EVALUATIONS)) == DAYS[5].isoformat()


def test_a_calendar_concerns_only_the_schools_that_follow_it(store: Store, town: Town, clock: FakeClock) -> None:
    bring(store, a_registry("b,Dos,UTC,120,Norte,", "c,Tres,UTC,120,Norte,", heading=HEADING), at_ms(DAYS[0], "06:00"))
    for code in ("a", "b", "c"):
        town.day(code, DAYS[-1], [SLOW] * WIDTH)
    run(store, clock)
    take(store, f"Norte,{DAYS[-1].isoformat()},closure", f"c,{DAYS[-1].isoformat()},open", "a,2026-12-24,closure")
    assert run(store, clock).schools == 2
    assert {row["school"]: row["suppressed"] for row in rows(store, SCHOOL_DAYS)} == {
        "a": None,
        "b": "closure",
        "c": None,
    }


def test_a_school_that_moves_to_another_area_has_its_holidays(store: Store, town: Town, clock: FakeClock) -> None:
    bring(store, a_registry("b,Dos,UTC,120,Norte,", heading=HEADING), at_ms(DAYS[0], "06:00"))
    take(store, f"Norte,{DAYS[-1].isoformat()},holiday")
    town.day("a", DAYS[-1], [SLOW] * WIDTH)
    run(store, clock)
    assert exclusions(store, DAYS[-1]) == {None}

    bring(store, a_registry("a,Uno,UTC,120,Norte,", heading=HEADING), clock.now)
    run(store, clock)
    assert exclusions(store, DAYS[-1]) == {"suppressed"}


def test_opening_hours_hold_from_the_day_on_which_they_were_told(store: Store, town: Town, clock: FakeClock) -> None:
    for day in DAYS[-2:]:
        town.day("a", day, [SLOW] * WIDTH)
    clock.now = at_ms(YESTERDAY, "20:00")
    run(store, clock)
    assert exclusions(store, YESTERDAY) == {None}

    bring(store, a_registry("a,Uno,UTC,120,Sur,mon-fri 07:00-12:00", heading=HEADING), clock.now)
    run(store, clock)
    assert exclusions(store, DAYS[-2]) == {None}
    assert exclusions(store, YESTERDAY) == {None, "out_of_hours"}  # the day itself was judged already, and is again


def test_a_roll_told_in_the_evening_judges_the_day_again(store: Store, town: Town, clock: FakeClock) -> None:
    for day in DAYS[-2:]:
        town.day("a", day, [FAST] * WIDTH)
    clock.now = at_ms(YESTERDAY, "20:00")
    run(store, clock)
    bring(store, a_registry("a,Uno,UTC,1200,Sur,", heading=HEADING), clock.now)
    run(store, clock)
    assert [row["target_bps"] for row in rows(store, EVALUATIONS)] == [20_000_000, 60_000_000]


def test_days_on_which_no_test_was_expected_make_no_flag_stale(store: Store, town: Town, clock: FakeClock) -> None:
    for day in DAYS:
        town.day("a", day, [SLOW] * WIDTH)
    run(store, clock)
    week = [TODAY + timedelta(days=passed) for passed in range(7)]
    take(store, *(f"default,{day.isoformat()},holiday" for day in week))
    clock.now = at_ms(week[-1], "20:00")
    run(store, clock)
    assert [(flag["state"], flag["is_stale"]) for flag in rows(store, FLAGS)] == [("open", False)]

    clock.now = at_ms(week[-1] + timedelta(days=7), "20:00")
    run(store, clock)
    assert [(flag["state"], flag["is_stale"]) for flag in rows(store, FLAGS)] == [("open", True)]
