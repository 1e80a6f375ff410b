"""The law of replay: whatever happened in whatever order, folding it all again from nothing gives the same rows."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.domain.words import DayKind
from collector.evaluate.run import evaluate, replay
from collector.store.open import Store
from collector.store.tables.hazards import HAZARDS
from collector.store.tables.judgement import CONDITION_DAYS, EVALUATIONS, FLAG_ACTIONS, FLAG_EVENTS, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from tests.fakes import happenings, recount
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.empty_store import empty_store
from tests.fakes.records import a_measurement
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import WIDTH, Town, a_registry, at_ms, bring, weekdays

LAST = date(2026, 11, 24)  # a Tuesday
DAYS = weekdays(LAST, 24)
CODE = "00123"
HEADING = "code,name,timezone,students_total,opening,area,technology"
FAST, MIDDLE, SLOW = 60_000_000, 25_000_000, 9_000_000
ROLLS = ("120", "600", "1500", "")  # targets of 20, 30, 75 and an estimated 20 Mbit/s
HOURS = ("", "mon-fri 07:00-12:00", "mon-sat 10:00-18:00")
CONFIG = CollectorConfig()
QUICK, LATE = (a_measurement()["loaded"] | {"download_p95_ms": ms} for ms in (150.0, 600.0))


class Life:
    """One school as time goes by."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.random = store, Random(seed)
        self.clock = FakeClock(at_ms(DAYS[0], "06:00"))
        self.town, self.late = Town(store), Town(store, device="d2")
        self.roll, self.hours, self.area, self.zone, self.actions = "120", "", "Sur", "UTC", 0
        self.register()
        for day in (DAYS[6], DAYS[17]):
            self.calendar(day, "Sur", "holiday")

    def register(self) -> None:
        row = f"{CODE},Uno,{self.zone},{self.roll},{self.hours},{self.area},"
        bring(self.store, a_registry(row, heading=HEADING), self.clock.now)

    def calendar(self, day: date, name: str, kind: str) -> None:
        with self.store.unit() as unit:
            import_calendar(unit, a_registry(f"{name},{day.isoformat()},{kind}", heading="calendar,date,kind"))
            unit.commit()

    def act(self, day: date, action: str) -> None:
        flags = [row for row in self.rows(FLAGS) if row["state"] in ("open", "recovering")]
        if not flags:
            return
        self.actions += 1
        row = {"action_id": f"a{self.actions}", "flag_id": flags[0]["flag_id"], "at_ms": self.clock.now}
        of = {name: flags[0][name] for name in ("school", "kind", "profile", "metric")}
        values = {**row, **of, "day": day.isoformat(), "user_name": "operator", "action": action, "note": "why"}
        with self.store.unit() as unit:
            unit.connection.execute(FLAG_ACTIONS.insert().values(**values))
            unit.commit()

    def happen(self, what: str, day: date) -> None:
        past = DAYS[: DAYS.index(day) + 1]
        match what:
            case "late":
                speeds = [self.random.choice((FAST, SLOW))] * self.random.randint(1, WIDTH)
                self.late.day(CODE, self.random.choice(past), speeds)
            case "roll":
                self.roll = self.random.choice(ROLLS)
                self.register()
            case "hours":
                self.hours = self.random.choice(HOURS)
                self.register()
            case "area":
                self.area = "Norte" if self.area == "Sur" else "Sur"
                self.register()
            case "zone":
                self.zone = self.random.choice(("UTC", "Africa/Lagos", "Atlantic/Azores"))
                self.register()
            case "calendar":
                name, kind = self.random.choice(("default", self.area, CODE)), self.random.choice(tuple(DayKind))
                self.calendar(self.random.choice((*past, *DAYS)), name, kind)
            case "hazard" | "outage":
                self.befall(what, past)
            case "closed" | "acknowledged":
                self.act(day, what)
            case "again":
                self.run(from_day=self.random.choice(past))

    def befall(self, what: str, past: list[date]) -> None:
        if what == "outage":
            state = self.random.choice(("open", "closed", "retracted"))
            happenings.break_down(self.store, [CODE], self.random.choice(past), self.random.randint(1, 4), state)
            return
        first, last = sorted((self.random.choice(past), self.random.choice(past)))
        dates = first, self.random.choice((last, None))
        if self.rows(HAZARDS):
            happenings.redate(self.store, *dates)
        else:
            happenings.declare(self.store, CODE, *dates)

    def run(self, **options: Any) -> None:
        assert evaluate(self.store, CONFIG, fake_ports(self.clock), **options).failed == []

    def rows(self, table: Any) -> list[dict[str, Any]]:
        with self.store.reader() as snapshot:
            found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    def judged(self) -> dict[str, Any]:
        """Return all that was worked out. What was retracted tells of an earlier state of the data: it is history."""
        recount.check(self.store)
        flags = [row for row in self.rows(FLAGS) if row["state"] != "retracted"]
        ids = {row["flag_id"] for row in flags}
        events = [row for row in self.rows(FLAG_EVENTS) if row["flag_id"] in ids]
        votes = [(row["device"], row["rid"], row["votes"], row["exclusion"]) for row in self.rows(MEASUREMENTS)]
        return {
            "days": self.rows(SCHOOL_DAYS),
            "evaluations": self.rows(EVALUATIONS),
            "flags": flags,
            "events": events,
            "votes": votes,
            "delays": [row for row in self.rows(CONDITION_DAYS) if row["kind"] == "poor_quality"],
        }


