"""Pages over a small country, without a network; a client for each kind of reader."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from collector.store.open import Store
from tests.collector.web.screens import chromium, make_app, served
from tests.fakes import pages_world
from tests.fakes.databases import Database, Files
from tests.fakes.empty_store import empty_store

SignIn = Callable[..., TestResponse]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that the tests in a browser copy."""
    place = tmp_path_factory.mktemp("country") / "data"
    made = empty_store(place)
    pages_world.small(made)
    made.close()
    return place


@pytest.fixture
def country(database: Database) -> Iterator[Store]:
    opened = database.filled(pages_world.small)
    yield opened
    opened.close()


@pytest.fixture
def app(country: Store) -> Flask:
    return make_app(country)


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The country in front of browsers."""
    with served(app) as url:
        yield url


@pytest.fixture(scope="session")
def one_browser() -> Iterator[Browser]:
    """The only browser of a worker: starting one takes longer than most of what is done in it."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(one_browser: Browser) -> Iterator[Browser]:
    """A browser in which no page of another module is open."""
    yield one_browser
    for context in one_browser.contexts:
        context.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:400]
    return found.group(1)


def sign_in(client: FlaskClient, name: str, password: str | None = None, **more: str) -> TestResponse:
    token = token_of(client.get("/login").text)
    given = pages_world.PASSWORDS.get(name, "wrong") if password is None else password
    return client.post("/login", data={"name": name, "password": given, "csrf_token": token, **more})


@pytest.fixture
def admin(client: FlaskClient) -> FlaskClient:
    assert sign_in(client, "ana").status_code == 303
    return client


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[FlaskClient]:
    """An administrator of a country that a module's tests share: for those that only read."""
    files.place = tmp_path_factory.mktemp("read") / "data"
    opened = files.filled(pages_world.small)
    client = make_app(opened).test_client()
    assert sign_in(client, "ana").status_code == 303
    yield client
    opened.close()


@pytest.fixture
def viewer(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, "vera").status_code == 303
    return client
