"""A test in a browser: its cap, what is believed of it, where it is shown, and that it never is a vote."""

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from nacl.signing import SigningKey
from playwright.sync_api import Browser
from sqlalchemy import select

from agent.wire import receipts, tokens
from agent.wire.receipts import Receipt
from collector.app import make_flask
from collector.config import CollectorConfig, TestpointConfig
from collector.evaluate.run import replay
from collector.intake import browser as browser_intake
from collector.intake import rules
from collector.intake.parts import Parts
from collector.intake.receipts import ReceiptBook
from collector.intake.rules import Wishes
from collector.store.open import Store
from collector.store.queries import agent_settings, exports
from collector.store.queries.agent_settings import SettingsDecision
from collector.store.tables.browser_tests import BROWSER_TESTS
from collector.store.tables.judgement import EVALUATIONS, FLAG_EVENTS, FLAGS, NEWEST_EVALUATIONS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.pages.test_school_link import make_link
from tests.collector.web.screens import served
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock
from tests.fakes.open_testpoint import open_testpoint
from tests.fakes.wire_device import a_deployment

POINT = SigningKey(b"p" * 32)
DAY_MS = 86_400_000
JUDGED = (MEASUREMENTS, EVALUATIONS, NEWEST_EVALUATIONS, SCHOOL_DAYS, FLAGS, FLAG_EVENTS)


@pytest.fixture
def parts(country: Store) -> Parts:
    made = a_deployment(country, FakeClock(pages_world.NOW_MS), default_timezone=pages_world.ZONE)
    return replace(made, receipts=ReceiptBook(given=(bytes(POINT.verify_key),)))


@pytest.fixture
def app(parts: Parts) -> Flask:
    return make_flask(parts)


@pytest.fixture
def link(admin: FlaskClient) -> str:
    return make_link(admin)


@pytest.fixture
def head(app: Flask) -> FlaskClient:
    return app.test_client()


def begin(client: FlaskClient, address: str) -> dict[str, str]:
    """Ask for a test as the script does."""
    csrf = re.findall(r'data-csrf="([^"]+)"', client.get(address).text)[0]
    answer = client.post(f"{address}/begin", data={"csrf_token": csrf})
    assert answer.status_code == 200
    return {**answer.get_json(), "csrf": csrf}


def confirmed(parts: Parts, told: dict[str, str], key: SigningKey = POINT, **changes: object) -> str:
    """Return the test point's receipt: 4 Mbit/s down and 1 up."""
    now_ms = parts.ports.clock.now_ms()
    claims = tokens.read_access_token(told["access_token"], [k.public_key for k in parts.keys.ring().keys], now_ms)
    said = {
        "v": 1, "test": told["test_id"], "lease_id": claims.lease_id, "server": "tp1", "address": "198.51.100.0/24",
        "download_bytes": 2_000_000, "download_ms": 4_000, "upload_bytes": 500_000, "upload_ms": 4_000,
        "issued_ms": now_ms,
    }  # fmt: skip
    return receipts.make(key, Receipt(**{**said, **changes}))  # type: ignore[arg-type]


def end(client: FlaskClient, address: str, told: dict[str, str], receipt: str, **more: str) -> dict[str, str]:
    values = {
        "csrf_token": told["csrf"],
        "test": told["test_id"],
        "receipt": receipt,
        "latencies": "31 30.5 29 x nan -1",
    }
    answer = client.post(f"{address}/end", data={**values, **more})
    assert answer.status_code == 200
    found: dict[str, str] = answer.get_json()
    return found


def stored(store: Store) -> list[dict[str, object]]:
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(select(BROWSER_TESTS).where(BROWSER_TESTS.c.done_ms.is_not(None)))
        return [dict(row) for row in rows.mappings()]


