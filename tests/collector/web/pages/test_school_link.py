"""A school's page by a link: in plain words, for this school alone, until the link is taken back or runs out."""

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from collector.domain.scope import NOTHING, WHOLE, Scope, scope_of
from collector.store.open import Store
from collector.store.queries import audit, target_versions
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages.schools import Measure
from collector.store.queries.target_versions import Decision
from collector.store.tables.catalogue import METADATA
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.registry import SCHOOLS
from collector.web.people import school_link
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.screens import make_app
from tests.fakes import pages_world

DAY_MS = 86_400_000
OTHERS = ("Álamo", "Zapata", "alba", "Écija", "00200", "00201", "Los Cayos")


def make_link(client: FlaskClient, code: str = "00123", days: str = "90") -> str:
    """Make a link on the school's page and return where it leads."""
    page = client.get(f"/schools/{code}").text
    before, token = _links(page), token_of(page)
    answer = client.post(f"/schools/{code}/links", data={"csrf_token": token, "days": days})
    assert answer.status_code == 303 and answer.location.endswith("#links")
    (made,) = set(_links(client.get(f"/schools/{code}").text)) - set(before)
    return made


def _links(page: str) -> list[str]:
    return re.findall(r'value="http://localhost(/s/[^"]+)"', page)


@pytest.fixture
def link(admin: FlaskClient) -> str:
    return make_link(admin)


@pytest.fixture
def head(app: Flask) -> FlaskClient:
    """Somebody without an account."""
    return app.test_client()


@pytest.mark.parametrize("language", ["en", "es", "pt", "fr"])
def test_it_says_what_a_head_teacher_asks(head: FlaskClient, link: str, language: str) -> None:
    head.set_cookie("enlace_language", language)
    answer = head.get(link)
    text = unescape(answer.text)
    assert answer.status_code == 200 and f'<html lang="{language}"' in answer.text
    assert text.count("<h2") == 5 and "Escuela Ñandú" in text
    assert "<script" not in text and "/login" not in text and 'method="post"' not in text
    for word in OTHERS:
        assert not re.search(rf"\b{word}\b", text), word
    leads = set(re.findall(r'href="(/[^"?#]*)', answer.text))
    assert {where for where in leads if not where.startswith(("/static/", "/language/"))} == set()
    if language == "en":
        assert "No, the line is too slow." in text and "It has been so since <b>21 October</b>" not in text
        assert re.search(r"It has been so since <b>\d+ November</b>\.", text)
        assert "The target is <b>20\u00a0Mbit/s</b>" in text and "says how much data the line brings" in text
        assert re.search(r"there were \d+ tests that count; <b>\d+</b> of them reached the target\.", text)
        assert "The last report came on <b><time" in text and "2 PCs of this school measure the line." in text
        assert "have had this on their list since" in text
        assert "Whoever gave you the link to this page." in text
        assert "as of <time" in text and "Tuesday 24 November 2026, 10:20" in text


def test_it_is_kept_from_search_engines_and_from_whoever_is_linked_to(head: FlaskClient, link: str) -> None:
    for address in (link, "/s/" + "x" * 44):
        answer = head.get(address)
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
        assert '<meta name="robots" content="noindex, nofollow">' in answer.text
    assert "00123" not in link and "Set-Cookie" not in head.get(link).headers


def test_the_deployment_s_contact_is_named(country: Store) -> None:
    app = make_app(country, contact="Service desk <555 0123>")
    admin = app.test_client()
    sign_in(admin, "ana")
    assert "Service desk &lt;555 0123&gt;" in app.test_client().get(make_link(admin)).text


def test_a_sign_that_is_altered_opens_nothing(head: FlaskClient, link: str) -> None:
    token = link.removeprefix("/s/")
    altered = [f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}" for at in range(len(token))]
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = [token[:-1] + sign for sign in signs if sign != token[-1]]
    for wrong in (*altered, *last, token[:-1], f"{token}A", "x", "..", f"{token}=", "é" * 44):
        answer = head.get(f"/s/{wrong}")
        assert answer.status_code == 404 and "/login" not in answer.headers.get("Location", ""), wrong
    assert "not whole, or not one of ours" in head.get(f"/s/{altered[3]}").text
    assert "Escuela" not in head.get(f"/s/{altered[3]}").text


def test_a_link_that_was_taken_back_or_has_run_out_says_so(
    app: Flask, admin: FlaskClient, head: FlaskClient, link: str, country: Store
) -> None:
    other = make_link(admin, days="30")
    page = admin.get("/schools/00123").text
    forms = re.findall(r'action="(/schools/00123/links/[^"]+/revoke)"', page)
    assert len(forms) == 2
    mine = next(form for form in forms if form.split("/")[4] == link.removeprefix("/s/")[:22])
    assert admin.post(mine, data={"csrf_token": token_of(page)}).status_code == 303
    assert admin.post(mine, data={"csrf_token": token_of(page)}).status_code == 303, "twice is once"
    gone = head.get(link)
    assert gone.status_code == 410 and "This link was taken back." in gone.text and "Ñandú" not in unescape(gone.text)
    assert head.get(other).status_code == 200
    app.extensions["enlace_pages"].ports.clock.advance(30 * DAY_MS)
    gone = head.get(other)
    assert gone.status_code == 410 and "This link has run out." in gone.text
    with country.reader() as snapshot:
        deeds = [(one.actor, one.action, one.subject) for one in audit.list_entries(snapshot)]
    assert sorted(deeds) == [("ana", "school_link.made", "00123")] * 2 + [("ana", "school_link.revoked", "00123")]


