"""Every address as every role, and as people of another area: a route that is missing from the table fails."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from collector import api_keys, people
from collector.app import make_flask
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import hazards, packs
from collector.store.queries.hazards import Hazard
from collector.store.queries.packs import Pack
from collector.store.tables.judgement import FLAGS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock
from tests.fakes.wire_device import a_deployment

RANKS = ("viewer", "analyst", "operator", "admin")
OPEN, SIGNED, SECRET = "open", "signed by a device", "secret of a monitor"


@dataclass(frozen=True)
class Route:
    """Who may use an address, and how to fill its places."""

    who: str  # the least of RANKS; or OPEN, SIGNED, SECRET
    foreign: dict[str, str] | None = None  # places filled with what is of another area: not there for who sees one
    places: dict[str, str] | None = None  # filled with what is of no area
    query: str = ""
    takes_keys: bool = False


SCHOOL = {"code": "00123"}
IMPORT = {"import_id": "none"}
PACK = "pack-1"
HAZARD = {"hazard_id": "hazard-1"}
ROUTES = {
    "static": Route(OPEN, places={"filename": "site.css"}),
    "devices.batch": Route(SIGNED),
    "devices.enrol": Route(SIGNED),
    "devices.lease": Route(SIGNED),
    "devices.settings": Route(SIGNED),
    "health.healthz": Route(OPEN),
    "health.metrics": Route(SECRET),
    "sign_in.show": Route(OPEN),
    "sign_in.enter": Route(OPEN),
    "sign_in.leave": Route(OPEN),
    "sign_in.choose_language": Route(OPEN, places={"code": "en"}),
    "sign_in.choose_theme": Route(OPEN, places={"name": "auto"}),
    "overview.show": Route("viewer"),
    "schools.show": Route("viewer"),
    "schools.download": Route("analyst"),
    "school.show": Route("viewer", foreign=SCHOOL),
    "evidence.show": Route("viewer", foreign=SCHOOL),
    "evidence.ask": Route("operator", foreign=SCHOOL),
    "evidence.call_off": Route("operator", foreign=SCHOOL),
    "evidence.make": Route("operator", foreign=SCHOOL),
    "evidence.pack": Route("viewer", foreign={**SCHOOL, "pack_id": PACK}),
    "school_link.show": Route(OPEN, places={"token": "x" * 44}),
    "school_link.make": Route("operator", foreign=SCHOOL),
    "school_link.revoke": Route("operator", foreign={**SCHOOL, "link_id": "none"}),
    "browser_test.show_link": Route(OPEN, places={"token": "x" * 44}),
    "browser_test.begin_link": Route(OPEN, places={"token": "x" * 44}),
    "browser_test.end_link": Route(OPEN, places={"token": "x" * 44}),
    "browser_test.show": Route("operator", foreign=SCHOOL),
    "browser_test.begin": Route("operator", foreign=SCHOOL),
    "browser_test.end": Route("operator", foreign=SCHOOL),
    "school_tests.show": Route("viewer", foreign=SCHOOL),
    "availability.show": Route("viewer", foreign=SCHOOL),
    "school_tests.download": Route("analyst", foreign={**SCHOOL, "format": "csv"}),
    "flags.show": Route("viewer"),
    "flags.show_one": Route("viewer", foreign={"flag_id": "FLAG"}),
    "flags.act": Route("operator", foreign={"flag_id": "FLAG"}),
    "flags.rows": Route("analyst"),
    "flags.bulk": Route("operator"),
    "flags.undo": Route("operator"),
    "flags.choose_keys": Route("viewer", places={"name": "on"}),
    "hazards.show": Route("viewer"),
    "hazards.new": Route("operator"),
    "hazards.declare": Route("operator"),
    "hazards.drill": Route("operator"),
    "hazards.all_places": Route("operator"),
    "hazards.one": Route("viewer", foreign=HAZARD),
    "hazards.places": Route("viewer", foreign=HAZARD),
    "hazards.set_dates": Route("operator", foreign=HAZARD),
    "hazards.calls": Route("viewer", foreign=HAZARD),
    "hazards.record": Route("operator", foreign=HAZARD),
    "hazards.phone": Route("operator", foreign=HAZARD),
    "hazards.paper": Route("viewer", foreign=HAZARD),
    "hazards.paper_with_phones": Route("operator", foreign=HAZARD),
    "hazards.rows_csv": Route("analyst"),
    "hazards.report": Route("viewer", foreign=HAZARD),
    "hazards.report_csv": Route("analyst", foreign=HAZARD),
    "hazards.report_geojson": Route("analyst", foreign=HAZARD),
    "map.show": Route("viewer"),
    "map.data": Route("viewer"),
    "map.download_districts": Route("analyst"),
    "map.card": Route("viewer", foreign={}, query="?school=00123"),
    "targets.show": Route("viewer"),
    "targets.new": Route("admin"),
    "targets.save": Route("admin"),
    "targets.set_growth": Route("admin"),
    "targets.undo": Route("admin", places={"version_id": "none"}),
    "uses.show": Route("viewer"),
    "uses.save": Route("admin"),
    "uses.restore": Route("admin"),
    "settings.show": Route("viewer"),
    "settings.save": Route("admin"),
    "settings.show_school": Route("viewer", foreign=SCHOOL),
    "settings.save_school": Route("admin", foreign=SCHOOL),
    "settings.save_hours": Route("admin", foreign=SCHOOL),
    "fleet.show": Route("viewer"),
    "fleet.download": Route("analyst"),
    "fleet.chosen": Route("operator"),
    "fleet.give": Route("operator"),
    "fleet.retire": Route("admin"),
    "fleet.show_heard": Route("viewer"),
    "fleet.heard_rows": Route("analyst"),
    "fleet.show_data": Route("viewer"),
    "fleet.data_rows": Route("analyst"),
    "fleet.approve": Route("admin", foreign={"device": "d-00123-1"}),
    "waiting.show": Route("admin", foreign=SCHOOL),
    "waiting.decide": Route("admin", foreign=SCHOOL),
    "tokens.show": Route("admin"),
    "tokens.download": Route("admin"),
    "tokens.revoke": Route("admin", places={"token_id": "none"}),
    "tokens.revoke_batch": Route("admin"),
    "tokens.make": Route("admin"),
    "tokens.many": Route("admin"),
    "tokens.make_many": Route("admin"),
    "tokens.letters": Route("admin"),
    "tokens.file": Route("admin"),
    "exports.show": Route("viewer"),
    "exports.choose": Route("analyst", query="?table=schools&format=csv"),
    "exports.download": Route("analyst", places={"table": "measurements", "format": "csv"}, takes_keys=True),
    "exports.program": Route("analyst", places={"table": "measurements", "format": "csv"}, takes_keys=True),
    "providers.show": Route("viewer"),
    "providers.download": Route("analyst"),
    "providers.download_schools": Route("analyst"),
    "progress.show": Route("viewer"),
    "progress.download": Route("analyst"),
    "progress.download_schools": Route("analyst"),
    "reports.show": Route("viewer"),
    "reports.show_one": Route("viewer", places={"month": "2026-11"}),
    "reports.download": Route("analyst", places={"month": "2026-11"}),
    "views.forget": Route("viewer"),
    "outages.show": Route("viewer"),
    "outages.show_one": Route("viewer", foreign={"outage_id": "0123456789abcdef"}),
    "outages.download_all": Route("analyst"),
    "outages.download": Route("analyst", foreign={"outage_id": "0123456789abcdef"}),
    "quality.show": Route("viewer"),
    "quality.show_rows": Route("viewer", places={"key": "clock"}),
    "quality.download": Route("analyst"),
    "quality.download_rows": Route("analyst", places={"key": "clock"}),
    "networks.show": Route("viewer"),
    "networks.download": Route("analyst"),
    "networks.declare": Route("admin"),
    "networks.take_back": Route("admin"),
    "sites.show": Route("viewer"),
    "sites.download": Route("analyst"),
    "registry.show": Route("admin"),
    "registry.bring": Route("admin"),
    "registry.one": Route("admin", places=IMPORT),
    "registry.apply": Route("admin", places=IMPORT),
    "registry.mend": Route("admin", places=IMPORT),
    "registry.drop": Route("admin", places=IMPORT),
    "registry.take_back": Route("admin", places=IMPORT),
    "registry.annotated": Route("admin", places=IMPORT),
    "registry_rows.checks_file": Route("admin"),
    "registry_rows.history": Route("admin", query="?of=00123"),
    "registry_rows.schools_file": Route("admin"),
    "registry_rows.giga_file": Route("admin"),
    "registry_rows.calendar_file": Route("admin"),
    "notices.show": Route("viewer"),
    "notices.save": Route("viewer"),
    "notices.test": Route("viewer"),
    "notices.add_mute": Route("viewer"),
    "notices.end_mute": Route("viewer", places={"mute_id": "none"}),
    "notice_log.show": Route("admin"),
    "notice_log.download": Route("admin"),
    "notice_log.again": Route("admin", places={"notice_id": "none"}),
    "notice_log.drop": Route("admin", places={"notice_id": "none"}),
    "notice_log.rules": Route("admin"),
    "notice_log.save_rules": Route("admin"),
    "notice_stop.show": Route(OPEN, places={"token": "digest.x." + "x" * 22}),
    "notice_stop.stop": Route(OPEN, places={"token": "digest.x." + "x" * 22}),
    "webhooks.show": Route("admin"),
    "webhooks.make": Route("admin"),
    "webhooks.end": Route("admin", places={"webhook_id": "none"}),
    "webhooks.test": Route("admin", places={"webhook_id": "none"}),
    "method.judge": Route("viewer"),
    "method.columns": Route("viewer"),
}
"""Who may what: a new page, form, file or address of the API has to stand here."""

# Nothing of this may reach who sees Los Cayos alone. The code 00123 is also the example in the words about columns.
FOREIGN = ("Escuela Ñandú", "Zapata", "alba", "Écija", "Norte", "Cable Brava", "00201", "00202", "00203", "d-00123-1")
ONE = {"00123": ("2026-11-24", None)}
FORM = {"action": "note", "note": "seen"}


@pytest.fixture
def app(country: Store) -> Flask:
    with country.unit() as unit:
        days = ("2026-11-01", "2026-11-23")
        hazards.add(unit, Hazard("hazard-1", "Ana", "flood", False, "", ("Norte",), 1, None, 1, "otto", 1, 1), ONE, "")
        packs.add(unit, Pack(PACK, "00123", 1, "otto", *days, "outside", "en", 30, "0", "0"), b"<html></html>")
        unit.commit()
    return make_flask(a_deployment(country, FakeClock(pages_world.NOW_MS)))


@pytest.fixture
def flag(country: Store) -> str:
    with country.reader() as snapshot:
        return str(snapshot.connection.scalars(select(FLAGS.c.flag_id)).first())


def addresses(app: Flask, flag: str) -> Iterator[tuple[Route, str, str]]:
    """Yield (route, method, address) of every rule."""
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: (one.endpoint, one.rule)):
        route = ROUTES[rule.endpoint]
        places = {**(route.places or {}), **(route.foreign or {})}
        places = {name: flag if value == "FLAG" else value for name, value in places.items()}
        assert set(rule.arguments) == set(places), f"{rule.endpoint}: say in the table how to fill {rule.arguments}"
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield route, method, adapter.build(rule.endpoint, places, method) + route.query


def ask(client: FlaskClient, method: str, address: str, token: str) -> TestResponse:
    if method == "GET":
        return client.get(address)
    return client.open(address, method=method, data={**FORM, "csrf_token": token})


def test_every_route_stands_in_the_table(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ROUTES)


@pytest.mark.parametrize("name", [None, *pages_world.PEOPLE])
def test_every_address_as_everybody(app: Flask, flag: str, name: str | None) -> None:
    role, areas = pages_world.PEOPLE[name] if name else (None, ())
    client = app.test_client()
    token = token_of(client.get("/login").text)
    if name:
        assert sign_in(client, name).status_code == 303
        token = token_of(client.get("/").text)
    for route, method, address in addresses(app, flag):
        if address in ("/login", "/logout"):
            continue  # would sign the walker out
        answer = ask(client, method, address, token)
        said = f"{name} {method} {address}: {answer.status_code}"
        assert answer.status_code < 500, said
        if route.who in (OPEN, SIGNED, SECRET):
            assert "/login" not in answer.headers.get("Location", ""), said
            answer.close()
            continue
        if role is None:
            wanted = 401 if address.startswith("/api/") else 303
            assert answer.status_code == wanted, said
            assert wanted == 401 or answer.location.startswith("/login"), said
        elif RANKS.index(role) < RANKS.index(route.who):
            assert answer.status_code == 403, said
        elif route.foreign is not None and areas:
            assert answer.status_code == 404, said
        else:
            assert answer.status_code in (200, 303, 400, 404, 422), said
            assert answer.status_code != 404 or method == "POST" or route.places is IMPORT, said
        if areas:
            found = [word for word in FOREIGN if re.search(rf"\b{word}\b", answer.text.replace(address, ""))]
            assert found == [], said
        answer.close()


@pytest.mark.parametrize(
    "name", ["vera", "cleo", *(pytest.param(name, marks=pytest.mark.deep) for name in ("cora", "abel"))]
)
def test_no_page_leads_where_its_reader_may_not_go(app: Flask, name: str) -> None:
    client = app.test_client()
    sign_in(client, name)
    seen: set[str] = set()
    left = ["/"]
    while left and len(seen) < 90:
        address = left.pop(0)
        if address in seen or re.match(r"/(static|language|theme|login|logout|flags/keys)", address):
            continue
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, f"{name} is led to {address}"
        if answer.mimetype == "text/html":
            text = re.sub(r"<template.*?</template>", "", answer.text, flags=re.DOTALL)  # filled in by a script
            left += [found.replace("&amp;", "&").split("#")[0] for found in re.findall(r'href="(/[^"]*)"', text)]
    assert len(seen) > 10


def ports_of(app: Flask) -> Ports:
    found: Ports = app.extensions["enlace_pages"].ports
    return found


def a_key(app: Flask, store: Store, name: str, *areas: str, days: int | None = None) -> str:
    """Return the secret of a new key."""
    return api_keys.create_key(store, ports_of(app), name, "test", areas=areas, days=days)[1]


@pytest.mark.parametrize("name", ["abel", "alma"])
def test_a_key_opens_the_files_of_its_person_and_nothing_else(
    app: Flask,
    country: Store,
    flag: str,
    name: str,
) -> None:
    areas = pages_world.PEOPLE[name][1]
    sent = {"Authorization": f"Bearer {a_key(app, country, name)}"}
    for route, method, address in addresses(app, flag):
        if route.who in (OPEN, SIGNED, SECRET) or method != "GET":
            continue
        answer = app.test_client().get(address, headers=sent)
        if not route.takes_keys:
            assert answer.status_code == 303, address
            continue
        assert answer.status_code == 200, address
        assert ("00123" in answer.text) is (not areas) and "00200" in answer.text


def test_a_key_with_areas_sees_what_both_may_see(app: Flask, country: Store) -> None:
    client = app.test_client()
    answer = client.get(
        "/api/v1/schools.csv", headers={"Authorization": f"Bearer {a_key(app, country, 'abel', 'Los Cayos')}"}
    )
    assert "00200" in answer.text and "00123" not in answer.text
    refused = client.get(
        "/api/v1/schools.csv?school=00123", headers={"Authorization": f"Bearer {a_key(app, country, 'alma')}"}
    )
    assert refused.status_code == 404 and refused.content_type == "application/problem+json"


@pytest.mark.parametrize("address", ["/api/v1/measurements.csv", "/exports/measurements.csv"])
def test_a_key_that_opens_nothing(app: Flask, country: Store, address: str) -> None:
    client, clock = app.test_client(), app.extensions["enlace_pages"].ports.clock
    ports = ports_of(app)
    good, short = a_key(app, country, "abel"), a_key(app, country, "abel", days=1)
    assert client.get(address, headers={"Authorization": f"Bearer {good}"}).status_code == 200
    listed = api_keys.list_keys(country, pages_world.NOW_MS)
    assert listed[0].key.used_ms == clock.now_ms() or listed[1].key.used_ms == clock.now_ms()
    for wrong in ("Bearer ", "Bearer x", f"Bearer {good}x"):
        answer = client.get(address, headers={"Authorization": wrong})
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.content_type == "application/problem+json"
    clock.advance(86_400_000)
    assert client.get(address, headers={"Authorization": f"Bearer {short}"}).status_code == 401
    assert client.get(address, headers={"Authorization": f"Bearer {good}"}).status_code == 200
    api_keys.revoke_key(country, ports, good)
    assert client.get(address, headers={"Authorization": f"Bearer {good}"}).status_code == 401


def test_a_key_is_worth_what_its_person_is_worth_now(app: Flask, country: Store) -> None:
    client, ports = app.test_client(), ports_of(app)
    sent = {"Authorization": f"Bearer {a_key(app, country, 'abel')}"}
    people.set_scope(country, ports, "abel", role="viewer")
    assert client.get("/api/v1/schools.csv", headers=sent).status_code == 403
    people.set_scope(country, ports, "abel", role="analyst", areas=["Los Cayos"])
    assert "00123" not in client.get("/api/v1/schools.csv", headers=sent).text
    people.remove_user(country, ports, "abel")
    assert client.get("/api/v1/schools.csv", headers=sent).status_code == 401