def test_what_the_test_point_confirms_is_stored_and_shown_as_by_a_browser(
    parts: Parts, head: FlaskClient, admin: FlaskClient, link: str, country: Store
) -> None:
    assert f'href="{link}/test"' in head.get(link).text
    page = unescape(head.get(f"{link}/test").text)
    assert "moves at most 30.0 MB" in page
    told = begin(head, f"{link}/test")
    assert int(told["download_bytes"]) + int(told["upload_bytes"]) == 30_000_000
    claims = tokens.read_access_token(
        told["access_token"], [k.public_key for k in parts.keys.ring().keys], pages_world.NOW_MS
    )
    assert claims.school == "00123" and 30_000_000 <= claims.max_bytes <= 33_000_000
    assert end(head, f"{link}/test", told, confirmed(parts, told)) == {}
    (row,) = stored(country)
    assert (row["school"], row["begun_by"], row["latency_ms"], row["latency_n"]) == ("00123", "link", 30.5, 3)
    result = unescape(head.get(f"{link}/test?of={told['test_id']}").text)
    assert "<dt>Download, Mbit/s</dt><dd>4.0</dd>" in result and "<dt>Upload, Mbit/s</dt><dd>1.0</dd>" in result
    for address in ("/schools/00123", "/schools/00123/tests"):
        section = unescape(admin.get(address).text).split('id="browser"')[1].split("</section>")[0]
        assert '<span class="tag">browser</span>' in section and "<b>4.0</b>" in section
        assert "No: started by hand" in section and "the link" in section
    assert told["test_id"] not in admin.get("/schools/00200").text
    assert '<h2 id="browser">' in admin.get("/schools/00200").text


def test_an_operator_tests_from_the_school_s_page(parts: Parts, admin: FlaskClient, country: Store) -> None:
    address = "/schools/00123/browser-test"
    assert f'href="{address}"' in admin.get("/schools/00123").text
    told = begin(admin, address)
    assert end(admin, address, told, confirmed(parts, told)) == {}
    assert [row["begun_by"] for row in stored(country)] == ["ana"]


def test_it_is_never_a_vote(parts: Parts, head: FlaskClient, link: str, country: Store) -> None:
    def judged() -> list[list[tuple[object, ...]]]:
        """Fold every day again, and return everything that comes of it."""
        assert replay(country, parts.config, parts.ports).failed == []
        with country.reader() as snapshot:
            return [sorted(map(tuple, snapshot.connection.execute(select(table))), key=str) for table in JUDGED]

    for number in range(browser_intake.MOST_A_DAY):  # in school hours of a school day, and far under the target
        told = begin(head, f"{link}/test")
        slow = confirmed(parts, told, download_bytes=60_000 * (number + 1), download_ms=8_000)
        assert end(head, f"{link}/test", told, slow) == {}
    parts.ports.clock.sleep(2 * DAY_MS / 1000)  # that day is over and can be judged
    with_them = judged()
    assert len(stored(country)) == browser_intake.MOST_A_DAY
    assert any("2026-11-24" in row and "00123" in row for row in with_them[JUDGED.index(SCHOOL_DAYS)])
    with country.unit() as unit:
        unit.connection.execute(BROWSER_TESTS.delete())
        unit.commit()
    assert judged() == with_them


def test_they_have_a_file_of_their_own_and_stand_in_no_other(
    parts: Parts, head: FlaskClient, admin: FlaskClient, link: str
) -> None:
    told, left = begin(head, f"{link}/test"), begin(head, f"{link}/test")
    assert end(head, f"{link}/test", told, confirmed(parts, told)) == {}
    lines = csv.DictReader(io.StringIO(admin.get("/exports/browser_tests.csv").text.lstrip("\ufeff")))
    rows = {row["test_id"]: row for row in lines}
    assert rows.keys() == {told["test_id"], left["test_id"]}
    done = rows[told["test_id"]]
    assert (done["school"], done["begun_by"], done["download_bytes"], done["download_ms"]) == (
        *("00123", "link"),
        *("2000000", "4000"),
    )
    assert done["receipt"] and done["done_at"] == done["begun_at"] == "2026-11-24T14:20:00.000Z"
    assert rows[left["test_id"]]["done_at"] == rows[left["test_id"]]["upload_bytes"] == ""
    assert "lease_id" not in done
    for table in exports.TABLES:
        if table != "browser_tests":
            assert told["test_id"] not in admin.get(f"/exports/{table}.csv").text
    assert len(admin.get("/exports/browser_tests.csv?school=00200").text.splitlines()) == 1
    assert len(admin.get("/exports/browser_tests.csv?from=2026-11-26").text.splitlines()) == 1


