"""The invented past: the same each time, never later than now, and judged like any other."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from collector.config import CollectorConfig
from collector.demo import history, island
from collector.demo.island import DemoSchool, Fate
from collector.demo.names import AREAS, TIMEZONE
from collector.demo.samples import SERVER_ID
from collector.domain.proof import Hours
from collector.evaluate.inputs import reference_of
from collector.evaluate.proof import Rules, Wanted, prove
from collector.evaluate.run import evaluate
from collector.profiles import catalogue
from collector.store.open import Store
from collector.store.queries.judging import judgement
from collector.store.tables.availability import AVAILABILITY_NOW, LOCAL_OUTAGES
from collector.store.tables.judgement import EVALUATIONS, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import at_ms, bring

NOW_MS = at_ms(date(2026, 11, 25), "11:00", TIMEZONE)  # a Wednesday
CONFIG = CollectorConfig(default_timezone=TIMEZONE)


def some_of_each(count: int) -> tuple[DemoSchool, ...]:
    taken: Counter[Fate] = Counter()
    chosen = []
    for school in island.make_schools():
        if taken[school.fate] < count:
            taken[school.fate] += 1
            chosen.append(school)
    return tuple(chosen)


def fill(store: Store, schools: Sequence[DemoSchool], now_ms: int, days: int = history.SCHOOL_DAYS) -> int:
    bring(store, island.registry_csv(tuple(schools)), now_ms)
    return history.write_history(store, tuple(schools), now_ms, days=days).measurements


def test_the_islands_have_120_schools_in_the_sea_and_the_registry_takes_them(store: Store) -> None:
    schools = island.make_schools()
    assert len(schools) == len({school.code for school in schools}) == 120
    assert {school.area for school in schools} == {area.name for area in AREAS}
    assert all(13.45 < school.latitude < 13.85 and -60.5 < school.longitude < -59.8 for school in schools)
    assert Counter(school.fate for school in schools) == island.FATES | {Fate.GOOD: 73}
    assert schools == island.make_schools()
    report = bring(store, island.registry_csv(schools), NOW_MS)
    assert (report.added, report.errors) == (120, ())


def test_every_verdict_and_every_state_of_a_flag_occurs(store: Store) -> None:
    schools = some_of_each(2)
    fill(store, schools, NOW_MS)
    with store.reader() as snapshot:
        for table in (EVALUATIONS, FLAGS, SCHOOL_DAYS):
            assert snapshot.connection.scalar(select(func.count()).select_from(table)) == 0

    evaluate(store, CONFIG, fake_ports(FakeClock(NOW_MS)), reference=reference_of(SERVER_ID))

    with store.reader() as snapshot:
        verdicts = judgement.verdict_counts(snapshot, CONFIG.profile, "download_bps")
        states = dict(snapshot.connection.execute(select(FLAGS.c.state, func.count()).group_by(FLAGS.c.state)).all())
        stale = snapshot.connection.scalar(select(func.count()).select_from(FLAGS).where(FLAGS.c.is_stale))
    assert set(verdicts) == {"INSUFFICIENT", "BELOW", "NOT_TESTABLE", "BORDERLINE", "MEETS"}
    assert sum(verdicts.values()) == len(schools)
    assert {"open", "recovering", "closed"} <= set(states)
    assert stale == 2


@pytest.mark.parametrize("now", [date(2026, 11, 22), date(2026, 3, 2), date(2028, 2, 29)])
def test_nothing_is_later_than_now_whatever_the_day(store: Store, now: date) -> None:
    now_ms = at_ms(now, "09:15", TIMEZONE)
    fill(store, island.make_schools()[:3], now_ms, days=15)
    with store.reader() as snapshot:
        columns = (func.max(MEASUREMENTS.c.received_ms), func.min(MEASUREMENTS.c.started_ms))
        newest, oldest = snapshot.connection.execute(select(*columns)).one()
    assert newest < now_ms
    assert oldest > at_ms(now - timedelta(days=30), "00:00", TIMEZONE)


def test_the_same_past_each_time_and_never_twice(store: Store) -> None:
    schools = island.make_schools()[:2]
    assert fill(store, schools, NOW_MS, days=5) > 0
    placed = [
        [one.decoded.content_hash for one in _history_of(school)] for school in (schools[0], schools[0], schools[1])
    ]
    assert placed[0] == placed[1] != placed[2]


def _history_of(school: DemoSchool) -> list[history.Placed]:
    from random import Random
    from zoneinfo import ZoneInfo

    from collector.domain.calendars import calendar_of

    calendar = calendar_of(school.opening, ZoneInfo(TIMEZONE))
    return list(history._school_history(school, calendar, [date(2026, 11, 24)], NOW_MS, Random("1")))


def test_low_lines_have_two_of_the_three_days_that_prove_it(store: Store) -> None:
    schools = [school for school in island.make_schools() if school.fate is Fate.LOW]
    fill(store, schools, NOW_MS, days=15)
    today = date(2026, 11, 25)
    with store.reader() as snapshot:
        rules = Rules(CONFIG, catalogue.load(), reference_of(SERVER_ID))
        found = [
            prove(snapshot, rules, Wanted(one.code, today - timedelta(days=29), today, Hours.OUTSIDE, NOW_MS))
            for one in schools
        ]
    assert {len(one.counted) for one in found if one} <= {0, 10, 20}
    two_days = [one for one in found if one is not None and len(one.counted) == 20]
    ready = [one for one in two_days if one.plan is not None and one.choice.by is not None]
    assert len(ready) >= 5  # at the others no port is fast enough now


def test_the_lines_of_the_last_weeks_are_in_the_diaries_and_nothing_is_later_than_now(store: Store) -> None:
    schools = some_of_each(1)
    fill(store, schools, NOW_MS, days=15)
    evaluate(store, CONFIG, fake_ports(FakeClock(NOW_MS)))
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(select(AVAILABILITY_NOW)).mappings().all()
        newest = snapshot.connection.scalar(select(func.max(DIARY.c.to_ms)))
        down = snapshot.connection.scalar(select(func.count()).select_from(LOCAL_OUTAGES))
    assert newest is not None and newest <= NOW_MS
    assert len(rows) == len(schools)
    seen = [row for row in rows if row["availability"] is not None]
    assert seen and all(row["availability"] > 0.7 for row in seen)
    assert down
