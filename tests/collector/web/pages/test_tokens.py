"""Enrolment tokens on a page: shown once, one or many at once, on paper, and ended."""

import csv
import html
import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from agent.wire import forms
from agent.wire.tokens import parse_enrol_token
from collector import operate
from collector.app import make_flask
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import audit
from collector.store.tables.devices import DEVICES, TOKENS
from collector.web.views import qr
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.fakes import labs
from tests.fakes.wire_device import WireDevice

TOKEN = re.compile(r"ENL1-[A-Z2-7]{26}-[A-Z2-7]{16}")
NUMBERS = {"devices": "2", "days": "3"}


@pytest.fixture
def parts(country: Store) -> Parts:
    return labs.deployment(country)


@pytest.fixture
def app(parts: Parts) -> Flask:
    return make_flask(parts)


def rows(store: Store) -> list[dict[str, object]]:
    with store.reader() as snapshot:
        found = snapshot.connection.execute(select(TOKENS).order_by(TOKENS.c.school)).mappings()
        return [dict(row) for row in found]


def deeds(store: Store) -> list[tuple[str, str, str]]:
    with store.reader() as snapshot:
        return [
            (one.actor, one.action, one.subject)
            for one in audit.list_entries(snapshot)
            if one.action.startswith("token")
        ]


def fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the form that makes tokens."""
    found = re.search(r'name="batch" value="([^"]+)"', page)
    assert found
    return {"csrf_token": token_of(page), "batch": found.group(1)}


def make(client: FlaskClient, school: str = "00123", **more: str) -> str:
    page = client.get("/admin/tokens").text
    answer = client.post("/admin/tokens/new", data={**fields(page), **NUMBERS, "school": school, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def many(client: FlaskClient, *codes: str, query: str = "") -> str:
    page = client.get(f"/admin/tokens/many{query}").text
    answer = client.post("/admin/tokens/many", data={**fields(page), **NUMBERS, "code": list(codes)})
    assert answer.status_code == 200, answer.text
    return answer.text


def secrets(page: str) -> list[str]:
    found = re.search(r'name="tokens" value="([^"]+)"', page)
    assert found
    return found.group(1).split()


def test_a_token_is_shown_once_and_enrols(admin: FlaskClient, parts: Parts) -> None:
    page = make(admin)
    (token,) = secrets(page)
    assert f"enlace-agent enrol --collector {labs.URL} --token" in page and "Shown only now." in page
    (row,) = rows(parts.store)
    assert row["secret_hash"] == parse_enrol_token(token).secret_hash() and token not in repr(row)
    assert (row["school"], row["max_devices"], row["created_by"]) == ("00123", 2, "ana")
    assert row["expires_ms"] == int(str(row["created_ms"])) + 3 * 86_400_000
    assert deeds(parts.store) == [("ana", "token.create", "00123")]
    assert WireDevice(parts, token).enrol()["school"]["code"] == "00123"
    listed = admin.get("/admin/tokens").text
    assert token not in listed and "1 of 2" in listed and "1 left" in listed


def test_a_form_that_is_sent_twice_makes_its_token_once(admin: FlaskClient, parts: Parts) -> None:
    data = {**fields(admin.get("/admin/tokens").text), **NUMBERS, "school": "00123"}
    assert admin.post("/admin/tokens/new", data=data).status_code == 200
    again = admin.post("/admin/tokens/new", data=data)
    assert again.status_code == 409 and not TOKEN.search(again.text)
    assert "Nothing more was made." in again.text and f"batch={data['batch']}" in again.text
    assert len(rows(parts.store)) == 1 and len(deeds(parts.store)) == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"school": "9"}, "No school has this code."),
        ({"school": ""}, "No school has this code."),
        ({"devices": "0"}, "Write a whole number from 1 to 10,000."),
        ({"devices": "many"}, "Write a whole number from 1 to 10,000."),
        ({"devices": "١"}, "Write a whole number from 1 to 10,000."),
        ({"days": "366"}, "Write a whole number from 1 to 365."),
        ({"days": "-1"}, "Write a whole number from 1 to 365."),
        ({"days": "9" * 5000}, "Write a whole number from 1 to 365."),
    ],
)
def test_a_mistake_is_a_sentence_and_makes_nothing(
    admin: FlaskClient, parts: Parts, wrong: dict[str, str], sentence: str
) -> None:
    data = {**fields(admin.get("/admin/tokens").text), **NUMBERS, "school": "00123", **wrong}
    answer = admin.post("/admin/tokens/new", data=data)
    assert answer.status_code == 422 and sentence in answer.text
    for name, typed in {**NUMBERS, "school": "00123", **wrong}.items():
        assert f'name="{name}" value="{typed[:100]}"' in answer.text, "what was typed is kept"
    assert rows(parts.store) == []


def test_each_chosen_school_of_a_filter_gets_a_token(admin: FlaskClient, parts: Parts) -> None:
    page = admin.get("/admin/tokens/many?area=Norte").text
    assert re.findall(r'name="code" value="([^"]+)" checked', page) == ["00202", "00203", "00123", "00201"]
    made = many(admin, "00203", "00123", query="?area=Norte")
    assert [row["school"] for row in rows(parts.store)] == ["00123", "00203"]
    assert len({row["batch"] for row in rows(parts.store)}) == 1
    assert sorted(deeds(parts.store)) == [("ana", "token.create", "00123"), ("ana", "token.create", "00203")]
    assert [WireDevice(parts, token, seed=3).enrol()["school"]["code"] for token in secrets(made)] == ["00203", "00123"]


def test_schools_that_have_something_already_can_be_left_out(admin: FlaskClient, parts: Parts) -> None:
    with parts.store.unit() as unit:
        unit.connection.execute(DEVICES.delete().where(DEVICES.c.school.in_(["00200", "00201"])))
        unit.commit()
    make(admin, school="00201")

    def offered(query: str) -> list[str]:
        return sorted(re.findall(r'name="code" value="([^"]+)"', admin.get(f"/admin/tokens/many{query}").text))

    assert offered("?lacks=pc") == ["00200", "00201"]
    assert offered("?lacks=both") == ["00200"]
    assert offered("?lacks=both&q=zapata") == []
    assert len(offered("?lacks=nonsense")) == 5


@pytest.mark.parametrize("codes", [[], ["00123", "9"], [f"{number:05d}" for number in range(501)], ["\0"]])
def test_schools_that_cannot_be_chosen_make_nothing(admin: FlaskClient, parts: Parts, codes: list[str]) -> None:
    data = {**fields(admin.get("/admin/tokens/many").text), **NUMBERS, "code": codes}
    answer = admin.post("/admin/tokens/many", data=data)
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert rows(parts.store) == []


def test_letters_have_a_sheet_for_each_school_in_the_language_that_was_asked_for(
    admin: FlaskClient, parts: Parts
) -> None:
    tokens = secrets(many(admin, "00123", "00200"))
    data = {"csrf_token": token_of(admin.get("/admin/tokens").text), "tokens": " ".join(tokens), "language": "fr"}
    answer = admin.post("/admin/tokens/letters", data=data)
    page = html.unescape(answer.text)
    assert answer.headers["Cache-Control"] == "no-store" and '<html lang="fr"' in page
    sheets = page.split('<article class="letter">')[1:]
    for sheet, token, name in zip(sheets, tokens, ["Escuela Ñandú", "Álamo"], strict=True):
        assert f"Mesurer l’internet de {name}" in sheet and "Le jeton de cette école" in sheet
        assert set(TOKEN.findall(sheet)) == {token}
        assert str(qr.picture(token)) in sheet
        assert f"enlace-agent enrol --collector {labs.URL} --token" in sheet
        assert "jusqu’au" in sheet and ">vendredi 27 novembre 2026, 10:20<" in sheet
    assert not re.search(r'\sstyle=|<script|(?:src|href)="(?:https?:)?//', page), "nothing from elsewhere"


def test_the_file_has_a_row_for_each_token(admin: FlaskClient, parts: Parts) -> None:
    tokens = secrets(many(admin, "00123", "00200"))
    data = {"csrf_token": token_of(admin.get("/admin/tokens").text), "tokens": " ".join(tokens)}
    answer = admin.post("/admin/tokens/file", data=data)
    found = list(csv.DictReader(answer.text.splitlines()))
    assert [row["school"] for row in found] == ["00123", "00200"] and [row["token"] for row in found] == tokens
    assert found[0]["command"] == f"enlace-agent enrol --collector {labs.URL} --token {tokens[0]}"
    assert found[0]["expires_at"] == "2026-11-27T14:20:00.000Z"


@pytest.mark.parametrize("path", ["letters", "file"])
def test_there_is_no_paper_of_what_admits_nobody(admin: FlaskClient, parts: Parts, path: str) -> None:
    (ended,) = secrets(make(admin))
    operate.revoke_token(parts.store, parts.ports, ended)
    foreign = "ENL1-" + "A" * 26 + "-" + "B" * 16
    token = token_of(admin.get("/admin/tokens").text)
    for text in ("", "nonsense \0", foreign, ended, "x " * 10_000):
        answer = admin.post(f"/admin/tokens/{path}", data={"csrf_token": token, "tokens": text})
        assert answer.status_code == 303
        assert "There is no letter to make." in admin.get(answer.location).text


def test_a_token_is_ended_and_its_pcs_stay(admin: FlaskClient, parts: Parts) -> None:
    (token,) = secrets(make(admin))
    come = WireDevice(parts, token, seed=1)
    come.enrol()
    page = admin.get("/admin/tokens?state=valid&area=Norte").text
    action = re.search(r'action="(/admin/tokens/[^"]+/revoke)"', page)
    back = re.search(r'name="back" value="([^"]+)"', page)
    assert action and back
    data = {"csrf_token": token_of(page), "back": html.unescape(back.group(1))}
    answer = admin.post(action.group(1), data=data)
    assert answer.location == "/admin/tokens?state=valid&area=Norte&ended=1"
    assert "1 token is ended." in admin.get(answer.location).text
    assert WireDevice(parts, token, seed=2).enrol()["code"] == "token_revoked"
    assert come.ask_settings()["status"] == 200
    assert admin.post(action.group(1), data=data).location.endswith("ended=0")
    assert [action for _who, action, _of in deeds(parts.store)].count("token.revoke") == 1
    assert admin.post(action.group(1), data={**data, "back": "https://elsewhere.example"}).location.startswith(
        "/admin/tokens?"
    )


def test_letters_that_were_lost_are_ended_together(admin: FlaskClient, parts: Parts) -> None:
    made = many(admin, "00123", "00200")
    make(admin)  # another one stays
    batch = re.search(r"batch=([0-9a-f-]{36})", made)
    assert batch
    page = admin.get(f"/admin/tokens?batch={batch.group(1)}").text
    assert "2 tokens" in page and "End them all" in page
    answer = admin.post("/admin/tokens/revoke", data={"csrf_token": token_of(page), "batch": batch.group(1)})
    assert "2 tokens are ended." in admin.get(answer.location).text
    assert sum(row["revoked_ms"] is None for row in rows(parts.store)) == 1
    for wrong in ("", "nonsense", forms.uuid4(bytes(16))):
        assert (
            admin.post("/admin/tokens/revoke", data={"csrf_token": token_of(page), "batch": wrong}).status_code == 404
        )


def test_the_list_is_filtered_and_taken_away_without_secrets(admin: FlaskClient, parts: Parts) -> None:
    operate.create_token(parts.store, parts.ports, "00200", max_devices=1, days=0)
    token = operate.create_token(parts.store, parts.ports, "00201", max_devices=1, days=3)
    WireDevice(parts, token).enrol()
    make(admin)
    for state, school in {"valid": "00123", "expired": "00200", "exhausted": "00201"}.items():
        rows_of = list(csv.DictReader(admin.get(f"/admin/tokens/rows.csv?state={state}").text.splitlines()))
        assert [(row["school"], row["state"]) for row in rows_of] == [(school, state)]
    page = admin.get("/admin/tokens").text
    assert "3 tokens" in page and "command line" in page and ">ana" in page
    assert not TOKEN.search(admin.get("/admin/tokens/rows.csv").text)
    assert "No token fits these filters." in admin.get("/admin/tokens?q=nothing").text


def test_an_address_that_nobody_else_reaches_is_said_before_letters_go_out(parts: Parts, country: Store) -> None:
    local = replace(parts, config=labs.deployment(country, public_url="").config)
    assert "Only this computer reaches http://localhost." in make(client_of(local))
    assert "Only this computer" not in make(client_of(parts))


def client_of(parts: Parts) -> FlaskClient:
    client = make_flask(parts).test_client()
    sign_in(client, "ana")
    return client


def test_a_picture_has_its_quiet_edge_and_holds_no_text() -> None:
    shown = str(qr.picture("ENL1-" + "A" * 26 + "-" + "B" * 16))
    assert shown.startswith('<svg viewBox="0 0 37 37">') and 'fill="#fff"' in shown and 'stroke="#000"' in shown
    assert "ENL1" not in shown and "style" not in shown
    assert shown != str(qr.picture("ENL1-" + "A" * 26 + "-" + "B" * 15 + "C"))


def test_a_page_that_refuses_leads_to_where_it_stands(admin: FlaskClient) -> None:
    """It answers at the address of its form, which nobody can open."""
    token = token_of(admin.get("/admin/tokens").text)
    refused = admin.post("/admin/tokens/new", data={"csrf_token": token, "school": "none", "devices": "5", "days": "7"})
    assert refused.status_code == 422 and 'value="none"' in refused.text
    assert 'class="follows" action="/admin/tokens"' in refused.text
    to = re.search(r'href="(/language/es[^"]+)"', refused.text)
    assert to and admin.get(html.unescape(to.group(1))).location == "/admin/tokens"


def test_many_tokens_say_what_is_wrong_where_no_school_fits(admin: FlaskClient) -> None:
    address = "/admin/tokens/many?q=nowhere"
    token = token_of(admin.get("/admin/tokens/many").text)
    refused = admin.post(address, data={"csrf_token": token, "code": "00123", "devices": "many", "days": "7"})
    assert refused.status_code == 422 and 'value="many"' in refused.text
    assert 'class="mistake"' in refused.text and "No school fits these filters." in refused.text
