"""Networks of providers: learnt or entered, checked, logged, and the schools that are elsewhere."""

import csv
import io
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from collector.store.open import Store
from collector.store.queries import audit
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import NETWORK_STANDINGS, PROVIDER_NETWORKS
from tests.collector.web.pages.conftest import sign_in, token_of


@pytest.fixture
def seen(country: Store) -> str:
    """Every school of one provider is seen on its network, the first one on another."""
    with country.unit() as unit:
        query = select(SCHOOLS.c.provider, SCHOOLS.c.code).where(SCHOOLS.c.provider.is_not(None))
        found = sorted((row[0], row[1]) for row in unit.connection.execute(query))
        provider = found[0][0]
        assert provider is not None
        codes = [code for name, code in found if name == provider]
        rows = [{"school": code, "asn": 64500, "as_name": "Onda <Sur>", "day": "2026-11-23"} for code in codes]
        unit.connection.execute(insert(NETWORK_STANDINGS), [{**rows[0], "asn": 64511, "as_name": "Casa"}, *rows[1:]])
        unit.commit()
    return provider


def post(client: FlaskClient, address: str, **form: str):  # type: ignore[no-untyped-def]
    return client.post(address, data={"csrf_token": token_of(client.get("/networks").text), **form})


def test_a_network_is_entered_and_taken_back(admin: FlaskClient, country: Store, seen: str) -> None:
    page = admin.get("/networks").text
    assert "Onda &lt;Sur&gt;" in page or "Casa" in page
    assert "Networks are unknown without a file." in page
    answer = post(admin, "/networks", provider=seen, number=" as64500 ")
    assert answer.status_code == 303
    page = unescape(admin.get(answer.location).text)
    assert "Saved. Flags follow" in page and "its networks were entered here" in page
    with country.reader() as snapshot:
        (row,) = snapshot.connection.execute(select(PROVIDER_NETWORKS))
        logged = [(entry.action, entry.subject, entry.detail) for entry in audit.list_entries(snapshot)]
    assert (row.provider, row.asn, row.added_by) == (seen, 64500, "ana")
    assert ("networks.declare", seen, "AS64500") in logged
    elsewhere = unescape(admin.get(f"/networks?provider={seen}").text)
    assert "on other networks" in elsewhere and 'href="/schools/' in elsewhere.split('id="schools"')[1]
    assert "done=taken_back" in post(admin, "/networks/take-back", provider=seen, number="64500").location
    assert "done=same" in post(admin, "/networks/take-back", provider=seen, number="64500").location


@pytest.mark.parametrize("number", ["", "0", "4294967296", "-1", "64500.5", "AS", "٣", "9" * 300, "<b>", "\x00"])
def test_what_is_no_number_is_one_sentence(admin: FlaskClient, country: Store, seen: str, number: str) -> None:
    answer = post(admin, "/networks", provider=seen, number=number)
    assert answer.status_code == 422 and "Write the number of a network" in answer.text
    with country.reader() as snapshot:
        assert snapshot.connection.execute(select(PROVIDER_NETWORKS)).all() == []


def test_a_provider_that_nobody_has_is_refused(admin: FlaskClient, seen: str) -> None:
    answer = post(admin, "/networks", provider="Nobody", number="64500")
    assert answer.status_code == 422 and "No school of the registry has this provider." in answer.text


def test_others_look_only(app: Flask, seen: str) -> None:
    for name in ("vera", "otto", "cora"):
        client = app.test_client()
        sign_in(client, name)
        page = client.get("/networks").text
        assert 'id="enter"' not in page
        form = {"csrf_token": token_of(page), "provider": seen, "number": "64500"}
        assert client.post("/networks", data=form).status_code == 403


def test_the_schools_elsewhere_are_named_and_come_as_a_file(app: Flask, admin: FlaskClient, seen: str) -> None:
    page = unescape(admin.get(f"/networks?provider={seen}").text)
    if "on other networks</h2>" not in page:  # the provider's own networks have to be known first
        post(admin, "/networks", provider=seen, number="64500")
        page = unescape(admin.get(f"/networks?provider={seen}").text)
    listed = page.split('id="schools"')[1].split("</table>")[0]
    (code,) = re.findall(r'href="/schools/([^"]+)"', listed)
    assert "AS64511 Casa" in listed
    analyst = app.test_client()
    sign_in(analyst, "abel")
    for address in (f"/networks.csv?provider={seen}", "/networks.csv"):
        (row,) = csv.DictReader(io.StringIO(analyst.get(address).text.lstrip("\ufeff")))
        assert (row["school"], row["provider"], row["seen_on"]) == (code, seen, "AS64511 Casa")
    assert analyst.get("/networks.csv?provider=Nobody").text.count("\n") == 1
    viewer = app.test_client()
    sign_in(viewer, "vera")
    assert viewer.get("/networks.csv").status_code == 403
