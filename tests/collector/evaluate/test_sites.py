"""Diary runs that tell of learning sites become days, standings and flags; in any order, and twice the same."""

from collections.abc import Iterable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from agent.wire import forms
from collector.config import CollectorConfig
from collector.evaluate.run import evaluate
from collector.store.open import Store
from collector.store.queries.pages import sites as pages_sites
from collector.store.queries.pages.sites import SiteFilter
from collector.store.tables.judgement import CONDITION_DAYS, FLAG_EVENTS, FLAGS
from collector.store.tables.measurements import DIARY
from collector.store.tables.registry import CALENDAR_DAYS, SCHOOLS
from collector.store.tables.sites import SITE_DAYS, SITE_STANDINGS, SITE_TOTALS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import a_registry, at_ms, bring, weekdays

FRIDAY = date(2026, 11, 20)
WEEK = weekdays(FRIDAY, 5)
CODES = ("00123", "00124", "00125", "00126", "00127")
SITE = "Library"
HOURS = ("08:05", "10:05", "13:05")
ZONE = "America/Santiago"
DAY_MS = 86_400_000


@pytest.fixture
def country(store: Store) -> Store:
    rows = [f"{code},Escuela {code},{ZONE},120,{'Onda' if code < '00126' else ''}" for code in CODES]
    bring(store, a_registry(*rows, heading="code,name,timezone,students_total,provider"), at_ms(WEEK[0], "01:00"))
    return store


def looks(
    code: str, days: Iterable[date], word: str, *, state: str = "ok", hours: Iterable[str] = HOURS
) -> list[dict[str, Any]]:
    """Return runs as they are stored, received a second later."""
    found = []
    for day in days:
        for hour in hours:
            from_ms = at_ms(day, hour, ZONE)
            rid = forms.uuid7(from_ms, f"{code:>10}".encode())
            told = f'[{{"name":"{SITE}","state":"{word}","ms":{"410.0" if word == "open" else "null"}}}]'
            found.append(
                {
                    "device": f"d-{code}", "rid": rid, "school": code, "from_ms": from_ms, "to_ms": from_ms + 900_000,
                    "time_quality": "exact", "received_ms": from_ms + 1_000, "slots": 3, "slot_s": 300, "state": state,
                    "probes": told, "content_hash": rid,
                }
            )  # fmt: skip
    return found


def add(store: Store, rows: list[dict[str, Any]]) -> None:
    with store.unit() as unit:
        unit.connection.execute(insert(DIARY), rows)
        unit.commit()


def run(store: Store, now_ms: int = at_ms(FRIDAY, "20:00", ZONE)) -> None:
    evaluate(store, CollectorConfig(), fake_ports(FakeClock(now_ms)))


def table(store: Store, which: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(which).order_by(*which.primary_key)).mappings()
        return [dict(row) for row in found]


def everything(store: Store) -> list[list[dict[str, Any]]]:
    return [table(store, one) for one in (SITE_DAYS, SITE_STANDINGS, SITE_TOTALS, FLAGS, FLAG_EVENTS)]


def a_week(blocked: str = "00123") -> list[dict[str, Any]]:
    return [row for code in CODES for row in looks(code, WEEK, "blocked" if code == blocked else "open")]


def test_looks_become_days_by_the_school_s_own_clock(country: Store) -> None:
    add(country, looks("00123", [FRIDAY], "open") + looks("00123", [FRIDAY], "blocked", hours=["09:10", "23:50"]))
    run(country)
    (day,) = table(country, SITE_DAYS)
    assert (day["school"], day["site"], day["day"], day["word"]) == ("00123", SITE, "2026-11-20", "open")
    assert day["hours"] == "........obo..o.........b"
    assert (day["open"], day["blocked"], day["line_hours"], day["line_opened"]) == (3, 2, 5, 3)
    assert day["median_ms"] == 410.0 and day["learnt_ms"] == at_ms(FRIDAY, "23:50", ZONE) + 1_000


def test_a_site_that_others_can_open_is_flagged_after_three_school_days(country: Store) -> None:
    add(country, a_week())
    run(country)
    (flag,) = table(country, FLAGS)
    assert (flag["school"], flag["kind"], flag["metric"], flag["state"]) == ("00123", "site_unreachable", SITE, "open")
    assert (flag["below_since"], flag["opened_on"]) == (WEEK[0].isoformat(), WEEK[2].isoformat())
    before = everything(country)
    run(country)
    assert everything(country) == before


def test_what_nobody_can_open_is_nobody_s_flag(country: Store) -> None:
    add(country, [row for code in CODES for row in looks(code, WEEK, "unreachable")])
    run(country)
    assert table(country, FLAGS) == [] and len(table(country, SITE_DAYS)) == 25


def test_a_day_that_is_going_on_says_nothing_yet(country: Store) -> None:
    add(country, [row for row in a_week() if row["from_ms"] <= at_ms(WEEK[2], "13:30", ZONE)])
    run(country, at_ms(WEEK[2], "13:30", ZONE))
    assert [flag["state"] for flag in table(country, FLAGS)] == []
    run(country, at_ms(WEEK[2], "18:30", ZONE))
    assert [flag["state"] for flag in table(country, FLAGS)] == ["open"]


