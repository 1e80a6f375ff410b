"""Days to flags: opened, closed, taken back and right again whatever stood there; a second run writes nothing."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from collector.config import CollectorConfig
from collector.domain.casework import CloseReason, Deed
from collector.domain.conditions import ConditionKind, DayState, Observed
from collector.evaluate import casework, conditions, daily
from collector.evaluate.casework import Done, Order, Person
from collector.evaluate.run import evaluate, replay
from collector.store.open import Store
from collector.store.queries.judging.condition_days import Series
from collector.store.tables.judgement import CONDITION_DAYS, FLAG_ACTIONS, FLAG_EVENTS, FLAGS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import a_registry, at_ms, bring

KIND = ConditionKind.SITE_UNREACHABLE  # opens after 3, closes after 2
MONDAY = date(2026, 11, 2)
AS_OF = date(2026, 11, 24)
CODE = "00123"
LETTERS = {"b": DayState.BAD, "g": DayState.GOOD, "u": DayState.UNKNOWN}
IDS = count(1)


def days(letters: str, first: date = MONDAY) -> list[Observed]:
    return [
        Observed(first + timedelta(days=at), LETTERS[letter], {"tried": at, "severity": "serious"})
        for at, letter in enumerate(letters)
    ]


@pytest.fixture
def school(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two schools whose days these tests write: those that the facts give would take them away again."""
    monkeypatch.setattr(daily, "WRITERS", {})
    bring(store, a_registry(f"{CODE},Uno,UTC,120", "00124,Dos,UTC,80"), at_ms(MONDAY, "06:00"))
    return store


def write(store: Store, letters: str, subject: str = "moodle", first: date = MONDAY, code: str = CODE) -> int:
    with store.unit() as unit:
        changed = conditions.write_days(unit, KIND, {Series(code, subject): days(letters, first)}, first)
        unit.commit()
    return changed


def fold(store: Store) -> int:
    return conditions.fold_all(store, [KIND], AS_OF)


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found]


def judged(store: Store) -> list[list[dict[str, Any]]]:
    return [rows(store, table) for table in (FLAGS, FLAG_EVENTS)]


def states(store: Store) -> list[str]:
    return [flag["state"] for flag in sorted(rows(store, FLAGS), key=lambda flag: (flag["opened_on"], flag["metric"]))]


def test_days_become_a_flag_with_the_numbers_of_each_event(school: Store) -> None:
    write(school, "gbbbbgg")
    assert fold(school) == 1
    (flag,) = rows(school, FLAGS)
    expected = {"school": CODE, "kind": "site_unreachable", "profile": "", "metric": "moodle", "state": "closed"}
    expected |= {"below_since": "2026-11-03", "opened_on": "2026-11-05", "closed_on": "2026-11-08"}
    assert {name: flag[name] for name in expected} == expected
    assert (flag["closed_by"], flag["severity"], flag["last_day"]) == ("recovered", "serious", "2026-11-08")
    events = rows(school, FLAG_EVENTS)
    assert [event["event"] for event in events] == ["opened", "recovering", "closed"]
    assert events[0]["numbers"] == '{"severity": "serious", "tried": 3}'


def test_a_second_run_changes_no_row_and_says_so(school: Store) -> None:
    assert write(school, "bbbb") == 4
    fold(school)
    before = judged(school)
    assert write(school, "bbbb") == 0 and fold(school) == 0
    assert judged(school) == before


def test_each_subject_of_a_school_has_flags_of_its_own(school: Store) -> None:
    write(school, "bbb", "moodle")
    write(school, "bbgg", "library")
    write(school, "bbb", "moodle", code="00124")
    fold(school)
    assert [(flag["school"], flag["metric"]) for flag in rows(school, FLAGS)].count((CODE, "moodle")) == 1
    assert len(rows(school, FLAGS)) == 2


PLANTED: list[tuple[str, Any]] = [
    ("closed", update(FLAGS).values(state="closed", closed_on="2026-11-20", closed_by="person")),
    ("severe", update(FLAGS).values(severity="severe", state_count=7)),
    ("stale", update(FLAGS).values(is_stale=True)),
    ("gone", delete(FLAGS)),
    ("no events", delete(FLAG_EVENTS)),
    ("other events", update(FLAG_EVENTS).values(event="closed")),
    ("other numbers", update(FLAG_EVENTS).values(numbers="{}")),
]


@pytest.mark.parametrize("planted", [one for _name, one in PLANTED], ids=[name for name, _one in PLANTED])
def test_what_was_planted_is_right_after_the_next_run(school: Store, planted: Any) -> None:
    write(school, "bbbbg")
    fold(school)
    before = judged(school)
    with school.unit() as unit:
        unit.connection.execute(planted)
        unit.commit()
    assert judged(school) != before
    fold(school)
    assert judged(school) == before