TIMES = ("09:00", "20:00", "22:00")  # before, when and after the day is judged
WHAT = ("late", "roll", "hours", "area", "zone", "calendar", "hazard", "outage", "closed", "acknowledged", "again")
plans = st.lists(st.tuples(st.integers(0, len(DAYS) - 1), st.sampled_from(WHAT), st.sampled_from(TIMES)), max_size=8)


@contextmanager
def a_life(seed: int) -> Iterator[Life]:
    with tempfile.TemporaryDirectory() as directory:
        store = empty_store(Path(directory) / "data")
        try:
            yield Life(store, seed)
        finally:
            store.close()


def live(life: Life, plan: list[tuple[int, str, str]], seed: int) -> None:
    lines = (SLOW, FAST, MIDDLE, SLOW)
    random = Random(seed + 1)
    for number, day in enumerate(DAYS):
        typical = lines[(number + seed) // 9 % len(lines)]
        count = random.choice((0, 1, WIDTH, WIDTH))
        if count:
            speeds = [int(typical * random.lognormvariate(0, 0.3)) for _ in range(count)]
            life.town.day(CODE, day, speeds, loaded=LATE if typical == SLOW else QUICK)
        for hour in TIMES:
            life.clock.now = at_ms(day, hour)
            for _at, what, _hour in [one for one in plan if (one[0], one[2]) == (number, hour)]:
                life.happen(what, day)
            if hour != TIMES[-1] and random.random() < 0.6:
                life.run()
    life.clock.now = at_ms(LAST, "23:30")
    life.run()


def test_a_closing_outlives_the_flag_that_late_data_took_away() -> None:
    """A holiday that is declared afterwards takes the flag's first day away; the closing still counts in a replay."""
    plan = [(14, "again", "20:00"), (9, "hours", "22:00"), (10, "area", "20:00"), (21, "area", "20:00")]
    plan += [(19, "closed", "09:00"), (22, "calendar", "22:00"), (7, "again", "22:00"), (10, "again", "22:00")]
    with a_life(seed=32) as life:
        live(life, plan, seed=32)
        one_by_one = life.judged()
        assert "retracted" in {row["state"] for row in life.rows(FLAGS)}
        replay(life.store, CONFIG, fake_ports(life.clock))
        assert life.judged() == one_by_one


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(plan=plans, seed=st.integers(0, 99))
def test_day_by_day_and_all_at_once_are_the_same(plan: list[tuple[int, str, str]], seed: int) -> None:
    with a_life(seed) as life:
        live(life, plan, seed)
        one_by_one = life.judged()
        replay(life.store, CONFIG, fake_ports(life.clock))
        assert life.judged() == one_by_one


@pytest.mark.parametrize("what", WHAT)
def test_each_kind_of_change_is_replayed_alike(store: Store, what: str) -> None:
    plan = [(at, what, hour) for at in (8, 14, 20) for hour in TIMES]
    life = Life(store, seed=0)
    live(life, plan, seed=0)
    one_by_one = life.judged()
    assert {"watch", "open"} <= {row["state"] for row in one_by_one["evaluations"]}
    replay(life.store, CONFIG, fake_ports(life.clock))
    assert life.judged() == one_by_one
