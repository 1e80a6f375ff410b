"""What pages say of a school's line, counted again from the raw runs of its diaries."""

import csv
import io
import re
from datetime import date, timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.evaluate import work
from collector.evaluate.availability import work_out
from collector.evaluate.inputs import Reference
from collector.profiles import catalogue as profiles
from collector.store.open import Store
from collector.store.tables.availability import LOCAL_OUTAGES
from collector.store.tables.measurements import DIARY
from tests.collector.web import screens
from tests.collector.web.pages.test_all_pages import statements
from tests.collector.web.pages.test_axe import AXE, violations
from tests.fakes.diary import SLOT_MS, a_day, heard, late, put, stored
from tests.fakes.pages_world import NOW_MS
from tests.fakes.school_days import at_ms, weekdays

SCHOOL, ZONE = "00123", "America/Port_of_Spain"  # four hours behind UTC, always
TODAY = date(2026, 11, 24)
LAST = TODAY - timedelta(days=1)
PAGE = f"/schools/{SCHOOL}"
UP, DOWN = {"ok", "collector_down"}, {"dns_fail", "no_internet", "no_gateway", "link_down"}


@pytest.fixture
def diaries(country: Store) -> Store:
    """Twelve school days of two PCs: outages, a PC that came back late, a login page, and a morning of today."""
    days = weekdays(LAST, 12)
    runs = []
    for at, day in enumerate(days):
        seven = at_ms(day, "07:00", ZONE)
        ours = a_day("d-1", seven, (30, "ok"), (at, "no_internet"), (40, "collector_down"), (20 - at, "off"))
        runs += [late(one, at_ms(LAST, "16:00", ZONE)) for one in ours] if at == 6 else ours
        if at % 3 == 0:
            runs += a_day("d-2", seven + 30 * SLOT_MS, (3, "ok"), (6, "portal"), (3, "dns_fail"))
    runs += a_day("d-1", at_ms(TODAY, "07:00", ZONE), (6, "ok"), (6, "portal"))
    runs.append(heard("d-1", at_ms(days[3], "20:00", ZONE), 12, "link_down"))  # in the evening, when nobody is there
    put(country, stored(SCHOOL, runs))
    with country.reader() as snapshot:
        deployment = work.deployment_of(snapshot, CollectorConfig(default_timezone=ZONE), profiles.load(), Reference())
    assert work_out(country, deployment, NOW_MS).failed == []
    return country


def test_the_row_of_questions_says_it_too_and_the_page_asks_no_more_than_it_may(
    diaries: Store, admin: FlaskClient
) -> None:
    for most in (25, 24):  # where schools stand is looked for once
        with statements(diaries) as seen:
            page = admin.get(PAGE).text
        assert len(seen) <= most, seen
    said = re.search(r'Is it up\?</dt>.*?<a href="/schools/00123/availability">([^<]+)</a>; goal 98<', page, re.DOTALL)
    assert said and f"Up {said.group(1)} of the school hours" in page


def recount(store: Store, day: date, hours: tuple[str, str]) -> tuple[int, int, int]:
    """Return the minutes up, down and not seen of a day, from what is stored, minute by minute."""
    with store.reader() as snapshot:
        columns = (DIARY.c.from_ms, DIARY.c.to_ms, DIARY.c.state)
        found = snapshot.connection.execute(select(*columns).where(DIARY.c.school == SCHOOL)).all()
    minutes = range(at_ms(day, hours[0], ZONE), at_ms(day, hours[1], ZONE), 60_000)
    said = [{state for first, after, state in found if first <= at < after} for at in minutes]
    up = sum(bool(words & UP) for words in said)
    down = sum(bool(words & DOWN) and not words & UP for words in said)
    return up, down, len(minutes) - up - down


def table(page: str, anchor: str) -> list[list[str]]:
    """Return the cells of the first table after a place, as text."""
    body = page[page.index(anchor) :].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(unescape(re.sub("<[^>]+>", " ", cell)).split()) for cell in row] for row in cells]