def test_a_flag_that_nothing_speaks_for_is_taken_back(school: Store) -> None:
    write(school, "bbb")
    fold(school)
    (flag,) = rows(school, FLAGS)
    with school.unit() as unit:
        unit.connection.execute(
            insert(FLAGS).values(**{**flag, "flag_id": "planted", "opened_on": "2026-11-09", "metric": "library"})
        )
        unit.commit()
    fold(school)
    assert {row["flag_id"]: row["state"] for row in rows(school, FLAGS)} == {
        flag["flag_id"]: "open",
        "planted": "retracted",
    }
    assert fold(school) == 0


def test_late_days_take_a_flag_back_and_bring_it_again(school: Store) -> None:
    write(school, "bbbb")
    fold(school)
    before = judged(school)
    write(school, "bgbb")
    fold(school)
    assert states(school) == ["retracted"]
    assert rows(school, FLAGS)[0]["closed_on"] == AS_OF.isoformat()
    taken_back = judged(school)
    assert fold(school) == 0 and judged(school) == taken_back
    write(school, "bbbb")
    fold(school)
    assert judged(school) == before


def test_days_that_say_nothing_any_more_go_and_others_stay(school: Store) -> None:
    write(school, "bbb")
    write(school, "bbb", "library")
    with school.unit() as unit:
        assert conditions.write_days(unit, KIND, {Series(CODE, "moodle"): []}, MONDAY + timedelta(days=1)) == 2
        unit.commit()
    left = [(row["subject"], row["day"]) for row in rows(school, CONDITION_DAYS)]
    assert left == [("library", f"2026-11-0{day}") for day in (2, 3, 4)] + [("moodle", "2026-11-02")]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_arrival_gives_the_same_rows(school: Store, seed: int) -> None:
    random = Random(seed)
    life = "".join(random.choices("bgu", weights=(5, 3, 2), k=24))
    write(school, life)
    fold(school)
    at_once = judged(school)
    with school.unit() as unit:
        for table in (CONDITION_DAYS, FLAGS, FLAG_EVENTS):
            unit.connection.execute(delete(table))
        unit.commit()
    for at in random.sample(range(len(life)), len(life)):
        one = days(life)[at]
        with school.unit() as unit:
            conditions.write_days(unit, KIND, {Series(CODE, "moodle"): [one]}, one.day, one.day)
            unit.commit()
        if random.random() < 0.3:
            fold(school)
    fold(school)
    standing = [{**flag} for flag in rows(school, FLAGS) if flag["state"] != "retracted"]
    assert standing == at_once[0]
    names = {flag["flag_id"] for flag in standing}
    assert [event for event in rows(school, FLAG_EVENTS) if event["flag_id"] in names] == at_once[1]


class Desk:
    """A person at a flag."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, FakeClock(at_ms(MONDAY + timedelta(days=2), "22:00"))

    def do(self, deed: Deed, value: str | None = None) -> Done:
        flag_id, version = rows(self.store, FLAGS)[0]["flag_id"], len(rows(self.store, FLAG_ACTIONS))
        with self.store.unit() as unit:
            done = casework.do(unit, Order(deed, {flag_id: version}, value), self.person)
            unit.commit()
        assert done.count == 1
        return done

    @property
    def person(self) -> Person:
        return Person("ana", self.clock.now, lambda: f"id{next(IDS)}", "UTC")

    def undo(self, done: Done) -> None:
        with self.store.unit() as unit:
            assert casework.undo(unit, done.batch_id, self.person).count == 1
            unit.commit()


def run(store: Store, clock: FakeClock, letters: Sequence[str] = ()) -> None:
    assert evaluate(store, CollectorConfig(), fake_ports(clock)).failed == []


def test_a_closing_is_there_at_once_and_survives_replay(school: Store) -> None:
    write(school, "bbb")
    desk = Desk(school)
    run(school, desk.clock)
    desk.do(Deed.CLOSED, CloseReason.ACCEPTED)
    at_once = judged(school)
    assert rows(school, FLAGS)[0]["closed_by"] == "person"
    run(school, desk.clock)
    assert judged(school) == at_once
    replay(school, CollectorConfig(), fake_ports(desk.clock))
    assert judged(school) == at_once
    write(school, "bbb" + "b" * 14)
    run(school, desk.clock)
    assert states(school) == ["closed", "open"]  # quiet for ten days, then three days more
    live = judged(school)
    replay(school, CollectorConfig(), fake_ports(desk.clock))
    assert judged(school) == live


def test_a_closing_that_is_taken_back_leaves_nothing(school: Store) -> None:
    write(school, "bbbbg")
    desk = Desk(school)
    run(school, desk.clock)
    before = judged(school)
    desk.clock.now = at_ms(MONDAY + timedelta(days=5), "12:00")
    desk.undo(desk.do(Deed.CLOSED, CloseReason.MENDED))
    run(school, desk.clock)
    assert judged(school) == before


def test_the_speed_flags_leave_the_others_alone(school: Store) -> None:
    write(school, "bbb")
    desk = Desk(school)
    run(school, desk.clock)
    before = judged(school)
    evaluate(school, CollectorConfig(profile="uk-dfe"), fake_ports(desk.clock))
    assert judged(school) == before  # another profile takes back what the one before had opened, and that alone
