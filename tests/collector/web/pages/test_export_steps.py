"""The page of exports: three steps, and a look at what the file will have before anybody takes it."""

import csv
import io
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import update

from collector.publish import dictionary
from collector.store.open import Store
from collector.store.queries import exports
from collector.store.queries.exports import ExportFilter
from collector.store.queries.pages.school import TestFilter
from collector.store.tables.measurements import MEASUREMENTS
from tests.collector.web.screens import sign_in as sign_in_browser


def rows_of(client: FlaskClient, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(address).text)))


@pytest.mark.parametrize("table", dictionary.TABLES)
def test_a_look_says_of_every_table_what_its_file_has(admin: FlaskClient, table: str) -> None:
    page = admin.get(f"/exports?table={table}").text
    rows = rows_of(admin, f"/exports/{table}.csv")
    title = dictionary.table(table, "en").title
    assert re.search(rf'<h2 id="chosen">{title}: {len(rows):,} rows?</h2>', page)
    assert f'value="{table}" checked' in page
    assert f'#{table}">{len(dictionary.table(table, "en").columns)}</a>' in page
    shown = page.split('id="first-rows"')[1].split("</section>")[0] if rows else ""
    heads = re.findall(r'<th scope="col"><code>(\w+)</code>', shown)
    cells = [unescape(cell) for cell in re.findall(r"<td[^>]*><code>(.*?)</code>", shown)]
    assert cells == [row[name] or "–" for row in rows[:3] for name in heads]
    assert ('id="first-rows"' in page) is bool(rows)


@pytest.mark.parametrize(
    "query",
    [
        "table=measurements&school=00123&counts=no",
        "table=measurements&school=00123&counts=yes&from=2026-11-10",
        "table=measurements&from=2026-11-20&to=2026-11-23",
        "table=evaluations&from=2026-11-20",
        "table=school_days&school=00201&to=2026-11-10",
        "table=flag_events&school=00123",
    ],
)
def test_a_choice_is_counted_as_its_file_has_it(admin: FlaskClient, country: Store, query: str) -> None:
    with country.unit() as unit:
        mine = (MEASUREMENTS.c.school == "00123") & (MEASUREMENTS.c.device == "d-00123-2")
        aside = update(MEASUREMENTS).where(mine).values(votes=False, exclusion="busy_line")
        unit.connection.execute(aside)
        unit.commit()
    page = admin.get(f"/exports?{query}").text
    rows = rows_of(admin, f"/exports/file?{query}&format=csv")
    found = re.search(r'<h2 id="chosen">[^:]+: ([\d,]+) rows?</h2>', page)
    assert found and int(found.group(1).replace(",", "")) == len(rows) > 0
    if "counts" in query:
        assert {row["votes"] for row in rows} == {"true" if "counts=yes" in query else "false"}
    program = re.search(r'"(http://localhost/api/v1/[^"]+)"', unescape(page))
    assert program
    kept = admin.get(program.group(1).replace("http://localhost", "").replace("/api/v1/", "/exports/"))
    assert list(csv.DictReader(io.StringIO(kept.text))) == rows


def test_the_size_is_about_that_of_the_file(admin: FlaskClient) -> None:
    page = admin.get("/exports?table=measurements&school=00123").text
    size = len(admin.get("/exports/measurements.csv?school=00123").data) / 1e6
    said = re.search(r"about ([\d.]+) MB", page)
    assert said and abs(float(said.group(1)) - size) <= max(0.1, 0.1 * size)


def test_what_no_index_gives_is_not_counted(admin: FlaskClient) -> None:
    timed = ExportFilter(from_day="2026-11-20", from_ms=1)
    quick = {table for table in exports.TABLES if exports.is_quick(table, timed)}
    assert {"measurements", "evaluations", "outages"} <= quick and "school_days" not in quick
    assert all(exports.is_quick(table, ExportFilter(school="00123", from_day="2026-11-20")) for table in exports.TABLES)
    assert not exports.is_quick("measurements", ExportFilter(tests=TestFilter(counts=False)))
    page = admin.get("/exports?table=school_days&from=2026-11-20").text
    assert "the rows of your choice" in page and "nobody counts them here" in page
    assert 'id="first-rows"' not in page


def test_a_choice_that_cannot_be_keeps_the_rest_of_what_was_chosen(admin: FlaskClient) -> None:
    answer = admin.get("/exports?table=evaluations&format=jsonl&from=2026-11-24&to=2026-11-23&school=00123")
    assert answer.status_code == 400 and "The first day is after the last" in answer.text
    for kept in ('value="evaluations" checked', 'value="jsonl" checked', 'value="2026-11-24"', 'value="00123"'):
        assert kept in answer.text
    assert admin.get("/exports?table=users&format=exe").status_code == 200


def test_who_may_not_take_rows_away_sees_no_button(viewer: FlaskClient, admin: FlaskClient) -> None:
    assert 'formaction="/exports/file"' in admin.get("/exports").text
    page = viewer.get("/exports").text
    assert 'formaction="/exports/file"' not in page and "/api/v1/" not in page


def test_the_three_steps_work_by_keyboard_and_without_script(browser: Browser, site: str, country: Store) -> None:
    context = browser.new_context(locale="en", java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    sign_in_browser(page, site)
    page.goto(f"{site}/exports")
    page.locator("input[name=table]:checked").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("input[name=table]:checked").get_attribute("value") == "schools"
    page.fill("input[name=school]", "00123")
    page.get_by_role("button", name="Show this choice").press("Enter")
    page.wait_for_load_state()
    assert page.locator("#chosen").inner_text() == "Schools: 1 row"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the file").press("Enter")
    assert download.value.suggested_filename == "schools.csv"
    context.close()
