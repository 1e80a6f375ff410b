"""Every list: its filter lives in the address, can be kept under a name, and its rows can be taken away."""

import csv
import io
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from collector.store.open import Store
from collector.store.tables.people import AUDIT, SAVED_VIEWS
from tests.collector.web.pages.conftest import sign_in, token_of

# What somebody asked for, and the same as it is kept.
FILTERS = [
    (
        "/schools?sort=name&show=all&area=Norte&verdict=below&x=1",
        "/schools?verdict=BELOW&area=Norte&sort=name",
    ),
    ("/schools?verdict=BELOW&verdict=MEETS&q=+Escuela", "/schools?q=Escuela&verdict=BELOW%2CMEETS"),
    ("/schools?heard=today&place=none&order=down", "/schools?heard=today&place=none&order=down"),
    ("/schools?sort=ratio", "/schools"),
    ("/flags?sort=oldest&area=Norte&as=table", "/flags?area=Norte&sort=oldest"),
    ("/devices?standing=silent&q=00123", "/devices?q=00123&standing=silent"),
    ("/providers?sort=meets&technology=cable&of=Onda+Sur", "/providers?technology=cable&sort=meets"),
    ("/progress?area=Norte&by=week&list=BELOW&at=2026-11-16", "/progress?by=week&area=Norte"),
    ("/quality?days=28&provider=Onda+Sur", "/quality?provider=Onda+Sur&days=28"),
    ("/map?verdict=BELOW&layer=areas&area=Norte&page=2", "/map?layer=areas&area=Norte&verdict=BELOW"),
]
LISTS = ["/schools", "/flags", "/flags?as=table", "/devices", "/providers", "/progress", "/quality", "/map"]
LISTS += ["/map?layer=areas", "/quality/no_place"]


def kept(store: Store) -> list[tuple[str, str, str]]:
    with store.reader() as snapshot:
        query = select(SAVED_VIEWS.c.page, SAVED_VIEWS.c.name, SAVED_VIEWS.c.query)
        return [(row[0], row[1], row[2]) for row in snapshot.connection.execute(query)]


def views(page: str) -> dict[str, str]:
    """Return the names of the views of a page with their addresses."""
    bar = page.split('<nav class="views"')[1].split("</ul>")[0]
    return {unescape(name): unescape(to) for to, name in re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', bar)}


@pytest.mark.parametrize(("asked", "canonical"), FILTERS)
def test_a_filter_is_kept_under_a_name_and_found_again(
    app: Flask, viewer: FlaskClient, country: Store, asked: str, canonical: str
) -> None:
    page, _, query = canonical.partition("?")
    token = token_of(viewer.get(asked).text)
    answer = viewer.post(asked, data={"csrf_token": token, "name": " Ours  <b> "})
    assert (answer.status_code, answer.location) == (303, canonical)
    assert kept(country) == [(page.strip("/"), "Ours <b>", query)]
    shown = viewer.get(answer.location).text
    assert views(shown)["Ours <b>"] == canonical
    assert 'aria-current="true">Ours &lt;b&gt;</a>' in shown
    for other in {"/schools", "/map", "/devices"} - {page}:
        assert "Ours <b>" not in views(viewer.get(other).text)
    cora = app.test_client()
    sign_in(cora, "cora")
    assert "Ours <b>" not in views(cora.get(page).text)
    view = re.search(r'name="view" value="([^"]+)"', shown)
    assert view is not None
    forgotten = viewer.post("/views/forget", data={"csrf_token": token, "view": view.group(1), "back": canonical})
    assert (forgotten.status_code, forgotten.location) == (303, canonical)
    assert kept(country) == []
    with country.reader() as snapshot:
        deeds = snapshot.connection.execute(select(AUDIT.c.action, AUDIT.c.actor)).all()
    assert [tuple(deed) for deed in deeds] == [("view_saved", "vera"), ("view_forgotten", "vera")]


@pytest.mark.parametrize("address", [asked for asked, _ in FILTERS])
def test_a_name_that_cannot_be_used_is_refused_beside_its_field(
    viewer: FlaskClient, country: Store, address: str
) -> None:
    token = token_of(viewer.get(address).text)
    for name, said in (("", "Give the view a name"), ("x" * 61, "at most 60 letters")):
        answer = viewer.post(address, data={"csrf_token": token, "name": name})
        assert answer.status_code == 422
        assert said in answer.text and f'value="{name}"' in answer.text and 'id="view-wrong"' in answer.text
    assert kept(country) == []
    assert viewer.post(address, data={"name": "Ours"}).status_code == 400  # without the token of a form


@pytest.mark.parametrize("address", LISTS)
def test_every_list_is_a_table_somewhere_and_gives_its_rows_to_who_may_have_them(
    app: Flask, viewer: FlaskClient, address: str
) -> None:
    abel = app.test_client()
    sign_in(abel, "abel")
    shown = abel.get(address).text
    assert "<table" in shown or ">As a table</a>" in shown or "layer=areas" in address
    files = [unescape(link) for link in re.findall(r'href="(/[^"]+\.csv[^"]*)"', shown)]
    assert files
    for file in files:
        assert abel.get(file).mimetype == "text/csv", file
        assert viewer.get(file).status_code == 403, file
    assert "Download these rows" not in viewer.get(address).text


def rows_of(client: FlaskClient, page: str) -> list[dict[str, str]]:
    """Return the rows of the file that a page offers."""
    link = re.search(r'href="([^"]+\.csv[^"]*)">(?:(?!</a>).)*Download these rows', page)
    assert link is not None
    return list(csv.DictReader(io.StringIO(client.get(unescape(link.group(1))).text)))


@pytest.mark.parametrize(
    "query",
    ["", "sort=name&order=down", "verdict=BELOW,NONE", "q=%C3%B1and%C3%BA", "contract=known", "place=none", "q=%00x"],
)
def test_the_file_of_schools_has_the_rows_of_the_list_in_its_order(admin: FlaskClient, query: str) -> None:
    page = admin.get(f"/schools?{query}").text
    rows = rows_of(admin, page)
    assert [row["school"] for row in rows] == re.findall(r'class="name" href="/schools/([^"]+)"', page)
    for row in rows:
        assert bool(row["verdict"]) == bool(row["target_bps"]) == bool(row["profile_version"])
        assert row["last_heard_at"].startswith("2026-11-")


@pytest.mark.parametrize("query", ["", "standing=clock", "standing=pending", "q=00200", "standing=silent&q=x"])
def test_the_file_of_devices_has_the_rows_of_the_list(admin: FlaskClient, query: str) -> None:
    page = admin.get(f"/devices?{query}").text
    listed = re.findall(r"<small>\d+ · (d-\d+-\d)", page)
    assert [row["device"] for row in rows_of(admin, page)] == listed


def test_the_map_gives_the_schools_of_its_list_and_the_districts_of_its_other_layer(admin: FlaskClient) -> None:
    page = admin.get("/map?verdict=BELOW,MEETS&area=Norte").text
    listed = re.findall(r'data-code="([^"]+)"', page.split('id="map-rows"')[1].split("</ol>")[0])
    assert [row["school"] for row in rows_of(admin, page)] == listed
    page = admin.get("/map?layer=areas").text
    rows = rows_of(admin, page)
    assert [row["area"] for row in rows] == re.findall(r'data-area="([^"]+)"', page)
    assert sum(int(row["schools"]) for row in rows) == 5
