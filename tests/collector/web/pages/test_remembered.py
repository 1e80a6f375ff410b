"""What pages remember of all schools is what they would count now: after every change, and for every reader."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from collector.config import CollectorConfig
from collector.domain.scope import WHOLE, Scope
from collector.evaluate.run import evaluate, replay
from collector.store.open import Store
from collector.store.queries import newness, schools
from collector.store.queries.judging import availability, summaries
from collector.store.queries.judging.availability import NowRow
from collector.store.queries.judging.summaries import Series
from collector.store.queries.pages import providers as pages_providers
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages import standings
from collector.store.queries.pages.providers import ProviderFilter
from collector.store.queries.pages.schools import Measure, SchoolFilter
from collector.store.tables.availability import AVAILABILITY_NOW
from collector.store.tables.judgement import EVALUATIONS, FLAGS, NEWEST_EVALUATIONS, PERIOD_VERDICTS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.people import FACTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork
from collector.web.views import reliability, remembered, scorecard
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.screens import make_app
from tests.fakes import pages_world, summed_up
from tests.fakes.collector_world import FakeClock, fake_ports

MEASURE = Measure(pages_world.PROFILE, pages_world.METRIC)
CODE = "00123"
BELOW = SchoolFilter(verdict="BELOW")


def counted(store: Store, scope: Scope) -> list[Any]:
    """Everything from the rows."""
    with store.reader(scope) as snapshot:
        served = pages_providers.served_schools(snapshot, MEASURE, ProviderFilter())
        return [
            standings.standings(snapshot, MEASURE),
            scorecard.score(served, pages_providers.open_flags(snapshot, ProviderFilter())),
            pages_schools.school_rows(snapshot, MEASURE, SchoolFilter(), sort="verdict", limit=20),
            pages_schools.school_rows(snapshot, MEASURE, BELOW, sort="shortage", descending=True, limit=5),
            pages_schools.school_rows(snapshot, MEASURE, SchoolFilter(), sort="heard", limit=20),
            pages_providers.seen_slots(snapshot, ProviderFilter()),
        ]


def shown(app: Flask, store: Store, scope: Scope) -> list[Any]:
    """The same as pages say it."""
    with app.app_context(), store.reader(scope) as snapshot:
        return [
            list(remembered.standings_of(snapshot, MEASURE)),
            remembered.scores(snapshot, MEASURE, ProviderFilter()),
            remembered.school_rows(snapshot, MEASURE, SchoolFilter(), sort="verdict", limit=20),
            remembered.school_rows(snapshot, MEASURE, BELOW, sort="shortage", descending=True, limit=5),
            remembered.school_rows(snapshot, MEASURE, SchoolFilter(), sort="heard", limit=20),
            reliability.seen_slots(snapshot, ProviderFilter()),
        ]


def judge_otherwise(unit: UnitOfWork) -> None:
    of_school = EVALUATIONS.c.school == CODE
    unit.connection.execute(update(EVALUATIONS).where(of_school).values(verdict="MEETS", median_bps=10**8))
    summed_up.renew_all(unit)


def move(unit: UnitOfWork) -> None:
    schools.change(unit, CODE, {"area": "Los Cayos", "provider": "Other", "updated_ms": 10**14})


def move_by_an_old_clock(unit: UnitOfWork) -> None:
    schools.change(unit, CODE, {"area": "Los Cayos", "updated_ms": 5})


def break_a_line(unit: UnitOfWork) -> None:
    day = pages_world.LAST_DAY.isoformat()
    availability.write_now(unit, [NowRow(CODE, day, day, day, 1, 290, 70, 0, 290 / 360, 1.0)])


def close_flags(unit: UnitOfWork) -> None:
    unit.connection.execute(update(FLAGS).values(state="closed"))


@pytest.mark.parametrize("change", [judge_otherwise, move, move_by_an_old_clock, close_flags, break_a_line])
def test_a_change_is_seen_at_once_and_by_every_reader(
    app: Flask, country: Store, change: Callable[[UnitOfWork], None]
) -> None:
    scopes = (WHOLE, Scope(frozenset({"Norte"})), Scope(frozenset({"Los Cayos"})))
    before = [shown(app, country, scope) for scope in scopes]
    assert before == [counted(country, scope) for scope in scopes]
    assert before[0] != before[1] != before[2]
    with country.unit() as unit:
        change(unit)
        unit.commit()
    after = [shown(app, country, scope) for scope in scopes]
    assert after == [counted(country, scope) for scope in scopes]
    assert after[0] != before[0]


def test_nothing_is_counted_twice_of_the_same(app: Flask, country: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shown(app, country, WHOLE)
    monkeypatch.setattr(standings, "standings", None)
    monkeypatch.setattr(scorecard, "score", None)
    assert shown(app, country, WHOLE) == first


def test_what_is_written_and_then_undone_is_not_remembered(app: Flask, country: Store) -> None:
    def below(snapshot: Snapshot) -> int:
        return sum(one.schools for one in remembered.standings_of(snapshot, MEASURE) if one.verdict == "BELOW")

    with app.app_context(), country.reader() as snapshot:
        before = below(snapshot)
    with app.app_context(), country.unit() as unit:
        judge_otherwise(unit)
        assert below(unit) == before - 1  # and the next one who writes raises the same number
    with country.unit() as unit:
        summed_up.renew_all(unit)
        unit.commit()
    with app.app_context(), country.reader() as snapshot:
        assert below(snapshot) == before


def test_an_evaluation_and_a_replay_are_noticed(country: Store) -> None:
    def now() -> newness.Newness:
        with country.reader() as snapshot:
            return newness.newness(snapshot)

    config = CollectorConfig(name="X", default_timezone=pages_world.ZONE)
    ports = fake_ports(FakeClock(pages_world.NOW_MS))
    begun = now()
    evaluate(country, config, ports, from_day=pages_world.LAST_DAY)
    evaluated = now()
    assert evaluated != begun
    replay(country, config, ports)
    assert now() != evaluated


class Killed(BaseException):
    """The process ends here."""


def test_a_kill_leaves_no_tests_set_aside_of_which_pages_do_not_know(
    country: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever commit is the last: who sees other votes sees another number."""
    with country.unit() as unit:
        nobodys = update(MEASUREMENTS).where(MEASUREMENTS.c.school == CODE).values(school=None, votes=None)
        unit.connection.execute(nobodys)
        unit.commit()

    def known() -> tuple[int, newness.Newness]:
        with country.reader() as snapshot:
            waiting = select(func.count()).select_from(MEASUREMENTS).where(MEASUREMENTS.c.votes.is_(None))
            return snapshot.connection.execute(waiting).scalar_one(), newness.newness(snapshot)

    before, commit = known(), UnitOfWork.commit

    def the_last(unit: UnitOfWork) -> None:
        commit(unit)
        raise Killed

    monkeypatch.setattr(UnitOfWork, "commit", the_last)
    with pytest.raises(Killed):
        evaluate(country, CollectorConfig(name="X"), fake_ports(FakeClock(pages_world.NOW_MS)))
    monkeypatch.setattr(UnitOfWork, "commit", commit)
    after = known()
    assert (before[0] > 0, after[0]) == (True, 0)
    assert after[1] != before[1]


