"""The drill in simulated time through the real code: posts come in, the watch runs by an injected clock."""

import random
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Executable, delete, insert, update

from collector.domain.outages.withdrawn import Why, Withdrawn
from collector.domain.words import Suppression
from collector.evaluate import outages as evaluation
from collector.evaluate import work
from collector.evaluate.inputs import Reference, SchoolInputs
from collector.profiles import catalogue
from collector.store.open import Store
from collector.store.queries import facts, schools
from collector.store.queries.judging import suppressions
from collector.store.queries.notices.outages import known_outages
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.registry import SCHOOLS
from tests.fakes.collector_world import FakeClock
from tests.fakes.happenings import outage_rows
from tests.fakes.outage_island import CONFIG, MINUTE_MS, ZONE, Island, at, nobody
from tests.fakes.registry_files import import_calendar, import_schools
from tests.fakes.wire_device import a_deployment

DAY_MS = 86_400_000


def an_island(store: Store, *, signs: bool = False) -> Island:
    """Return forty schools at 08:39 on a morning on which nothing has happened."""
    clock = FakeClock(at("08:00"))
    parts = a_deployment(store, clock, default_timezone=ZONE) if signs else None
    island = Island(store, clock, parts)
    island.settle()
    island.pass_until(at("08:39"), every_min=10)  # what is posted in the minute that begins now is lost
    assert island.rows() == []
    return island


@pytest.fixture
def island(store: Store) -> Island:
    return an_island(store)


def suppressed(store: Store) -> dict[str, dict[str, str]]:
    with store.reader() as snapshot:
        found = suppressions.outage_days(snapshot)
    return {school: dict.fromkeys(sorted(days), "outage") for school, days in found.items()}


def on_hold(store: Store) -> set[str]:
    with store.reader() as snapshot:
        return suppressions.on_hold(snapshot)


def test_a_provider_that_fails_is_one_outage_within_a_quarter_of_an_hour(store: Store) -> None:
    island = an_island(store, signs=True)
    island.pass_until(at("08:55"), island.is_not_cut)

    (row,) = island.rows()
    assert (row["label"], row["state"], row["provider"]) == ("provider", "open", "Onda Sur")
    assert row["online"] == 20 and row["silent"] in (19, 20)
    assert row["near_online"] >= 19 and row["near_silent"] == 0
    assert abs(row["from_ms"] - at("08:40")) <= 5 * MINUTE_MS
    assert on_hold(store) <= set(island.cut) and len(on_hold(store)) >= 19

    island.pass_until(at("10:20"), island.is_not_cut, every_min=5)
    island.pass_until(at("11:10"), every_min=5)
    (row,) = island.rows()
    assert row["state"] == "closed" and row["silent"] == 20
    assert abs(row["to_ms"] - at("10:25")) <= 10 * MINUTE_MS
    assert row["pupil_hours"] == pytest.approx(20 * 100 * 1.75, rel=0.1)
    closed = {(fact.outage_id, fact.closed_ms, fact.pupil_hours) for fact in island.facts if fact.closed_ms}
    assert {fact.outage_id for fact in island.facts} == {row["outage_id"]}
    assert closed == {(row["outage_id"], row["to_ms"], row["pupil_hours"])}
    assert on_hold(store) == set()
    assert suppressed(store) == {code: {"2026-11-24": "outage"} for code in island.cut}


def test_the_watch_run_twice_or_again_from_the_start_gives_the_same_rows(island: Island, store: Store) -> None:
    island.pass_until(at("09:50"), island.is_not_cut)
    island.pass_until(at("10:40"))
    once = island.rows(), island.rows(OUTAGE_SCHOOLS)
    assert once[0][0]["state"] == "closed"
    assert evaluation.watch(store, CONFIG, island.ports) == []
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == once

    island.watch_again(at("08:30"))
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == once


def test_a_clock_that_was_ahead_for_a_moment_lets_nobody_stop_watching(island: Island, store: Store) -> None:
    island.clock.now += DAY_MS
    evaluation.watch(store, CONFIG, island.ports)
    island.clock.now -= DAY_MS
    island.pass_until(at("09:05"), island.is_not_cut)
    (row,) = island.rows()
    assert (row["label"], row["state"], row["silent"]) == ("provider", "open", 20)


