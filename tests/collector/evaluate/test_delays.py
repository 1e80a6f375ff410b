"""How late a busy line answers, from tests to days, windows and the flag; a recount gives the same whatever happens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from statistics import median
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from collector.config import CollectorConfig
from collector.evaluate.run import evaluate, replay
from collector.profiles import use_limits as published
from collector.store.open import Store
from collector.store.queries import use_limits
from collector.store.queries.use_limits import LimitsDecision
from collector.store.tables.judgement import CONDITION_DAYS, FLAG_EVENTS, FLAGS, NEWEST_EVALUATIONS, SCHOOL_DAYS
from tests.fakes import recount
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.records import an_rtt
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import Town, a_registry, at_ms, bring, weekdays

DAYS = weekdays(date(2026, 11, 24), 18)
CODES = ("late", "quick", "far", "none")
IDLE_MS = {"far": 600.0}  # by a satellite
MS = {"late": 340.0, "quick": 90.0, "far": 900.0}
TABLES = (SCHOOL_DAYS, NEWEST_EVALUATIONS, CONDITION_DAYS, FLAGS, FLAG_EVENTS)


def loaded(ms: float, **changes: Any) -> dict[str, Any]:
    return {
        "download_rtt_ms": ms / 2, "download_p95_ms": ms / 2, "upload_rtt_ms": ms / 2, "upload_p95_ms": ms,
        "increase_ms": 9.0, "n": 60, "method": "udp_echo", "load_s": 4.0, "congestion_control": "cubic",
        "confidence": "medium", "grade": None, **changes,
    }  # fmt: skip


def measure(store: Store, days: list[date], ms: Mapping[str, float] = MS) -> None:
    for number, code in enumerate(CODES):
        town = Town(store, device=f"d-{number}")
        for day in days:
            town.number = 1000 * number + 10 * DAYS.index(day)
            told = loaded(ms[code] + DAYS.index(day)) if code in ms else None
            town.day(code, day, [30_000_000] * 3, loaded=told, idle=an_rtt(IDLE_MS.get(code, 41.0)))
            if code == "late":  # of another method than its idle round trips: compared with nothing
                town.day(code, day, [30_000_000], loaded=loaded(5000.0, method="ws_ping"))


def run(store: Store, after: date, **options: Any) -> None:
    clock = FakeClock(at_ms(after, "20:00"))
    assert evaluate(store, CollectorConfig(), fake_ports(clock), **options).failed == []


@pytest.fixture
def town(store: Store) -> Store:
    rows = [f"{code},Uno,UTC,120,{'satellite' if code == 'far' else 'fibre'}" for code in CODES]
    bring(store, a_registry(*rows, heading="code,name,timezone,students_total,technology"), at_ms(DAYS[0], "01:00"))
    measure(store, DAYS)
    run(store, DAYS[-1])
    return store


def everything(store: Store) -> dict[str, Any]:
    return {table.name: recount.rows(store, table) for table in TABLES}


def states(store: Store, code: str = "late") -> str:
    days = recount.rows(store, CONDITION_DAYS)
    return "".join(row["state"][0] for key, row in sorted(days.items()) if key[:2] == (code, "poor_quality"))


def flags(store: Store) -> dict[str, str]:
    return {row["school"]: row["state"] for row in recount.rows(store, FLAGS).values() if row["kind"] == "poor_quality"}


def test_days_windows_and_flags_are_those_of_a_recount(town: Store) -> None:
    with town.reader() as snapshot:
        question = text(
            "SELECT school, started_ms / 86400000, loaded_upload_p95_ms, idle_rtt_ms, loaded_method = idle_method "
            "FROM measurements WHERE votes"
        )
        tests = [tuple(row) for row in snapshot.connection.execute(question)]
    stored, newest = recount.rows(town, SCHOOL_DAYS), recount.rows(town, NEWEST_EVALUATIONS)
    for code in CODES:
        loads: list[float] = []
        for day in DAYS[-10:]:
            number = (day - date(1970, 1, 1)).days
            found = [ms for school, at, ms, _idle, same in tests if (school, at) == (code, number) and same]
            row = stored[code, day.isoformat()]
            assert (row["loaded_n"], row["loaded_slow_n"]) == (len(found), sum(ms > 200 for ms in found))
            assert row["median_loaded_ms"] == (median(found) if found else None)
            loads += [median(found)] if found else []
        (judged,) = (row for key, row in newest.items() if key[0] == code)
        assert judged["window_from"] == DAYS[-10].isoformat() and judged["window_idle_ms"] == IDLE_MS.get(code, 41.0)
        assert judged["window_loaded_ms"] == (median(loads) if loads else None)
        assert judged["loaded_n"] == 3 * len(loads)
    assert flags(town) == {"late": "open"}
    # Days before the first bad one are not kept: they move no flag.
    assert [states(town, code) for code in CODES] == ["b" * 14, "", "", ""]
    (flag,) = (row for row in recount.rows(town, FLAGS).values() if row["kind"] == "poor_quality")
    assert (flag["below_since"], flag["opened_on"]) == (DAYS[4].isoformat(), DAYS[5].isoformat())
    assert flag["severity"] == "serious"


def test_evaluated_twice_from_a_day_or_replayed_it_is_the_same_and_altered_days_are_right_again(town: Store) -> None:
    before = everything(town)
    for options in ({}, {"from_day": DAYS[9]}, {"from_day": DAYS[-1]}):
        run(town, DAYS[-1], **options)
        assert everything(town) == before, options
    with town.unit() as unit:
        unit.connection.execute(delete(CONDITION_DAYS).where(CONDITION_DAYS.c.day == DAYS[12].isoformat()))
        bad = {"school": "quick", "kind": "poor_quality", "subject": "", "day": DAYS[3].isoformat(), "state": "bad"}
        unit.connection.execute(insert(CONDITION_DAYS).values(**bad, numbers="{}"))
        unit.connection.execute(update(SCHOOL_DAYS).where(SCHOOL_DAYS.c.day >= DAYS[9].isoformat()).values(loaded_n=1))
        unit.commit()
    assert replay(town, CollectorConfig(), fake_ports(FakeClock(at_ms(DAYS[-1], "20:00")))).failed == []
    assert everything(town) == before


def test_silence_closes_nothing_and_good_days_do(town: Store) -> None:
    later = [DAYS[-1] + timedelta(days=at) for at in (1, 2, 3, 6, 7, 8, 9, 10, 13, 14, 15, 16)]
    run(town, later[2])
    assert flags(town) == {"late": "open"} and states(town) == "b" * 14
    for at, day in enumerate(later[3:]):
        Town(town, device=f"e-{at}").day("late", day, [30_000_000] * 6, loaded=loaded(60.0))
        run(town, day)
    assert "late" in flags(town) and states(town)[-1] == "g" and flags(town)["late"] == "closed"


def test_a_holiday_and_tests_that_are_taken_back_take_their_days_away(town: Store) -> None:
    with town.unit() as unit:
        import_calendar(unit, a_registry(f"late,{DAYS[-1]},holiday", heading="calendar,date,kind"))
        unit.connection.execute(
            text("UPDATE measurements SET retracted_ms = 1, votes = NULL WHERE school = 'late' AND started_ms < :ms"),
            {"ms": at_ms(DAYS[14], "00:00")},
        )
        unit.commit()
    run(town, DAYS[-1])
    assert states(town) == ""  # three days are left
    assert flags(town) == {"late": "retracted"}


def test_another_limit_holds_from_the_next_day_on_and_its_days_are_not_mixed(town: Store) -> None:
    held = published.held(None)
    numbers = {**held.numbers, "class_video": {**held.numbers["class_video"], "latency": 500.0}}
    with town.unit() as unit:
        said = published.compose(replace(held, numbers=numbers))
        use_limits.add(unit, LimitsDecision(1, said, "a slow country", at_ms(DAYS[11], "10:00"), "ana"))
        unit.commit()
    run(town, DAYS[-1], from_day=DAYS[0])
    rows = recount.rows(town, SCHOOL_DAYS)
    assert [rows["late", day.isoformat()]["loaded_limit_ms"] for day in DAYS[10:13]] == [200.0, 200.0, 500.0]
    assert states(town) == "b" * 8 + "u" * 4 + "g" * 2
    assert flags(town) == {"late": "recovering"}


def test_what_was_not_kept_is_unknown(town: Store) -> None:
    """Days from before the columns: nothing is said until the days of a window are folded again."""
    with town.unit() as unit:
        unknown = dict.fromkeys(("loaded_n", "loaded_slow_n", "loaded_limit_ms", "median_loaded_ms"))
        unit.connection.execute(update(SCHOOL_DAYS).values(**unknown))
        unit.commit()
    run(town, DAYS[-1], from_day=DAYS[-2])
    assert states(town)[-3:] == "buu"
    with town.reader() as snapshot:
        query = select(NEWEST_EVALUATIONS.c.loaded_n).where(NEWEST_EVALUATIONS.c.school == "late")
        assert snapshot.connection.scalar(query) == 6
