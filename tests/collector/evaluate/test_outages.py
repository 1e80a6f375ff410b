"""The drill in simulated time through the real code: batches are signed and stored, the jobs run by an injected clock."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from collector import jobs
from collector.evaluate import outages as evaluation
from collector.evaluate import run as judging
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries.judging import suppressions
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from tests.collector.evaluate.diary_runs import a_run
from tests.fakes.collector_world import FakeClock
from tests.fakes.registry_files import import_schools
from tests.fakes.wire_device import WireDevice, a_deployment, a_token

MINUTE_MS = 60_000
ZONE = "America/Barbados"  # four hours behind
PROVIDERS = {"Onda Sur": 20, "Cable Brava": 14, "Alto": 6}


def at(text: str, day: int = 24) -> int:
    """Return a local time of a Tuesday in November in UTC milliseconds."""
    hour, minute = (int(part) for part in text.split(":"))
    return round(datetime(2026, 11, day, hour + 4, minute, tzinfo=UTC).timestamp() * 1000)


@dataclass
class Island:
    """Forty schools that post every 15 minutes, give or take a tenth."""

    parts: Parts
    clock: FakeClock
    random_: random.Random = field(default_factory=lambda: random.Random(7))
    devices: dict[str, WireDevice] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)
    provider: dict[str, str] = field(default_factory=dict)
    facts: list[Any] = field(default_factory=list)

    def enrol(self) -> None:
        rows = ["code,name,timezone,area,provider,students_total"]
        for provider, many in PROVIDERS.items():
            for _ in range(many):
                code = f"S{len(self.provider):03}"
                self.provider[code] = provider
                rows.append(f"{code},School {code},{ZONE},Costa Sur,{provider},100")
        with self.parts.store.unit() as unit:
            import_schools(unit, "\n".join(rows).encode(), now_ms=self.clock.now_ms())
            unit.commit()
        for number, code in enumerate(self.provider):
            device = WireDevice(self.parts, a_token(self.parts, code), seed=number + 10)
            device.enrol()
            self.devices[code] = device
            self.due[code] = self.clock.now_ms() + self.random_.uniform(0, 15 * MINUTE_MS)

    def pass_until(
        self, until_ms: int, reaches: Callable[[str], bool] = lambda _code: True, *, jobs: bool = True
    ) -> None:
        """Let time pass, minute by minute: posts first, then the watch."""
        while self.clock.now_ms() < until_ms:
            self.clock.advance(MINUTE_MS)
            for code in sorted(self.due, key=self.due.__getitem__):
                if self.due[code] <= self.clock.now_ms():
                    self.due[code] += 15 * MINUTE_MS * self.random_.uniform(0.9, 1.1)
                    if reaches(code):
                        self.devices[code].post([])
            if jobs:
                self.facts += evaluation.watch(self.parts.store, self.parts.config, self.parts.ports)

    def rows(self, table: Any = OUTAGES) -> list[dict[str, Any]]:
        with self.parts.store.reader() as snapshot:
            found = snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()
            return [dict(row) for row in found]

    def is_cut(self, code: str) -> bool:
        return self.provider[code] == "Onda Sur"


@pytest.fixture
def island(store: Store) -> Iterator[Island]:
    clock = FakeClock(at("07:10"))
    made = Island(a_deployment(store, clock, default_timezone=ZONE), clock)
    made.enrol()
    made.pass_until(at("08:39"))  # what is posted in the minute that begins now is lost
    assert made.rows() == []
    yield made


def test_a_provider_that_fails_is_one_outage_within_a_quarter_of_an_hour(island: Island, store: Store) -> None:
    island.pass_until(at("08:55"), lambda code: not island.is_cut(code))

    (row,) = island.rows()
    assert (row["label"], row["state"], row["provider"]) == ("provider", "open", "Onda Sur")
    assert row["online"] == 20 and row["silent"] in (19, 20)
    assert row["near_online"] >= 19 and row["near_silent"] == 0
    assert abs(row["from_ms"] - at("08:40")) <= 5 * MINUTE_MS
    with store.reader() as snapshot:
        held = suppressions.on_hold(snapshot)
    assert held <= {code for code in island.provider if island.is_cut(code)} and len(held) >= 19

    island.pass_until(at("10:20"), lambda code: not island.is_cut(code))
    island.pass_until(at("11:10"))
    (row,) = island.rows()
    assert row["state"] == "closed" and row["silent"] == 20
    assert abs(row["to_ms"] - at("10:25")) <= 10 * MINUTE_MS
    assert row["pupil_hours"] == pytest.approx(20 * 100 * 1.75, rel=0.1)
    opened = [fact for fact in island.facts if fact.closed_ms is None]
    closed = {(fact.outage_id, fact.closed_ms) for fact in island.facts if fact.closed_ms}
    assert {fact.outage_id for fact in opened} == {row["outage_id"]} and len(closed) == 1
    with store.reader() as snapshot:
        assert suppressions.on_hold(snapshot) == set()
        days = suppressions.suppressed_days(snapshot, None, "2026-11-01", "2026-11-30")
    assert set(days) == {code for code in island.provider if island.is_cut(code)}
    assert set(map(str, days.values())) == {"{'2026-11-24': 'outage'}"}


def test_the_watch_run_twice_or_again_from_the_start_gives_the_same_rows(island: Island, store: Store) -> None:
    island.pass_until(at("10:20"), lambda code: not island.is_cut(code))
    island.pass_until(at("11:10"))
    once = island.rows(), island.rows(OUTAGE_SCHOOLS)
    assert evaluation.watch(store, island.parts.config, island.parts.ports) == []
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == once

    evaluation.refold(store, island.parts.config, at("08:30"), island.clock.now_ms())
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == once


def test_a_collector_that_was_away_for_an_hour_blames_no_school(island: Island, store: Store) -> None:
    island.pass_until(at("09:40"), lambda _code: False, jobs=False)
    island.pass_until(at("10:30"))

    (row,) = island.rows()
    assert (row["label"], row["area"], row["provider"]) == ("collector", "", "")
    assert row["pupil_hours"] is None and row["state"] == "closed"
    with store.reader() as snapshot:
        assert suppressions.suppressed_days(snapshot, None, "2026-11-01", "2026-11-30") == {}


def test_a_watch_that_rested_while_devices_were_heard_finds_the_same(island: Island) -> None:
    island.pass_until(at("09:10"), lambda code: not island.is_cut(code), jobs=False)
    island.facts += evaluation.watch(island.parts.store, island.parts.config, island.parts.ports)
    (row,) = island.rows()
    assert (row["label"], row["silent"]) == ("provider", 20)


@pytest.mark.parametrize("seed", range(3))
def test_late_diaries_in_any_order_give_the_same_rows(island: Island, store: Store, seed: int) -> None:
    """Half of the computers turn out to have been switched off; the lines of the others were gone for longer."""
    island.pass_until(at("09:20"), lambda code: not island.is_cut(code))
    island.pass_until(at("10:20"))
    (live,) = island.rows()
    late = [
        (code, a_run(number, at("08:30"), at("09:30"), "off" if number < 10 else "no_internet"))
        for number, code in enumerate(code for code in island.provider if island.is_cut(code))
    ]
    random.Random(seed).shuffle(late)
    for number, (code, item) in enumerate(late):
        island.devices[code].post([item])
        if number % 5 == seed:
            island.pass_until(island.clock.now_ms() + MINUTE_MS)
    island.pass_until(at("10:30"))
    (row,) = island.rows()
    assert (row["silent"], row["confirmed"]) == (10, 10)
    assert row["learnt_ms"] is not None and row["outage_id"] == live["outage_id"]
    assert row["from_ms"] == at("08:30") and row["to_ms"] == at("09:30")
    expected = [(one["school"], one["said"], one["from_ms"], one["to_ms"]) for one in island.rows(OUTAGE_SCHOOLS)]
    assert {said for _code, said, *_span in expected} == {"off", "down"}
    first = island.rows(), island.rows(OUTAGE_SCHOOLS)
    evaluation.refold(store, island.parts.config, at("08:30"), island.clock.now_ms())
    assert (island.rows(), island.rows(OUTAGE_SCHOOLS)) == first


def test_computers_that_were_switched_off_were_no_outage(island: Island, store: Store) -> None:
    island.pass_until(at("09:20"), lambda code: not island.is_cut(code))
    island.pass_until(at("10:20"))
    told = len(island.facts)
    for number, code in enumerate(code for code in island.provider if island.is_cut(code)):
        island.devices[code].post([a_run(number, at("08:35"), at("09:25"), "off")])
    island.pass_until(at("10:22"))
    (row,) = island.rows()
    assert (row["state"], row["silent"], row["pupil_hours"]) == ("retracted", 0, 0.0)
    assert all(fact.learnt_late for fact in island.facts[told:])


def test_a_day_lost_to_an_outage_is_not_judged_and_is_again_when_it_was_none(island: Island, store: Store) -> None:
    with store.unit() as unit:
        unit.connection.execute(SCHOOL_DAYS.insert().values(
            school="S000", day="2026-11-24", is_open=True, measurements=0, voting=0, is_final=True))  # fmt: skip
        unit.commit()
    island.pass_until(at("10:20"), lambda code: not island.is_cut(code))
    island.pass_until(at("11:10"))
    (day,) = island.rows(SCHOOL_DAYS)
    assert not day["is_final"]  # the next evaluation folds it again
    deployment = judging.work.deployment_of(
        store.reader().__enter__(), island.parts.config, judging.profiles.load(), judging.Reference()
    )
    assert deployment.suppressed["S000"] == {"2026-11-24": "outage"}
    jobs.watch_outages(store, island.parts.config, island.parts.ports)
