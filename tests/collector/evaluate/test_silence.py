"""Silent PCs and the days of their schools: from rows alone, right again whatever was planted, the same in any run."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from collector.config import CollectorConfig
from collector.evaluate.run import evaluate
from collector.store.open import Store
from collector.store.queries import devices
from collector.store.queries.devices import Device
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import CONDITION_DAYS, FLAG_EVENTS, FLAGS, SILENCES
from collector.store.tables.measurements import CONFLICTS, DIARY
from collector.store.tables.sites import NETWORK_DAYS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.happenings import break_down, declare, redate
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import a_registry, at_ms, bring

CODE = "00123"


class World:
    """One school with PCs."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, FakeClock(at_ms(date(2026, 9, 1), "06:00"))
        bring(store, a_registry(f"{CODE},Uno,UTC,120"), self.clock.now)

    def pc(self, name: str, heard: str | None, **facts: Any) -> None:
        given = {"machine_hash": name * 8, "lineages": 1, "os": "Windows 10", **facts}
        heard_ms = moment(heard) if heard else None
        with self.store.unit() as unit:
            made = Device(
                device=name,
                school=CODE,
                state="active",
                enrolled_ms=(heard_ms or moment("11-17 16:00")) - 86_400_000,
                last_contact_ms=heard_ms,
                **given,
            )
            devices.add_device(unit, made)
            unit.commit()

    def hear(self, name: str, at: str) -> None:
        self.do(update(DEVICES).where(DEVICES.c.device == name).values(last_contact_ms=moment(at)))

    def word(self, name: str, state: str, first: str, last: str) -> None:
        row = {
            "device": name, "rid": f"{name}-{first}", "school": CODE, "from_ms": moment(first), "to_ms": moment(last),
            "time_quality": "exact", "received_ms": moment(last), "slots": 1, "slot_s": 300, "state": state,
            "content_hash": "0",
        }  # fmt: skip
        self.do(insert(DIARY).values(**row))

    def do(self, statement: Any) -> None:
        with self.store.unit() as unit:
            unit.connection.execute(statement)
            unit.commit()

    def run(self, at: str) -> None:
        self.clock.now = moment(at)
        assert evaluate(self.store, CollectorConfig(), fake_ports(self.clock)).failed == []

    def rows(self, table: Any) -> list[dict[str, Any]]:
        with self.store.reader() as snapshot:
            found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    def reasons(self, at: str) -> dict[str, str]:
        self.run(at)
        return {row["device"]: row["reason"] for row in self.rows(SILENCES)}

    def flags(self, kind: str = "not_reporting") -> list[str]:
        return [row["state"] for row in self.rows(FLAGS) if row["kind"] == kind]


