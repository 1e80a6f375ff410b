"""The page of a school's tests: filters in the address, pages, files, and what is wrong with an address in words."""

import csv
import io
import json
import re
from html import unescape
from random import Random
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text, update

from collector.store.open import Store
from collector.store.tables.measurements import MEASUREMENTS
from tests.collector.web.pages.conftest import sign_in
from tests.fakes.pages_world import NOW_MS

TESTS = "/schools/00123/tests"
LOCAL_DAY = "date(started_ms / 1000, 'unixepoch', '-4 hours')"


def count(store: Store, where: str = "1") -> int:
    with store.reader() as snapshot:
        query = text(f"SELECT count(*) FROM measurements WHERE school = '00123' AND {where}")  # noqa: S608
        return int(snapshot.connection.scalar(query) or 0)


def shown_rows(page: str) -> int:
    return page.split('id="tests"')[1].count('<th scope="row"')


def in_file(client: FlaskClient, query: str) -> list[dict[str, str]]:
    answer = client.get(f"{TESTS}.csv?{query}")
    assert answer.status_code == 200, answer.text[:300]
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.fixture
def mixed(country: Store) -> Store:
    """Some tests by another engine, set aside, failed or not looked at yet."""
    with country.unit() as unit:
        rows = unit.connection.execute(
            text("SELECT device, rid FROM measurements WHERE school = '00123' ORDER BY started_ms DESC LIMIT 9")
        ).all()
        changes = [
            {"engine": "ookla", "votes": False, "exclusion": "other_server"},
            {"status": "failed", "failure_code": "portal", "votes": False, "exclusion": "failed", "download_bps": None},
            {"votes": None, "exclusion": None},
        ]
        for at, (device, rid) in enumerate(rows):
            mine = (MEASUREMENTS.c.device == device) & (MEASUREMENTS.c.rid == rid)
            unit.connection.execute(update(MEASUREMENTS).where(mine).values(changes[at % 3]))
        unit.commit()
    return country


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("", "1"),
        ("from=2026-11-10", f"{LOCAL_DAY} >= '2026-11-10'"),
        ("to=2026-11-10", f"{LOCAL_DAY} <= '2026-11-10'"),
        ("from=2026-11-09&to=2026-11-13", f"{LOCAL_DAY} BETWEEN '2026-11-09' AND '2026-11-13'"),
        ("device=d-00123-2", "device = 'd-00123-2'"),
        ("engine=ookla", "engine = 'ookla'"),
        ("counts=yes", "votes = 1"),
        ("counts=no", "votes IS NOT 1"),
        ("reason=failed", "exclusion = 'failed'"),
        ("counts=no&engine=ookla&device=d-00123-1", "exclusion = 'other_server' AND device = 'd-00123-1'"),
        ("device=nobody", "0"),
    ],
)
def test_a_filter_lists_and_gives_exactly_its_rows(admin: FlaskClient, mixed: Store, query: str, where: str) -> None:
    expected, total = count(mixed, where), count(mixed)
    page = unescape(admin.get(f"{TESTS}?{query}").text)
    assert f"<b>{expected} of {total} tests</b>" in page
    assert shown_rows(page) == min(expected, 50)
    assert len(in_file(admin, query)) == expected
    lines = admin.get(f"{TESTS}.jsonl?{query}").text.splitlines()
    assert len(lines) == expected and all(json.loads(line)["school"] == "00123" for line in lines)


def test_a_file_has_every_column_of_the_export_of_measurements(admin: FlaskClient) -> None:
    whole = admin.get("/exports/measurements.csv?school=00123").text
    assert admin.get(f"{TESTS}.csv").text == whole
    assert admin.get(f"{TESTS}.xml").status_code == 404


