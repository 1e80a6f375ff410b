"""The limits of what a line is good for: with their sources, changed by administrators, with who, when and why."""

import json
import re
from html import unescape
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from collector.profiles.use_limits import LIMITS, USES, published
from collector.store.open import Store
from collector.store.tables.people import AUDIT
from collector.store.tables.registry import USE_LIMITS
from tests.collector.web.pages.conftest import sign_in, token_of


def form_of(client: FlaskClient) -> dict[str, str]:
    """Return what stands in the form."""
    page = client.get("/uses").text
    return {name: unescape(value) for name, value in re.findall(r'name="([a-z_-]+)" value="([^"]*)"', page)}


def stored(store: Store) -> list[dict[str, object]]:
    with store.reader() as snapshot:
        return [dict(row) for row in snapshot.connection.execute(select(USE_LIMITS)).mappings()]


def test_every_limit_is_shown_with_how_it_is_known_and_its_source(viewer: FlaskClient) -> None:
    page = unescape(viewer.get("/uses").text)
    base = published()
    cards = re.findall(r'id="use-([a-z_]+)".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert [name for name, _rows in cards] == list(USES)
    for use, (_name, rows) in zip(base.uses, cards, strict=True):
        values = re.findall(r'data-l="Value"><b>([\d.]+)</b>', rows)
        assert [float(value) for value in values] == [use.limits[name].value for name in LIMITS]
        sources = {limit.source for limit in use.limits.values()} - {None}
        assert set(re.findall(r'href="#source-(\w+)"', rows)) == sources
    for source in base.sources.values():
        assert source.document in page and source.url is not None and f'href="{source.url}"' in page
    assert "our own choice" in page and "the original was not read" in page
    assert '<form method="post" action="/uses"' not in page


def test_saving_what_stands_there_changes_no_number(admin: FlaskClient, country: Store) -> None:
    form = form_of(admin) | {"note": "looked through"}
    assert admin.post("/uses", data=form).status_code == 303
    (row,) = stored(country)
    assert json.loads(str(row["limits"])) == {"share": 0.8, "uses": published().numbers}


def test_a_change_is_stored_with_who_and_why_and_schools_go_by_it(admin: FlaskClient, country: Store) -> None:
    form = form_of(admin) | {"exam-download": "0,05", "exam-loss": "", "share": "70", "note": "Circular 7 <of> 2026"}
    answer = admin.post("/uses", data=form)
    assert answer.status_code == 303
    page = unescape(admin.get(answer.location).text)
    assert "Saved." in page and "ana set these limits on" in page
    (row,) = stored(country)
    assert (row["created_by"], row["note"]) == ("ana", "Circular 7 <of> 2026")
    with country.reader() as snapshot:
        entry = snapshot.connection.execute(select(AUDIT).where(AUDIT.c.action == "use_limits_set")).mappings().one()
    assert entry["actor"] == "ana" and "Circular 7" in str(entry["detail"])
    exam = page.split('id="use-exam"')[1].split("</table>")[0]
    assert "<b>0.05</b>" in exam and "published: 0.512" in exam and "<b>not asked</b>" in exam
    school = unescape(admin.get("/schools/00123").text)
    assert "1.5 Mbit/s for all at once" in school and "in 70\u00a0% of the tests" in school
    assert "ana set the limits on" in school and "Circular 7 <of> 2026" in school
    assert "Circular 7 &lt;of&gt; 2026" in admin.get("/schools/00123").text


def test_the_published_limits_can_hold_again(admin: FlaskClient, country: Store) -> None:
    admin.post("/uses", data=form_of(admin) | {"call-download": "9", "note": "a try"})
    token = token_of(admin.get("/uses").text)
    assert admin.post("/uses/restore", data={"csrf_token": token}).status_code == 303
    assert admin.post("/uses/restore", data={"csrf_token": token}).status_code == 303
    assert [row["limits"] is None for row in stored(country)] == [False, True], "a second time changes nothing"
    page = admin.get("/uses").text
    assert "published with this program" in page and form_of(admin)["call-download"] == "2"
    assert page.split('id="history"')[1].count("<tr>") == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"class_video-pupils": ""}, "Write a whole number from 1 to 5000."),
        ({"class_video-pupils": "2.5"}, "Write a whole number from 1 to 5000."),
        ({"call-download": "fast"}, "Write a number from 0.001 to 1000."),
        ({"call-upload": "-1"}, "Write a number from 0.001 to 1000."),
        ({"web-latency": "0"}, "Write a number from 1 to 60000."),
        ({"web-loss": "101"}, "Write a number from 0.01 to 100."),
        ({"share": "100"}, "Write a number from 1 to 99."),
        ({"note": " "}, "Write why, or who says so"),
        ({"note": "x" * 201}, "at most 200 letters"),
        ({f"exam-{name}": "" for name in ("download", "upload", "latency", "loss")}, "Leave at least one limit"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_stored(
    admin: FlaskClient, country: Store, change: dict[str, str], sentence: str
) -> None:
    form = form_of(admin) | {"note": "because", "web-upload": "0.25"} | change
    answer = admin.post("/uses", data=form)
    assert answer.status_code == 422 and sentence in unescape(answer.text)
    assert 'value="0.25"' in answer.text, "what was typed is kept"
    assert answer.text.count('class="mistake"') == 1
    assert stored(country) == []
    admin.set_cookie("enlace_language", "es")
    assert sentence not in unescape(admin.post("/uses", data=form).text)


def test_nobody_overwrites_what_he_has_not_seen(admin: FlaskClient, country: Store) -> None:
    mine = form_of(admin) | {"note": "mine", "call-loss": "3"}
    admin.post("/uses", data=form_of(admin) | {"note": "theirs"})
    refused = admin.post("/uses", data=mine)
    assert refused.status_code == 409 and "Somebody changed the limits meanwhile." in refused.text
    assert [row["note"] for row in stored(country)] == ["theirs"]
    again = {name: unescape(value) for name, value in re.findall(r'name="([a-z_-]+)" value="([^"]*)"', refused.text)}
    assert again["call-loss"] == "3" and again["note"] == "mine"
    assert admin.post("/uses", data=again).status_code == 303
    assert len(stored(country)) == 2


def test_only_administrators_of_the_whole_country_change_them(app: Flask, viewer: FlaskClient, country: Store) -> None:
    for name in ("vera", "otto", "cleo"):
        client = app.test_client()
        sign_in(client, name)
        token = token_of(client.get("/uses").text)
        assert client.post("/uses", data={"csrf_token": token, "note": "x"}).status_code == 403, name
        assert client.post("/uses/restore", data={"csrf_token": token}).status_code == 403, name
    assert stored(country) == []


def test_a_form_full_of_anything_is_no_fault(admin: FlaskClient, country: Store) -> None:
    chance, form = Random(5), form_of(admin)
    values = ("", "1", "0,5", "9" * 300, "²", "1e9", "nan", "∞", "\x00", "<b>", "--", "1.2.3", "٣")
    for _ in range(120):
        some = {name: chance.choice(values) for name in chance.sample(sorted(form), 5) if name != "csrf_token"}
        assert admin.post("/uses", data={**form, **some}).status_code in (303, 409, 422), some
    with country.reader() as snapshot:
        assert snapshot.connection.scalar(text("SELECT count(*) FROM use_limits")) is not None
    assert admin.get("/schools/00123").status_code == 200