def test_a_collector_that_was_away_for_an_hour_blames_no_school(island: Island, store: Store) -> None:
    island.pass_until(at("09:40"), nobody, is_watched=False)
    island.pass_until(at("10:30"))

    (row,) = island.rows()
    assert (row["label"], row["area"], row["provider"]) == ("collector", "", "")
    assert row["pupil_hours"] is None and row["state"] == "closed"
    assert suppressed(store) == {}


def test_a_watch_that_rested_while_schools_were_heard_finds_the_same(island: Island) -> None:
    island.pass_until(at("09:10"), island.is_not_cut, is_watched=False)
    island.facts += evaluation.watch(island.store, CONFIG, island.ports)
    (row,) = island.rows()
    assert (row["label"], row["silent"]) == ("provider", 20)


def test_late_diaries_in_any_order_give_the_same_rows(island: Island, store: Store) -> None:
    """Half of the computers turn out to have been switched off; the lines of the others were gone for longer."""
    island.pass_until(at("09:20"), island.is_not_cut, every_min=5)
    island.pass_until(at("10:00"), every_min=5)
    (live,) = island.rows()
    late = [(code, "off" if number < 10 else "no_internet") for number, code in enumerate(island.cut)]
    random.Random(3).shuffle(late)
    for number, (code, state) in enumerate(late):
        island.add_diary(code, at("08:30"), at("09:30"), state)
        if number % 6 == 0:
            island.pass_until(island.clock.now_ms() + MINUTE_MS)
    island.pass_until(at("10:10"))
    (row,) = island.rows()
    assert (row["silent"], row["confirmed"]) == (10, 10)
    assert row["learnt_ms"] is not None and row["outage_id"] == live["outage_id"]
    assert row["from_ms"] == at("08:30") and row["to_ms"] == at("09:30")
    members = island.rows(OUTAGE_SCHOOLS)
    assert {one["said"] for one in members} == {"off", "down"}
    assert set(suppressed(store)) == {code for code, state in late if state != "off"}

    island.watch_again(at("08:30"))
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == ([row], members)


def test_computers_that_were_switched_off_were_no_outage(island: Island, store: Store) -> None:
    island.pass_until(at("09:20"), island.is_not_cut, every_min=5)
    island.pass_until(at("10:00"), every_min=5)
    told = len(island.facts)
    for code in island.cut:
        island.add_diary(code, at("08:35"), at("09:25"), "off")
    island.pass_until(at("10:02"))
    (row,) = island.rows()
    assert (row["state"], row["silent"], row["pupil_hours"]) == ("retracted", 0, 0.0)
    assert all(fact.learnt_late for fact in island.facts[told:])
    assert suppressed(store) == {}


def told_by_diaries(island: Island, word: str) -> dict[str, Any]:
    """Let the schools that were cut be back, and their diaries say what it was; return the outage as it is then."""
    island.pass_until(at("09:20"), island.is_not_cut, every_min=5)
    island.pass_until(at("10:00"), every_min=5)
    for code in island.cut:
        island.add_diary(code, at("08:35"), at("09:25"), word)
    island.pass_until(at("10:02"))
    (row,) = island.rows()
    return row


def test_a_page_to_sign_in_at_confirms_no_outage_and_is_named_where_it_is_taken_back(
    island: Island, store: Store
) -> None:
    """As for the availability: a filter, or a server in front of ours, answers like it in every school at once."""
    row = told_by_diaries(island, "portal")
    assert (row["state"], row["label"], row["confirmed"], row["pupil_hours"]) == ("retracted", "provider", 0, 0.0)
    assert suppressed(store) == {}
    with store.reader() as snapshot:
        (fact,) = known_outages(snapshot, at("10:02"))
    assert fact.withdrawn == Withdrawn(Why.PORTAL, 0, 0, 20)


def test_lines_that_were_fine_while_we_could_not_be_reached_make_it_ours(island: Island, store: Store) -> None:
    row = told_by_diaries(island, "collector_down")
    assert (row["label"], row["pupil_hours"]) == ("collector", None)
    assert suppressed(store) == {}


def test_an_outage_with_good_lines_in_the_middle_becomes_two_and_the_second_wakes_nobody(
    island: Island, store: Store
) -> None:
    island.pass_until(at("10:20"), island.is_not_cut, every_min=5)
    island.pass_until(at("11:10"), every_min=5)
    told = len(island.facts)
    for code in island.cut:
        for start, end, state in (
            ("08:40", "09:10", "no_gateway"),
            ("09:10", "09:50", "ok"),
            ("09:50", "10:20", "no_internet"),
            ("10:20", "10:40", "ok"),
        ):
            island.add_diary(code, at(start), at(end), state)
    island.pass_until(at("11:12"))
    spans = {(row["from_ms"], row["to_ms"], row["seen_live"]) for row in island.rows()}
    assert spans == {(at("08:40"), at("09:10"), True), (at("09:50"), at("10:20"), False)}
    late = [fact for fact in island.facts[told:] if fact.learnt_late]
    assert len(late) == 1


