"""Availability worked out from stored diaries: the same rows whatever comes when, and right after inputs change."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from collector.config import CollectorConfig
from collector.domain.availability import Heard
from collector.domain.conditions import ConditionKind
from collector.evaluate import work
from collector.evaluate.availability import work_out
from collector.evaluate.conditions import fold_all
from collector.evaluate.inputs import Reference
from collector.profiles import catalogue as profiles
from collector.store.open import Store
from collector.store.queries import availability_marks, devices
from collector.store.tables.availability import (
    AVAILABILITY_DAYS,
    AVAILABILITY_MARKS,
    AVAILABILITY_NOW,
    LOCAL_OUTAGES,
)
from collector.store.tables.devices import ASSIGNMENTS
from collector.store.tables.judgement import CONDITION_DAYS, FLAGS
from collector.store.tables.measurements import DIARY
from tests.fakes.collector_world import FakeClock
from tests.fakes.diary import SLOT_MS, StoredRun, a_day, heard, late, put, shuffled, stored
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import a_registry, at_ms, bring, weekdays

TODAY = date(2026, 11, 25)  # a Wednesday
YESTERDAY = date(2026, 11, 24)
NOON_MS = at_ms(TODAY, "12:00")
TABLES = (AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES, CONDITION_DAYS)
SCHOOLS = ("a,Escuela Uno,UTC,120", "b,Escuela Dos,UTC,120")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON_MS)


@pytest.fixture
def town(store: Store) -> Store:
    bring(store, a_registry(*SCHOOLS), at_ms(date(2026, 6, 1), "12:00"))
    return store


def run(store: Store, clock: FakeClock, *, from_day: date | None = None, timezone: str = "UTC") -> Any:
    """Work out what is new; from a day on, as the evaluation does that folds again."""
    with store.unit() as unit:
        if from_day is not None:
            availability_marks.mark_days(unit, from_day.isoformat())
        unit.commit()
    with store.reader() as snapshot:
        config = CollectorConfig(default_timezone=timezone)
        deployment = work.deployment_of(snapshot, config, profiles.load(), Reference())
    report = work_out(store, deployment, clock.now_ms())
    assert report.failed == []
    return report


def rows(store: Store, table: Any, school: str | None = None) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found if school in (None, row.get("school"))]


def everything(store: Store) -> list[list[dict[str, Any]]]:
    return [rows(store, table) for table in TABLES]


def by_day(store: Store, school: str = "a") -> dict[str, tuple[int, int, int]]:
    return {
        row["day"]: (row["good_slots"], row["down_slots"], row["unobserved_slots"])
        for row in rows(store, AVAILABILITY_DAYS, school)
    }


def morning(device: str, day: date, *parts: tuple[int, str], zone: str = "UTC") -> list[Heard]:
    return a_day(device, at_ms(day, "07:00", zone), *parts)


def test_days_are_written_from_the_first_that_was_heard_of(town: Store, clock: FakeClock) -> None:
    put(town, stored("a", morning("d1", date(2026, 11, 19), (60, "ok"), (6, "no_internet"), (54, "ok"))))
    run(town, clock)
    assert by_day(town) == {
        "2026-11-19": (114, 6, 0),
        **dict.fromkeys(("2026-11-20", "2026-11-23", "2026-11-24", "2026-11-25"), (0, 0, 120)),  # no PC was on
    }
    (now,) = rows(town, AVAILABILITY_NOW)
    assert (now["as_of"], now["from_day"], now["last_day"], now["days"]) == (
        "2026-11-25",
        "2026-11-19",
        "2026-11-24",
        4,
    )
    assert (now["availability"], now["coverage"]) == (pytest.approx(0.95), pytest.approx(0.25))
    (outage,) = rows(town, LOCAL_OUTAGES)
    begin_ms = at_ms(date(2026, 11, 19), "12:00")
    assert outage.pop("seal") is not None
    assert outage == {
        "school": "a", "from_ms": begin_ms, "seen_ms": begin_ms + 6 * SLOT_MS, "to_ms": begin_ms + 6 * SLOT_MS,
        "down_slots": 6, "school_slots": 6, "word": "no_internet", "learnt_ms": None,
    }  # fmt: skip
    assert rows(town, AVAILABILITY_MARKS) == []


def test_running_again_changes_nothing_and_finds_nothing_to_do(town: Store, clock: FakeClock) -> None:
    put(town, stored("a", morning("d1", YESTERDAY, (60, "ok"), (60, "no_internet"))))
    run(town, clock)
    before = everything(town)
    report = run(town, clock)
    assert (report.schools, report.changed) == (0, 0)
    assert run(town, clock, from_day=date(2026, 1, 1)).changed == 0
    assert everything(town) == before


def test_a_day_goes_by_without_news(town: Store, clock: FakeClock) -> None:
    """What was said of a school does not stick: the last ten school days move on."""
    put(town, stored("a", morning("d1", YESTERDAY, (60, "ok"))))
    run(town, clock)
    clock.now += 86_400_000
    assert run(town, clock).schools == 1
    (now,) = rows(town, AVAILABILITY_NOW)
    assert (now["as_of"], now["last_day"], now["days"]) == ("2026-11-26", "2026-11-25", 2)


@pytest.mark.parametrize("lost", [TABLES, (AVAILABILITY_DAYS,), (AVAILABILITY_NOW,)])
def test_what_somebody_deletes_is_made_again(town: Store, clock: FakeClock, lost: tuple[Any, ...]) -> None:
    put(town, stored("a", morning("d1", YESTERDAY, (60, "ok"), (30, "no_internet"), (30, "ok"))))
    run(town, clock)
    before = everything(town)
    with town.unit() as unit:
        for table in lost:
            unit.connection.execute(delete(table))
        unit.commit()
    run(town, clock)
    assert everything(town) == before


PLANTED = [
    update(AVAILABILITY_DAYS).values(down_slots=7),
    update(AVAILABILITY_DAYS).values(states="288o"),
    update(AVAILABILITY_DAYS).values(down_slots=0, good_slots=120, availability=1.0),
    update(AVAILABILITY_DAYS)
    .where(AVAILABILITY_DAYS.c.day == YESTERDAY.isoformat())
    .values(learnt_ms=1, is_open=False),
    update(AVAILABILITY_DAYS).values(seal=None),  # as a version wrote it that knew none
    delete(AVAILABILITY_DAYS).where(AVAILABILITY_DAYS.c.day == YESTERDAY.isoformat()),
    update(AVAILABILITY_NOW).values(availability=0.1),
    update(AVAILABILITY_NOW).values(good_slots=1, from_day=None),
    update(LOCAL_OUTAGES).values(to_ms=None),
    update(LOCAL_OUTAGES).values(word="dns_fail", down_slots=1),
]


@pytest.mark.parametrize("planted", PLANTED, ids=range(len(PLANTED)))
def test_what_somebody_plants_is_right_after_the_next_run(town: Store, clock: FakeClock, planted: Any) -> None:
    for at, day in enumerate(weekdays(YESTERDAY, 3)):
        put(town, stored("a", morning("d1", day, (60, "ok"), (30, "no_internet"), (30, "ok")), first=10 * at))
    put(town, stored("b", morning("d2", YESTERDAY, (120, "ok")), first=100))
    run(town, clock)
    before = everything(town)
    with town.unit() as unit:
        unit.connection.execute(planted)
        unit.commit()
    assert everything(town) != before
    assert run(town, clock).failed == []
    assert everything(town) == before
    assert run(town, clock).schools == 0


def test_what_somebody_writes_wrongly_is_right_after_the_days_are_folded_again(town: Store, clock: FakeClock) -> None:
    put(town, stored("a", morning("d1", YESTERDAY, (60, "ok"), (30, "no_internet"), (30, "ok"))))
    run(town, clock)
    before = everything(town)
    with town.unit() as unit:
        unit.connection.execute(update(AVAILABILITY_DAYS).values(down_slots=7, states="288o"))
        unit.connection.execute(update(AVAILABILITY_NOW).values(availability=0.1))
        unit.connection.execute(update(LOCAL_OUTAGES).values(to_ms=None))
        unit.commit()
    run(town, clock, from_day=YESTERDAY)
    assert everything(town) == before


# --- a computer that was away for days --------------------------------------------------------------------------------


def test_a_computer_that_was_offline_fills_its_days_and_they_say_when_they_were_learnt(
    town: Store, clock: FakeClock
) -> None:
    days = weekdays(YESTERDAY, 8)
    for at, day in enumerate([*days[:3], *days[6:]]):
        put(town, stored("a", morning("d1", day, (60, "ok"), (60, "ok")), first=10 * at))
    run(town, clock)
    before = {row["day"]: row for row in rows(town, AVAILABILITY_DAYS)}

    back_ms = at_ms(TODAY, "08:00")
    gap = [
        late(one, back_ms) for day in days[3:6] for one in morning("d1", day, (60, "no_internet"), (60, "no_internet"))
    ]
    put(town, stored("a", gap, first=500))
    run(town, clock)

    after = {row["day"]: row for row in rows(town, AVAILABILITY_DAYS)}
    changed = {day for day in after if after[day] != before.get(day)}
    assert changed == {day.isoformat() for day in days[3:6]}
    for day in changed:
        assert (before[day]["availability"], after[day]["availability"]) == (None, 0.0)
        assert (after[day]["learnt_ms"], json.loads(after[day]["late"])) == (back_ms, [[84, 120, back_ms]])
    (outage,) = rows(town, LOCAL_OUTAGES)
    assert (outage["from_ms"], outage["to_ms"]) == (at_ms(days[3], "07:00"), at_ms(days[6], "07:00"))
    assert (outage["learnt_ms"], outage["down_slots"], outage["school_slots"]) == (back_ms, 360, 360)


def test_a_late_run_can_take_an_outage_away_and_cut_another_in_two(town: Store, clock: FakeClock) -> None:
    put(
        town,
        stored(
            "a", morning("d1", YESTERDAY, (12, "ok"), (6, "no_internet"), (12, "ok"), (30, "link_down"), (30, "ok"))
        ),
    )
    run(town, clock)
    assert len(rows(town, LOCAL_OUTAGES)) == 2
    other = [
        heard("d2", at_ms(YESTERDAY, "07:55"), 10, received_ms=NOON_MS),
        heard("d2", at_ms(YESTERDAY, "10:30"), 3, received_ms=NOON_MS),
    ]
    put(town, stored("a", other, first=100))
    run(town, clock)
    found = [(row["from_ms"], row["to_ms"]) for row in rows(town, LOCAL_OUTAGES)]
    times = [(at_ms(YESTERDAY, a), at_ms(YESTERDAY, b)) for a, b in (("09:30", "10:30"), ("10:45", "12:00"))]
    assert found == times


# --- inputs that change -----------------------------------------------------------------------------------------------


def test_a_holiday_that_is_declared_afterwards_and_taken_back(town: Store, clock: FakeClock) -> None:
    put(town, stored("a", morning("d1", YESTERDAY, (60, "ok"), (6, "no_internet"))))
    put(town, stored("b", morning("d2", date(2026, 11, 20), (60, "ok")), first=50))
    run(town, clock)
    before = everything(town)
    with town.unit() as unit:
        import_calendar(unit, b"calendar,date,kind,note\ndefault,2026-11-24,holiday,\n")
        unit.commit()
    run(town, clock)
    assert by_day(town)["2026-11-24"] == (0, 0, 0)
    assert "2026-11-24" not in by_day(town, "b")  # nobody was heard there, and there was no school
    (outage,) = rows(town, LOCAL_OUTAGES)
    assert (outage["down_slots"], outage["school_slots"]) == (6, 0)
    with town.unit() as unit:
        import_calendar(unit, b"calendar,date,kind,note\ndefault,2026-11-24,open,\n")
        unit.commit()
    run(town, clock)
    assert everything(town) == before


@pytest.mark.parametrize("zone", ["America/Santiago", "Asia/Tokyo"])
def test_a_school_that_changes_its_zone_has_other_days(town: Store, clock: FakeClock, zone: str) -> None:
    first = date(2026, 11, 18)
    put(town, stored("a", [heard("d1", at_ms(first, "22:00"), 12)], first=90))  # in Tokyo that is the next day
    for at, day in enumerate(weekdays(YESTERDAY, 3)):
        put(town, stored("a", morning("d1", day, (60, "ok"), (60, "no_internet"), (12, "ok")), first=10 * at))
    run(town, clock)
    bring(town, a_registry(f"a,Escuela Uno,{zone},120"), NOON_MS)
    run(town, clock)
    (now,) = rows(town, AVAILABILITY_NOW, "a")
    assert now["as_of"] == {"America/Santiago": "2026-11-25", "Asia/Tokyo": "2026-11-25"}[zone]
    for row in rows(town, AVAILABILITY_DAYS, "a"):
        assert row["start_ms"] == at_ms(date.fromisoformat(row["day"]), "00:00", zone)
    moved = everything(town)
    with town.unit() as unit:  # the same as if it had always been there
        for table in TABLES:
            unit.connection.execute(delete(table))
        unit.commit()
    run(town, clock)
    assert everything(town) == moved


def test_opening_hours_that_change_today_leave_the_days_before(town: Store, clock: FakeClock) -> None:
    put(town, stored("a", morning("d1", YESTERDAY, (60, "ok")) + morning("d1", TODAY, (36, "ok"))))
    run(town, clock)
    heading = "code,name,timezone,students_total,opening"
    bring(town, a_registry("a,Escuela Uno,UTC,120,mon-fri 08:00-12:00", heading=heading), NOON_MS)
    run(town, clock)
    assert by_day(town) == {"2026-11-24": (60, 0, 60), "2026-11-25": (24, 0, 24)}


def test_the_zone_of_the_deployment_can_change(store: Store, clock: FakeClock) -> None:
    bring(store, a_registry("a,Escuela Uno,120", heading="code,name,students_total"), NOON_MS)
    put(store, stored("a", morning("d1", YESTERDAY, (60, "ok"))))
    run(store, clock)
    assert by_day(store)["2026-11-24"] == (60, 0, 60)
    run(store, clock, timezone="America/Santiago")  # three hours behind UTC then
    assert by_day(store)["2026-11-24"] == (24, 0, 96)


# --- devices ----------------------------------------------------------------------------------------------------------


def test_a_computer_that_moved_counts_where_it_was(town: Store, clock: FakeClock) -> None:
    moved_ms = at_ms(YESTERDAY, "10:00")
    with town.unit() as unit:
        stays = [("a", at_ms(date(2026, 11, 2), "00:00"), moved_ms), ("b", moved_ms, None)]
        values = [{"device": "d1", "school": code, "from_ms": first, "to_ms": end} for code, first, end in stays]
        unit.connection.execute(insert(ASSIGNMENTS), values)
        unit.commit()
    put(town, stored("a", morning("d1", YESTERDAY, (48, "ok"))))  # begun there, and ended on the way
    put(town, stored("b", a_day("d1", at_ms(YESTERDAY, "11:00"), (12, "no_internet")), first=10))
    run(town, clock)
    assert (by_day(town)["2026-11-24"], by_day(town, "b")["2026-11-24"]) == ((36, 0, 84), (0, 12, 108))


def test_what_a_pending_device_wrote_counts_once_it_is_approved(town: Store, clock: FakeClock) -> None:
    put(town, stored(None, morning("d1", YESTERDAY, (48, "ok"))))  # type: ignore[arg-type]
    run(town, clock)
    assert rows(town, AVAILABILITY_DAYS) == []
    with town.unit() as unit:
        devices.assign(unit, "d1", "a", at_ms(date(2026, 11, 2), "00:00"))
        devices._give_school(unit, "d1")
        unit.commit()
    run(town, clock)
    assert by_day(town)["2026-11-24"] == (48, 0, 72)


@pytest.mark.parametrize(
    ("clock_off_ms", "expected"), [(None, (0, 0, 120)), (40_000, (48, 0, 72)), (200_000, (0, 0, 120))]
)
def test_a_bounded_time_counts_where_the_clock_was_right_before_and_after(
    town: Store, clock: FakeClock, clock_off_ms: int | None, expected: tuple[int, int, int]
) -> None:
    (row,) = stored("a", morning("d1", YESTERDAY, (48, "ok")))
    put(town, [StoredRun(**{**vars(row), "time_quality": "bounded", "clock_off_ms": clock_off_ms})])
    run(town, clock)
    assert by_day(town)["2026-11-24"] == expected


# --- any order --------------------------------------------------------------------------------------------------------

_MONTH = weekdays(YESTERDAY, 6)
_STATES = st.sampled_from(["ok", "ok", "no_internet", "dns_fail", "portal", "off", "link_down"])
_PARTS = st.lists(st.tuples(st.integers(1, 40), _STATES), min_size=1, max_size=4)
_DELIVERIES = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["d1", "d2"]), st.sampled_from(_MONTH), _PARTS, st.integers(0, 9)),
    min_size=1,
    max_size=6,
)


@pytest.mark.sqlite
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_DELIVERIES, st.integers(0, 1000), st.lists(st.integers(0, 40), max_size=3))
def test_any_order_of_arrival_gives_the_same_rows(
    town: Store, deliveries: list[Any], seed: int, cuts: list[int]
) -> None:
    """One run at the end, or after every few: days are folded from rows, never counted on."""
    runs: list[StoredRun] = []
    for at, (school, device, day, parts, days_late) in enumerate(deliveries):
        received_ms = at_ms(day, "18:00") + days_late * 86_400_000
        given_ = [late(one, received_ms) for one in morning(f"{school}-{device}", day, *parts)]
        runs += stored(school, given_, first=100 * at)
    clock, found = FakeClock(NOON_MS), []
    for order, stops in ((runs, set()), (shuffled(runs, seed), {cut % len(runs) for cut in cuts})):
        with town.unit() as unit:
            for table in (DIARY, AVAILABILITY_MARKS, *TABLES):
                unit.connection.execute(delete(table))
            unit.commit()
        for at, one in enumerate(order):
            put(town, [one])
            if at in stops:
                run(town, clock)
        run(town, clock)
        found.append(everything(town))
    assert found[0] == found[1]


def test_days_are_not_lost_while_runs_come_in(town: Store, clock: FakeClock) -> None:
    """A mark that was written after the runs had been read is there for the next run."""
    put(town, stored("a", morning("d1", YESTERDAY, (12, "ok"))))
    with town.unit() as unit:
        assert set(availability_marks.take(unit, ["a", "b"])) == {"a"}
        assert availability_marks.take(unit, ["a"]) == {}
        unit.commit()
    put(town, stored("a", morning("d1", YESTERDAY - timedelta(days=1), (12, "ok")), first=20))
    (mark,) = rows(town, AVAILABILITY_MARKS)
    assert mark["from_ms"] == at_ms(date(2026, 11, 23), "07:00")


def test_a_line_that_fails_day_after_day_is_flagged_and_one_that_is_mended_closes(
    town: Store, clock: FakeClock
) -> None:
    days = weekdays(YESTERDAY, 30)
    for at, day in enumerate(days):
        down = "no_internet" if at < 12 else "ok"
        put(town, stored("a", morning("d1", day, (54, "ok"), (12, down), (54, "ok")), first=10 * at))
    run(town, clock)
    fold_all(town, ConditionKind, TODAY)
    states = [row["state"] for row in rows(town, CONDITION_DAYS, "a")]
    # Five days are needed; then every window of ten days misses 98 % until two bad days are left in it.
    assert states == ["unknown"] * 4 + ["bad"] * 15 + ["good"] * 11
    (flag,) = rows(town, FLAGS)
    assert (flag["kind"], flag["state"], flag["severity"]) == (
        "low_availability",
        "closed",
        "mild",
    )  # as of the last bad day
    assert (flag["opened_on"], flag["closed_on"]) == (days[5].isoformat(), days[21].isoformat())