def test_nobody_but_operators_makes_and_sees_links(app: Flask, link: str) -> None:
    for name, status in {"vera": 403, "abel": 403, "cora": 403, "cleo": 404, "otto": 303}.items():
        client = app.test_client()
        sign_in(client, name)
        token = token_of(client.get("/").text)
        answer = client.post("/schools/00123/links", data={"csrf_token": token, "days": "30"})
        assert answer.status_code == status, name
        assert (link in client.get("/schools/00123").text) is (name == "otto"), name
    client = app.test_client()
    sign_in(client, "otto")
    token = token_of(client.get("/").text)
    for days in ("", "31", "9999999999", "x"):
        assert client.post("/schools/00123/links", data={"csrf_token": token, "days": days}).status_code == 400


def test_a_signed_in_person_sees_the_same_page_and_no_more_than_the_link_s_school(app: Flask, link: str) -> None:
    cora = app.test_client()
    sign_in(cora, "cora")
    text = unescape(cora.get(link).text)
    assert "Escuela Ñandú" in text and not any(re.search(rf"\b{word}\b", text) for word in OTHERS)


def test_the_scope_of_one_school_reaches_no_row_of_another(country: Store) -> None:
    scope = Scope(None, "00123")
    assert not scope.is_whole and not scope.covers("Norte") and scope.meet(WHOLE) == scope == WHOLE.meet(scope)
    assert scope.meet(scope_of(["Norte"])) == NOTHING == scope_of(["Norte"]).meet(scope)
    with country.reader(scope) as snapshot:
        assert list(snapshot.connection.scalars(select(SCHOOLS.c.code))) == ["00123"]
        for table in METADATA.tables.values():
            if "school" in table.c:
                assert set(snapshot.connection.scalars(select(table.c.school))) <= {"00123"}, table.name
        assert set(snapshot.connection.scalars(select(DEVICES.c.device))) == {"d-00123-1", "d-00123-2"}
    with country.reader(Scope(None, "no such school")) as snapshot:
        assert snapshot.connection.execute(select(SCHOOLS)).all() == []


def test_targets_of_the_school_s_areas_are_seen_and_no_others(country: Store) -> None:
    places = [("deployment", ""), ("area", "Norte"), ("area", "Norte/River"), ("area", "Nort"), ("area", "Los Cayos")]
    places += [("school", "00123"), ("school", "00200")]
    with country.unit() as unit:
        for number, (reach, place) in enumerate(places):
            decision = Decision(str(number), reach, place, "2027-01-01", None, None, None, 1, "ana")
            target_versions.add(unit, decision)
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(area="Norte /River Bend"))
        unit.commit()
    with country.reader(Scope(None, "00123")) as snapshot:
        seen = {(one.reach, one.place) for one in target_versions.decisions(snapshot)}
    assert seen == {("deployment", ""), ("area", "Norte"), ("school", "00123")}


def test_since_when_is_the_first_day_of_the_same_verdict_in_a_row(country: Store) -> None:
    measure = Measure(pages_world.PROFILE, pages_world.METRIC)
    with country.reader() as snapshot:
        rows = snapshot.connection.execute(
            select(EVALUATIONS.c.day, EVALUATIONS.c.verdict)
            .where(EVALUATIONS.c.school == "00123")
            .order_by(EVALUATIONS.c.day.desc())
        ).all()
        first = rows[0].day
        for row in rows:
            if row.verdict != rows[0].verdict:
                break
            first = row.day
        assert rows[0].verdict == "BELOW" and first != rows[-1].day
        assert pages_school.standing_since(snapshot, measure, "00123", "BELOW") == first
        assert pages_school.standing_since(snapshot, measure, "00203", "MEETS") is None


def test_a_silent_school_is_told_what_to_do_and_one_without_a_pc_too(
    head: FlaskClient, link: str, admin: FlaskClient, country: Store
) -> None:
    mine = DEVICES.c.school == "00123"
    with country.unit() as unit:
        unit.connection.execute(update(DEVICES).where(mine).values(last_contact_ms=pages_world.NOW_MS - 9 * DAY_MS))
        unit.commit()
    text = head.get(link).text
    assert "That is 9 days ago: since then nobody knows how the line is." in text
    assert "Switch on a PC that measures" in text and "If the school is closed these days, nothing" in text
    with country.unit() as unit:
        unit.connection.execute(delete(DEVICES).where(mine))
        unit.commit()
    text = head.get(link).text
    assert "No PC of this school measures the line." in text and "Let a PC of the school be enrolled." in text


@pytest.mark.parametrize("code", ["00200", "00201", "00202", "00203"])
def test_every_verdict_has_its_page(admin: FlaskClient, head: FlaskClient, code: str) -> None:
    answer = head.get(make_link(admin, code))
    assert answer.status_code == 200
    text = unescape(answer.text)
    wanted = {"00200": "Yes, the line is fast enough.", "00203": "Not known yet: nothing has been judged."}
    assert wanted.get(code, ".</strong>") in text and "None" not in text


def test_a_school_that_left_the_registry(head: FlaskClient, link: str, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(delete(SCHOOLS).where(SCHOOLS.c.code == "00123"))
        unit.commit()
    assert head.get(link).status_code == 410


def test_the_signature_hangs_on_the_secret_of_this_deployment(app: Flask) -> None:
    with app.app_context():
        mine = school_link.sign("x" * 22)
        assert school_link.read(mine) == "x" * 22
        app.secret_key = "another"
        assert school_link.read(mine) is None
