"""A mass outage that only diaries tell of: it appears as learnt, wakes nobody, and goes when more is known."""

import random
from typing import Any

import pytest
from sqlalchemy import insert, select

from collector.domain import notices
from collector.domain.notice_facts import Standing
from collector.evaluate import availability, outages_learnt, work
from collector.evaluate.inputs import Deployment, Reference
from collector.profiles import catalogue
from collector.store.open import Store
from collector.store.queries import availability_marks
from collector.store.queries.judging import suppressions
from collector.store.queries.notices.outages import known_outages
from collector.store.tables.measurements import DIARY
from collector.store.tables.outages import OUTAGE_SCHOOLS
from tests.collector.domain.test_notices import a_reader
from tests.fakes.collector_world import FakeClock
from tests.fakes.outage_island import CONFIG, Island, at


@pytest.fixture
def island(store: Store) -> Island:
    island = Island(store, FakeClock(at("08:00")))
    island.settle()
    return island


def deployment_of(store: Store) -> Deployment:
    with store.reader() as snapshot:
        return work.deployment_of(snapshot, CONFIG, catalogue.load(), Reference())


def evaluate(island: Island) -> None:
    deployment, now_ms = deployment_of(island.store), island.clock.now_ms()
    availability.write(island.store, deployment, now_ms)
    outages_learnt.write(island.store, deployment, now_ms)


def tell(island: Island, codes: list[str], parts: list[tuple[str, str, str]], pc: str = "d") -> None:
    """Let the diaries of schools come in now, with their marks."""
    rows = [a_row(island, code, at(start), at(end), state, pc) for code in codes for start, end, state in parts]
    with island.store.unit() as unit:
        unit.connection.execute(insert(DIARY), rows)
        availability_marks.mark_runs(unit, rows)
        unit.commit()


def a_row(island: Island, code: str, from_ms: int, to_ms: int, state: str, pc: str) -> dict[str, Any]:
    return {
        "device": f"{pc}-{code}", "rid": f"{pc}-{code}-{from_ms}", "school": code, "from_ms": from_ms, "to_ms": to_ms,
        "time_quality": "exact", "received_ms": island.clock.now_ms(), "boot_id": "ab", "from_mono_ms": 0,
        "slots": (to_ms - from_ms) // 300_000, "slot_s": 300, "state": state, "content_hash": "x",
    }  # fmt: skip


GONE = [("08:00", "08:40", "ok"), ("08:40", "10:00", "no_internet"), ("10:00", "10:30", "ok")]
FINE = [("08:00", "10:30", "ok")]


def test_what_only_diaries_tell_is_an_outage_without_an_alarm(island: Island, store: Store) -> None:
    others = [code for code in island.provider if not island.is_cut(code)]
    island.pass_until(at("10:35"), every_min=5)  # every computer is heard all the while
    assert island.rows() == []
    tell(island, island.cut, GONE)
    tell(island, others, FINE)
    evaluate(island)
    (row,) = island.rows()
    assert (row["label"], row["provider"], row["state"], row["seen_live"]) == ("provider", "Onda Sur", "closed", False)
    assert (row["silent"], row["confirmed"], row["online"]) == (20, 20, 20)
    assert (row["from_ms"], row["to_ms"], row["learnt_ms"]) == (at("08:40"), at("10:00"), at("10:35"))
    assert row["pupil_hours"] == pytest.approx(20 * 100 * 80 / 60)
    members = island.rows(OUTAGE_SCHOOLS)
    assert {one["school"] for one in members} == set(island.cut)
    with store.reader() as snapshot:
        known = known_outages(snapshot, at("10:36"))
        assert suppressions.outage_days(snapshot).keys() == set(island.cut)
    assert [one.learnt_late for one in known] == [True]
    assert notices.outage(a_reader(), at("10:36"), known, Standing()) is None

    evaluate(island)
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == ([row], members), "running again changes nothing"
    island.watch_again(at("08:30"))
    assert island.rows() == [row]

    tell(island, island.cut[:15], FINE, pc="e")  # other computers of these schools got through all the while
    evaluate(island)
    assert island.rows() == [] and island.rows(OUTAGE_SCHOOLS) == []


def test_schools_behind_a_page_to_sign_in_at_are_in_no_outage_and_stand_against_none(island: Island) -> None:
    island.clock.now = at("10:35")
    gone, portal = island.cut[:15], island.cut[15:]
    tell(island, gone, GONE)
    tell(island, portal, [(start, end, "ok" if state == "ok" else "portal") for start, end, state in GONE])
    tell(island, [code for code in island.provider if not island.is_cut(code)], FINE)
    evaluate(island)
    (row,) = island.rows()
    assert (row["silent"], row["online"]) == (15, 15)


def test_diaries_in_any_order_give_the_same_rows(island: Island, store: Store) -> None:
    island.clock.now = at("10:35")
    codes = list(island.provider)
    random.Random(5).shuffle(codes)
    for number in range(0, len(codes), 9):
        for code in codes[number : number + 9]:
            tell(island, [code], GONE if island.is_cut(code) else FINE)
        evaluate(island)
    (row,) = island.rows()
    assert (row["silent"], row["from_ms"], row["to_ms"]) == (20, at("08:40"), at("10:00"))


def test_one_that_was_seen_is_not_told_twice(island: Island) -> None:
    island.pass_until(at("08:39"), every_min=10)
    island.pass_until(at("10:00"), island.is_not_cut, every_min=5)
    island.pass_until(at("10:35"), every_min=5)
    (seen,) = island.rows()
    tell(island, island.cut, GONE)
    tell(island, [code for code in island.provider if not island.is_cut(code)], FINE)
    evaluate(island)
    (row,) = island.rows()
    assert row["outage_id"] == seen["outage_id"] and row["seen_live"]
    with island.store.reader() as snapshot:
        assert len(list(snapshot.connection.execute(select(DIARY.c.rid)))) == 20 * 3 + 20
