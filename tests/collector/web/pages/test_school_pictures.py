"""How a school's tests spread, when it is slow, and who is near: each number against the raw rows and its own link."""

import csv
import io
import re
from datetime import date, datetime
from html import unescape
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from collector.store.open import Store
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.web.asking.tests_wanted import Wanted
from collector.web.charts import spread as chart
from collector.web.views import busy_hours, spread
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.screens import make_app
from tests.fakes.pages_world import ZONE

SCHOOL = "/schools/00123"
WHERE = ZoneInfo(ZONE)


def voting(store: Store, code: str = "00123") -> list[tuple[datetime, int]]:
    """Every test of a school that counts: when, by the clock on its wall, and how fast."""
    row = MEASUREMENTS.c
    with store.reader() as snapshot:
        query = select(row.started_ms, row.download_bps).where(row.school == code, row.votes, row.download_bps > 0)
        return [(datetime.fromtimestamp(ms / 1000, WHERE), bps) for ms, bps in snapshot.connection.execute(query)]


def part(page: str, heading: str) -> str:
    return page.split(f'aria-labelledby="{heading}"')[1].split("</section>")[0]


def listed(client: FlaskClient, address: str) -> list[dict[str, str]]:
    """The rows that a link leads to: of the page, and the same as a file."""
    path, _, query = unescape(address).partition("?")
    shown = re.search(r"<b>(\d+) of \d+ tests?</b>", client.get(f"{path}?{query}").text)
    rows = list(csv.DictReader(io.StringIO(client.get(f"{path}.csv?{query}").text)))
    assert shown and int(shown.group(1)) == len(rows)
    return rows


def test_the_steps_of_the_spread_hold_each_test_of_the_judged_days_once(admin: FlaskClient, country: Store) -> None:
    card = part(admin.get(SCHOOL).text, "spread")
    with country.reader() as snapshot:
        first, last, target = snapshot.connection.execute(
            text("SELECT window_from, day, target_bps FROM newest_evaluations WHERE school = '00123'")
        ).one()
    mine = [bps for when, bps in voting(country) if first <= when.date().isoformat() <= last]
    rows = re.findall(
        r'<th scope="row">([\d.]+) to ([\d.]+)</th><td>(\d+)</td><td><a href="([^"]+)">(\d+)</a></td>', card
    )
    assert f"How the {len(mine)} tests spread" in card and len(rows) > 1
    assert sum(int(count) for *_rest, count in rows) == len(mine)
    assert sum(int(below) for _first, _last, below, *_rest in rows) == sum(bps < target for bps in mine)
    for least, under, below, address, count in rows:
        inside = [bps for bps in mine if float(least) * 1e6 <= bps < float(under) * 1e6]
        assert (int(count), int(below)) == (len(inside), sum(bps < target for bps in inside))
        assert sorted(int(row["download_bps"]) for row in listed(admin, address)) == sorted(inside)
    drawn = re.findall(r'c-halo" x="[\d.]+" y="[\d.]+">(\d+)<', card.split("only-wide")[1].split("only-narrow")[0])
    assert [int(count) for count in drawn] == [int(count) for *_rest, count in rows]


def test_each_cell_of_the_hours_is_the_median_of_the_tests_that_it_leads_to(admin: FlaskClient, country: Store) -> None:
    card = part(admin.get(SCHOOL).text, "hours")
    cells = re.findall(r'<a href="([^"]+)">([\d.,]+)<span class="hidden">, (\d+) tests?</span></a>', card)
    mine = [(when, bps) for when, bps in voting(country) if date(2026, 10, 28) <= when.date() <= date(2026, 11, 24)]
    assert sum(int(count) for _address, _shown, count in cells) == len(mine)
    assert "since 28 October" in card and len(cells) > 5
    for address, shown, count in cells:
        found = dict(re.findall(r"(weekday|at)=([^&]+)", unescape(address)))
        first, after = found["at"].replace("%3A", ":").split("-")
        inside = [
            bps
            for when, bps in mine
            if when.isoweekday() == int(found["weekday"]) and first <= when.strftime("%H:%M") < after
        ]
        assert len(inside) == int(count)
        assert shown == f"{median(inside) / 1e6:.1f}"
        assert sorted(int(row["download_bps"]) for row in listed(admin, address)) == sorted(inside)


