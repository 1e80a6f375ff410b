"""What a school's stored tests prove: each figure counted again from the rows, and what can still be asked for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update

from collector.config import CollectorConfig
from collector.domain.proof import Hours
from collector.evaluate import proof
from collector.evaluate.inputs import reference_of
from collector.evaluate.proof import DayCount, Proof, Rules, Wanted
from collector.profiles import catalogue
from collector.store.open import Store
from collector.store.queries import campaigns, schools
from collector.store.queries.campaigns import Campaign
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import CALENDAR_DAYS, SCHOOL_FACTS, SCHOOLS
from collector.web.language import present
from tests.fakes import pages_world, proofs
from tests.fakes.databases import Database
from tests.fakes.proofs import FRIDAY, MONDAY, THURSDAY

ZONE = ZoneInfo(pages_world.ZONE)
TODAY = date(2026, 11, 24)
MBPS = 1_000_000
WANTED = Wanted(proofs.SCHOOL, TODAY - timedelta(days=29), TODAY, Hours.OUTSIDE, pages_world.NOW_MS)


@pytest.fixture
def small(database: Database) -> Iterator[Store]:
    store = database.filled(pages_world.small)
    yield store
    store.close()


def prove(store: Store, **changes: Any) -> Proof:
    config = CollectorConfig(default_timezone=pages_world.ZONE)
    with store.reader() as snapshot:
        found = proof.prove(snapshot, Rules(config, catalogue.load(), reference_of("tp1")), replace(WANTED, **changes))
    assert found is not None
    return found


def test_two_days_are_there_and_one_more_is_wanted_by_the_fourteenth(small: Store) -> None:
    proofs.put_days(small, FRIDAY, THURSDAY)
    found = prove(small)
    assert found.days == (DayCount(FRIDAY, 10), DayCount(THURSDAY, 10), DayCount(None, 0))
    assert (len(found.counted), found.choice.missing_days, found.choice.by) == (20, 1, date(2026, 11, 26))
    assert not found.is_complete and found.findings == ()
    assert found.plan is not None and found.plan.days == (date(2026, 11, 25),)
    hours = [present.local(moment, ZONE).strftime("%a %H:%M") for window in found.plan.windows for moment in window]
    assert hours == ["Wed 05:00", "Wed 07:00", "Wed 17:00", "Wed 19:00"]
    assert found.plan.cost_bytes is not None and 30 * MBPS < found.plan.cost_bytes < 80 * MBPS
    assert found.wired == ("d-00123-1",)


def test_thirty_tests_answer_the_three_questions(small: Store) -> None:
    proofs.put_days(small, FRIDAY, THURSDAY, MONDAY)
    found = prove(small)
    assert found.is_complete and not found.is_kept and len(found.counted) == 30
    assert found.terms is not None and (found.terms.max_bps, found.terms.normal_bps) == (30 * MBPS, 24 * MBPS)
    with small.reader() as snapshot:
        rows = snapshot.connection.execute(
            select(MEASUREMENTS).where(MEASUREMENTS.c.school == proofs.SCHOOL, MEASUREMENTS.c.trigger == "campaign")
        ).all()
    usual = sum(row.download_bps >= 24 * MBPS for row in rows)
    assert [(one.found, one.of) for one in found.findings[:2]] == [(0, 3), (usual, 30)]
    assert {one.row.measured.rid for one in found.counted} == {row.rid for row in rows}
    assert found.plan is None


def test_every_test_of_the_period_counts_or_has_a_reason(small: Store) -> None:
    proofs.put_days(small, FRIDAY, THURSDAY, MONDAY)
    proofs.put(small, proofs.asked_test(FRIDAY, 5 * 60 + 6), proofs.asked_test(date(2026, 11, 17), 18 * 60))
    found = prove(small)
    first_ms, end_ms = (round(_midnight(day) * 1000) for day in (WANTED.first, TODAY + timedelta(days=1)))
    with small.reader() as snapshot:
        rows = snapshot.connection.execute(
            select(MEASUREMENTS).where(
                MEASUREMENTS.c.school == proofs.SCHOOL,
                MEASUREMENTS.c.started_ms >= first_ms,
                MEASUREMENTS.c.started_ms < end_ms,
            )
        ).all()
    asked = [row for row in rows if row.trigger == "campaign"]
    in_class = [row for row in rows if row.trigger == "window"]
    wanted = Counter("not_by_cable" if row.medium == "wifi" else "class_hours" for row in in_class)
    assert len(asked) + len(in_class) == len(rows) == len(found.tests)
    assert len(found.counted) + sum(found.reasons().values()) == len(rows)
    assert found.reasons() == {**wanted, "spare_of_day": 1, "spare_day": 1}


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), ZONE).timestamp()


def test_tests_in_school_hours_count_where_all_hours_do(small: Store) -> None:
    assert "class_hours" not in prove(small, hours=Hours.ALL).reasons()


def test_what_is_asked_for_is_shown_and_nothing_else_can_be(small: Store) -> None:
    proofs.put_days(small, FRIDAY, THURSDAY)
    first = prove(small)
    assert first.plan is not None
    campaign = Campaign(
        proofs.SCHOOL, "c1", pages_world.NOW_MS, "otto", "outside", first.wired, first.plan.windows,
        first.plan.windows[-1][1],
    )  # fmt: skip
    with small.unit() as unit:
        assert campaigns.add(unit, campaign)
        assert not campaigns.add(unit, replace(campaign, campaign_id="c2", made_by="ana"))
        unit.commit()
    found = prove(small)
    assert found.campaign == campaign and found.plan is None
    assert found.days[2] == DayCount(date(2026, 11, 25), 0, is_asked=True)
    later_ms = first.plan.windows[0][1]  # Wednesday 07:00: half of it is done
    proofs.put(small, *proofs.ten_tests(date(2026, 11, 25))[:5])
    under_way = prove(small, last=date(2026, 11, 25), now_ms=later_ms)
    assert under_way.days[2] == DayCount(date(2026, 11, 25), 5, is_asked=True) and len(under_way.counted) == 25
    over = prove(small, last=date(2026, 11, 25), now_ms=campaign.until_ms)
    assert over.campaign is None and len(over.counted) == 20


def test_a_period_that_is_over_asks_for_nothing(small: Store) -> None:
    proofs.put_days(small, FRIDAY, THURSDAY)
    found = prove(small, last=date(2026, 11, 22))
    assert (found.choice.coming, found.plan, len(found.counted)) == ((), None, 20)


def test_holidays_are_no_days_to_ask_for(small: Store) -> None:
    proofs.put_days(small, FRIDAY, THURSDAY)
    with small.unit() as unit:
        unit.connection.execute(insert(CALENDAR_DAYS).values(calendar="default", day="2026-11-25", kind="holiday"))
        unit.commit()
    plan = prove(small).plan
    assert plan is not None and plan.days == (date(2026, 11, 26),)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (DEVICES, {"state": "pending"}),
        (MEASUREMENTS, {"medium": "wifi"}),
        (MEASUREMENTS, {"link_bps": 10 * MBPS}),
        (MEASUREMENTS, {"link_bps": None}),
    ],
)
def test_without_a_fast_cable_nobody_is_asked(small: Store, table: Any, values: dict[str, Any]) -> None:
    with small.unit() as unit:
        unit.connection.execute(update(table).where(table.c.school == proofs.SCHOOL).values(**values))
        unit.commit()
    found = prove(small)
    assert (found.wired, found.plan) == ((), None) and found.terms is not None


def test_without_a_contract_nothing_is_said(small: Store) -> None:
    with small.unit() as unit:
        for table in (SCHOOLS, SCHOOL_FACTS):
            unit.connection.execute(update(table).values(contract_download_mbps=None))
        unit.commit()
    found = prove(small)
    assert (found.terms, found.plan, found.findings) == (None, None, ())


def test_tests_of_another_contract_do_not_count(small: Store) -> None:
    proofs.put_days(small, FRIDAY, THURSDAY)
    facts = dict.fromkeys(schools.FACT_COLUMNS)
    with small.unit() as unit:
        unit.connection.execute(delete(SCHOOL_FACTS).where(SCHOOL_FACTS.c.school == proofs.SCHOOL))
        for day, mbps in (("0001-01-01", 20.0), ("2026-11-16", 30.0)):
            unit.connection.execute(
                insert(SCHOOL_FACTS).values(
                    **facts | {"school": proofs.SCHOOL, "valid_from": day, "contract_download_mbps": mbps}
                )
            )
        unit.commit()
    found = prove(small)
    assert found.reasons()["other_contract"] >= 10 and found.choice.days == (THURSDAY,)
    assert prove(small, last=date(2026, 11, 15)).terms == proof.contracts.terms_of(20 * MBPS)
