"""What holds for every page."""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from collector.store.open import Store
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.screens import make_app
from tests.fakes import pages_world, whole_reads

PAGES = [
    "/", "/map", "/map?layer=areas", "/map?school=00123", "/map?page=2&verdict=BELOW&verdict=MEETS", "/schools",
    "/schools?show=all", "/schools?verdict=BELOW,MEETS", "/schools/00123", "/schools/00203",
    "/schools/00123/tests", "/schools/00203/tests", "/schools/00123/availability",
    "/schools/00123/availability?day=2026-11-23",
    "/schools/00123/tests?hint=provider", "/schools/00123/tests?use=class_video.loss&page=2", "/uses",
    "/schools/00123/evidence", "/schools/00123/evidence?hours=all&reason=class_hours",
    "/schools/00123/tests?from=2026-11-01&to=2026-11-23&weekday=1&at=07:00-09:00&least=1&under=20.5",
    "/exports?table=flags&from=2026-11-01&format=jsonl", "/exports?counts=no&to=2026-11-23",
    "/schools/00203/evidence", "/flags", "/flags?state=all", "/flags?as=table", "FLAG", "/devices", "/exports",
    "/devices/heard", "/devices/heard?day=2026-11-23", "/devices/data",
    "/hazards", "/hazards/new",
    "/outages", "/outages/0123456789abcdef?show=all",
    "/providers", "/providers?of=Onda+Sur&by=loaded&sort=loaded", "/outages?provider=Onda+Sur", "/progress",
    "/flags?state=held", "/flags?kind=below_target&contract=under",
    "/progress?by=week&list=MEETS&at=2026-11-16", "/quality", "/quality/clock", "/quality/no_place",
    "/quality/aside?reason=busy_line",
    "/how-we-judge", "/columns",
    "/reports", "/reports/2026-11",
    "/targets", "/targets/new", "/targets/new?kind=pupils&look=1",
    "/targets/new?kind=published&profile=eu-gigabit&look=1",
    "/admin/registry", "/admin/registry/history?of=00123",
    "/admin/tokens", "/admin/tokens?state=expired&q=x", "/admin/tokens/many", "/admin/tokens/many?lacks=both",
    "/devices/waiting/00202", "/devices/waiting/00123",
    "/admin/settings", "/schools/00123/settings", "/sites", "/networks",
    "/notices", "/notices?school=00123", "/admin/notices", "/admin/notices/rules", "/admin/webhooks",
]  # fmt: skip

# What every page says in each language while there are invented schools.
DEMONSTRATION = {
    "en": "Demonstration data.",
    "es": "Datos de demostración.",
    "pt": "Dados de demonstração.",
    "fr": "Données de démonstration.",
}


def address_of(client: FlaskClient, page: str) -> str:
    if page != "FLAG":
        return page
    return "/flags/" + client.get("/flags?state=all").text.split('class="name" href="/flags/')[1].split('"')[0]


@pytest.mark.parametrize("language", DEMONSTRATION)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_and_within_its_means(reading: FlaskClient, page: str, language: str) -> None:
    reading.set_cookie("enlace_language", language)
    address = address_of(reading, page)
    with whole_reads.noted() as whole:
        answer = reading.get(address)
    text = answer.text
    assert whole == []
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in text
    assert text.count("<h1") == 1
    assert text.count("<main") == 1 and 'href="#main"' in text and 'id="main"' in text
    # The only scripts are files of ours, which the page works without.
    assert not re.search(r"\sstyle=|<script(?! src=\"/static/[^\"]+\" defer></script>)|\son[a-z]+=|javascript:", text)
    assert ("/static/vendor/" in text) == page.startswith(("/map", "/hazards/")), "only maps bring Leaflet"
    # Nothing is fetched from a third party; a profile's source is a link that a person may follow.
    assert not re.search(r'(?:src|action)="(?:https?:)?//|<link[^>]+href="(?:https?:)?//', text)
    assert "%(" not in text and not re.search(r">\s*None\s*<|None (?:Mbit|ms)|, None", text)
    assert DEMONSTRATION[language] in text
    if "show=all" not in page:
        assert len(gzip.compress(answer.data)) <= 40_000
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_stylesheet_is_small_and_static_files_are_kept_for_a_year(admin: FlaskClient) -> None:
    address = re.search(r'href="(/static/site.css[^"]+)"', admin.get("/").text)
    assert address
    with admin.get(address.group(1)) as answer:
        text = answer.text
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"] and "max-age=31536000" in answer.headers["Cache-Control"]
    assert len(gzip.compress(text.encode())) <= 10_000
    assert "url(http" not in text and "@import" not in text


@pytest.mark.parametrize("packing", ["gzip", "identity"])
def test_a_static_file_that_has_not_changed_is_not_sent_again(admin: FlaskClient, packing: str) -> None:
    address = re.search(r'href="(/static/site.css[^"]+)"', admin.get("/").text)
    assert address
    wanted = {"Accept-Encoding": packing}
    with admin.get(address.group(1), headers=wanted) as first:
        tag, kept = first.headers["ETag"], first.headers["Cache-Control"]
        assert first.status_code == 200 and first.headers.get("Content-Encoding", "identity") == packing
    with admin.get(address.group(1), headers={**wanted, "If-None-Match": tag}) as again:
        assert (again.status_code, again.data) == (304, b"")
        assert (again.headers["ETag"], again.headers["Cache-Control"]) == (tag, kept)
    with admin.get(address.group(1), headers={**wanted, "If-None-Match": '"another"'}) as other:
        assert other.status_code == 200 and other.data


