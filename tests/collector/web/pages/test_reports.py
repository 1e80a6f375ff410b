"""The monthly report: every number is that of a recount from raw rows, for whoever reads it."""

import csv
import io
import re
from collections import Counter
from html import unescape
from statistics import median
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import insert, text, update

from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.outages import OUTAGES
from collector.store.tables.registry import SCHOOLS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.walk import walker
from tests.fakes import pages_world, summed_up

MONTHS = {"2026-10": ("2026-10-01", "2026-10-31"), "2026-11": ("2026-11-01", "2026-11-30")}
NEWEST = """
SELECT e.school, e.verdict, e.median_bps, e.target_bps, e.n, e.attained FROM evaluations e
WHERE e.day BETWEEN :first AND :last AND e.profile = 'un-umc-2030' AND e.metric = 'download_bps' AND NOT EXISTS (
SELECT 1 FROM evaluations n WHERE n.school = e.school AND n.day > e.day AND n.day <= :last)
"""
REGISTRY = (
    "SELECT code, name, area, provider, students_total AS pupils, contract_download_mbps AS contract FROM schools"
)
TESTS = "SELECT count(*), count(exclusion) FROM measurements WHERE started_ms BETWEEN :first AND :last"
ENOUGH = ("MEETS", "BELOW", "BORDERLINE", "NOT_TESTABLE")
NOVEMBER_MS = 1_793_505_600_000  # 1 November 2026, 00:00 in Barbados
JUDGED_MS = NOVEMBER_MS + 23 * 86_400_000 - 1  # the last moment of the day that was judged last


def words_of(page: str) -> str:
    """Return what a page says, without its elements."""
    plain = re.sub(r"<[^>]+>", "", unescape(page)).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", plain)