def test_pages_hold_every_test_once_newest_first(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        one = unit.connection.execute(text("SELECT * FROM measurements WHERE school = '00123'")).mappings().first()
        assert one is not None
        many = [{**one, "rid": f"x{at}", "started_ms": NOW_MS - at * 60_000} for at in range(120)]
        unit.connection.execute(insert(MEASUREMENTS), many)
        unit.commit()
    total, stamps, address = count(country), [], TESTS
    for number in range(1, 10):
        page = admin.get(address).text
        stamps += re.findall(r'<th scope="row" class="whole"><time datetime="([^"]+)"', page)
        assert f"page {number} of {-(-total // 50)}" in page
        following = re.search(r'href="([^"]+)" rel="next"', page)
        if following is None:
            break
        address = unescape(following.group(1))
    assert len(stamps) == total and stamps == sorted(stamps, reverse=True)
    assert f"{total - total % 50 + 1} to {total} of {total}" in page
    assert 'rel="prev"' in page
    beyond = admin.get(f"{TESTS}?page=999").text
    assert f"page {-(-total // 50)} of" in beyond and "No test to show" not in beyond


def test_a_test_that_does_not_count_says_why(admin: FlaskClient, mixed: Store) -> None:
    page = admin.get(f"{TESTS}?counts=no").text
    for words in ("another server or engine", "a sign-in page stood in the way", "not looked at yet"):
        assert f"No: {words}" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=yesterday", "“yesterday” is no day"),
        ("to=2026-13-40", "“2026-13-40” is no day"),
        ("from=0001-01-01", "“0001-01-01” is no day"),
        ("from=2026-11-20&to=2026-11-10", "The first day is after the last"),
        ("counts=maybe", "“maybe” is no filter of this list"),
        ("reason=bad", "“bad” is no filter of this list"),
        ("hint=ghosts", "“ghosts” is no filter of this list"),
    ],
)
def test_what_an_address_cannot_mean_is_said_and_gives_no_file(admin: FlaskClient, query: str, sentence: str) -> None:
    page = admin.get(f"{TESTS}?{query}")
    assert page.status_code == 200 and sentence in page.text
    refused = admin.get(f"{TESTS}.csv?{query}")
    assert refused.status_code == 400 and sentence in refused.text
    spanish = admin.get(f"{TESTS}?{query}", headers={"Accept-Language": "es"})
    admin.set_cookie("enlace_language", "es")
    assert sentence not in admin.get(f"{TESTS}?{query}").text and spanish.status_code == 200


def test_no_address_is_a_fault(admin: FlaskClient) -> None:
    chance = Random(3)
    names = ("from", "to", "device", "engine", "counts", "reason", "hint", "part", "use", "page")
    values = (
        "",
        "0",
        "-1",
        "9" * 40,
        "²",
        "2026-11-10",
        "yes",
        "port",
        "x.y",
        "\x00",
        "class_video.loss",
        "%",
        "';--",
        "é",
    )
    for _ in range(40):
        query = "&".join(f"{name}={quote(chance.choice(values))}" for name in chance.sample(names, 4))
        assert admin.get(f"{TESTS}?{query}").status_code == 200, query
        assert admin.get(f"{TESTS}.csv?{query}").status_code in (200, 400), query


def test_only_who_may_take_rows_away_gets_the_files(viewer: FlaskClient) -> None:
    page = viewer.get(TESTS)
    assert page.status_code == 200 and "tests.csv" not in page.text
    assert viewer.get(f"{TESTS}.csv").status_code == 403


def test_filters_stand_as_chips_and_each_can_be_taken_away(admin: FlaskClient) -> None:
    page = unescape(admin.get(f"{TESTS}?from=2026-11-09&device=d-00123-1&counts=yes&page=1").text)
    chips = re.findall(r'class="chip" href="([^"]+)">(.*?)<span', page)
    assert [label.strip() for _address, label in chips] == ["From 9 November", "Device: d-00123-1", "counting only"]
    assert "from=" not in chips[0][0] and "device=d-00123-1" in chips[0][0]


def test_a_school_keeps_a_short_list_that_leads_here(admin: FlaskClient, country: Store) -> None:
    page = admin.get("/schools/00123").text
    assert page.split('id="tests"')[1].count("<tr>") == 1 + 12
    assert f'href="{TESTS}">All {count(country)} tests<' in page
    assert admin.get("/schools/nowhere/tests").status_code == 404


def test_who_sees_one_district_gets_its_files_only(app, country: Store) -> None:  # type: ignore[no-untyped-def]
    alma = app.test_client()
    assert sign_in(alma, "alma").status_code == 303
    assert alma.get("/schools/00200/tests.csv").status_code == 200
    assert alma.get(f"{TESTS}.csv").status_code == 404
