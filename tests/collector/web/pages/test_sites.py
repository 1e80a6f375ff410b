"""Learning sites: 31 of 120 schools, the five words by provider and school, each count leading to its rows."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from collector.demo import names
from collector.store.open import Store
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import SITE_DAYS, SITE_STANDINGS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_settings import ALL, save
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.databases import Database

LETTERS = {"open": "o", "slow": "s", "blocked": "b", "dns_fail": "d", "unreachable": "u"}
DAY = "2026-11-23"
SITES = "Library https://library.example\nExams https://exams.example"


def word_of(number: int) -> str:
    """Return what the library does at a school: at 31 of 120 it cannot be opened."""
    return "blocked" if number < 20 else "dns_fail" if number < 28 else "unreachable" if number < 31 else "open"


def fill(store: Store, count: int) -> None:
    with store.unit() as unit:
        codes = list(unit.connection.scalars(select(SCHOOLS.c.code).order_by(SCHOOLS.c.code)))[:count]
        for site, words in (("Library", [word_of(at) for at in range(count)]), ("Exams", ["slow"] * count)):
            rows = [
                {"school": code, "site": site, "day": DAY, "word": word}
                for code, word in zip(codes, words, strict=True)
            ]
            unit.connection.execute(insert(SITE_STANDINGS), rows)
            looks = dict.fromkeys(LETTERS, 0) | {"line_hours": 2, "line_opened": 0, "median_ms": None, "learnt_ms": 0}
            hours = [{"hours": "." * 8 + 2 * LETTERS[row["word"]] + "." * 14} for row in rows]
            unit.connection.execute(
                insert(SITE_DAYS), [row | looks | {row["word"]: 2} | one for row, one in zip(rows, hours, strict=True)]
            )
        unit.commit()


@pytest.fixture
def whole(database: Database) -> Iterator[FlaskClient]:
    store = database.filled(nation)
    app = make_app(store)
    client = app.test_client()
    assert sign_in(client, "ana").status_code == 303
    save(client, ALL, probes=SITES)
    fill(store, 120)
    yield client
    store.close()


def nation(store: Store) -> None:
    """120 schools, without tests."""
    pages_world.add_people(store)
    pages_world.seed(store, pages_world.places(120), days_back=0)


def links(page: str) -> dict[str, str]:
    """Return where each count of the library leads, by what it counts."""
    row = re.search(r">Library</a>.*?</tr>", page, re.DOTALL)
    assert row
    cells = re.findall(r'href="([^"]+)">([\d,]+)<span class="hidden"> ([^<]+)</span>', row.group())
    return {what: f"{count} {unescape(address)}" for address, count, what in cells}


def test_a_site_cannot_be_opened_from_31_of_120_schools(whole: FlaskClient) -> None:
    page = whole.get("/sites").text
    assert "<h1>Library cannot be opened from 31 of 120 schools</h1>" in page
    found = links(page)
    assert {what: leads.split()[0] for what, leads in found.items()} == {
        "cannot be opened": "31", "schools": "120", "opens": "89", "blocked": "20", "name not found": "8",
        "not reached": "3",
    }  # fmt: skip
    for leads in found.values():
        count, address = leads.split()
        rows = whole.get(f"{address.split('#')[0]}&show=all").text.split('id="schools"')[1]
        assert rows.count('class="name"') == int(count), address


def test_each_provider_has_its_counts_and_they_add_up(whole: FlaskClient) -> None:
    page = whole.get("/sites?site=Library").text
    of_providers = page.split('id="providers"')[1].split("</table>")[0]
    totals = [int(one) for one in re.findall(r"of <a[^>]*>(\d+)<", of_providers)]
    assert sum(totals) == 120 and len(totals) == 3
    one = re.search(r'href="(/sites\?[^"]*word=blocked[^"]*)">(\d+)<', of_providers)
    assert one and "provider=" in one.group(1)
    rows = whole.get(unescape(one.group(1)).replace("#schools", "") + "&show=all").text.split('id="schools"')[1]
    assert rows.count('class="name"') == int(one.group(2))
    assert "8: blocked" in rows and "9: blocked" in rows


def test_the_schools_of_a_site_are_a_file(whole: FlaskClient) -> None:
    found = list(csv.DictReader(io.StringIO(whole.get("/sites.csv?site=Library&word=cannot").text.lstrip("\ufeff"))))
    assert len(found) == 31 and {row["word"] for row in found} == {"blocked", "dns_fail", "unreachable"}
    assert whole.get("/sites.csv?site=Other").status_code == 404 == whole.get("/sites?site=Other").status_code
    assert whole.get("/sites?site=Library&word=nonsense&provider=x%00").status_code == 200


def test_who_sees_one_area_counts_that_one(whole: FlaskClient) -> None:
    mine = whole.application.test_client()
    sign_in(mine, "cora")
    page = mine.get("/sites?site=Library").text
    assert "Every learning site can be opened" in page
    assert 0 < int(links(page)["schools"].split()[0]) < 60
    assert not re.search("|".join(area.name for area in names.AREAS if area.name != "Los Cayos"), page)
    assert "Change the sites" not in page


def test_where_no_site_is_named_the_page_says_where_to(admin: FlaskClient, viewer: FlaskClient) -> None:
    assert "No learning site is looked at." in admin.get("/sites").text
    assert '<a href="/admin/settings#probes">' in admin.get("/sites").text
    assert "An administrator of the whole country enters them" in viewer.get("/sites").text