def of_day(cells: list[str]) -> tuple[int, int, int]:
    return int(cells[1]), int(cells[2]), int(cells[3])


def test_every_number_of_the_card_is_counted_again_from_the_diary(diaries: Store, admin: FlaskClient) -> None:
    page = admin.get(PAGE).text
    days = weekdays(LAST, 10)
    rows = table(page, 'id="line"')
    assert len(rows) == 11
    again = [recount(diaries, day, ("07:00", "17:00")) for day in days]
    assert [of_day(row) for row in rows[:10]] == again
    for row, (up, down, unseen) in zip(rows, again, strict=False):
        assert row[4] == ("100 %" if not down else f"{100 * up / (up + down):.1f} %")
        assert row[5] == f"{100 * (up + down) / (up + down + unseen):.0f} %"
    today_hours = ("07:00", "10:20")  # so late it is there
    assert of_day(rows[10]) == recount(diaries, TODAY, today_hours)
    assert "so far" in rows[10][0]
    assert "30 min of it behind a page to sign in at" in rows[10][0]

    up, down, unseen = (sum(one[part] for one in again) for part in range(3))
    text = " ".join(unescape(re.sub("<[^>]+>", " ", page.split('id="line"', 1)[1])).split())
    assert f"Up {100 * up / (up + down):.1f} % of the school hours that we could observe" in text
    assert f"a PC saw the line in {100 * (up + down) / (up + down + unseen):.0f} % of all school hours" in text
    hours, minutes = divmod(down, 60)
    assert f"Down for {hours} h {minutes} min of {(up + down) // 60} h" in text


def test_the_outages_are_those_that_the_diary_tells(diaries: Store, admin: FlaskClient) -> None:
    """Each day lost as many slots as its number, less those that the other PC saw up: three in a row are an outage."""
    page = admin.get(PAGE).text.split("Outages of this school", 1)[1]
    rows = table(page, "")
    days = weekdays(LAST, 12)
    lost = {at: at - (3 if at % 3 == 0 else 0) for at in range(12)}
    expected = [at for at in range(11, -1, -1) if lost[at] >= 3]
    in_school = [row for row in rows if "20:00" not in row[0]]
    minutes = [
        f"{lost[at] * 5 // 60} h {lost[at] * 5 % 60} min" if lost[at] >= 12 else f"{lost[at] * 5} min"
        for at in expected
    ]
    assert [row[2] for row in in_school] == minutes
    assert [row for row in in_school if "learnt on" in row[0]] == [in_school[expected.index(6)]]
    (evening,) = [row for row in rows if "20:00" in row[0]]
    assert evening[2:] == ["1 h", "nothing: no cable and no Wi-Fi"]
    assert "no PC was on" in evening[1]
    assert days[3].strftime("%-d %b") in evening[0]


def test_a_day_shows_the_runs_that_stand_behind_it(diaries: Store, admin: FlaskClient) -> None:
    day = weekdays(LAST, 12)[6]
    page = admin.get(f"{PAGE}/availability?day={day.isoformat()}").text
    rows = table(page, 'id="runs"')
    assert [row[3] for row in rows] == [
        "the Internet", "the school's router, and nothing beyond", "the Internet", "a page to sign in at, or a filter",
        "the Internet, but not our server", "no name server", "switched off",
    ]  # fmt: skip
    assert [row[4].endswith("late") for row in rows if row[2] == "d-1"] == [True] * 4
    assert "learnt on" in table(page, "<main")[0][0]


def test_all_days_are_listed_and_a_school_without_a_diary_says_so(diaries: Store, admin: FlaskClient) -> None:
    page = admin.get(f"{PAGE}/availability").text
    assert len(table(page, "<main")) == 13
    other = admin.get("/schools/0301017/availability")
    assert other.status_code in (200, 404)
    assert admin.get(f"{PAGE}/availability?day=2026-02-31").status_code == 200
    assert admin.get(f"{PAGE}/availability?day=1999-01-01").status_code == 200
    assert admin.get(f"{PAGE}/availability?before=x").status_code == 200


