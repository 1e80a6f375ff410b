"""A target that changes: each day is judged by the version of that day, and what a change would do is known before."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.domain.in_force import Reach, Version
from collector.domain.targets import Rule, When
from collector.domain.words import Technology
from collector.evaluate import preview, work
from collector.evaluate.inputs import Reference
from collector.evaluate.run import evaluate, replay
from collector.profiles import catalogue
from collector.profiles.own import Own, compose
from collector.store.open import Store
from collector.store.queries import target_versions
from collector.store.queries.target_versions import Decision
from collector.store.tables.catalogue import METADATA
from collector.store.tables.judgement import EVALUATIONS
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.school_days import WIDTH, Town, a_registry, at_ms, bring, weekdays

LAST = date(2026, 11, 24)
DAYS = weekdays(LAST, 12)
NEXT = date(2026, 11, 25)
HEADING = "code,name,timezone,students_total,area,technology,contract_download_mbps"
SPEEDS = {"a": 25_000_000, "b": 60_000_000, "c": 12_000_000, "d": 45_000_000}
CONFIG = CollectorConfig()
MBPS = 1_000_000


def decided(number: int, version: Version) -> Decision:
    return Decision(
        version_id=f"v{number}",
        reach=version.reach.value,
        place=version.place,
        valid_from=version.valid_from.isoformat(),
        profile=version.profile,
        rule=version.rule,
        note=None,
        created_ms=0,
        created_by="ana",
    )


def own(valid_from: date, *rules: Rule) -> str:
    return compose(Own(f"own-{valid_from}", valid_from, "Ours", "Ministry", "Circular", 0.5, rules))


def decide(store: Store, number: int, version: Version) -> None:
    with store.unit() as unit:
        target_versions.add(unit, decided(number, version))
        unit.commit()


def judged(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(select(EVALUATIONS)).mappings()
        return {(row["school"], row["day"]): dict(row) for row in rows}


def everything(store: Store) -> dict[str, list[Any]]:
    with store.reader() as snapshot:
        return {name: list(snapshot.connection.execute(select(table))) for name, table in METADATA.tables.items()}


def foresee(store: Store, version: Version) -> preview.Preview:
    with store.reader() as snapshot:
        return preview.foresee(snapshot, work.deployment_of(snapshot, CONFIG, catalogue.load(), Reference()), version)


@pytest.fixture
def town(store: Store) -> Town:
    rows = (
        "a,Uno,UTC,120,Sur,fibre,30",
        "b,Dos,UTC,120,Sur,satellite,",
        "c,Tres,UTC,,Norte,fibre,10",
        "d,Cuatro,UTC,300,Norte / Alto,,",
    )
    bring(store, a_registry(*rows, "e,Cinco,UTC,50,Sur,,", heading=HEADING), at_ms(DAYS[0], "06:00"))
    made = Town(store)
    for day in DAYS:
        for code, speed in SPEEDS.items():
            made.day(code, day, [round(speed * part) for part in (0.9, 0.95, 1, 1.02, 1.1, 1.2)[:WIDTH]])
    evaluate(store, CONFIG, fake_ports(FakeClock(at_ms(LAST, "22:00"))))
    return made


VERSIONS = {
    "a published one": Version("p", Reach.DEPLOYMENT, "", LAST, "br-enec-2024"),
    "the contract": Version("p", Reach.DEPLOYMENT, "", LAST, "contract"),
    "one speed": Version("p", Reach.DEPLOYMENT, "", LAST, "own", own(LAST, Rule(fixed_bps=40 * MBPS))),
    "by technology": Version(
        "p",
        Reach.DEPLOYMENT,
        "",
        LAST,
        "own",
        own(
            LAST,
            Rule(When(technology=frozenset({Technology.SATELLITE})), fixed_bps=70 * MBPS),
            Rule(per="students_total", rate_bps=MBPS, at_once=0.1, min_bps=10 * MBPS),
        ),
    ),
    "an area": Version("p", Reach.AREA, "Norte", LAST, "giga-maps-global"),
    "a school": Version("p", Reach.SCHOOL, "c", LAST, "own", own(LAST, Rule(fixed_bps=5 * MBPS))),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_the_preview_says_what_the_judgement_then_says(store: Store, town: Town, name: str) -> None:
    before, version = judged(store), VERSIONS[name]
    found = foresee(store, version)
    decide(store, 1, version)
    evaluate(store, CONFIG, fake_ports(FakeClock(at_ms(LAST, "22:30"))), from_day=LAST)
    after = judged(store)

    places = (
        {"a", "b", "c", "d"} if version.reach is Reach.DEPLOYMENT else {"c", "d"} if version.place == "Norte" else {"c"}
    )
    assert {one.code for one in found.schools} == places
    day = LAST.isoformat()
    for one in found.schools:
        then = after.get((one.code, day))
        assert (one.day, one.before) == (day, before[one.code, day]["verdict"])
        assert (one.after, one.after_bps) == ((then["verdict"], then["target_bps"]) if then else (None, None))
        assert then is None or (then["target_profile"], then["n"]) == (version.profile, one.n)
    assert found.unjudged == (1 if version.reach is Reach.DEPLOYMENT else 0)
    for code in set(SPEEDS) - places:
        assert after[code, day] == before[code, day]


def test_a_preview_stores_nothing(store: Store, town: Town) -> None:
    before = everything(store)
    assert foresee(store, VERSIONS["one speed"]).moves()
    assert everything(store) == before


def test_a_nearer_target_keeps_its_schools_out_of_the_preview(store: Store, town: Town) -> None:
    decide(store, 1, VERSIONS["an area"])
    found = foresee(store, VERSIONS["one speed"])
    assert ({one.code for one in found.schools}, found.overruled) == ({"a", "b"}, 2)
    again = foresee(store, replace(VERSIONS["an area"], profile=None))
    assert {one.code for one in again.schools} == {"c", "d"}


def test_each_day_is_judged_by_the_version_of_that_day_also_in_a_replay(store: Store, town: Town) -> None:
    before = judged(store)
    decide(store, 1, Version("1", Reach.DEPLOYMENT, "", NEXT, "own", own(NEXT, Rule(fixed_bps=50 * MBPS))))
    decide(store, 2, Version("2", Reach.AREA, "Norte", NEXT + timedelta(days=1), "giga-maps-global"))
    decide(store, 3, Version("3", Reach.SCHOOL, "d", NEXT + timedelta(days=2), None))
    for day in (NEXT, NEXT + timedelta(days=1), NEXT + timedelta(days=2)):
        for code, speed in SPEEDS.items():
            town.day(code, day, [speed] * WIDTH)
        clock = FakeClock(at_ms(day, "22:00"))
        evaluate(store, CONFIG, fake_ports(clock))
    found = judged(store)
    assert {key: row for key, row in found.items() if key[1] <= LAST.isoformat()} == before
    days = [(NEXT + timedelta(days=number)).isoformat() for number in range(3)]
    profiles = {code: [found[code, day]["target_profile"] for day in days] for code in SPEEDS}
    assert profiles == {
        "a": ["own"] * 3,
        "b": ["own"] * 3,
        "c": ["own", "giga-maps-global", "giga-maps-global"],
        "d": ["own", "giga-maps-global", "giga-maps-global"],
    }
    assert {found["a", day]["target_bps"] for day in days} == {50 * MBPS}
    assert {row["profile"] for row in found.values()} == {CONFIG.profile}  # one series, so that a flag goes on

    with store.unit() as unit:  # what was taken back before it began is as if it had never been
        assert target_versions.undo(unit, "v3", 1, "ana")
        unit.commit()
    replay(store, CONFIG, fake_ports(clock))
    assert judged(store) == found


def test_a_school_that_moves_keeps_the_target_of_the_days_before(store: Store, town: Town) -> None:
    decide(store, 1, Version("1", Reach.AREA, "Sur", DAYS[0], "giga-maps-global"))
    clock = FakeClock(at_ms(LAST, "22:30"))
    evaluate(store, CONFIG, fake_ports(clock), from_day=DAYS[0])
    clock.now = at_ms(NEXT, "06:00")
    bring(store, a_registry("a,Uno,UTC,120,Norte,fibre,30", heading=HEADING), clock.now)
    town.day("a", NEXT, [SPEEDS["a"]] * WIDTH)
    clock.now = at_ms(NEXT, "22:00")
    evaluate(store, CONFIG, fake_ports(clock))
    found = judged(store)
    assert found["a", LAST.isoformat()]["target_profile"] == "giga-maps-global"
    assert found["a", NEXT.isoformat()]["target_profile"] == CONFIG.profile
    replay(store, CONFIG, fake_ports(clock))
    assert judged(store) == found
