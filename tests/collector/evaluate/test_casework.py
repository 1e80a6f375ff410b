"""People and the fold: a closing is there at once and stays through replay; taking it back leaves no trace in flags."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.domain.casework import CloseReason, Deed
from collector.evaluate import casework
from collector.evaluate.casework import Done, Order, Person
from collector.evaluate.run import evaluate, replay
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS, FLAG_ACTIONS, FLAG_EVENTS, FLAG_WORK, FLAGS, SCHOOL_DAYS
from collector.store.tables.people import AUDIT
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.databases import Database
from tests.fakes.school_days import WIDTH, Town, a_registry, at_ms, bring, weekdays

DAYS = weekdays(date(2026, 11, 24), 20)
OPENED = 12  # the flag is open when so many days are judged
CODE = "00123"
SLOW = 9_000_000
CONFIG = CollectorConfig()
IDS = count(1)


class Desk:
    """A school, and a person."""

    def __init__(self, store: Store, lived: int = 0) -> None:
        self.store, self.clock, self.town = store, FakeClock(at_ms(DAYS[0], "06:00")), Town(store)
        self.town.number = lived * WIDTH
        if lived:
            self.clock.now = at_ms(DAYS[lived - 1], "22:00")

    def live(self, day: date) -> None:
        self.town.day(CODE, day, [SLOW] * WIDTH)
        self.judge(day)

    def judge(self, day: date) -> None:
        self.clock.now = at_ms(day, "22:00")
        assert evaluate(self.store, CONFIG, fake_ports(self.clock)).failed == []

    def person(self, name: str) -> Person:
        return Person(name, self.clock.now, lambda: f"id{next(IDS)}", "UTC")

    def do(self, deed: Deed, name: str = "ana", value: str | None = None, version: int | None = None) -> Done:
        flag = self.flag
        known = {row["flag_id"]: row["version"] for row in self.rows(FLAG_WORK)}
        at = known.get(flag["flag_id"], 0) if version is None else version
        with self.store.unit() as unit:
            done = casework.do(unit, Order(deed, {flag["flag_id"]: at}, value), self.person(name))
            if not done.refused:
                unit.commit()
        return done

    def close(self) -> Done:
        return self.do(Deed.CLOSED, value=CloseReason.MENDED)

    def undo(self, done: Done, name: str = "ana") -> Done:
        with self.store.unit() as unit:
            back = casework.undo(unit, done.batch_id, self.person(name))
            unit.commit()
        return back

    @property
    def flag(self) -> dict[str, Any]:
        return self.rows(FLAGS)[0]

    def rows(self, table: Any) -> list[dict[str, Any]]:
        with self.store.reader() as snapshot:
            found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    def judged(self) -> list[list[dict[str, Any]]]:
        return [self.rows(table) for table in (FLAGS, FLAG_EVENTS, EVALUATIONS, SCHOOL_DAYS)]


def below(store: Store) -> None:
    """Let a school be below its target until its flag is open."""
    desk = Desk(store)
    bring(store, a_registry(f"{CODE},Uno,UTC,120"), desk.clock.now)
    for day in DAYS[:OPENED]:
        desk.live(day)


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    store = database.filled(below)
    yield Desk(store, lived=OPENED)
    store.close()


@pytest.mark.parametrize("hour", ["06:00", "12:00", "23:00"])
def test_a_closing_is_there_at_once_as_the_fold_would_write_it(desk: Desk, hour: str) -> None:
    assert desk.flag["state"] == "open"
    desk.clock.now = at_ms(DAYS[OPENED], hour) if hour < "20" else at_ms(DAYS[OPENED - 1], hour)
    desk.close()
    at_once = desk.judged()
    assert (desk.flag["state"], desk.flag["closed_by"]) == ("closed", "person")
    evaluate(desk.store, CONFIG, fake_ports(desk.clock))
    assert desk.judged() == at_once
    replay(desk.store, CONFIG, fake_ports(desk.clock))
    assert desk.judged() == at_once
    for day in DAYS[OPENED : OPENED + 4]:
        desk.live(day)
    assert [flag["state"] for flag in desk.rows(FLAGS)] == ["closed"]  # quiet
    live = desk.judged()
    replay(desk.store, CONFIG, fake_ports(desk.clock))
    assert desk.judged() == live


@pytest.mark.parametrize("days_later", [0, 1])
def test_a_closing_that_is_taken_back_leaves_nothing_in_what_is_judged(desk: Desk, days_later: int) -> None:
    desk.clock.now = at_ms(DAYS[OPENED - 1], "23:00")
    done = desk.close()
    if days_later:
        desk.live(DAYS[OPENED])
    assert desk.undo(done).count == 1
    assert desk.flag["state"] == "open" and desk.flag["closed_by"] is None
    desk.judge(DAYS[OPENED - 1 + days_later])
    live = desk.judged()
    assert [event["event"] for event in live[1]] == ["opened"]
    replay(desk.store, CONFIG, fake_ports(desk.clock))
    assert desk.judged() == live
    assert {row["action"] for row in desk.rows(FLAG_ACTIONS)} == {"closed", "undone"}  # of one instant, in no order


def test_two_people_at_one_flag_never_overwrite_each_other(desk: Desk) -> None:
    assert desk.do(Deed.TAKEN, "luis", version=0).count == 1
    refused = desk.do(Deed.TAKEN, "ana", version=0)
    assert refused.count == 0 and refused.refused[0].why == "changed"
    assert [act.user_name for act in refused.refused[0].since] == ["luis"]
    (work,) = desk.rows(FLAG_WORK)
    assert (work["owner"], work["version"]) == ("luis", 1)
    assert [row["actor"] for row in desk.rows(AUDIT) if row["action"] == "flag_taken"] == ["luis"]


def test_a_closed_flag_takes_a_note_and_nothing_else(desk: Desk) -> None:
    desk.close()
    assert desk.do(Deed.TAKEN).refused[0].why == "settled"
    assert desk.do(Deed.TICKET, value="T-1").count == 1


def test_undo_is_for_who_did_it_once_and_within_a_day(desk: Desk) -> None:
    done = desk.do(Deed.TAKEN)
    assert desk.undo(done, "luis").count == 0
    assert desk.undo(done).count == 1 and desk.undo(done).count == 0
    done = desk.do(Deed.TAKEN)
    desk.clock.advance(round(timedelta(days=1, seconds=1).total_seconds() * 1000))
    assert desk.undo(done).count == 0
    assert desk.rows(FLAG_WORK)[0]["owner"] == "ana"


def test_a_snoozed_flag_knows_the_moment_at_which_it_comes_back(desk: Desk) -> None:
    desk.do(Deed.SNOOZED, value="2026-12-01")
    assert desk.rows(FLAG_WORK)[0]["snoozed_until_ms"] == at_ms(date(2026, 12, 1), "00:00")


def test_what_people_did_stands_through_a_replay(desk: Desk) -> None:
    desk.do(Deed.GIVEN, value="luis")
    desk.do(Deed.TICKET, value="T-1")
    before = [desk.rows(table) for table in (FLAG_WORK, FLAG_ACTIONS)]
    replay(desk.store, CONFIG, fake_ports(desk.clock))
    assert [desk.rows(table) for table in (FLAG_WORK, FLAG_ACTIONS)] == before