def test_a_day_lost_to_an_outage_is_not_judged(island: Island, store: Store) -> None:
    day = {"school": "S000", "day": "2026-11-24", "is_open": True, "measurements": 0, "voting": 0, "is_final": True}
    with store.unit() as unit:
        unit.connection.execute(insert(SCHOOL_DAYS).values(**day))
        unit.commit()
    island.pass_until(at("10:10"), island.is_not_cut, every_min=10)
    evaluation.watch(store, CONFIG, island.ports)
    (row,) = island.rows(SCHOOL_DAYS)
    assert not row["is_final"]  # the next evaluation folds it again
    with store.reader() as snapshot:
        deployment = work.deployment_of(snapshot, CONFIG, catalogue.load(), Reference())
        found = schools.by_code(snapshot, ["S000", "S039"])
        dated = schools.facts_of(snapshot, found)
    local = SchoolInputs(found["S000"], dated["S000"], deployment).local_day(at("09:00"))
    reasons = [SchoolInputs(found[code], dated[code], deployment).at(local).suppression for code in ("S000", "S039")]
    assert reasons == [Suppression.OUTAGE, None]


def over(island: Island) -> dict[str, object]:
    """Let the outage of twenty schools pass from 08:40 to 10:20, and be over; return its row."""
    island.pass_until(at("08:55"), island.is_not_cut)
    island.pass_until(at("10:20"), island.is_not_cut, every_min=15)
    island.pass_until(at("12:30"), every_min=10)
    return the_row(island)


def the_row(island: Island) -> dict[str, object]:
    (row,) = [one for one in island.rows() if one["provider"] == "Onda Sur"]
    return row


def a_turn(island: Island, minutes: int = 16) -> dict[str, object]:
    """Let the next turn come in which all outages are worked out again; return the row of the one of twenty."""
    island.pass_until(island.clock.now_ms() + minutes * MINUTE_MS, is_watched=False)
    island.facts += evaluation.watch(island.store, CONFIG, island.ports)
    return the_row(island)


def bring(island: Island, what: str) -> None:
    """Import schools of the provider that failed: `what` is the end of the header, then that of each line."""
    header, line = what.split(":", 1)
    rows = [f"{code},School {code},Costa Sur,Onda Sur,{line}" for code in island.cut]
    with island.store.unit() as unit:
        text = "\n".join([f"code,name,area,provider,{header}", *rows])
        import_schools(unit, text.encode(), now_ms=island.clock.now_ms(), default_timezone=ZONE)
        unit.commit()


def test_what_an_outage_took_follows_from_calendars_zones_and_the_hours_of_its_day(
    island: Island, store: Store
) -> None:
    before = over(island)
    assert before["state"] == "closed" and before["pupil_hours"] == pytest.approx(20 * 100 * 1.75, rel=0.1)
    with store.unit() as unit:
        import_calendar(unit, b"calendar,date,kind,note\ndefault,2026-11-24,holiday,\n")
        unit.commit()
    row = a_turn(island)
    assert (row["pupil_hours"], row["from_ms"], row["to_ms"]) == (0.0, before["from_ms"], before["to_ms"])
    assert suppressed(store) == {}
    once = island.rows(), island.rows(OUTAGE_SCHOOLS)
    a_turn(island)
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == once

    with store.unit() as unit:
        import_calendar(unit, b"calendar,date,kind,note\ndefault,2026-11-24,open,\n")
        unit.commit()
    island.clock.advance(24 * 60 * MINUTE_MS)
    bring(island, "students_total,opening:900,Mo-Fr 18:00-20:00")  # from tomorrow on: that day was as it was
    assert a_turn(island) == before

    bring(island, "timezone:Asia/Tokyo")
    assert a_turn(island)["pupil_hours"] == 0.0, "it was night there"
    assert suppressed(store) == {}