def test_looks_that_come_after_a_clock_was_put_back_become_days(country: Store) -> None:
    ahead = [{**row, "received_ms": row["received_ms"] + 30 * DAY_MS} for row in looks("00123", WEEK[:1], "open")]
    add(country, ahead)
    run(country, at_ms(WEEK[0], "20:00", ZONE) + 30 * DAY_MS)
    for day in WEEK[1:]:
        add(country, looks("00123", [day], "open"))
        run(country, at_ms(day, "20:00", ZONE))
    assert [row["day"] for row in table(country, SITE_DAYS)] == [day.isoformat() for day in WEEK]


def test_any_order_of_arrival_gives_the_same_rows(country: Store) -> None:
    rows, chance = a_week(), Random(3)
    chance.shuffle(rows)
    now_ms = at_ms(FRIDAY, "20:00", ZONE)
    for at in range(0, len(rows), 40):  # received late, a few at a time
        add(country, [{**row, "received_ms": now_ms + at} for row in rows[at : at + 40]])
        run(country, now_ms + at)
    late = everything(country)
    with country.unit() as unit:
        unit.connection.execute(SITE_DAYS.delete())
        unit.connection.execute(update(SCHOOLS).values(updated_ms=now_ms + 100))
        unit.commit()
    run(country, now_ms + 200)
    assert everything(country) == late
    assert [flag["opened_on"] for flag in late[3] if flag["state"] == "open"] == [WEEK[2].isoformat()]


def test_a_school_that_changes_its_zone_has_other_days(country: Store) -> None:
    add(country, looks("00123", [FRIDAY], "open", hours=["22:30"]))
    run(country)
    assert [day["day"] for day in table(country, SITE_DAYS)] == ["2026-11-20"]
    later_ms = at_ms(FRIDAY, "23:00", ZONE)
    with country.unit() as unit:
        unit.connection.execute(
            update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(timezone="UTC", updated_ms=later_ms)
        )
        unit.commit()
    run(country, later_ms + 60_000)
    assert [(day["day"], day["hours"].index("o")) for day in table(country, SITE_DAYS)] == [("2026-11-21", 1)]


def test_pages_count_each_school_s_newest_day_of_a_week(country: Store) -> None:
    add(country, a_week())
    run(country)
    with country.reader() as snapshot:
        assert pages_sites.counts(snapshot, [SITE]) == {SITE: {"open": 4, "blocked": 1}}
        assert pages_sites.by_provider(snapshot, SITE) == {"Onda": {"open": 2, "blocked": 1}, None: {"open": 2}}
        first, *_ = pages_sites.schools(snapshot, SITE, SiteFilter(), None)
        assert (first.code, first.word, first.day) == ("00123", "blocked", FRIDAY.isoformat())
        cannot = SiteFilter(word=pages_sites.CANNOT, provider="Onda")
        assert pages_sites.count_schools(snapshot, SITE, cannot) == 1
        assert pages_sites.count_schools(snapshot, SITE, SiteFilter(provider=None)) == 2
    run(country, at_ms(FRIDAY + timedelta(days=9), "12:00", ZONE))
    assert table(country, SITE_STANDINGS) == [] and len(table(country, SITE_DAYS)) == 25


def test_a_holiday_is_no_school_day(country: Store) -> None:
    add(country, a_week())
    with country.unit() as unit:
        unit.connection.execute(
            insert(CALENDAR_DAYS),
            [{"calendar": "default", "day": WEEK[2].isoformat(), "kind": "holiday", "note": None}],
        )
        unit.commit()
    run(country)
    assert [flag["opened_on"] for flag in table(country, FLAGS)] == [WEEK[3].isoformat()]


def test_days_that_late_looks_opened_say_nothing_any_more(country: Store) -> None:
    add(country, [row for code in CODES[1:] for row in looks(code, WEEK[:2], "open")])
    add(country, looks(CODES[0], WEEK[:2], "blocked"))
    run(country, at_ms(WEEK[1], "20:00", ZONE))
    assert {row["state"] for row in table(country, CONDITION_DAYS) if row["kind"] == "site_unreachable"} == {"bad"}
    late = looks(CODES[0], WEEK[:2], "open", hours=("08:20", "10:20", "13:20"))
    add(country, [{**row, "received_ms": at_ms(WEEK[2], "09:00", ZONE)} for row in late])
    run(country, at_ms(WEEK[2], "20:00", ZONE))
    assert [row for row in table(country, CONDITION_DAYS) if row["kind"] == "site_unreachable"] == []


def test_days_that_somebody_planted_open_no_flag(country: Store) -> None:
    add(country, a_week())
    run(country)
    before = table(country, FLAGS), table(country, CONDITION_DAYS)
    planted = {"school": "00125", "kind": "site_unreachable", "subject": SITE, "state": "bad", "numbers": "{}"}
    with country.unit() as unit:
        unit.connection.execute(insert(CONDITION_DAYS), [{**planted, "day": day.isoformat()} for day in WEEK])
        unit.commit()
    run(country)
    assert (table(country, FLAGS), table(country, CONDITION_DAYS)) == before