def test_nothing_that_judges_knows_the_table() -> None:
    root = Path(browser_intake.__file__).parents[1]
    using = {
        str(path.relative_to(root).parent)
        for path in root.rglob("*.py")
        if re.search(r"browser_tests|BROWSER_TESTS", path.read_text()) and "migrations" not in path.parts
    }
    assert using == {"intake", "store/queries", "store/tables", "web/pages", "web/words"}  # words: what its file holds


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"test": "another"}, "has not confirmed this test"),
        ({"lease_id": "another"}, "has not confirmed this test"),
        ({"issued_ms": pages_world.NOW_MS - 2 * 3_600_000}, "has not confirmed this test"),
        ({"key": SigningKey(b"q" * 32)}, "has not confirmed this test"),
        ({"download_bytes": 40_000, "upload_bytes": 0}, "too little data came through"),
    ],
)
def test_what_nobody_confirms_is_not_stored(
    parts: Parts, head: FlaskClient, link: str, country: Store, changes: dict[str, object], sentence: str
) -> None:
    told = begin(head, f"{link}/test")
    assert sentence in end(head, f"{link}/test", told, confirmed(parts, told, **changes))["say"]  # type: ignore[arg-type]
    for text in ("", "x", "é.x", "a.b", "x" * 5000):
        assert "has not confirmed" in end(head, f"{link}/test", told, text)["say"], text
    assert stored(country) == []
    assert end(head, f"{link}/test", told, confirmed(parts, told)) == {}, "the right one is still taken"


def test_a_test_is_stored_once_in_time_and_at_its_own_school(
    parts: Parts, head: FlaskClient, admin: FlaskClient, link: str, country: Store
) -> None:
    told, late = begin(head, f"{link}/test"), begin(head, f"{link}/test")
    other = make_link(admin, "00200")
    taken = "took too long or was stored already"
    assert taken in end(head, f"{other}/test", told, confirmed(parts, told))["say"]
    assert taken in end(head, f"{link}/test", told, confirmed(parts, told), test="\0none")["say"]
    assert end(head, f"{link}/test", told, confirmed(parts, told)) == {}
    assert taken in end(head, f"{link}/test", told, confirmed(parts, told))["say"]
    receipt = confirmed(parts, late)
    parts.ports.clock.sleep(601)
    assert taken in end(head, f"{link}/test", late, receipt)["say"]
    assert len(stored(country)) == 1
    assert "What was measured" not in head.get(f"{other}/test?of={told['test_id']}").text


def test_how_often_and_for_how_many_bytes_goes_by_the_school_s_settings(
    parts: Parts, head: FlaskClient, link: str, country: Store
) -> None:
    def decide(number: int, **said: object) -> None:
        with country.unit() as unit:
            text = rules.stored(Wishes(**said))  # type: ignore[arg-type]
            agent_settings.add(unit, SettingsDecision("00123", number, text, "x", number, "ana"))
            unit.commit()

    decide(1, day_bytes=50_000_000)
    assert "moves at most 5.0 MB" in head.get(f"{link}/test").text
    csrf = begin(head, f"{link}/test")["csrf"]
    for number, (said, sentence) in enumerate(
        [({"day_bytes": 20_000_000}, "budget is too small"), ({"paused": True}, "are paused")], 2
    ):
        decide(number, **said)
        page = unescape(head.get(f"{link}/test").text)
        assert sentence in page and 'id="start"' not in page
        assert sentence in head.post(f"{link}/test/begin", data={"csrf_token": csrf}).get_json()["say"]
    decide(4)
    for _ in range(browser_intake.MOST_A_DAY - 1):
        assert "access_token" in begin(head, f"{link}/test")
    assert "enough tests" in head.post(f"{link}/test/begin", data={"csrf_token": csrf}).get_json()["say"]
    assert head.post(f"{link}/test/begin").status_code == 400, "a form of ours alone"