def test_a_backup_that_is_restored_under_running_pages_is_shown_as_it_is(app: Flask, country: Store) -> None:
    tables = (EVALUATIONS, NEWEST_EVALUATIONS, PERIOD_VERDICTS, FACTS)
    with country.reader() as snapshot:
        found = {table: snapshot.connection.execute(select(table)).mappings().all() for table in tables}
    backup = {table: [dict(row) for row in rows] for table, rows in found.items()}

    def change(code: str) -> list[Any]:
        with country.unit() as unit:
            of_school = update(EVALUATIONS).where(EVALUATIONS.c.school == code)
            unit.connection.execute(of_school.values(verdict="NOT_TESTABLE"))
            summaries.renew(unit, Series(MEASURE.profile, MEASURE.metric), [code], "2026-01-01")
            unit.commit()
        return shown(app, country, WHOLE)

    first = change(CODE)
    with country.unit() as unit:
        for table, rows in backup.items():
            unit.connection.execute(delete(table))
            unit.connection.execute(insert(table), rows)
        unit.commit()
    assert shown(app, country, WHOLE) == counted(country, WHOLE)
    second = change(next(row["school"] for row in backup[NEWEST_EVALUATIONS] if row["school"] != CODE))
    assert second == counted(country, WHOLE) != first


WHOLE_PAGES = (
    *("/", "/schools", "/schools?verdict=BELOW", "/map?layer=areas", "/map?layer=areas&provider=Onda+Sur", "/quality"),
    *("/quality/aside?reason=busy_line", "/outages", "/sites", "/networks", "/providers"),
    *("/progress", "/progress?by=week&area=Norte", "/flags?as=table", "/devices/data"),
)


def pages_of(app: Flask, token: str) -> dict[str, str]:
    """The pages without the secrets of their forms."""
    client = app.test_client()
    client.set_cookie("enlace_session", token)
    return {page: re.sub('value="[^"]{60,}"', "", client.get(page).text) for page in WHOLE_PAGES}


def test_who_remembers_shows_what_a_process_shows_that_has_just_started(app: Flask, country: Store) -> None:
    client = app.test_client()
    sign_in(client, "ana")
    cookie = client.get_cookie("enlace_session")
    assert cookie is not None
    before = pages_of(app, cookie.value)
    assert pages_of(app, cookie.value) == before
    config = CollectorConfig(name="X", default_timezone=pages_world.ZONE)
    with country.unit() as unit:
        schools.unjudge(unit, CODE)
        move(unit)
        unit.commit()
    evaluate(country, config, fake_ports(FakeClock(pages_world.NOW_MS)))
    after = pages_of(app, cookie.value)
    assert after == pages_of(make_app(country), cookie.value)
    others = ("/", "/schools", "/map?layer=areas", "/quality", "/progress", "/devices/data")
    assert all(after[page] != before[page] for page in others)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["heard", "availability"])
def test_the_first_by_what_is_not_remembered_are_the_first_of_all(country: Store, sort: str, descending: bool) -> None:
    none = dict.fromkeys(("days", "good_slots", "down_slots", "unobserved_slots"), 0)
    with country.unit() as unit:  # two schools are alike, of one nobody saw anything
        known = sorted(unit.connection.scalars(select(SCHOOLS.c.code)))[1:]
        rows = [{"school": code, "as_of": "", "availability": max(at, 1) / 10, **none} for at, code in enumerate(known)]
        unit.connection.execute(delete(AVAILABILITY_NOW))
        unit.connection.execute(insert(AVAILABILITY_NOW), rows)
        unit.commit()

    def codes(snapshot: Snapshot, limit: int, offset: int = 0) -> list[str]:
        found = pages_schools.school_codes(
            snapshot, MEASURE, SchoolFilter(), sort=sort, descending=descending, limit=limit, offset=offset
        )
        return list(found)

    for scope in (WHOLE, Scope(frozenset({"Norte"}))):
        with country.reader(scope) as snapshot:
            whole = codes(snapshot, 1000)
            for limit in range(1, len(whole) + 1):
                assert codes(snapshot, limit) == whole[:limit]
                assert codes(snapshot, limit, 1) == whole[1 : limit + 1]
