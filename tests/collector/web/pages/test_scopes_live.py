"""Who sees one area, while much goes on: outages, a hazard, learning sites, networks and messages of all areas."""

import csv
import io
import json
import re
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from collector.domain.outages import odds
from collector.evaluate import hazards as evaluation
from collector.evaluate import outages_learnt
from collector.store.open import Store
from collector.store.queries import facts, hazards
from collector.store.queries.hazards import Call, Hazard
from collector.store.queries.judging.outages import count_groups
from collector.store.queries.notices import preferences
from collector.store.queries.notices.preferences import StoredMute
from collector.store.tables.outages import OUTAGE_SCHOOLS
from collector.store.tables.registry import SCHOOLS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_networks import deployment_of, learn
from tests.fakes import pages_world, troubles
from tests.fakes.databases import Database
from tests.fakes.pages_world import NOW_MS, ZONE
from tests.fakes.troubles import DAY_MS, HOUR_MS

MINE, EVERYWHERE = "Los Cayos", "h-everywhere"
AREAS = ("Norte", "Bahía Honda", "Costa Sur", "Poniente", "Isla Brava")


def in_trouble(store: Store) -> None:
    """60 schools in six areas, everything of `troubles`, and a hurricane over all of them."""
    pages_world.add_people(store)
    pages_world.seed(store, pages_world.places(60), days_back=2)
    troubles.add(store)
    begins = NOW_MS - 8 * HOUR_MS
    areas = (*AREAS, MINE)
    made = Hazard(EVERYWHERE, "Huracán Zeta", "hurricane", False, "", areas, begins, None, begins, "otto", 1, 1)
    with store.unit() as unit:
        members = hazards.placed_schools(unit)
        evaluation.declare(unit, made, members, profile=pages_world.PROFILE, default_zone=ZONE)
        for one in members:
            hazards.add_call(unit, Call(f"z-{one.code}", EVERYWHERE, one.code, 1, begins, "otto", "note", note="ruido"))
        for what, value in (("area", "Norte"), ("school", code_outside(members)), ("area", MINE), ("kind", "x")):
            until = NOW_MS + DAY_MS
            mute = StoredMute(f"m-{what}-{value}", "", what, value, until, "2026-11-25", f"why {value}", NOW_MS, "ana")
            preferences.add_mute(unit, mute)
        unit.commit()
    learn(store)
    outages_learnt.write(store, deployment_of(store), NOW_MS)


def code_outside(members: list[hazards.Placed]) -> str:
    return next(one.code for one in members if one.area == "Norte")


@pytest.fixture
def country(database: Database) -> Iterator[Store]:
    opened = database.filled(in_trouble)
    yield opened
    opened.close()


def as_(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, name).status_code == 303
    return client


def codes(store: Store, *, mine: bool) -> set[str]:
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(select(SCHOOLS.c.code, SCHOOLS.c.area))
        return {row.code for row in rows if (row.area == MINE) is mine}


def outages(store: Store) -> tuple[set[str], set[str]]:
    """Return the outages in which a school of hers lies, and the others."""
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(select(OUTAGE_SCHOOLS.c.outage_id, OUTAGE_SCHOOLS.c.school)).all()
    mine = codes(store, mine=True)
    hers = {row.outage_id for row in rows if row.school in mine}
    return hers, {row.outage_id for row in rows} - hers


HAZARD_PAGES = ("", "/calls?standing=all", "/print?standing=all", "/report", "/places")
FILES = ("/hazards/rows.csv", f"/hazards/{EVERYWHERE}/report.csv", f"/hazards/{EVERYWHERE}/report.geojson",
         "/outages.csv", "/sites.csv?site=Biblioteca", "/networks.csv", "/devices.csv")  # fmt: skip
PAGES = (
    "/", "/outages", "/outages?show=all", "/hazards", *(f"/hazards/{EVERYWHERE}{path}" for path in HAZARD_PAGES),
    "/sites", "/sites?site=Biblioteca&show=all", "/networks", "/networks?provider=Onda+Sur&show=all",
    "/networks?provider=Alto+Sat%C3%A9lite", "/notices", "/devices", "/devices?standing=silent", "/flags?state=all",
    "/providers", "/quality",
)  # fmt: skip


def foreign(store: Store, text: str) -> set[str]:
    return set(re.findall(r"\b0\d{6}\b", text)) & codes(store, mine=False)