def table_of(page: str, name: str) -> list[list[str]]:
    """Return the rows of the table under a heading as texts."""
    part = page.split(f'id="{name}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in part.split("</tr>")]
    return [[words_of(re.sub(r"<small>.*?</small>", "", cell)).strip() for cell in row] for row in rows if row]


def newest(store: Store, month: str) -> dict[str, Any]:
    first, last = MONTHS[month]
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(text(NEWEST), {"first": first, "last": last})
        return {row.school: row for row in rows}


def registry(store: Store) -> dict[str, Any]:
    with store.reader() as snapshot:
        return {row.code: row for row in snapshot.connection.execute(text(REGISTRY))}


def a_richer_month(store: Store) -> None:
    """Let November have more of each: a school that fell, one that recovered, one that waits for a better port."""
    with store.unit() as unit:
        for code, since, until, verdict in (
            ("00200", "2026-10-01", "2026-10-31", "BELOW"),  # recovers
            ("00201", "2026-11-01", "2026-11-30", "BELOW"),
            ("00201", "2026-10-01", "2026-10-31", "MEETS"),  # falls
            ("00202", "2026-11-01", "2026-11-30", "NOT_TESTABLE"),
        ):
            own = (EVALUATIONS.c.school == code) & EVALUATIONS.c.day.between(since, until)
            unit.connection.execute(update(EVALUATIONS).where(own).values(verdict=verdict))
        low = update(SCHOOLS).where(SCHOOLS.c.code == "00123")
        unit.connection.execute(low.values(contract_download_mbps=300.0, updated_ms=10**14))
        summed_up.renew_all(unit)
        unit.commit()


@pytest.mark.parametrize("month", MONTHS)
def test_every_number_is_that_of_a_recount(admin: FlaskClient, country: Store, month: str) -> None:
    a_richer_month(country)
    now, schools = newest(country, month), registry(country)
    before = newest(country, "2026-10") if month == "2026-11" else {}
    page = admin.get(f"/reports/{month}").text
    said, counts = words_of(page), Counter(row.verdict for row in now.values())
    assert f"{counts['MEETS']} of 5 schools meet" in said
    below = [code for code, row in now.items() if row.verdict == "BELOW"]
    assert f"with {sum(schools[code].pupils for code in below)} pupils" in said
    assert f"{sum(counts[name] for name in ENOUGH)} schools with enough data to judge, of 5" in said
    for name, word in (("BELOW", "Below"), ("BORDERLINE", "Borderline"), ("NOT_TESTABLE", "Not testable")):
        assert f"{counts[name]} {word}" in said
    assert f"{5 - len(now)} No verdict in the period" in said

    both = [code for code, row in now.items() if row.verdict in ENOUGH and code in before]
    both = [code for code in both if before[code].verdict in ENOUGH]
    for area in ("Norte", "Los Cayos"):
        mine = [code for code in schools if schools[code].area == area]
        tally = Counter(now[code].verdict for code in mine if code in now)
        meets, was = tally["MEETS"], [code for code in both if code in mine]
        more = sum(now[code].verdict == "MEETS" for code in was)
        more -= sum(before[code].verdict == "MEETS" for code in was)
        change = "–" if not was else "=" if not more else f"{more:+d}".replace("-", "\u2212")
        rest = len(mine) - meets - tally["BORDERLINE"] - tally["BELOW"]
        row = next(row for row in table_of(page, "areas") if row[0] == area)
        shown = [area, *map(str, (len(mine), meets, tally["BORDERLINE"], tally["BELOW"], rest)), "", change]
        assert row == shown
    fell = [code for code in below if code in before and before[code].verdict in ("MEETS", "BORDERLINE")]
    back = [code for code in both if now[code].verdict == "MEETS" and before[code].verdict == "BELOW"]
    assert f"{len(fell)} school" in said.split("fell below")[0][-12:] and f"{len(back)} " in said.split("fell below")[1]
    assert month != "2026-11" or (fell and back)

    with country.reader() as snapshot:
        first_ms, last_ms = (0, NOVEMBER_MS - 1) if month == "2026-10" else (NOVEMBER_MS, JUDGED_MS)
        tests, aside = snapshot.connection.execute(text(TESTS), {"first": first_ms, "last": last_ms}).one()
    share = f"{aside} tests of {tests} ({aside / tests:.0%}) were set aside".replace("%", " %") if aside else ""
    assert (share or "No test was set aside.") in said and aside != 1
    assert month != "2026-11" or aside

    worst = sorted(below, key=lambda one: -(1 - now[one].median_bps / now[one].target_bps) * schools[one].pupils)
    shown = table_of(page, "worst") if worst else []
    assert [row[0] for row in shown] == [schools[code].name for code in worst]
    assert [row[-1] for row in shown] == [f"{now[code].attained} of {now[code].n}" for code in worst]


def test_providers_and_proposals_are_recounted_by_contract(admin: FlaskClient, country: Store) -> None:
    a_richer_month(country)
    with country.unit() as unit:
        others = update(SCHOOLS).where(SCHOOLS.c.code.in_(("00200", "00202")))
        unit.connection.execute(others.values(contract_download_mbps=25.0, updated_ms=10**14 + 1))
        unit.commit()
    now, schools = newest(country, "2026-11"), registry(country)
    page = admin.get("/reports/2026-11").text
    for provider, judged, share, kept, short, *_up in table_of(page, "providers"):
        mine = [code for code, row in now.items() if schools[code].provider == provider and row.verdict in ENOUGH]
        parts = [now[code].median_bps / schools[code].contract / 1e6 for code in mine if schools[code].contract]
        assert (judged, kept, short) == (
            str(len(mine)), str(sum(part >= 0.8 for part in parts)), str(sum(part < 0.8 for part in parts))
        )  # fmt: skip
        assert share == (f"{100 * median(parts):.0f}" if len(parts) >= 5 else "–")
    rows = list(csv.DictReader(io.StringIO(admin.get("/reports/2026-11.csv").text.lstrip("\ufeff"))))
    assert [row["school"] for row in rows] == sorted(schools)
    assert {row["school"]: row["verdict"] for row in rows if row["verdict"]} == {
        code: row.verdict for code, row in now.items()
    }
    advice = {row["school"]: row["advice"] for row in rows}
    assert advice == {
        "00123": "complain",
        "00200": "",
        "00201": advice["00201"],
        "00202": "better_port",
        "00203": "hear",
    }
    said = words_of(page.split('id="do"')[1].split("</ol>")[0])
    assert "Complain to Onda Sur: send the evidence. 1 school below gets less than 80 %" in said
    assert "The PC of 1 school cannot show the target." in said and "Of 1 school no test was judged" in said


def test_every_number_leads_to_as_many_schools(admin: FlaskClient, country: Store) -> None:
    a_richer_month(country)
    page = unescape(admin.get("/reports/2026-11").text)
    links = re.findall(r'href="(/progress\?[^"#]+)#schools">(\d+)<', page)
    assert len(links) >= 12
    for address, shown in links:
        found = re.search(r'<h2 id="schools">[^<]+\((\d+)\)</h2>', admin.get(address).text)
        assert found and found.group(1) == shown, address
    assert 'href="/reports/2026-11"' in admin.get("/").text
    listed = re.findall(r'href="(/reports/[^"]+)">([^<]+)<', admin.get("/reports").text)
    assert [address for address, _ in listed] == ["/reports/2026-11", "/reports/2026-10"]
    for address, headline in listed:
        assert f"<h1>{headline}</h1>" in admin.get(address).text


def test_a_change_is_seen_at_once_and_a_month_with_too_little_says_so(admin: FlaskClient, country: Store) -> None:
    assert "figures speak of these, not of all" not in admin.get("/reports/2026-11").text
    with country.unit() as unit:
        some = update(EVALUATIONS).where(EVALUATIONS.c.school != "00200")
        unit.connection.execute(some.values(verdict="INSUFFICIENT"))
        summed_up.renew_all(unit)
        unit.commit()
    said = words_of(admin.get("/reports/2026-11").text)
    assert "November 2026 so far: 1 of 5 schools meets the internet target" in said
    assert "Only 1 of 5 schools had enough data in this month: the figures speak of it, not of all." in said
    assert "No school is below." in said
    with country.unit() as unit:
        unit.connection.execute(update(EVALUATIONS).values(verdict="INSUFFICIENT"))
        summed_up.renew_all(unit)
        unit.commit()
    said = words_of(admin.get("/reports/2026-11").text)
    assert "no school had enough data to be judged" in said and "12 valid tests on 5 school days" in said


def test_outages_are_added_up_and_ours_do_not_count(admin: FlaskClient, app: Flask, country: Store) -> None:
    day_ms = 86_400_000
    base = {
        "kind": "regional", "area": "Norte", "provider": "Onda Sur", "online": 3, "silent": 3, "live_label": "provider",
    }  # fmt: skip
    with country.unit() as unit:
        for number, (label, state, from_ms, hours, lost) in enumerate((
            ("provider", "closed", NOVEMBER_MS, 2, 150.0),
            ("area", "open", pages_world.NOW_MS - 3_600_000, None, None),
            ("collector", "closed", NOVEMBER_MS + day_ms, 30, None),
            ("provider", "retracted", NOVEMBER_MS + day_ms, 50, 0.0),
            ("collector", "retracted", NOVEMBER_MS + day_ms, 20, 0.0),
            ("provider", "closed", NOVEMBER_MS - 1, 70, 9999.0),  # of October
        )):  # fmt: skip
            at = dict.fromkeys(("from_ms", "began_ms", "suspected_ms", "opened_ms"), from_ms)
            ends = None if hours is None else from_ms + hours * 3_600_000
            one = {"outage_id": f"o-{number}", "label": label, "state": state, "to_ms": ends, "pupil_hours": lost}
            unit.connection.execute(insert(OUTAGES).values(**base, **at, **one))
        unit.commit()
    said = words_of(admin.get("/reports/2026-11").text)
    # 2 h, 1 h so far, whose pupil-hours nobody knows yet, and the 1.5 h with 1,350 pupil-hours that the country has.
    assert "3 regional outages, 4.5 hours together; at least 1,500 pupil-hours of school time were lost." in said
    assert "1 silence was of our own server and does not count." in said
    assert "1 regional outage, 70.0 hours; 9,999 pupil-hours" in words_of(admin.get("/reports/2026-10").text)
    cleo = app.test_client()
    sign_in(cleo, "cleo")
    said = words_of(cleo.get("/reports/2026-11").text)
    assert "November 2026 so far: 1 of 1 school meets" in said and "No regional outage began" in said


def test_a_month_without_a_report_is_not_there_in_the_readers_language(admin: FlaskClient, app: Flask) -> None:
    admin.set_cookie("enlace_language", "es")
    for month in (
        *("2026-13", "2026-00", "2026-12", "2026-09", "1900-01", "0000-01", "9999-12", "26-10", "2026-1", "2026-1x"),
        *("2026-10-01", "２０２６-10", "-026-10", "%00", "x" * 300),
    ):
        for ending in ("", ".csv"):
            answer = admin.get(f"/reports/{month}{ending}")
            assert answer.status_code == 404, month
            assert "No existe esa página" in answer.text, month
    viewer = app.test_client()
    sign_in(viewer, "vera")
    assert viewer.get("/reports/2026-11.csv").status_code == 403
    assert ".csv" not in viewer.get("/reports/2026-11").text


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_on_paper_it_is_two_light_sheets_without_navigation(browser: Browser, site: str) -> None:
    with walker(browser, site, color_scheme="dark") as page:
        page.goto(f"{site}/reports/2026-11")
        assert page.get_by_role("button", name="Print or save as PDF").is_visible()
        paper = page.pdf(prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", paper)) == 2
        page.emulate_media(media="print")
        assert page.locator(".demo").is_visible() and not page.locator(".sheet-bar").is_visible()
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor") == "rgb(255, 255, 255)"
        )
        ink = page.evaluate("getComputedStyle(document.querySelector('.tile b')).color")
        assert ink == "rgb(0, 0, 0)"
