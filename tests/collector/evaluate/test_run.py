"""The evaluation over a real database: votes, days, verdicts, flags, and the same rows again."""

import json
import random
from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from collector.config import CollectorConfig
from collector.domain.calendars import local_day
from collector.evaluate import run as evaluation
from collector.evaluate.inputs import Reference, SchoolInputs
from collector.evaluate.observe import Days
from collector.evaluate.run import evaluate, replay
from collector.store.open import Store
from collector.store.queries import schools
from collector.store.tables.judgement import (
    EVALUATIONS,
    FLAG_ACTIONS,
    FLAG_EVENTS,
    FLAGS,
    NEWEST_EVALUATIONS,
    PERIOD_VERDICTS,
    SCHOOL_DAYS,
)
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOL_FACTS
from tests.fakes import recount
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import WIDTH, Town, a_registry, at_ms, bring, weekdays

YESTERDAY = date(2026, 11, 24)  # a Tuesday
TODAY = date(2026, 11, 25)
NOON_MS = at_ms(TODAY, "12:00")
CONFIG = CollectorConfig()
FAST, SLOW = 40_000_000, 9_000_000  # the target of a small school is 20 Mbit/s
TABLES = (SCHOOL_DAYS, EVALUATIONS, FLAGS, FLAG_EVENTS)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON_MS)


@pytest.fixture
def town(store: Store) -> Town:
    bring(store, a_registry("00123,Escuela Uno,UTC,120"), at_ms(date(2026, 6, 1), "12:00"))
    return Town(store)


def run(store: Store, clock: FakeClock, **options: Any) -> Any:
    return evaluate(store, CONFIG, fake_ports(clock), **options)


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in found]


def everything(store: Store) -> list[list[dict[str, Any]]]:
    votes = [(row["rid"], row["votes"], row["exclusion"]) for row in rows(store, MEASUREMENTS)]
    return [*(rows(store, table) for table in TABLES), votes]


def verdict_of(store: Store, school: str = "00123") -> dict[str, Any]:
    return [row for row in rows(store, EVALUATIONS) if row["school"] == school][-1]


def test_a_slow_school_is_flagged_and_a_fast_one_is_not(store: Store, town: Town, clock: FakeClock) -> None:
    bring(store, a_registry("b,Escuela Dos,UTC,120"), NOON_MS)
    for day in weekdays(YESTERDAY, 12):
        town.day("00123", day, [SLOW] * WIDTH)
        town.day("b", day, [FAST] * WIDTH)

    report = run(store, clock)

    assert (report.schools, report.failed) == (2, [])
    assert [verdict_of(store, code)["verdict"] for code in ("00123", "b")] == ["BELOW", "MEETS"]
    (flag,) = rows(store, FLAGS)
    assert (flag["school"], flag["state"], flag["severity"]) == ("00123", "open", "severe")
    # Judged first on the fifth day, opened by the second BELOW in a row.
    assert flag["below_since"] == weekdays(YESTERDAY, 12)[4].isoformat()
    assert flag["opened_on"] == weekdays(YESTERDAY, 12)[5].isoformat()
    assert [event["event"] for event in rows(store, FLAG_EVENTS)] == ["opened"]


def test_running_again_changes_nothing_and_finds_nothing_to_do(store: Store, town: Town, clock: FakeClock) -> None:
    for day in weekdays(YESTERDAY, 12):
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    before = everything(store)

    assert run(store, clock).schools == 0
    assert everything(store) == before