@pytest.mark.parametrize("name", ["cora", "cleo", "alma"])
def test_no_school_of_another_area_is_named_while_much_goes_on(app: Flask, country: Store, name: str) -> None:
    client = as_(app, name)
    hers, others = outages(country)
    assert hers and others
    files = FILES if name == "alma" else ()
    of_outages = [f"/outages/{one}?show=all" for one in sorted(hers)]
    of_outages += [f"/outages/{one}/schools.csv" for one in sorted(hers) if files]
    for address in (*PAGES, *files, *of_outages):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert foreign(country, answer.text) == set(), address
    for one in sorted(others):
        assert client.get(f"/outages/{one}").status_code == 404
    for path in HAZARD_PAGES:
        assert client.get(f"/hazards/{troubles.HAZARD}{path}").status_code == 404, "it lies over the north"


@pytest.mark.parametrize(
    "address", ["/hazards", f"/hazards/{EVERYWHERE}/report", "/sites", "/networks", "/notices", "/outages.csv"]
)
def test_no_other_area_is_named_where_none_belongs(app: Flask, country: Store, address: str) -> None:
    text = unescape(as_(app, "alma").get(address).text)
    if address == "/outages.csv":  # an outage that took one of her schools says of which group it was
        return
    assert [area for area in AREAS if re.search(rf"\b{area}\b", text)] == []


def test_a_hazard_over_everything_counts_her_schools_alone(app: Flask, country: Store) -> None:
    mine = len(codes(country, mine=True))
    for name in ("cora", "alma"):
        client = as_(app, name)
        text = client.get("/hazards").text
        assert re.findall(r"standing=all\">(\d+)<", text) == [str(mine)], "as many as the list behind the number"
        listed = client.get(f"/hazards/{EVERYWHERE}/calls?standing=all&show=all").text
        assert len(set(re.findall(r'class="name" href="/schools/([^"]+)"', listed))) == mine
    rows = list(csv.DictReader(io.StringIO(client.get("/hazards/rows.csv").text.lstrip("\ufeff"))))
    assert [(row["hazard_id"], row["schools"]) for row in rows] == [(EVERYWHERE, str(mine))]
    drawn = json.loads(client.get(f"/hazards/{EVERYWHERE}/report.geojson").text)
    assert drawn["features"][0]["properties"]["areas"] == [MINE] and len(drawn["features"]) == mine + 1
    everybody = as_(app, "vera").get("/hazards").text
    assert "60" in re.findall(r"standing=all\">(\d+)<", everybody)


def test_an_outage_of_more_than_her_area_says_so(app: Flask, country: Store) -> None:
    cora, vera = as_(app, "cora"), as_(app, "vera")
    hers, _others = outages(country)
    said = "These numbers are of the whole outage."
    wider = [one for one in sorted(hers) if said in cora.get(f"/outages/{one}").text]
    assert wider
    for one in wider:
        text = cora.get(f"/outages/{one}?show=all").text
        (shown,) = re.findall(r"only the schools that you see: (\d+)\.", text)
        listed = text.split('id="schools-1"')[1].split("</table>")[0]
        assert len(re.findall(r'class="name" href="/schools/', listed)) == int(shown)
        assert said not in vera.get(f"/outages/{one}").text


def test_how_many_schools_it_takes_is_the_same_for_everybody(app: Flask, country: Store) -> None:
    """The watch looks at the groups of the whole country: among many, an accident is likelier."""

    def needed(name: str) -> list[str]:
        return re.findall(r"we need about (\d+) reporting schools", as_(app, name).get("/outages").text)

    assert needed("vera") == needed("cora") and len(needed("vera")) == 1
    with country.unit() as unit:
        assert facts.find_fact(unit, facts.OUTAGE_GROUPS) == str(count_groups(unit))
        facts.set_fact(unit, facts.OUTAGE_GROUPS, "500000")
        unit.commit()
    assert needed("cora") == [str(odds.smallest_group(500_000))] != needed("vera")


def test_mutes_of_everybody_are_hers_where_they_are_about_something_that_she_sees(app: Flask, country: Store) -> None:
    shown = {name: as_(app, name).get("/notices").text for name in ("cora", "vera")}
    reasons = {name: set(re.findall(r"why ([^<]*)<", text)) for name, text in shown.items()}
    assert reasons["cora"] == {MINE, "x"}
    assert len(reasons["vera"]) == 4


def test_the_log_of_messages_is_not_hers(app: Flask, country: Store) -> None:
    for name in ("cora", "cleo", "alma"):
        client = as_(app, name)
        for address in ("/admin/notices", "/admin/notices.csv", "/admin/notices/rules", "/admin/webhooks"):
            assert client.get(address).status_code == 403