def test_tests_of_other_hours_and_weekdays_get_rows_and_columns_of_their_own(
    admin: FlaskClient, country: Store
) -> None:
    saturday = datetime(2026, 11, 21, 5, 10, tzinfo=WHERE)
    with country.unit() as unit:
        newest = text("SELECT device, rid FROM measurements WHERE school = '00123' AND votes ORDER BY started_ms DESC")
        one = unit.connection.execute(newest).first()
        assert one is not None
        mine = (MEASUREMENTS.c.device == one.device) & (MEASUREMENTS.c.rid == one.rid)
        moved = {"started_ms": round(saturday.timestamp() * 1000)}
        unit.connection.execute(update(MEASUREMENTS).where(mine).values(moved))
        unit.commit()
    card = part(admin.get(SCHOOL).text, "hours")
    assert '<abbr title="Saturday">Sat</abbr>' in card and "05:00 to 07:00" in card
    assert sum(map(int, re.findall(r", (\d+) tests?<", card))) == sum(
        date(2026, 10, 28) <= when.date() <= date(2026, 11, 24) for when, _bps in voting(country)
    )


def test_hours_are_those_of_the_schools_clock_also_where_it_is_put_back() -> None:
    wanted = Wanted(first="2026-10-24", last="2026-10-26", at="07:00-09:00")
    madrid = ZoneInfo("Europe/Madrid")
    times = wanted.filter(madrid, None).times
    assert times is not None
    assert [datetime.fromtimestamp(at / 1000, madrid).strftime("%d %H:%M") for span in times for at in span] == [
        *("24 07:00", "24 09:00", "25 07:00", "25 09:00", "26 07:00", "26 09:00"),
    ]
    night = Wanted(first="2026-10-25", last="2026-10-25", at="00:00-24:00").filter(madrid, None).times
    assert night is not None and night[0][1] - night[0][0] == 25 * 3_600_000


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("weekday=1", "Hours and weekdays were left out: they need a first and a last day, a year apart at most."),
        ("at=07:00-09:00&from=2020-01-01&to=2026-11-23", "Hours and weekdays were left out"),
        ("weekday=8&from=2026-11-01&to=2026-11-23", "“8” is no filter of this list"),
        ("at=09:00-07:00&from=2026-11-01&to=2026-11-23", "“09:00-07:00” is no filter of this list"),
        ("at=07:00-24:30&from=2026-11-01&to=2026-11-23", "“07:00-24:30” is no filter of this list"),
        ("least=fast", "“fast” is no speed in Mbit/s"),
        ("under=1e9", "“1e9” is no speed in Mbit/s"),
    ],
)
def test_what_no_filter_can_be_is_left_out_and_said(admin: FlaskClient, query: str, said: str) -> None:
    page = admin.get(f"{SCHOOL}/tests?{query}")
    assert page.status_code == 200 and said in page.text
    assert admin.get(f"{SCHOOL}/tests.csv?{query}").status_code == 400


def test_a_filter_of_hours_and_speed_stays_while_others_change_and_can_be_taken_away(admin: FlaskClient) -> None:
    page = admin.get(f"{SCHOOL}/tests?from=2026-11-01&to=2026-11-23&weekday=1&at=07:00-09:00&least=2.5&under=10").text
    assert "Monday, 07:00 to 09:00 <" in page and "2.5 to 10\u00a0Mbit/s <" in page
    for name, value in {"weekday": "1", "at": "07:00-09:00", "least": "2.5", "under": "10"}.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    gone = re.search(r'class="chip" href="([^"]+)">Monday', page)
    assert gone and "weekday" not in gone.group(1) and "least=2.5" in gone.group(1)