@pytest.mark.parametrize("language", ["en", "es", "pt", "fr"])
def test_the_page_asks_nobody_but_the_test_point(head: FlaskClient, link: str, language: str) -> None:
    head.set_cookie("enlace_language", language)
    answer = head.get(f"{link}/test")
    policy = answer.headers["Content-Security-Policy"]
    assert "connect-src 'self' http://127.0.0.1:8481;" in policy and "unsafe" not in policy
    assert "8481" not in head.get(link).headers["Content-Security-Policy"]
    assert re.findall(r"<script[^>]*>", answer.text) == re.findall(
        r'<script src="/static/browsertest[^>]+ defer>', answer.text
    )
    assert answer.text.count("<h1") == 1 and f'<html lang="{language}"' in answer.text
    assert 'name="robots" content="noindex' in answer.text
    script = Path(browser_intake.__file__).parents[1] / "web" / "static" / "browsertest.js"
    assert script.stat().st_size < 20_000


def test_a_link_that_opens_nothing_tests_nothing(head: FlaskClient, admin: FlaskClient, link: str, app: Flask) -> None:
    csrf = begin(head, f"{link}/test")["csrf"]
    assert head.get(f"/s/{'x' * 44}/test").status_code == 404
    app.extensions["enlace_pages"].ports.clock.sleep(90 * DAY_MS / 1000)
    assert head.get(f"{link}/test").status_code == 410
    for deed in ("begin", "end"):
        assert head.post(f"{link}/test/{deed}", data={"csrf_token": csrf}).status_code == 410


def test_a_page_by_https_says_when_the_test_point_has_none(parts: Parts) -> None:
    config = CollectorConfig(default_timezone=pages_world.ZONE, public_url="https://enlace.example")
    for point, is_mixed in (("http://tp.example", True), ("https://tp.example", False)):
        app = make_flask(replace(parts, config=config, testpoint=TestpointConfig(public_url=point)))
        client = app.test_client()
        token = token_of(client.get("/login", base_url="https://localhost").text)
        given = {"name": "ana", "password": pages_world.PASSWORDS["ana"], "csrf_token": token}
        sent = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/login"}}
        assert client.post("/login", data=given, **sent).status_code == 303  # type: ignore[arg-type]
        page = client.get("/schools/00123/browser-test", base_url="https://localhost").text
        assert ("has no https address" in page) is is_mixed and ('id="start"' in page) is not is_mixed


@pytest.fixture
def real(country: Store, tmp_path: Path) -> Iterator[tuple[Parts, Flask]]:
    """Pages beside a real test point that wants tokens; its clock is the real one, and so is the collector's."""
    made = a_deployment(country, FakeClock(round(time.time() * 1000)), default_timezone=pages_world.ZONE)
    keys = tuple(key.public_key for key in made.keys.ring().keys)
    with open_testpoint(open=False, public_keys=keys, receipt_key_file=tmp_path / "receipt.key") as url:
        point = TestpointConfig(port=urlsplit(url).port or 0, public_url=url)
        book = ReceiptBook(file=tmp_path / "receipt.pub")
        parts = replace(made, testpoint=point, receipts=book)
        yield parts, make_flask(parts)


@pytest.mark.browser
@pytest.mark.sqlite
@pytest.mark.xdist_group("browser")
def test_a_phone_tests_the_line(real: tuple[Parts, Flask], browser: Browser, country: Store) -> None:
    _parts, app = real
    operator = app.test_client()
    sign_in(operator, "otto")
    with country.unit() as unit:
        text = rules.stored(Wishes(day_bytes=60_000_000))
        agent_settings.add(unit, SettingsDecision("00123", 1, text, "small", 1, "ana"))
        unit.commit()
    link = make_link(operator)
    with served(app) as site:
        context = browser.new_context(viewport={"width": 390, "height": 800}, locale="en")
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(site + link)
        page.click("text=Test the line with this phone")
        page.click("#start")
        page.wait_for_url("**/test?of=*", timeout=60_000)
        assert "What was measured" in page.inner_text("main") and said == []
        context.close()
    (row,) = stored(country)
    moved = (row["download_bytes"], row["upload_bytes"])
    assert row["school"] == "00123" and row["latency_n"] == 8
    assert 3_900_000 <= int(str(moved[0])) <= 4_400_000 and 1_500_000 <= int(str(moved[1])) <= 2_200_000
    assert json.dumps(moved) and sum(map(int, map(str, moved))) <= 6_000_000 * 1.1
