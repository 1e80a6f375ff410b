"""Networks of providers: learnt or entered, checked, logged, and the schools that are elsewhere."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from collector.config import CollectorConfig
from collector.evaluate import networks, work
from collector.evaluate.inputs import Deployment, Reference
from collector.profiles import catalogue
from collector.store.open import Store
from collector.store.queries import audit
from collector.store.queries import networks as stored
from collector.store.queries.networks import OwnNetwork
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import NETWORK_STANDINGS, PROVIDER_NETWORKS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.databases import Database
from tests.fakes.pages_world import Place


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


# --- who sees one area ----------------------------------------------------------------------------------------------

OWN, HOME = (64500, "Onda <Sur>"), (64511, "Casa")


def nation(store: Store) -> None:
    """Schools of three providers in six areas, without tests."""
    pages_world.add_people(store)
    pages_world.seed(store, pages_world.places(60), days_back=0)


@pytest.fixture
def whole(database: Database) -> Iterator[Store]:
    """All schools of Onda Sur are on its network, but those of Los Cayos: they are all elsewhere."""
    store = database.filled(nation)
    with store.unit() as unit:
        rows: list[dict[str, Any]] = [
            {
                "school": one.code, "device": f"d-{one.code}", "day": "2026-11-23", "in_hours": True,
                "asn": asn, "as_name": name,
            }
            for one in served(store)
            for asn, name in (HOME if one.area == "Los Cayos" else OWN,)
        ]  # fmt: skip
        stored.add_days(unit, rows)
        stored.renew_standings(unit, [str(row["school"]) for row in rows], "2026-11-23")
        unit.commit()
    yield store
    store.close()


def served(store: Store) -> list[Place]:
    with store.reader() as snapshot:
        codes = set(snapshot.connection.scalars(select(SCHOOLS.c.code).where(SCHOOLS.c.provider == "Onda Sur")))
    return [one for one in pages_world.places(60) if one.code in codes]


def deployment_of(store: Store) -> Deployment:
    with store.reader() as snapshot:
        config = CollectorConfig(default_timezone=pages_world.ZONE)
        return work.deployment_of(snapshot, config, catalogue.load(), Reference())


def learn(store: Store) -> None:
    """Let an evaluation pass."""
    networks.write(store, deployment_of(store), pages_world.NOW_MS)


@pytest.fixture
def of_nation(whole: Store) -> Flask:
    return make_app(whole)


def as_(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, name).status_code == 303
    return client


def line_of(client: FlaskClient, provider: str = "Onda Sur") -> str:
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get("/networks").text))
    found = re.search(rf"{provider} its networks.*?of \d+", unescape(page))
    return found.group() if found else ""


def test_whose_a_network_is_follows_from_the_whole_country(of_nation: Flask, whole: Store) -> None:
    """In Los Cayos alone everybody is on another one, which would be taken for the provider's own."""
    mine = [one.code for one in served(whole) if one.area == "Los Cayos"]
    assert len(mine) >= 3
    learn(whole)
    for name in ("cora", "cleo", "alma"):
        line = line_of(as_(of_nation, name))
        assert "AS64500 Onda <Sur>" in line and line.endswith(f" {len(mine)} of {len(mine)}"), line
        assert "its networks were learnt from its schools" in line
    page = as_(of_nation, "cora").get("/networks?provider=Onda+Sur").text
    assert f"{len(mine)} of {len(mine)} schools are on other networks" in page
    assert re.findall(r'class="name" href="/schools/([^"]+)"', page) == sorted(mine)
    rows = csv.DictReader(io.StringIO(as_(of_nation, "alma").get("/networks.csv").text.lstrip("\ufeff")))
    assert [row["school"] for row in rows] == sorted(mine)
    everybody = line_of(as_(of_nation, "vera"))
    assert everybody.endswith(f" {len(mine)} of {len(served(whole))}")


def test_of_other_areas_nothing_is_counted_or_named(of_nation: Flask, whole: Store) -> None:
    learn(whole)
    with whole.unit() as unit:
        elsewhere = update(SCHOOLS).where(SCHOOLS.c.area == "Norte").values(provider="Norte Net")
        unit.connection.execute(elsewhere)
        stored.declare(unit, OwnNetwork("Norte Net", 64520, "Norte Net"), pages_world.NOW_MS, "ana")
        unit.commit()
    learn(whole)
    others = [one.code for one in pages_world.places(60) if one.area != "Los Cayos"]
    for address in ("/networks", "/networks?provider=Onda+Sur", "/networks?provider=Norte+Net"):
        page = as_(of_nation, "cora").get(address).text
        assert "Norte Net" not in page and not re.search("|".join(others), page)
        counts = [int(one) for one in re.findall(r"(\d+) schools?<|of (\d+)", page) for one in one if one]
        assert max(counts) <= len(pages_world.places(60)) - len(others)
    assert "Norte Net" in as_(of_nation, "vera").get("/networks").text


def test_what_was_never_learnt_is_unknown_to_who_sees_one_area(of_nation: Flask) -> None:
    line = as_(of_nation, "cora").get("/networks").text
    assert "No school is on another network" in line, "too few schools to say whose a network is"


def test_what_is_entered_holds_at_once_and_what_is_learnt_is_written_once(of_nation: Flask, whole: Store) -> None:
    learn(whole)
    with whole.reader() as snapshot:
        before = stored.find_learnt(snapshot)
    assert before["Onda Sur"] == {OWN[0]: OWN[1]}
    learn(whole)
    cora = as_(of_nation, "cora")
    assert "AS64500" in line_of(cora)
    with whole.unit() as unit:
        stored.declare(unit, OwnNetwork("Onda Sur", HOME[0], HOME[1]), pages_world.NOW_MS, "ana")
        unit.commit()
    line = line_of(cora)
    assert "its networks were entered here" in line and " 0 of " in line
    learn(whole)
    with whole.reader() as snapshot:
        assert stored.find_learnt(snapshot).get("Onda Sur") is None, "what people say needs no learning"