def test_planted_rows_and_clocks_that_nobody_knows_do_not_change_an_outage(island: Island, store: Store) -> None:
    before = over(island)
    for planted in ({"state": "open"}, {"label": "collector", "pupil_hours": None}, {"silent": 3, "to_ms": None}):
        with store.unit() as unit:
            unit.connection.execute(update(OUTAGES).values(**planted))
            unit.commit()
        assert a_turn(island) == before, planted

    for code in island.cut:
        island.add_diary(code, at("10:20"), at("12:00"), "no_internet", time_quality="bounded")
    row = a_turn(island)
    assert (row["from_ms"], row["to_ms"], row["confirmed"]) == (before["from_ms"], before["to_ms"], 0)
    assert row["learnt_ms"] is None
    for code in island.cut:
        island.add_diary(code, at("10:20"), at("11:30"), "no_internet", time_quality="bounded", clock_off_ms=2000)
    assert a_turn(island)["to_ms"] == at("11:30"), "a clock that was right before and after is believed"


def test_a_round_is_spread_over_the_minutes(island: Island, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five outages two are looked at in each minute; then nothing until the next round."""
    monkeypatch.setattr(evaluation, "AGAIN_SCHOOLS", 2)
    rows = [outage_rows(["S000"], date(2026, 11, 23), 1, outage_id=f"{number:016}") for number in range(5)]
    with store.unit() as unit:
        for row, members in rows:
            evaluation.keep(unit, row["outage_id"], [(row, [{**members[0], "outage_id": row["outage_id"]}])])
        facts.set_fact(unit, facts.OUTAGES_AGAIN, "0")
        unit.commit()
    right = []
    for _ in range(5):
        island.pass_until(island.clock.now_ms() + MINUTE_MS)
        right.append(sum(row["state"] == "retracted" for row in island.rows()))
    assert right == [2, 4, 5, 5, 5], "none of them is an outage of many: one school is not"


def seen(island: Island) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    return island.rows(), island.rows(OUTAGE_SCHOOLS)


def deeds(island: Island) -> list[Executable]:
    """Return what somebody may do to the record of an outage."""
    first, second = island.cut[:2]
    mine = OUTAGE_SCHOOLS.c.school
    other = {**island.rows(OUTAGE_SCHOOLS)[0], "school": "S039"}
    return [
        delete(OUTAGE_SCHOOLS).where(mine == first),
        delete(OUTAGE_SCHOOLS),
        update(OUTAGE_SCHOOLS).where(mine == second).values(heard_ms=OUTAGE_SCHOOLS.c.heard_ms - 7 * MINUTE_MS),
        update(OUTAGE_SCHOOLS).where(mine == second).values(back_ms=OUTAGE_SCHOOLS.c.heard_ms + 90 * MINUTE_MS),
        insert(OUTAGE_SCHOOLS).values(**other),
        update(OUTAGES).values(online=21, live_label="area"),
        update(OUTAGES).values(opened_ms=OUTAGES.c.opened_ms + 3 * MINUTE_MS),
        delete(OUTAGES),
    ]


def test_what_somebody_did_to_how_an_outage_was_seen_is_seen_again_in_the_next_round(
    island: Island, store: Store
) -> None:
    over(island)
    before = seen(island)
    for deed in deeds(island):
        with store.unit() as unit:
            unit.connection.execute(deed)
            unit.commit()
        assert seen(island) != before
        a_turn(island)
        assert seen(island) == before, str(deed)


def test_the_watch_does_not_go_on_from_what_somebody_made_of_an_outage(island: Island, store: Store) -> None:
    island.pass_until(at("08:57"), island.is_not_cut)
    for deed in deeds(island):
        with store.unit() as unit:
            unit.connection.execute(deed)
            unit.commit()
        island.pass_until(island.clock.now_ms() + MINUTE_MS, island.is_not_cut)
        (row,) = island.rows()
        shown = row["silent"], row["online"], row["state"], row["live_label"]
        assert shown == (20, 20, "open", "provider"), str(deed)
    found = seen(island)
    island.watch_again(at("08:30"))
    assert seen(island) == found


def test_an_outage_that_cannot_be_seen_again_stays_as_it_is(island: Island, store: Store) -> None:
    """The registry says by now that its schools have nothing in common."""
    over(island)
    with store.unit() as unit:
        unit.connection.execute(update(SCHOOLS).values(provider=None, area=None))
        unit.connection.execute(update(OUTAGES).values(online=23))
        unit.commit()
    for _ in range(2):
        assert a_turn(island)["online"] == 23
