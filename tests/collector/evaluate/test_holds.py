"""What happens at a school keeps its days from being judged, and gives them back when it turns out otherwise."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.domain.suppressed import Suppressed
from collector.domain.words import Suppression
from collector.evaluate.run import evaluate, replay
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS, FLAGS, SCHOOL_DAYS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.happenings import break_down, declare, redate
from tests.fakes.school_days import WIDTH, Town, a_registry, at_ms, bring, weekdays

TODAY = date(2026, 11, 25)
DAYS = weekdays(date(2026, 11, 24), 9)
SLOW = 9_000_000
CONFIG = CollectorConfig()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(at_ms(TODAY, "06:00"))


@pytest.fixture
def slow(store: Store, clock: FakeClock) -> Store:
    """Return a store with a school that has been slow on every day, and was judged."""
    bring(store, a_registry("a,Uno,UTC,120"), at_ms(DAYS[0], "06:00"))
    town = Town(store)
    for day in DAYS:
        town.day("a", day, [SLOW] * WIDTH)
    run(store, clock)
    return store


def run(store: Store, clock: FakeClock) -> None:
    assert evaluate(store, CONFIG, fake_ports(clock)).failed == []


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found]


def taken(store: Store) -> dict[int, str]:
    """Return why which of the days are not judged, by their number."""
    found = {date.fromisoformat(row["day"]): row["suppressed"] for row in rows(store, SCHOOL_DAYS)}
    return {number: found[day] for number, day in enumerate(DAYS) if found[day]}


def judged(store: Store) -> list[list[dict[str, Any]]]:
    flags = [row for row in rows(store, FLAGS) if row["state"] != "retracted"]
    return [rows(store, SCHOOL_DAYS), rows(store, EVALUATIONS), flags]


def check_replay(store: Store, clock: FakeClock) -> None:
    before = judged(store)
    replay(store, CONFIG, fake_ports(clock))
    for one, other in zip(judged(store), before, strict=True):
        assert len(one) == len(other)
        for row, then in zip(one, other, strict=True):
            assert {k: v for k, v in row.items() if then[k] != v} == {}, then


def test_a_hazard_takes_its_days_and_other_dates_give_them_back(slow: Store, clock: FakeClock) -> None:
    untouched = judged(slow)
    declare(slow, "a", DAYS[4])
    run(slow, clock)
    assert taken(slow) == dict.fromkeys(range(4, 9), "hazard")
    assert max(row["day"] for row in rows(slow, EVALUATIONS)) == DAYS[3].isoformat()
    assert {row["state"] for row in rows(slow, FLAGS)} == {"retracted"}  # it had opened on a day in the hazard
    check_replay(slow, clock)

    redate(slow, DAYS[6], DAYS[7])
    run(slow, clock)
    assert taken(slow) == {6: "hazard", 7: "hazard"}
    assert {row["day"] for row in rows(slow, EVALUATIONS)} >= {DAYS[5].isoformat(), DAYS[8].isoformat()}
    check_replay(slow, clock)

    redate(slow, DAYS[0].replace(day=1), DAYS[0].replace(day=1))
    run(slow, clock)
    assert judged(slow) == untouched


def test_a_drill_takes_nothing(slow: Store, clock: FakeClock) -> None:
    untouched = judged(slow)
    declare(slow, "a", DAYS[4], is_drill=True)
    run(slow, clock)
    assert judged(slow) == untouched


def test_an_outage_takes_its_days_until_it_turns_out_that_there_was_none(slow: Store, clock: FakeClock) -> None:
    untouched = judged(slow)
    break_down(slow, ["a"], DAYS[7], 2, "open")
    run(slow, clock)
    assert taken(slow) == {7: "outage", 8: "outage"}
    check_replay(slow, clock)

    break_down(slow, ["a"], DAYS[7], 1)
    run(slow, clock)
    assert taken(slow) == {7: "outage"}
    declare(slow, "a", DAYS[7])
    run(slow, clock)
    assert taken(slow) == {7: "hazard", 8: "hazard"}  # what a person has declared goes before
    redate(slow, DAYS[0].replace(day=1), DAYS[0].replace(day=1))

    break_down(slow, ["a"], DAYS[7], 1, "retracted")
    run(slow, clock)
    assert judged(slow) == untouched


def test_reasons_of_a_day() -> None:
    both = Suppressed(frozenset({"2026-11-03", "2026-11-05"}), (("2026-11-04", "2026-11-05"), ("2026-11-09", None)))
    found = {number: both.reason(date(2026, 11, number)) for number in range(2, 12)}
    hazard, outage = Suppression.HAZARD, Suppression.OUTAGE
    assert found == dict.fromkeys(range(2, 12)) | {3: outage, 4: hazard, 5: hazard, 9: hazard, 10: hazard, 11: hazard}
