"""The same country reads the same from SQLite and from PostgreSQL, on every page and in every file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from collector.store.open import Store
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_all_pages import PAGES, address_of
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.databases import Files, OnServer

FILES = [
    "/map/data", "/map/districts.csv", "/schools.csv", "/schools/00123/tests.csv", "/flags/rows.csv?state=all",
    "/progress/schools.csv?list=MEETS", "/devices.csv", "/devices/heard.csv", "/devices/heard.csv?day=2026-11-23",
    "/devices/data.csv",
    "/outages.csv", "/networks.csv", "/hazards/rows.csv", "/admin/notices.csv", "/providers.csv", "/progress.csv",
    "/providers/schools.csv", "/outages.csv?provider=Onda+Sur",
    "/quality.csv", "/reports/2026-10.csv",
    "/admin/registry/giga.csv", "/admin/registry/checks.csv",
]  # fmt: skip
OF_ONE_ANSWER = re.compile(r'name="csrf_token" value="[^"]+"|\?v=[0-9a-f]+')


def reader_of(store: Store, name: str) -> FlaskClient:
    client = make_app(store).test_client()
    assert sign_in(client, name).status_code == 303
    return client


def read(client: FlaskClient, address: str) -> tuple[int, list[str]]:
    answer = client.get(address)
    lines = OF_ONE_ANSWER.sub("", answer.text).splitlines()
    # Which row of an export comes first is the database's affair: sorting millions would cost more than reading them.
    return answer.status_code, sorted(lines) if address.endswith("tests.csv") else lines


@pytest.fixture
def both(tmp_path: Path, files: Files, on_server: OnServer) -> Iterator[tuple[Store, Store]]:
    files.place = tmp_path / "data"
    stores = files.filled(pages_world.small), on_server.filled(pages_world.small)
    yield stores
    for store in stores:
        store.close()


@pytest.mark.parametrize("name", ["ana", "cleo"])
def test_every_page_and_file_says_the_same_on_both(both: tuple[Store, Store], name: str) -> None:
    one, other = (reader_of(store, name) for store in both)
    flag = address_of(reader_of(both[0], "ana"), "FLAG")
    answered = {address: read(one, address) for address in (*PAGES, *FILES, flag) if address != "FLAG"}
    assert [address for address, found in answered.items() if read(other, address) != found] == []
    assert name != "ana" or {status for status, _lines in answered.values()} == {200}


@pytest.mark.parametrize(
    "address",
    ["/schools/%00", "/schools/a%00b/evidence", "/schools/%00/tests", "/schools/%00/tests.csv", "/flags/%00",
     "/schools?q=%00", "/devices?q=a%00b", "/targets/%00"],
)  # fmt: skip
def test_nothing_is_called_by_a_text_with_nul(both: tuple[Store, Store], address: str) -> None:
    one, other = (reader_of(store, "ana") for store in both)
    assert read(other, address)[0] == read(one, address)[0] < 500


def test_nobody_signs_in_by_a_name_with_nul(both: tuple[Store, Store]) -> None:
    for store in both:
        assert sign_in(make_app(store).test_client(), "a\0b").status_code == 422
