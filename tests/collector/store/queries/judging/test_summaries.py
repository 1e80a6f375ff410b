"""Summaries of evaluations say what a recount says, whatever was written over what."""

import random
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, insert

from collector.store.open import Store
from collector.store.queries.judging import summaries
from collector.store.queries.judging.summaries import Series
from collector.store.queries.pieces import in_pieces
from collector.store.tables.judgement import EVALUATIONS
from tests.fakes import recount, summed_up

FIRST = date(2026, 9, 28)  # a Monday, in another month than its week's end
DAYS = 70
SCHOOLS = [f"s{number}" for number in range(6)]
VERDICTS = ("MEETS", "BORDERLINE", "BELOW", "INSUFFICIENT", "NOT_TESTABLE")
SERIES = (Series("p", "download_bps"), Series("q", "download_bps"), Series("p", "upload_bps"))


def an_evaluation(school: str, series: Series, day: date, chance: random.Random) -> dict[str, Any]:
    verdict = chance.choice(VERDICTS)
    return {
        "school": school, "profile": series.profile, "metric": series.metric, "day": day.isoformat(),
        "profile_version": chance.choice(("v1", "v2")), "n": 20, "days": 10, "attained": 1, "unknown": 0, "failed": 19,
        "share": 0.5, "verdict": verdict, "state": "none", "state_count": 0, "target_bps": 20_000_000,
        "is_estimated": False, "median_bps": chance.randrange(10**7, 10**8),
    }  # fmt: skip


def fold(store: Store, series: Series, schools: list[str], from_day: date, chance: random.Random) -> None:
    """Write the evaluations of some schools anew from a day on, as the evaluation does."""
    table = EVALUATIONS.c
    days = [FIRST + timedelta(days=at) for at in range(DAYS)]
    made = [
        an_evaluation(school, series, day, chance)
        for school in schools
        for day in days
        if day >= from_day and chance.random() < 0.15
    ]
    with store.unit() as unit:
        late = table.school.in_(schools) & (table.day >= from_day.isoformat())
        late &= (table.profile == series.profile) & (table.metric == series.metric)
        unit.connection.execute(delete(EVALUATIONS).where(late))
        if made:
            unit.connection.execute(insert(EVALUATIONS), made)
        summaries.renew(unit, series, schools, from_day.isoformat())
        unit.commit()


@pytest.mark.parametrize("seed", range(3))
def test_after_every_fold_they_equal_a_recount(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(15):
        some = chance.sample(SCHOOLS, chance.randint(1, len(SCHOOLS)))
        fold(store, chance.choice(SERIES), some, FIRST + timedelta(days=chance.randrange(DAYS)), chance)
        recount.check(store)
    with store.unit() as unit:
        summed_up.renew_all(unit)
        unit.commit()
    recount.check(store)


def test_more_schools_than_one_statement_takes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "in_pieces", partial(in_pieces, many=2))
    fold(store, SERIES[0], SCHOOLS, FIRST, random.Random(1))
    recount.check(store)
