"""A month with the spreads of a real one: 57 schools of Moldova in January 2026, as M-Lab and Giga published them.

There a school had 54 tests in the middle, from 1 to 216, eleven schools fewer than 12; one school's tests lay a factor
of 3.6 apart (95th to 5th percentile); 50 schools reached 20 Mbit/s in the middle of their tests, of which 14 did not in
every tenth test. Whoever raises a flag for single tests raises most of them for nothing.
"""

import json
import math
import random
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.domain.criterion import DEFAULT
from collector.evaluate.run import evaluate
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS, FLAG_EVENTS, FLAGS, NEWEST_EVALUATIONS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import Town, a_registry, at_ms, bring

ZONE = "Europe/Chisinau"
FIRST, LAST = date(2026, 1, 5), date(2026, 1, 30)
TARGET_BPS = 20_000_000
THIN, UNDER, SCHOOLS = 11, 7, 57
SPREAD = 3.6
SIGMA = math.log(SPREAD) / (2 * 1.645)  # of a log-normal whose 95th percentile is so many times its 5th
DAYS = [day for at in range((LAST - FIRST).days + 1) if (day := FIRST + timedelta(days=at)).weekday() < 5]
Test = tuple[str, int, int]  # school, start, bit/s


@dataclass(frozen=True)
class Month:
    """What was measured."""

    tests: list[Test]

    def of(self, code: str) -> list[int]:
        return [bps for school, _at, bps in self.tests if school == code]


CODES = [f"{number:03d}" for number in range(SCHOOLS)]


def a_month(seed: int) -> Month:
    """Return a month of schools, those with the fewest tests first."""
    chance = random.Random(seed)
    counts = [round(1 + at * 10 / (THIN - 1)) for at in range(THIN)]
    counts += [round(14 + at * 40 / 17) for at in range(18)]  # up to the middle one's 54
    counts += [round(54 + 162 * (at / 28) ** 2.45) for at in range(1, 29)]
    middles = [chance.uniform(6, 18) for _ in range(UNDER)]
    middles += [20 * max(1.05, chance.lognormvariate(0.8, 0.5)) for _ in range(SCHOOLS - UNDER)]
    chance.shuffle(middles)
    tests = []
    for code, count, middle in zip(CODES, counts, middles, strict=True):
        for _ in range(count):
            day = chance.choice(DAYS)
            at = datetime(day.year, day.month, day.day, 7, 0, tzinfo=ZoneInfo(ZONE)) + timedelta(
                minutes=chance.randrange(600)
            )
            bps = round(middle * 1e6 * chance.lognormvariate(0, SIGMA))
            tests.append((code, round(at.timestamp() * 1000), bps))
    return Month(sorted(tests, key=lambda test: test[1]))


def percentile(values: list[int], part: float) -> float:
    return sorted(values)[int(part * (len(values) - 1))]


def test_the_month_has_the_spreads_of_the_real_one() -> None:
    month = a_month(1)
    counts = sorted(len(month.of(code)) for code in CODES)
    assert (counts[0], counts[-1]) == (1, 216) and sum(count < 12 for count in counts) == THIN
    assert median(counts) == 54 and 3_400 <= len(month.tests) <= 3_600
    many = [month.of(code) for code in CODES if len(month.of(code)) >= 40]
    assert 3.2 < median(percentile(speeds, 0.95) / percentile(speeds, 0.05) for speeds in many) < 4.0
    reach = [month.of(code) for code in CODES if median(month.of(code)) >= TARGET_BPS]
    assert 47 <= len(reach) <= 53
    assert 8 <= sum(percentile(speeds, 0.1) < TARGET_BPS for speeds in reach) <= 20


@pytest.fixture(params=(1, 2))
def month(request: pytest.FixtureRequest, store: Store) -> Month:
    """A month that was measured and judged."""
    found = a_month(request.param)
    clock = FakeClock(at_ms(LAST, "23:00", ZONE))
    rows = [f"{code},Gimnaziul {code},{ZONE},100" for code in CODES]
    bring(store, a_registry(*rows), at_ms(FIRST, "00:30", ZONE))
    Town(store).measure_all(found.tests)
    report = evaluate(store, CollectorConfig(default_timezone=ZONE), fake_ports(clock))
    assert report.failed == []
    return found


def test_no_flag_rests_on_fewer_than_twelve_tests(store: Store, month: Month) -> None:
    with store.reader() as snapshot:
        opened = snapshot.connection.execute(
            select(FLAGS.c.school, FLAG_EVENTS.c.numbers)
            .join(FLAG_EVENTS, FLAG_EVENTS.c.flag_id == FLAGS.c.flag_id)
            .where(FLAG_EVENTS.c.event == "opened")
        ).all()
        judged = snapshot.connection.execute(select(EVALUATIONS.c.n, EVALUATIONS.c.verdict)).all()
        targets = set(snapshot.connection.scalars(select(EVALUATIONS.c.target_bps)))
    assert targets == {TARGET_BPS}
    assert opened, "a line of six to eighteen Mbit/s is found"
    assert min(json.loads(numbers)["n"] for _school, numbers in opened) >= DEFAULT.min_tests == 12
    assert all(len(month.of(school)) >= 12 and median(month.of(school)) < TARGET_BPS for school, _numbers in opened)
    assert {verdict for n, verdict in judged if n < 12} == {"INSUFFICIENT"}


def test_thin_schools_read_not_enough_data(store: Store, month: Month) -> None:
    thin = {code for code in CODES if len(month.of(code)) < 12}
    with store.reader() as snapshot:
        newest = dict(
            snapshot.connection.execute(select(NEWEST_EVALUATIONS.c.school, NEWEST_EVALUATIONS.c.verdict)).all()
        )
    assert len(thin) == THIN and {newest[code] for code in thin} == {"INSUFFICIENT"}
    pages_world.add_people(store)
    client = make_app(store).test_client()
    sign_in(client, "ana")
    page = client.get("/schools?show=all").text.split("<tbody")[1]
    lines = {found[1]: line for line in page.split("<tr")[1:] if (found := re.search(r'href="/schools/(\d+)"', line))}
    assert set(lines) == set(CODES)
    for code in thin:
        assert "Not enough data" in lines[code], lines[code]
    unjudged = sum("Not enough data" in line for line in lines.values())
    assert THIN <= unjudged == sum(verdict == "INSUFFICIENT" for verdict in newest.values())