def test_headers_of_a_page(admin: FlaskClient) -> None:
    headers = admin.get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"] and "Accept-Language" in headers["Vary"]


def test_the_language_is_the_readers_choice_else_the_browsers(client: FlaskClient) -> None:
    assert "Password" in client.get("/login").text
    assert "Contraseña" in client.get("/login", headers={"Accept-Language": "es-419,es;q=0.9,en;q=0.5"}).text
    assert "Password" in client.get("/login", headers={"Accept-Language": "de-CH,it;q=0.8"}).text
    assert "Senha" in client.get("/login", headers={"Accept-Language": "pt-BR,fr;q=0.8"}).text
    assert "Mot de passe" in client.get("/login", headers={"Accept-Language": "fr-CA,en;q=0.5"}).text
    assert "Mot de passe" in client.get("/login", headers={"Accept-Language": "en;q=0.2,pt;q=0,fr;q=0.4"}).text
    assert client.get("/language/es?next=/login").location == "/login"
    assert "Contraseña" in client.get("/login", headers={"Accept-Language": "en"}).text
    assert client.get("/language/de").status_code == 404


def test_the_choice_is_remembered_with_the_person(admin: FlaskClient, app: Flask) -> None:
    admin.get("/language/es")
    other = app.test_client()
    sign_in(other, "ana")
    assert "Resumen" in other.get("/").text


def test_the_theme_is_the_readers_choice(admin: FlaskClient) -> None:
    assert "data-theme" not in admin.get("/").text
    admin.get("/theme/dark?next=/flags")
    assert 'data-theme="dark"' in admin.get("/").text
    admin.get("/theme/auto")
    assert "data-theme" not in admin.get("/").text
    assert admin.get("/theme/pink").status_code == 404


def test_problems_are_a_sentence_and_a_number(admin: FlaskClient, app: Flask) -> None:
    missing = admin.get("/schools/nothing")
    assert missing.status_code == 404 and "There is no such page, school or flag." in missing.text
    assert re.search(r"Reference [0-9a-f]{8}", missing.text)
    assert admin.get("/no/such/page").status_code == 404
    wrong = admin.put("/schools")
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"]
    assert app.test_client().get("/no/such/page").status_code == 404


def test_a_fault_of_ours_shows_no_traceback(admin: FlaskClient, app: Flask) -> None:
    def broken() -> str:
        raise KeyError("school_days")

    app.view_functions["schools.show"] = broken
    answer = admin.get("/schools")
    assert answer.status_code == 500
    assert (
        "Traceback" not in answer.text and "school_days" not in answer.text and "No measurement is lost" in answer.text
    )


@pytest.mark.sqlite
def test_a_database_that_cannot_be_used_is_said_in_words(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.exec_driver_sql("DROP TABLE school_days")
        unit.commit()
    answer = admin.get("/schools")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "school_days" not in answer.text and "No measurement is lost" in answer.text


def test_programs_get_problem_json(client: FlaskClient) -> None:
    answer = client.get("/api/v1/nothing")
    assert answer.status_code == 404 and answer.content_type == "application/problem+json"
    assert answer.json is not None and answer.json["status"] == 404


def test_without_any_data_every_page_says_what_will_fill_it(store: Store) -> None:
    pages_world.add_people(store)
    client = make_app(store).test_client()
    sign_in(client, "ana")
    for page, words in {
        "/": "No school yet.", "/map": "No school yet.", "/schools": "No school yet.", "/flags": "No flag fits.",
        "/devices": "No PC is enrolled yet.", "/exports": "0 rows",
        "/quality": "No school yet.", "/progress": "Nothing is judged yet.",
        "/providers": "No school has a provider.", "/reports": "Nothing is judged yet.",
    }.items():  # fmt: skip
        text = client.get(page).text
        assert words in text, page
        assert "Demonstration data" not in text


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    event.listen(store._reading, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store._reading, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("page", "most"),
    [
        ("/", 22),
        ("/schools", 14),
        ("/map", 13),
        ("/map?layer=areas", 12),
        ("/map?school=00123", 16),
        ("/map/data", 7),
        ("/schools/00123/evidence", 16),
        ("/schools/00123", 23),
        ("/schools/00123/tests", 12),
        ("/schools/00123/tests?hint=provider", 14),
        ("/uses", 9),
        ("/schools/00123/settings", 14),
        ("/flags", 19),
        ("FLAG", 25),
        ("/devices", 19),
        ("/devices/heard", 10),
        ("/devices/data", 11),
        ("/devices/heard?day=2026-11-23", 12),
        ("/outages", 16),
        ("/networks", 12),
        ("/sites", 12),
        ("/notices", 14),
        ("/hazards", 9),
        ("/hazards/new", 11),
        ("/devices/waiting/00202", 12),
        ("/admin/tokens", 10),
        ("/admin/tokens/many", 9),
        ("/providers", 13),
        ("/quality", 14),
        ("/progress", 22),
        ("/progress?list=BELOW&at=2026-11-01", 23),
        ("/reports", 9),
        ("/reports/2026-11", 19),
        ("/quality/no_place", 10),
        ("/exports", 8),
        ("/exports?table=measurements&school=00123&counts=no", 9),
    ],
)
def test_the_number_of_statements_does_not_grow_with_the_rows(
    admin: FlaskClient, country: Store, page: str, most: int
) -> None:
    address = address_of(admin, page)
    with statements(country) as seen:
        assert admin.get(address).status_code == 200
    assert len(seen) <= most, seen
