"""PCs heard on each day: counted from what came, again after an import, by area, and never for a day that goes on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from collector.config import CollectorConfig
from collector.domain.scope import scope_of
from collector.evaluate import heard, work
from collector.evaluate.inputs import Reference
from collector.profiles import catalogue
from collector.store.open import Store
from collector.store.queries import heard_days
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.people import FACTS
from tests.fakes.diary import SLOT_MS, a_day, late, stored
from tests.fakes.school_days import Town, a_registry, at_ms, bring

ZONE = "America/Barbados"
DAY = date(2026, 11, 23)
NOW = at_ms(date(2026, 11, 24), "10:00", ZONE)
HEADING = "code,name,area"


class World:
    """Two schools in two areas with three PCs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        bring(store, a_registry("00123,Uno,Norte", "00200,Dos,Sur", heading=HEADING), NOW - 90 * 86_400_000)
        pcs = [("d1", "00123"), ("d2", "00123"), ("d3", "00200")]
        base = {"state": "active", "machine_hash": "0", "enrolled_ms": at_ms(date(2026, 11, 16), "08:00", ZONE)}
        self.do(insert(DEVICES).values([{**base, "device": device, "school": school} for device, school in pcs]))
        self.rows = 0

    def do(self, statement: Any) -> None:
        with self.store.unit() as unit:
            unit.connection.execute(statement)
            unit.commit()

    def diary(self, school: str, device: str, day: date, clock: str, received_ms: int | None = None) -> None:
        runs = a_day(device, at_ms(day, clock, ZONE), (3, "ok"))
        runs = [late(run, received_ms) for run in runs] if received_ms else runs
        self.rows += 1
        self.do(insert(DIARY).values([row.row() for row in stored(school, runs, first=self.rows)]))

    def run(self, now_ms: int = NOW) -> None:
        with self.store.reader() as snapshot:
            config = CollectorConfig(default_timezone=ZONE)
            deployment = work.deployment_of(snapshot, config, catalogue.load(), Reference())
        heard.write(self.store, deployment, now_ms)

    def counts(self, areas: tuple[str, ...] = ()) -> dict[str, int]:
        with self.store.reader(scope_of(areas)) as snapshot:
            return heard_days.heard(snapshot, "2026-11-01", "2026-11-30")

    def recount(self, day: date) -> int:
        """Count again, row by row."""
        begin = at_ms(day, "00:00", ZONE)
        end = at_ms(day + timedelta(days=1), "00:00", ZONE)
        found = set()
        with self.store.reader() as snapshot:
            for table, began in ((DIARY, DIARY.c.from_ms), (MEASUREMENTS, MEASUREMENTS.c.started_ms)):
                for device, received, from_ms in snapshot.connection.execute(
                    select(table.c.device, table.c.received_ms, began)
                ):
                    if begin <= received < end and from_ms > begin - 86_400_000:
                        found.add(device)
        return len(found)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_a_day_counts_the_pcs_from_which_something_came(world: World) -> None:
    world.diary("00123", "d1", DAY, "08:00")
    world.diary("00123", "d1", DAY, "09:00")
    world.diary("00200", "d3", DAY, "23:40")  # so late that UTC is a day ahead
    Town(world.store, "d2").measure("00123", at_ms(DAY, "11:00", ZONE), 9_000_000)
    world.diary("00123", "d1", DAY - timedelta(days=3), "10:00")
    world.run()
    counts = world.counts()
    assert counts["2026-11-23"] == world.recount(DAY) == 3
    assert counts["2026-11-20"] == 1 and counts["2026-11-19"] == 0
    assert min(counts) == "2026-11-16", "before the first PC was enrolled there was nobody to hear"
    assert max(counts) == "2026-11-23", "today goes on"
    assert world.counts(("Norte",))["2026-11-23"] == 2 and world.counts(("Sur",))["2026-11-23"] == 1
    assert world.counts(("Nowhere",))["2026-11-23"] == 0


def test_what_comes_later_counts_when_it_comes_and_changes_no_day_that_is_over(world: World) -> None:
    world.run()
    before = world.counts()
    back_ms = NOW + 86_400_000
    world.diary("00123", "d1", DAY, "10:00", received_ms=back_ms)  # a backlog alone, begun more than a day before
    world.diary("00123", "d2", DAY + timedelta(days=2), "09:00", received_ms=back_ms)
    world.run(NOW + 2 * 86_400_000)
    after = world.counts()
    assert {day: after[day] for day in before} == before
    assert after["2026-11-25"] == world.recount(date(2026, 11, 25)) == 1


def test_an_import_of_the_registry_has_the_days_counted_again_a_few_in_each_run(world: World) -> None:
    world.diary("00123", "d1", DAY, "08:00")
    world.run()
    assert world.counts(("Norte",))["2026-11-23"] == 1
    bring(world.store, a_registry("00123,Uno,Sur", "00200,Dos,Sur", heading=HEADING), NOW)
    world.run()
    assert world.counts(("Norte",))["2026-11-23"] == 0 and world.counts(("Sur",))["2026-11-23"] == 1


def test_running_again_writes_nothing_and_a_planted_count_of_another_registry_is_right_again(world: World) -> None:
    world.diary("00123", "d1", DAY, "08:00")
    world.run()
    with world.store.reader() as snapshot:
        stood = dict(snapshot.connection.execute(select(FACTS.c.name, FACTS.c.value)).all())
    world.run()
    with world.store.reader() as snapshot:
        assert dict(snapshot.connection.execute(select(FACTS.c.name, FACTS.c.value)).all()) == stood
    planted = update(FACTS).where(FACTS.c.name == "heard:2026-11-23").values(value='{"basis": "", "areas": {"": 99}}')
    world.do(planted)
    world.run()
    assert world.counts()["2026-11-23"] == 1


def test_a_count_that_somebody_altered_is_right_again_after_the_next_run(world: World) -> None:
    world.diary("00123", "d1", DAY, "08:00")
    world.run()
    altered = update(FACTS).where(FACTS.c.name == "heard:2026-11-23")
    world.do(altered.values(value=func.replace(FACTS.c.value, ": 1}", ": 9}")))
    assert world.counts()["2026-11-23"] == 9
    world.run()
    assert world.counts()["2026-11-23"] == 1


def test_counts_that_no_page_shows_are_dropped(world: World) -> None:
    world.run()
    world.run(NOW + 70 * 86_400_000)
    with world.store.reader() as snapshot:
        days = [name for name in snapshot.connection.scalars(select(FACTS.c.name)) if name.startswith("heard:")]
    first = datetime.fromtimestamp(NOW / 1000, UTC).date() + timedelta(days=70 - heard.REACH_DAYS)
    assert min(days) >= f"heard:{first}"


def test_a_list_of_one_day_names_the_same_pcs(world: World) -> None:
    world.diary("00123", "d1", DAY, "08:00")
    world.diary("00123", "d1", DAY, "09:00")
    Town(world.store, "d1").measure("00123", at_ms(DAY, "11:00", ZONE), 9_000_000)
    begin = at_ms(DAY, "00:00", ZONE)
    with world.store.reader() as snapshot:
        found = heard_days.rows(snapshot, ["00123", "00200"], begin, begin + 86_400_000)
    (row,) = found["00123"]
    assert (row.device, row.runs, row.tests) == ("d1", 2, 1) and "00200" not in found
    assert row.first_ms == at_ms(DAY, "08:00", ZONE) + 3 * SLOT_MS
    assert row.last_ms == at_ms(DAY, "11:00", ZONE) + 1000
