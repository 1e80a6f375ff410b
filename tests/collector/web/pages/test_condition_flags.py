"""Flags by daily conditions on the pages: question and numbers, what people do about them, and who counts them."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import unescape
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from collector.config import CollectorConfig
from collector.domain.conditions import RULES, ConditionKind, DayState, Observed
from collector.evaluate import conditions
from collector.evaluate.run import evaluate
from collector.store.open import Store
from collector.store.queries.judging.condition_days import Series
from collector.store.tables.judgement import FLAGS
from collector.store.tables.measurements import MEASUREMENTS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.pages_world import LAST_DAY, NOW_MS, ZONE

KINDS: Mapping[ConditionKind, tuple[str, dict[str, Any], str]] = {
    ConditionKind.NOT_REPORTING: (
        "Not reporting",
        {"silent_days": 22, "heard_on": "2026-10-21", "pcs": 2},
        "No message from any PC for <b>22 school days</b>. Last heard on 21 October.",
    ),
    ConditionKind.LOW_AVAILABILITY: (
        "Line goes down",
        {"availability": 0.945, "goal": 0.98},
        "Line up <b>94.5\u00a0%</b> of the school hours that were seen. The goal is 98\u00a0%.",
    ),
    ConditionKind.POOR_QUALITY: (
        "Slow to respond",
        {"n": 40, "slow": 22, "limit_ms": 200.0, "loaded_ms": 260.4, "idle_ms": 44.0},
        "Answers came later than 200 ms in <b>22 of 40 tests</b> while they filled the line. "
        "Typically after 260 ms; after 44 while it is idle.",
    ),
    ConditionKind.DATA_QUALITY: (
        "Data in doubt",
        {"doubts": ["copied_identity", "wrong_clock"], "pcs": ["d1"]},
        "Seen: two PCs use one identity: a disk image was copied after enrolment; the clock of a PC",
    ),
    ConditionKind.SITE_UNREACHABLE: (
        "Site cannot be opened",
        {"others_open": 89},
        "<b>Biblioteca &lt;1&gt;</b> cannot be opened from this school. 89 other schools can.",
    ),
    ConditionKind.OTHER_NETWORK: (
        "Another network than paid for",
        {"seen": "AS65001 Otra", "paid": "Onda Sur"},
        "The network seen is <b>AS65001 Otra</b>; the provider paid is <b>Onda Sur</b>.",
    ),
}


def open_flags(store: Store, numbers: Mapping[ConditionKind, dict[str, Any]], code: str = "00200") -> None:
    with store.unit() as unit:
        for kind, found in numbers.items():
            days = [LAST_DAY - timedelta(days=back) for back in reversed(range(RULES[kind].open_after))]
            subject = "Biblioteca <1>" if kind is ConditionKind.SITE_UNREACHABLE else ""
            observed = [Observed(day, DayState.BAD, {**found, "severity": "serious"}) for day in days]
            conditions.write_days(unit, kind, {Series(code, subject): observed}, days[0])
            conditions.fold_conditions(unit, kind, [code], LAST_DAY)
        unit.commit()


@pytest.fixture
def flagged(country: Store) -> Store:
    open_flags(country, {kind: numbers for kind, (_name, numbers, _said) in KINDS.items()})
    return country


def flag_of(store: Store, kind: str) -> str:
    with store.reader() as snapshot:
        return str(snapshot.connection.scalar(select(FLAGS.c.flag_id).where(FLAGS.c.kind == kind)))


def count(page: str) -> int:
    found = re.search(r'class="found"><b>(\d+) flag', page)
    assert found
    return int(found[1])


def test_each_kind_is_listed_and_shown_with_its_numbers(admin: FlaskClient, flagged: Store) -> None:
    for kind, (name, _numbers, said) in KINDS.items():
        page = admin.get(f"/flags?kind={kind}").text
        assert count(page) == 1 and f"{name}: Álamo" in page and said in page, kind
        assert said in admin.get(f"/flags?kind={kind}&as=table").text
        one = admin.get(f"/flags/{flag_of(flagged, kind)}").text
        assert said in one and f"<h1>{name}</h1>" in one and "What to do:" in one
        assert "Tests that reach the target" not in one and "The days behind it" in one


def test_who_counts_the_speed_counts_the_speed_and_the_list_counts_all(admin: FlaskClient, country: Store) -> None:
    def counts() -> list[Any]:
        return [
            by_question(admin).get("below_target"),
            re.findall(r"/flags\?kind=below_target&amp;provider=[^>]+>(\d+)<", admin.get("/providers").text),
        ]

    before, listed = counts(), count(admin.get("/flags").text)
    school, head = admin.get("/schools/00200").text, admin.get("/map/card?school=00200").text
    open_flags(country, {kind: numbers for kind, (_name, numbers, _said) in KINDS.items()})
    assert counts() == before
    assert count(admin.get("/flags").text) == listed + len(KINDS)
    assert count(admin.get("/flags?kind=below_target").text) == listed
    after = admin.get("/schools/00200").text
    assert "Below target since" not in after and "Not reporting" in after and "Not reporting" not in school
    assert admin.get("/map/card?school=00200").text == head
    assert f">{listed + len(KINDS)}</" in admin.get("/").text.split("</nav>")[0]


def by_question(client: FlaskClient) -> dict[str, int]:
    """Return what the overview counts, by the filter of the list that each number leads to."""
    card = client.get("/").text.split('aria-labelledby="flags"')[1].split("</section>")[0]
    rows = re.findall(r'href="/flags\?kind=([^"]+)">[^<]+</a></th>\s*<td.*?</td><td>(\d+)</td>', card, re.S)
    return {unescape(kind): int(shown) for kind, shown in rows}


def test_the_overview_counts_open_flags_by_question_as_their_lists_do(admin: FlaskClient, flagged: Store) -> None:
    shown = by_question(admin)
    with flagged.reader() as snapshot:
        query = "SELECT kind, count(*) FROM flags WHERE state IN ('open', 'recovering') GROUP BY kind"
        recounted = {row[0]: row[1] for row in snapshot.connection.execute(text(query))}
        under = snapshot.connection.scalar(
            text(
                "SELECT count(*) FROM flags f JOIN schools s ON s.code = f.school JOIN newest_evaluations e "
                "ON e.school = f.school AND e.metric = 'download_bps' WHERE f.kind = 'below_target' AND "
                "f.state IN ('open', 'recovering') AND e.verdict <> 'INSUFFICIENT' AND "
                "e.median_bps < 0.8 * s.contract_download_mbps * 1000000"
            )
        )
    assert len(recounted) == 1 + len(KINDS)
    assert shown == {**recounted, "below_target&contract=under": under} and under
    for kind, number in shown.items():
        assert count(admin.get(f"/flags?kind={kind}").text) == number, kind
    card = admin.get("/").text.split('aria-labelledby="flags"')[1].split("</section>")[0]
    links = re.findall(r'<dd><a href="(/flags\?[^"]+)">(\d+)</a>', card)
    assert len(links) == 4
    for address, number in links:
        assert count(admin.get(unescape(address)).text) == int(number), address
    page = admin.get("/flags?kind=below_target&contract=under").text
    assert "Under 80\u00a0% of the contract" in page and 'name="contract" value="under"' in page
    assert admin.get("/flags?contract=much").status_code == 200


def test_people_do_the_same_about_them(admin: FlaskClient, flagged: Store) -> None:
    flag = flag_of(flagged, "not_reporting")

    def do(action: str, **fields: str) -> str:
        page = admin.get(f"/flags/{flag}").text
        version = re.search(rf'name="flag" value="({flag}:\d+)"', page)
        assert version
        sent = {"csrf_token": token_of(page), "flag": version[1], "action": action, **fields}
        return admin.post(f"/flags/{flag}", data=sent, follow_redirects=True).text

    assert "Taken." in do("taken")
    assert count(admin.get("/flags?owner=me").text) == 1
    assert "Snoozed." in do("snoozed", until="2026-12-01", note="closed for works")
    assert count(admin.get("/flags?state=snoozed").text) == 1
    closed = do("closed", reason="passing")
    assert "Closed." in closed and "Closed by ana: a known cause that passes" in closed
    assert count(admin.get("/flags?state=closed&kind=not_reporting").text) == 1
    batch = re.search(r'name="batch" value="([^"]+)"', closed)
    assert batch
    undone = {"csrf_token": token_of(closed), "batch": batch[1], "back": f"/flags/{flag}"}
    admin.post("/flags/undo", data=undone)
    assert count(admin.get("/flags?kind=not_reporting&state=snoozed").text) == 1


def test_a_kind_or_numbers_of_another_version_are_no_fault(admin: FlaskClient, country: Store) -> None:
    open_flags(country, {kind: {"strange": [1], "doubts": [3], "silent_days": "x"} for kind in ConditionKind})
    for kind in ConditionKind:
        assert admin.get(f"/flags/{flag_of(country, kind)}").status_code == 200
    assert admin.get("/flags").status_code == 200


def test_what_is_slow_to_respond_shows_its_numbers_which_lead_to_their_tests(app: Flask, country: Store) -> None:
    """From tests through an evaluation to the page: every number of the page is one of a recount."""
    tests = MEASUREMENTS.c
    with country.unit() as unit:
        mine = update(MEASUREMENTS).where(tests.school == "00200")
        unit.connection.execute(mine.values(loaded_download_p95_ms=90.0, loaded_upload_p95_ms=80.0))
        late = (tests.school == "00200") & (tests.device == "d-00200-2")
        unit.connection.execute(update(MEASUREMENTS).where(late).values(loaded_upload_p95_ms=420.0))
        unit.commit()
    config = CollectorConfig(default_timezone=ZONE)
    evaluate(country, config, fake_ports(FakeClock(NOW_MS)), from_day=LAST_DAY - timedelta(days=30))
    client = app.test_client()
    sign_in(client, "ana")
    with country.reader() as snapshot:
        query = select(FLAGS.c.school, FLAGS.c.flag_id).where(FLAGS.c.kind == "poor_quality")
        found = dict(map(tuple, snapshot.connection.execute(query)))
    flag = found["00200"]
    page = unescape(client.get(f"/flags/{flag}").text)
    card = page.split('aria-labelledby="delay"')[1].split("</section>")[0]
    links = re.findall(r'href="(/schools/00200/tests\?[^"]+)">(\d+)<', card)
    shown = dict(re.findall(r'<th scope="row">([^<]+)</th><td[^>]*>(?:<a [^>]+>)?([^<]+)<', card))
    (first,), (last,) = (set(re.findall(rf"{end}=([\d-]+)", card)) for end in ("from", "to"))
    with country.reader() as snapshot:
        question = "SELECT started_ms, loaded_upload_p95_ms, loaded_download_p95_ms FROM measurements WHERE votes "
        rows = snapshot.connection.execute(text(question + "AND school = '00200' ORDER BY started_ms")).all()
    zone = ZoneInfo(ZONE)
    days: dict[str, list[float]] = {}
    for started_ms, up_ms, down_ms in rows:
        day = datetime.fromtimestamp(started_ms / 1000, zone).date().isoformat()
        if first <= day <= last:
            days.setdefault(day, []).append(max(up_ms, down_ms))
    every = [ms for those in days.values() for ms in those]
    slow = sum(ms > 200 for ms in every)
    assert len(days) == 10 and 0 < slow < len(every)
    assert [int(number) for _address, number in links] == [len(every), slow]
    for address, number in links:
        assert re.findall(r'class="found"><b>(\d+) of', client.get(address).text) == [number], address
    assert shown["Later than the limit"] == str(slow) and shown["Limit, ms"] == "200"
    assert shown["Share in time"] == f"{100 * (1 - slow / len(every)):.1f}\u00a0%"
    assert int(shown["Typical under load, ms"]) == round(median(median(those) for those in days.values()))
    assert "/uses" in card and "9 times in 10" in card
    assert "was left out" in client.get("/schools/00200/tests?late=soon").text
    other = next(flag_id for school, flag_id in found.items() if school != "00200")
    client = app.test_client()
    sign_in(client, "cora")  # sees one district
    assert [client.get(f"/flags/{flag_id}").status_code for flag_id in (flag, other)] == [200, 404]
    assert count(client.get("/flags?kind=poor_quality").text) == 1