def test_the_list_has_the_last_ten_days_and_sorts_by_them(diaries: Store, admin: FlaskClient) -> None:
    again = [recount(diaries, day, ("07:00", "17:00")) for day in weekdays(LAST, 10)]
    up, down, unseen = (sum(one[part] for one in again) for part in range(3))
    page = unescape(admin.get("/schools?sort=availability").text)
    assert f"{100 * up / (up + down):.1f}\u00a0%" in page.split("<tbody>")[1].split("</tr>")[0]
    rows = list(csv.DictReader(io.StringIO(admin.get("/schools.csv?sort=availability").text)))
    assert rows[0]["school"] == SCHOOL
    assert float(rows[0]["availability"]) == pytest.approx(up / (up + down))
    assert float(rows[0]["coverage"]) == pytest.approx((up + down) / (up + down + unseen))
    assert {row["availability"] for row in rows[1:]} == {""}


def test_the_file_of_days_holds_what_the_page_shows(diaries: Store, admin: FlaskClient) -> None:
    answer = admin.get(f"/exports/availability.csv?school={SCHOOL}")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["day"] for row in rows] == [day.isoformat() for day in weekdays(TODAY, 13)]
    for row in rows[:-1]:
        up, down, unseen = recount(diaries, date.fromisoformat(row["day"]), ("07:00", "17:00"))
        slots = [int(row[name]) * 5 for name in ("good_slots", "down_slots", "unobserved_slots")]
        assert slots == [up, down, unseen]
        assert float(row["availability"]) == pytest.approx(up / (up + down))
    assert [bool(row["late"]) for row in rows].count(True) == 1


@pytest.mark.browser
@pytest.mark.sqlite
@pytest.mark.xdist_group("browser")
@pytest.mark.skipif(not AXE.is_file(), reason="axe is not installed (tests/tools.sh)")
def test_a_reader_walks_from_the_picture_to_the_runs_behind_it(diaries: Store, site: str, browser: Browser) -> None:
    """Narrow and dark: the picture, its table, a day, its runs; axe finds nothing on the way, nothing is cut off."""
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme="dark", locale="es")
    context.add_init_script(path=AXE)
    page = context.new_page()
    screens.sign_in(page, site)
    page.goto(site + PAGE)
    card = page.locator("section[aria-labelledby=line]")
    assert "92" in (card.locator("svg.heat-strip:visible").get_attribute("aria-label") or "")
    card.locator("summary").focus()
    page.keyboard.press("Enter")
    found = [violations(page), page.evaluate("document.documentElement.scrollWidth")]
    card.locator("table a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/availability?day=*")
    assert page.locator("section[aria-labelledby=runs] tbody tr").count() >= 4
    found += [violations(page), page.evaluate("document.documentElement.scrollWidth")]
    context.close()
    assert found == [[], 320, [], 320]


def test_the_page_of_outages_lists_those_of_one_school_too(diaries: Store, admin: FlaskClient) -> None:
    """The newest first, each as long as its rows say, with the day on which it was learnt."""
    with diaries.reader() as snapshot:
        rows = snapshot.connection.execute(select(LOCAL_OUTAGES).order_by(LOCAL_OUTAGES.c.from_ms.desc())).all()
    shown = table(admin.get("/outages?show=all").text, 'id="local"')
    assert len(rows) > 8 and len(shown) == len(rows)
    minutes = [sum(int(number) * size for number, size in _parts(cells[3])) for cells in shown]
    assert minutes == [5 * row.down_slots for row in rows]
    assert ["learnt on" in cells[0] for cells in shown] == [row.learnt_ms is not None for row in rows]
    assert len(table(admin.get("/outages").text, 'id="local"')) == 8


def _parts(length: str) -> list[tuple[str, int]]:
    return [(number, 60 if unit == "h" else 1) for number, unit in re.findall(r"(\d+) (h|min)", length)]