def moment(text: str) -> int:
    """`11-20 16:30`, UTC, of 2026."""
    return round(datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_nobody_is_late_on_a_sunday_or_before_school_and_then_one_is(world: World) -> None:
    world.pc("d1", "11-20 16:30")
    assert world.reasons("11-22 12:00") == {}
    assert world.reasons("11-23 07:59") == {}
    assert world.reasons("11-23 08:00") == {"d1": "switched_off"}
    (row,) = world.rows(SILENCES)
    assert (row["school_days"], row["others"], row["contact_ms"]) == (1, 0, moment("11-20 16:30"))
    world.hear("d1", "11-23 09:00")
    assert world.reasons("11-23 10:00") == {}


def test_nobody_is_late_in_holidays_that_were_declared_afterwards(world: World) -> None:
    world.pc("d1", "11-18 16:30")
    assert world.reasons("11-23 10:00") == {"d1": "switched_off"}
    assert world.flags() == ["open"]
    with world.store.unit() as unit:
        text = [f"default,2026-11-{day},holiday" for day in (19, 20, 23)]
        import_calendar(unit, a_registry(*text, heading="calendar,date,kind"))
        unit.commit()
    assert world.reasons("11-23 10:30") == {}
    assert world.flags() == ["retracted"]


def test_each_pc_has_its_own_reason(world: World) -> None:
    world.pc("off", "11-20 16:30")
    world.pc("stopped", "11-20 10:30")
    world.pc("heard", "11-24 09:30")
    world.pc("never", None)
    world.pc("portal", "11-20 10:30")
    world.word("portal", "ok", "11-20 10:00", "11-20 10:20")
    world.word("portal", "portal", "11-20 10:20", "11-20 10:30")
    world.pc("old", "11-20 10:30")
    world.pc("new", "11-24 09:00", replaces="old")
    world.do(update(DEVICES).where(DEVICES.c.device == "new").values(enrolled_ms=moment("11-21 09:00")))
    assert world.reasons("11-24 10:00") == {
        "off": "switched_off", "stopped": "agent_stopped", "never": "never_heard", "portal": "portal",
        "old": "replaced",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("last", "others", "reason"),
    [
        ([64511], [64500], "network_changed"),
        ([64500], [64500], "switched_off"),
        ([64511, 64500], [64500], "switched_off"),  # it flaps between two
        ([64511], [], "switched_off"),  # nothing is known of the school
        ([], [64500], "switched_off"),
    ],
)
def test_a_pc_that_was_heard_last_on_another_network_is_elsewhere(
    world: World, last: list[int], others: list[int], reason: str
) -> None:
    world.pc("gone", "11-20 16:30")
    world.pc("stays", "11-24 09:30")
    seen = {"school": CODE, "as_name": "", "in_hours": True}
    rows = [{**seen, "device": "gone", "day": "2026-11-20", "asn": asn} for asn in last]
    rows += [{**seen, "device": "stays", "day": "2026-11-03", "asn": asn} for asn in others]
    if rows:
        world.do(insert(NETWORK_DAYS).values(rows))
    assert world.reasons("11-24 10:00") == {"gone": reason}


def test_a_pc_at_home_in_the_evening_makes_no_network_of_the_school(world: World) -> None:
    """Its own earlier days count as the school's where they were in school hours alone."""
    world.pc("gone", "11-20 16:30")
    seen = {"school": CODE, "device": "gone", "as_name": ""}
    days = [("2026-11-18", 64500, True), ("2026-11-19", 64511, False), ("2026-11-20", 64511, False)]
    rows = [{**seen, "day": day, "asn": asn, "in_hours": in_hours} for day, asn, in_hours in days]
    world.do(insert(NETWORK_DAYS).values(rows))
    assert world.reasons("11-24 10:00") == {"gone": "network_changed"}
    world.do(insert(NETWORK_DAYS).values([{**seen, "day": "2026-11-17", "asn": 64511, "in_hours": True}]))
    assert world.reasons("11-24 10:15") == {"gone": "switched_off"}


def test_pcs_that_fell_silent_together_in_class_tell_of_the_line(world: World) -> None:
    world.pc("d1", "11-20 10:30")
    world.pc("d2", "11-20 10:41")
    assert set(world.reasons("11-23 10:00").values()) == {"no_internet"}


def test_what_was_planted_is_right_after_the_next_run_and_a_second_one_writes_nothing(world: World) -> None:
    world.pc("d1", "11-17 16:30")
    world.pc("d2", None)
    world.run("11-23 10:00")
    tables = (SILENCES, CONDITION_DAYS, FLAGS, FLAG_EVENTS)
    before = [world.rows(table) for table in tables]
    assert world.flags() == ["open"] and len(before[0]) == 2
    world.run("11-23 10:00")
    assert [world.rows(table) for table in tables] == before
    world.do(update(SILENCES).values(reason="portal", school_days=99))
    world.do(update(FLAGS).values(state="closed", closed_on="2026-11-22", closed_by="recovered"))
    world.do(update(CONDITION_DAYS).values(state="good"))
    planted = {**before[0][0], "device": "nobody"}
    world.do(insert(SILENCES).values(**planted))
    world.run("11-23 10:00")
    assert [world.rows(table) for table in tables] == before


def test_a_school_is_not_reporting_after_three_school_days_and_reports_with_one_message(world: World) -> None:
    world.pc("d1", "11-18 16:30")
    world.pc("d2", "11-18 12:00")
    world.run("11-20 18:00")
    assert world.flags() == []  # Thursday and Friday
    world.run("11-22 18:00")
    assert world.flags() == []
    world.run("11-23 07:30")
    assert world.flags() == []
    world.run("11-23 08:30")
    assert world.flags() == ["open"]
    numbers = [row for row in world.rows(CONDITION_DAYS) if row["day"] == "2026-11-23" and row["state"] == "bad"]
    assert numbers[0]["numbers"] == '{"heard_on": "2026-11-18", "pcs": 2, "silent_days": 3}'
    world.hear("d2", "11-24 08:10")
    world.run("11-24 09:00")
    assert world.flags() == ["closed"]


def test_what_a_pc_brings_back_takes_the_flag_back(world: World) -> None:
    world.pc("d1", "11-18 16:30")
    world.run("11-23 09:00")
    assert world.flags() == ["open"]
    for day in ("19", "20", "23"):
        world.word("d1", "no_internet", f"11-{day} 08:00", f"11-{day} 12:00")
    world.hear("d1", "11-24 08:10")
    world.run("11-24 09:00")
    assert world.flags() == ["retracted"]


def test_hours_in_which_a_pc_was_off_are_no_sign_of_life(world: World) -> None:
    world.pc("d1", "11-18 16:30")
    world.word("d1", "off", "11-19 08:00", "11-23 08:00")
    world.run("11-23 09:00")
    assert world.flags() == ["open"]


def test_doubtful_data_opens_a_flag_and_right_data_closes_it(world: World) -> None:
    world.pc("d1", "11-18 10:00", clock_offset_ms=20 * 60_000)
    world.pc("d2", "11-18 10:00", clock_offset_ms=100)
    days = [date(2026, 11, 18) + timedelta(days=passed) for passed in range(7)]
    for at, day in enumerate(day for day in days if day.weekday() < 5):
        if at == 1:
            conflict = {"device": "d2", "rid": "r", "content_hash": "1", "body": "{}"}
            world.do(insert(CONFLICTS).values(**conflict, received_ms=at_ms(day, "10:00")))
        if at == 2:
            world.do(update(DEVICES).values(clock_offset_ms=0))
        for name in ("d1", "d2"):
            world.hear(name, f"{day:%m-%d} 10:00")
        world.run(f"{day:%m-%d} 11:00")
        assert world.flags("data_quality") == [[], ["open"], ["recovering"], ["recovering"], ["closed"]][at]
    opened = next(row for row in world.rows(FLAG_EVENTS) if row["event"] == "opened")
    assert opened["numbers"] == '{"doubts": ["copied_identity", "wrong_clock"], "heard": 2, "pcs": ["d1", "d2"]}'


@pytest.mark.parametrize("state", ["open", "closed"])
def test_silence_in_an_outage_is_no_fault_of_the_pcs(world: World, state: str) -> None:
    world.pc("d1", "11-18 08:50")
    break_down(world.store, [CODE], date(2026, 11, 18), 9, state)
    assert world.reasons("11-26 10:00") == {"d1": "outage" if state == "open" else "unknown"}
    assert world.flags() == []
    break_down(world.store, [CODE], date(2026, 11, 18), 9, "retracted")
    assert world.reasons("11-26 11:00") == {"d1": "unknown"}
    assert world.flags() == ["open"]


def test_a_hazard_keeps_the_flag_of_silent_pcs_from_opening_and_closing(world: World) -> None:
    world.pc("d1", "11-16 16:30")
    declare(world.store, CODE, date(2026, 11, 18), date(2026, 11, 24))
    world.run("11-26 07:00")
    assert world.flags() == []  # one silent day before the hazard, one behind it
    redate(world.store, date(2026, 11, 24), date(2026, 11, 24))
    world.run("11-26 07:30")
    assert world.flags() == ["open"]