@pytest.mark.parametrize(
    ("most", "step"),
    [(1, 1), (37_000_000, 2_500_000), (15_000_000, 1_000_000), (940_000_000, 100_000_000), (900_000, 100_000)],
)
def test_a_step_is_a_round_figure_and_the_steps_are_few(most: int, step: int) -> None:
    assert spread.step_bps(most) == step
    assert len(spread.steps_of([0, most], step, None)) <= 17


def test_a_step_that_the_target_divides_is_counted_on_both_sides() -> None:
    steps = spread.steps_of([22_000_000, 24_000_000, 24_500_000], 2_500_000, 24_300_000)
    assert (steps[8].tests, steps[8].below) == (1, 1) and (steps[9].tests, steps[9].below) == (2, 1)
    assert sum(one.tests for one in steps) == 3


def test_a_short_school_day_is_shown_by_the_hour() -> None:
    parts = busy_hours.parts_of("mon-fri 07:30-12:30", [600])
    assert [one.key for one in parts][:2] == ["07:30-08:30", "08:30-09:30"] and len(parts) == 5
    assert len(busy_hours.parts_of("mon-fri 07:00-17:00", [])) == 5


def neighbours(page: str) -> list[tuple[str, str]]:
    return re.findall(r'href="/schools/([^"]+)">[^<]+</a><small>([\d.]+)\u00a0km', part(page, "nearby"))


def test_the_schools_near_by_are_the_nearest_with_their_way(admin: FlaskClient, country: Store) -> None:
    near = neighbours(admin.get(SCHOOL).text)
    assert [code for code, _km in near] == ["00202", "00201", "00200"]
    assert [float(km) for _code, km in near] == pytest.approx([0.0, 9.3, 34.1], abs=0.5)
    assert neighbours(admin.get("/schools/00203").text) == []
    assert "nobody knows where this one stands" in admin.get("/schools/00203").text


@pytest.mark.parametrize("by_ms", [5, -5], ids=["clock", "clock_put_back"])
def test_a_school_that_moves_is_near_to_others_from_the_next_page_on(
    admin: FlaskClient, country: Store, by_ms: int
) -> None:
    assert "00203" not in dict(neighbours(admin.get(SCHOOL).text))
    with country.unit() as unit:
        moved = {"latitude": 13.80, "longitude": -60.13, "updated_ms": SCHOOLS.c.updated_ms + by_ms}
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00203").values(moved))
        unit.commit()
    assert dict(neighbours(admin.get(SCHOOL).text))["00203"] == "1.1"


def test_nobody_meets_a_school_of_another_area_near_by(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(
            update(SCHOOLS).where(SCHOOLS.c.code == "00200").values(latitude=13.79, longitude=-60.12)
        )
        unit.commit()
    client = make_app(country).test_client()
    with country.unit() as unit:
        unit.connection.execute(text("DELETE FROM sessions"))
        unit.commit()
    sign_in(client, "cleo")
    assert neighbours(client.get("/schools/00200").text) == []


def test_every_card_is_left_out_or_says_so_where_there_is_nothing(admin: FlaskClient) -> None:
    page = admin.get("/schools/00203").text
    assert 'id="spread"' not in page and 'id="hours"' not in page
    assert "no test counts yet" in page


def test_a_picture_stays_inside_its_room(app: Flask) -> None:
    steps = [chart.Step(at * 10, at * 10 + 10, 3 if at % 2 else 0, 1 if at % 2 else 0) for at in range(6)]
    with app.test_request_context():
        for width in (chart.WIDE, chart.NARROW):
            for contract in (None, 30, 80, 500):
                made = chart.draw(steps, 35, contract, "the finding", width)
                xs = [float(found) for found in re.findall(r'(?<![a-z])x="(-?[\d.]+)"', made)]
                assert all(0 <= x <= width for x in xs) and 'aria-label="the finding"' in made
                assert ("Contract" in made) is (contract in (30, 80))
