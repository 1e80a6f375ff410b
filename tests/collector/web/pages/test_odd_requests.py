"""Whatever stands in an address or a form: a page in the look with a sentence, never a fault of ours."""

import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from collector.store.open import Store
from tests.collector.web.pages.conftest import token_of
from tests.collector.web.screens import make_app

ODD = [
    "-1", "1e9", "zzz", "%00", "a%00b", "%ed%a0%80", "%ff", "%F0%9F%98%80", "'", "%25", "<b>", "9" * 400, "a" * 100_000,
    "0001-01-01", "9999-12-31", "2026-02-30", "%0d%0aX:y", "..%2f..%2fetc", "%E2%80%AE",
]  # fmt: skip
PAGES = ["/", "/schools", "/schools/00123", "/flags", "/devices", "/exports", "/exports/schools.csv", "/login"]
PAGES += ["/providers", "/providers.csv", "/providers/schools.csv", "/quality", "/quality.csv", "/quality/clock"]
PAGES += ["/reports/2026-10.csv", "/progress", "/progress.csv", "/progress/schools.csv", "/quality/aside"]
PAGES += ["/admin/registry", "/admin/registry/history"]
PAGES += ["/admin/tokens", "/admin/tokens/many", "/admin/tokens/rows.csv", "/devices/waiting/00202"]
KEYS = ["q", "page", "sort", "order", "show", "verdict", "area", "state", "flag", "standing", "from", "to", "counts"]
KEYS += [
    "check",
    "batch",
    "lacks",
    "ended",
    "left",
    "of",
    "by",
    "at",
    "list",
    "days",
    "reason",
    "device",
    "technology",
    "contract",
    "note",
    "done",
    "school",
    "next",
    "_anchor",
    "_external",
    "_scheme",
    "_method",
    "endpoint",
    "values",
]


@pytest.fixture(autouse=True)
def no_fault_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def check(client: FlaskClient, address: str) -> int:
    answer = client.get(address)
    text = answer.get_data(as_text=True)
    assert answer.status_code < 500, address[:100]
    if answer.status_code >= 400:
        is_told = "Reference" in text or 'role="alert"' in text
        assert "<main" in text and "<h1>" in text and is_told, address[:100]
    return answer.status_code


@pytest.mark.parametrize("page", PAGES)
def test_odd_values_of_a_query(reading: FlaskClient, page: str) -> None:
    for number, odd in enumerate(ODD):
        for key in KEYS[number % 20 :: 20]:
            check(reading, f"{page}?{key}={odd}")
    check(reading, f"{page}?" + "&".join(f"{key}=1" for key in KEYS))
    check(reading, f"{page}?q=a&q=b&sort=1&sort=2&from=x&from=2026-01-01")
    check(reading, f"{page}?=&&&=%&%zz")
    check(reading, f"{page}?" + "&".join(f"k{number}=1" for number in range(3000)))


@pytest.mark.parametrize(
    "place", ["/schools/", "/flags/", "/devices/", "/exports/", "/exports/schools.", "/language/", "/quality/"]
)
def test_what_nobody_knows_is_not_found(reading: FlaskClient, place: str) -> None:
    for odd in ODD:
        assert check(reading, place + odd) in (303, 400, 404), odd[:40]


def test_odd_forms(app: Flask, admin: FlaskClient) -> None:
    token = token_of(admin.get("/").text)
    for odd in (b"%00", b"%ed%a0%80", b"%ff", b"a" * 100_000, b"%F0%9F%98%80"):
        for address in ("/login", "/flags/x", "/flags/1e9", "/devices/x/approve"):
            body = b"csrf_token=" + token.encode() + b"&action=" + odd + b"&name=" + odd + b"&password=" + odd
            answer = admin.post(address, data=body, content_type="application/x-www-form-urlencoded")
            assert answer.status_code in (400, 404, 413, 422, 429), address
            assert "<main" in answer.text


def test_lists_keep_their_filters_whatever_else_is_asked(admin: FlaskClient) -> None:
    text = admin.get("/schools?_anchor=x&q=%C3%B1").text
    assert "/schools?_anchor=x&amp;q=%C3%B1" in text


def test_a_page_without_a_place_of_its_own_has_links(country: Store) -> None:
    answer = make_app(country).test_client().get("/no/such/page")
    assert answer.status_code == 404 and 'href="/"' in answer.text