@pytest.mark.parametrize("seed", range(3))
def test_deleting_everything_and_replaying_gives_the_same_rows(
    store: Store, town: Town, clock: FakeClock, seed: int
) -> None:
    """The line is slow, then good, then slow: flags open, recover, close; days come in one by one, as in life."""
    random_ = random.Random(seed)
    for number, day in enumerate(weekdays(YESTERDAY, 70)):
        typical = (12, 35, 16)[number // 25] * 1_000_000
        town.day("00123", day, [int(typical * random_.lognormvariate(0, 0.4)) for _ in range(WIDTH)])
        clock.now = at_ms(day, "20:00")
        if number % 3:
            run(store, clock)
    clock.now = NOON_MS
    run(store, clock)
    one_by_one = everything(store)
    assert {"closed"} <= {flag["state"] for flag in rows(store, FLAGS)}

    replay(store, CONFIG, fake_ports(clock))
    assert everything(store) == one_by_one
    run(store, clock, from_day=date(2026, 10, 1))
    assert everything(store) == one_by_one


@pytest.mark.parametrize(
    "lost",
    [(EVALUATIONS,), (EVALUATIONS, FLAGS, FLAG_EVENTS), TABLES, (NEWEST_EVALUATIONS,), (PERIOD_VERDICTS,)],
)
def test_what_somebody_deletes_is_made_again_by_the_next_run(
    store: Store, town: Town, clock: FakeClock, lost: tuple[Any, ...]
) -> None:
    bring(store, a_registry("new,Escuela,UTC,120"), NOON_MS)
    town.day("new", TODAY, [FAST])  # a day that is still going on
    for day in weekdays(YESTERDAY, 12):
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    before = everything(store)
    with store.unit() as unit:
        for table in lost:
            unit.connection.execute(delete(table))
        unit.commit()
    run(store, clock)
    assert everything(store) == before
    recount.check(store)


def test_a_flag_that_somebody_deleted_comes_back_with_the_next_day(store: Store, town: Town, clock: FakeClock) -> None:
    for day in weekdays(YESTERDAY, 12):
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    before = everything(store)
    with store.unit() as unit:
        unit.connection.execute(delete(FLAGS))
        unit.connection.execute(delete(FLAG_EVENTS))
        unit.commit()

    assert run(store, clock, from_day=YESTERDAY).failed == []
    assert everything(store) == before


def test_replay_from_the_middle_of_a_recovery_goes_on_from_there(store: Store, town: Town, clock: FakeClock) -> None:
    days = weekdays(YESTERDAY, 32)
    for number, day in enumerate(days):
        town.day("00123", day, [SLOW if number < 12 else FAST] * WIDTH)
    run(store, clock)
    before = everything(store)
    states = {row["day"]: row["state"] for row in rows(store, EVALUATIONS)}
    assert {"none", "watch", "open", "recovering"} == set(states.values())

    for day in days:
        run(store, clock, from_day=day)
        assert everything(store) == before


def test_late_data_is_folded_from_its_own_day_and_a_flag_is_retracted(
    store: Store, town: Town, clock: FakeClock
) -> None:
    days = weekdays(YESTERDAY, 7)
    for day in days:
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    (flag,) = rows(store, FLAGS)
    assert flag["opened_on"] == days[5].isoformat()

    other = Town(store, device="d2")
    for day in days:
        for _ in range(3):
            other.day("00123", day, [FAST] * WIDTH, "UTC")
    run(store, clock)

    (flag,) = rows(store, FLAGS)
    assert flag["state"] == "retracted"
    assert [event["event"] for event in rows(store, FLAG_EVENTS)] == ["opened", "retracted"]
    again = everything(store)
    run(store, clock, from_day=days[0])
    assert everything(store) == again


def test_old_data_arriving_late_changes_then_and_not_now(store: Store, town: Town, clock: FakeClock) -> None:
    for day in weekdays(YESTERDAY, 10):
        town.day("00123", day, [FAST] * WIDTH)
    run(store, clock)
    assert verdict_of(store)["verdict"] == "MEETS"

    old = weekdays(weekdays(YESTERDAY, 15)[0], 6)
    for day in old:
        town.day("00123", day, [500_000] * 3)
    run(store, clock)

    assert verdict_of(store)["verdict"] == "MEETS"
    assert verdict_of(store)["day"] == YESTERDAY.isoformat()
    assert not [flag for flag in rows(store, FLAGS) if flag["state"] in ("open", "recovering")]
    lows = [row["median_download_bps"] for row in rows(store, SCHOOL_DAYS) if row["day"] <= old[-1].isoformat()]
    assert lows == [500_000] * 6
    assert rows(store, EVALUATIONS)[0]["day"] == old[0].isoformat()


def test_a_day_that_is_not_over_only_says_that_there_is_too_little(store: Store, town: Town, clock: FakeClock) -> None:
    town.day("00123", TODAY, [FAST])
    run(store, clock)
    assert (verdict_of(store)["verdict"], verdict_of(store)["n"]) == ("INSUFFICIENT", 1)
    assert rows(store, SCHOOL_DAYS)[0]["is_final"] is False

    for day in weekdays(YESTERDAY, 11):
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    assert verdict_of(store)["day"] == YESTERDAY.isoformat()

    clock.now = at_ms(TODAY, "17:00")
    run(store, clock)
    assert verdict_of(store)["day"] == TODAY.isoformat()
    assert all(row["is_final"] for row in rows(store, SCHOOL_DAYS))
    assert run(store, clock).schools == 0


def test_why_a_measurement_does_not_vote_stands_beside_it(store: Store, town: Town, clock: FakeClock) -> None:
    at = at_ms(YESTERDAY, "10:00")
    expected = {
        town.measure("00123", at, FAST): None,
        town.measure("00123", at, FAST, trigger="manual"): "manual",
        town.measure("00123", at_ms(YESTERDAY, "22:00"), FAST): "out_of_hours",
        town.measure("00123", at_ms(date(2026, 11, 22), "10:00"), FAST): "closed_day",
        town.measure(None, at, FAST): "not_assigned",
        town.measure("00123", at, FAST, server={"id": "elsewhere"}): "other_server",
        town.measure("00123", at_ms(date(2036, 1, 1), "10:00"), FAST, received_ms=NOON_MS): "time_unsure",
    }
    run(store, clock, reference=Reference("ndt7", "tp1"))
    assert {row["rid"]: row["exclusion"] for row in rows(store, MEASUREMENTS)} == expected
    assert {row["rid"] for row in rows(store, MEASUREMENTS) if row["votes"]} == {next(iter(expected))}
    assert max(row["day"] for row in rows(store, SCHOOL_DAYS)) == YESTERDAY.isoformat()


def test_one_failing_school_does_not_keep_the_others_from_being_judged(
    store: Store, town: Town, clock: FakeClock
) -> None:
    bring(store, a_registry("b,Escuela Dos,UTC,120"), NOON_MS)
    for code in ("00123", "b"):
        town.day(code, YESTERDAY, [FAST] * WIDTH)
    with store.unit() as unit:  # the registry would not let this in
        of_school = SCHOOL_FACTS.c.school == "00123"
        unit.connection.execute(update(SCHOOL_FACTS).where(of_school).values(opening="?"))
        unit.commit()

    report = run(store, clock)

    assert (report.failed, report.schools) == (["00123"], 1)
    assert [row["school"] for row in rows(store, SCHOOL_DAYS)] == ["b"]


def test_facts_are_those_of_each_day(store: Store, town: Town, clock: FakeClock) -> None:
    """From 400 pupils on the profile asks 50 kbit/s for each: a roll that grows moves the target from then on."""
    days = weekdays(YESTERDAY, 8)
    for day in days:
        town.day("00123", day, [FAST] * WIDTH)
    bring(store, a_registry("00123,Escuela Uno,UTC,1200"), at_ms(days[4], "06:00"))
    run(store, clock)
    assert [row["target_bps"] for row in rows(store, EVALUATIONS)] == [20_000_000] * 4 + [60_000_000] * 4


def test_a_time_zone_put_right_moves_measurements_to_their_days(store: Store, town: Town, clock: FakeClock) -> None:
    bring(store, a_registry("lima,Escuela,UTC,120"), at_ms(date(2026, 6, 1), "12:00"))
    town.measure("lima", at_ms(date(2026, 3, 3), "03:30"), FAST)
    town.measure("lima", at_ms(date(2026, 3, 3), "13:30"), FAST)
    run(store, clock)
    assert [row["day"] for row in rows(store, SCHOOL_DAYS)] == ["2026-03-03"]

    bring(store, a_registry("lima,Escuela,America/Lima,120"), NOON_MS)
    run(store, clock)
    assert [row["day"] for row in rows(store, SCHOOL_DAYS)] == ["2026-03-02", "2026-03-03"]
    before = everything(store)
    run(store, clock)
    assert everything(store) == before


def test_a_day_without_local_midnight_appears_once(store: Store, town: Town, clock: FakeClock) -> None:
    bring(store, a_registry("cairo,School,Africa/Cairo,120"), at_ms(date(2026, 4, 1), "12:00"))
    day = date(2026, 4, 24)
    for hour in ("00:30", "08:00", "13:00"):  # UTC; local 03:30, 11:00 and 16:00 of a day that begins at 01:00
        town.measure("cairo", at_ms(day, hour), FAST)
    run(store, clock)
    assert [(row["day"], row["measurements"]) for row in rows(store, SCHOOL_DAYS)] == [("2026-04-24", 3)]


def test_silence_makes_a_flag_stale_and_never_closes_it(store: Store, town: Town, clock: FakeClock) -> None:
    for day in weekdays(YESTERDAY, 12):
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    clock.now = at_ms(date(2026, 12, 1), "20:00")  # five school days later: 25, 26, 27, 30 November, 1 December
    run(store, clock)
    (flag,) = rows(store, FLAGS)
    assert (flag["state"], flag["is_stale"]) == ("open", True)

    town.day("00123", date(2026, 12, 1), [SLOW] * 2)
    run(store, clock)
    (flag,) = rows(store, FLAGS)
    assert (flag["state"], flag["is_stale"]) == ("open", False)


def test_a_person_closes_a_flag_and_replay_keeps_it_closed(store: Store, town: Town, clock: FakeClock) -> None:
    days = weekdays(YESTERDAY, 16)
    for day in days:
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    (flag,) = rows(store, FLAGS)
    of = {name: flag[name] for name in ("flag_id", "school", "kind", "profile", "metric")}
    action = {"action_id": "a1", **of, "at_ms": NOON_MS, "user_name": "operator"}
    with store.unit() as unit:
        unit.connection.execute(
            FLAG_ACTIONS.insert().values(**action, day=days[9].isoformat(), action="closed", note="line replaced")
        )
        unit.commit()
    run(store, clock)
    flags = rows(store, FLAGS)
    closed = next(row for row in flags if row["flag_id"] == flag["flag_id"])
    assert (closed["state"], closed["closed_by"], closed["closed_on"]) == ("closed", "person", days[9].isoformat())
    before = everything(store)

    replay(store, CONFIG, fake_ports(clock))
    assert everything(store) == before


def test_another_profile_is_folded_from_the_beginning_beside_the_first(
    store: Store, town: Town, clock: FakeClock
) -> None:
    for day in weekdays(YESTERDAY, 6):
        town.day("00123", day, [FAST] * WIDTH)
    run(store, clock)
    evaluate(store, CollectorConfig(profile="br-enec-2024"), fake_ports(clock))
    assert {row["profile"]: row["verdict"] for row in rows(store, EVALUATIONS)} == {
        "un-umc-2030": "MEETS",
        "br-enec-2024": "BELOW",
    }


def test_what_a_profile_of_before_had_open_is_taken_back(store: Store, town: Town, clock: FakeClock) -> None:
    for day in weekdays(YESTERDAY, 12):
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    (flag,) = rows(store, FLAGS)
    assert flag["state"] == "open"
    other = CollectorConfig(profile="br-enec-2024")
    evaluate(store, other, fake_ports(clock))
    stands = {row["profile"]: row["state"] for row in rows(store, FLAGS)}
    assert stands == {"un-umc-2030": "retracted", "br-enec-2024": "open"}
    last = [row for row in rows(store, FLAG_EVENTS) if row["flag_id"] == flag["flag_id"]][-1]
    assert (last["event"], json.loads(last["numbers"])) == ("retracted", {"now": "br-enec-2024", "was": "open"})
    before = everything(store)
    assert evaluate(store, other, fake_ports(clock)).schools == 0
    assert everything(store) == before

    run(store, clock)  # the first one again: its flag stands as if it had never been away
    stands = {row["profile"]: row["state"] for row in rows(store, FLAGS)}
    assert stands == {"un-umc-2030": "open", "br-enec-2024": "retracted"}


def test_where_nothing_can_be_judged_nothing_is_done_again(store: Store, town: Town, clock: FakeClock) -> None:
    for day in weekdays(YESTERDAY, 12):
        town.day("00123", day, [SLOW] * WIDTH, trigger="manual")
    assert run(store, clock).schools == 1
    assert run(store, clock).schools == 0
    town.day("00123", YESTERDAY, [SLOW] * WIDTH)
    assert run(store, clock).schools == 1
    with store.unit() as unit:
        unit.connection.execute(delete(EVALUATIONS))
        unit.commit()
    assert run(store, clock).schools == 1
    assert rows(store, EVALUATIONS)


def test_a_school_of_another_time_zone_keeps_no_day_of_the_old_one(store: Store, town: Town, clock: FakeClock) -> None:
    zones = ("Pacific/Honolulu", "Pacific/Auckland", "UTC")
    bring(store, a_registry(f"00123,Escuela Uno,{zones[0]},120"), NOON_MS)
    for day in weekdays(YESTERDAY, 8):
        town.day("00123", day, [SLOW] * WIDTH, zones[1])
    run(store, clock)
    for zone in zones[1:] + zones[:1]:
        bring(store, a_registry(f"00123,Escuela Uno,{zone},120"), NOON_MS)
        run(store, clock)
        assert sum(row["measurements"] for row in rows(store, SCHOOL_DAYS)) == 8 * WIDTH, zone


def test_another_profile_whose_evaluation_was_cut_short_is_folded_again(
    store: Store, town: Town, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(store, a_registry("b,Escuela Dos,UTC,120"), NOON_MS)
    for day in weekdays(YESTERDAY, 6):
        for code in ("00123", "b"):
            town.day(code, day, [FAST] * WIDTH)
    run(store, clock)
    other = CollectorConfig(profile="br-enec-2024")
    fold_batch = evaluation._evaluate_batch

    def killed(store: Store, batch: Any, *rest: Any) -> None:
        fold_batch(store, batch[:1], *rest)
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "_evaluate_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluate(store, other, fake_ports(clock))
    monkeypatch.undo()
    evaluate(store, other, fake_ports(clock))

    judged = {row["school"] for row in rows(store, EVALUATIONS) if row["profile"] == other.profile}
    assert judged == {"00123", "b"}


def test_measurements_that_are_gone_take_their_judgement_with_them(store: Store, town: Town, clock: FakeClock) -> None:
    for day in weekdays(YESTERDAY, 6):
        town.day("00123", day, [SLOW] * WIDTH)
    run(store, clock)
    with store.unit() as unit:
        unit.connection.execute(delete(MEASUREMENTS))
        unit.commit()
    run(store, clock, from_day=date(2026, 1, 1))
    assert rows(store, EVALUATIONS) == rows(store, SCHOOL_DAYS) == []
    assert [flag["state"] for flag in rows(store, FLAGS)] == ["retracted"]


def test_inputs_know_when_a_day_can_bring_no_more_votes(store: Store, town: Town) -> None:
    from collector.evaluate.work import deployment_of
    from collector.profiles import catalogue

    with store.reader() as snapshot:
        deployment = deployment_of(snapshot, CONFIG, catalogue.load(), Reference())
        found = schools.find(snapshot, "00123")
    assert found is not None
    inputs = SchoolInputs(found, (), deployment)
    assert inputs.last_full_day(at_ms(TODAY, "16:59")) == YESTERDAY
    assert inputs.last_full_day(at_ms(TODAY, "17:00")) == TODAY
    assert inputs.last_full_day(at_ms(date(2026, 11, 28), "00:01")) == date(2026, 11, 28)  # a Saturday


# Clocks were put back at midnight, put forward at midnight, and jumped over a whole day.
NIGHTS = (
    ("America/Sao_Paulo", datetime(2018, 2, 17, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 3, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 29, tzinfo=UTC)),
)


@pytest.mark.parametrize(("zone", "begins"), NIGHTS)
def test_days_of_moments_in_order_are_those_of_each_moment(zone: str, begins: datetime) -> None:
    inputs = SimpleNamespace(
        local_day=lambda moment_ms: local_day(moment_ms, ZoneInfo(zone)),
        start_ms=lambda day: round(datetime.combine(day, time(), ZoneInfo(zone)).timestamp() * 1000),
    )
    first = round(begins.timestamp() * 1000)
    moments = range(first, first + 4 * 86_400_000, 7 * 60_000)
    dated = Days(inputs)  # type: ignore[arg-type]
    assert [dated.day_of(one) for one in moments] == [local_day(one, ZoneInfo(zone)) for one in moments]
