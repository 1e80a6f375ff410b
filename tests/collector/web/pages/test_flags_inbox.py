"""The inbox of flags: filters, views, what people do to one flag and to many, and taking it back."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from collector.store.open import Store
from collector.store.tables.judgement import FLAG_ACTIONS, FLAG_EVENTS, FLAG_WORK, FLAGS
from collector.store.tables.people import AUDIT, SAVED_VIEWS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.databases import Database

OPEN = ("open", "recovering")


def five_flags(store: Store) -> None:
    """Five open flags, the last one in the cays."""
    pages_world.add_people(store)
    base = pages_world.Place("00123", "Escuela Ñandú", 0.5, tests_a_day=3)
    areas = ("Sur", "Sur", "Sur", "Los Cayos")
    more = [
        replace(base, code=f"0020{at}", name=f"Escuela {at}", area=area, pupils=100 + at)
        for at, area in enumerate(areas)
    ]
    pages_world.seed(store, [base, *more], days_back=18)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    opened = database.filled(five_flags)
    yield opened
    opened.close()


@pytest.fixture
def inbox(store: Store) -> FlaskClient:
    client = make_app(store).test_client()
    sign_in(client, "ana")
    return client


def ids(page: str) -> list[str]:
    return re.findall(r'class="name" href="/flags/([^"]+)"', page)


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        return [dict(row) for row in snapshot.connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def version(page: str, flag: str) -> str:
    found = re.search(rf'name="flag" value="({re.escape(flag)}:\d+)"', page)
    assert found
    return found.group(1)


def do(client: FlaskClient, flag: str, action: str, /, **fields: str) -> TestResponse:
    page = client.get(f"/flags/{flag}").text
    sent = {"csrf_token": token_of(page), "flag": version(page, flag), "action": action, **fields}
    return client.post(f"/flags/{flag}", data=sent)


def other(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, "otto").status_code == 303
    return client


DEEDS: list[tuple[str, dict[str, str], str]] = [
    ("taken", {}, "Taken by ana"),
    ("acknowledged", {}, "Seen by ana"),
    ("given", {"to": "otto"}, "Given to otto by ana"),
    ("snoozed", {"until": "2026-12-01", "note": "works"}, "Snoozed by ana until Tue 1 Dec"),
    ("ticket", {"ticket": "INC <7>"}, "Ticket INC &lt;7&gt;, written down by ana"),
    ("note", {"note": "Called <Onda>"}, "Called &lt;Onda&gt;"),
    ("closed", {"reason": "mended", "note": ""}, "Closed by ana: the line was mended"),
]


@pytest.mark.parametrize(("action", "fields", "said"), DEEDS, ids=[deed[0] for deed in DEEDS])
def test_each_deed_is_one_event_one_audit_line_and_one_undo(
    inbox: FlaskClient, store: Store, action: str, fields: dict[str, str], said: str
) -> None:
    flag = ids(inbox.get("/flags").text)[0]
    before = [rows(store, table) for table in (FLAGS, FLAG_EVENTS)]
    answer = do(inbox, flag, action, **fields)
    assert answer.status_code == 303
    page = inbox.get(answer.location).text
    assert said in page and page.count('role="status"') == 1
    assert [row["action"] for row in rows(store, FLAG_ACTIONS)] == [action]
    assert [(row["action"], row["subject"]) for row in rows(store, AUDIT)] == [(f"flag_{action}", flag)]
    batch = re.search(r'name="batch" value="([^"]+)"', page)
    assert batch
    undo = {"csrf_token": token_of(page), "batch": batch.group(1), "back": "/flags"}
    page = inbox.get(inbox.post("/flags/undo", data=undo).location).text
    assert "Undone." in page and 'name="batch"' not in page
    assert "(undone)" in inbox.get(f"/flags/{flag}").text
    work = rows(store, FLAG_WORK)[0]
    assert [work[name] for name in ("owner", "ticket", "snoozed_until")] == [None, None, None]
    assert [rows(store, table) for table in (FLAGS, FLAG_EVENTS)] == before
    again = inbox.post("/flags/undo", data=undo)
    assert "Not undone." in inbox.get(again.location).text
    assert len(rows(store, FLAG_ACTIONS)) == 2


def test_a_stale_form_is_refused_with_what_the_other_did_and_keeps_what_was_typed(
    inbox: FlaskClient, store: Store
) -> None:
    flag = ids(inbox.get("/flags").text)[0]
    page = inbox.get(f"/flags/{flag}").text
    mine = {"csrf_token": token_of(page), "flag": version(page, flag)}
    assert do(other(inbox.application), flag, "taken").status_code == 303
    answer = inbox.post(f"/flags/{flag}", data={**mine, "action": "note", "note": "Called & waited"})
    assert answer.status_code == 409
    assert "Taken by otto (" in answer.text and "Called &amp; waited</textarea>" in answer.text
    assert [row["user_name"] for row in rows(store, FLAG_ACTIONS)] == ["otto"]
    again = {"csrf_token": token_of(answer.text), "flag": version(answer.text, flag), "note": "Called & waited"}
    assert inbox.post(f"/flags/{flag}", data={**again, "action": "note"}).status_code == 303
    assert rows(store, FLAG_WORK)[0]["owner"] == "otto"


@pytest.mark.parametrize(
    ("action", "fields", "status", "said"),
    [
        ("note", {"note": "  "}, 422, "Write the note first"),
        ("note", {"note": "x" * 2001}, 422, "at most 2,000 letters"),
        ("closed", {"reason": "why not"}, 422, "Choose why it is closed"),
        ("closed", {"reason": "other"}, 422, "Write the reason"),
        ("given", {"to": "vera"}, 422, "Choose who gets it"),
        ("snoozed", {"until": "soon", "note": "x"}, 422, "Give a date as year-month-day"),
        ("snoozed", {"until": "2026-11-24", "note": "x"}, 422, "Give a date from 2026-11-25"),
        ("snoozed", {"until": "2026-12-01"}, 422, "Write why it can wait"),
        ("undone", {}, 422, "Use one of its buttons"),
        ("", {}, 422, "Use one of its buttons"),
        ("taken", {"flag": "nonsense"}, 422, "Press again"),
    ],
)
def test_a_mistake_is_said_in_the_page_and_stores_nothing(
    inbox: FlaskClient, store: Store, action: str, fields: dict[str, str], status: int, said: str
) -> None:
    flag = ids(inbox.get("/flags").text)[0]
    answer = do(inbox, flag, action, **fields)
    assert answer.status_code == status and said in answer.text and 'role="alert"' in answer.text
    for name, value in fields.items():
        assert name == "flag" or not value.strip() or value in answer.text or name in ("reason", "to")
    assert rows(store, FLAG_ACTIONS) == [] == rows(store, AUDIT)


def test_no_such_flag_is_no_page(inbox: FlaskClient) -> None:
    token = token_of(inbox.get("/flags").text)
    assert inbox.post("/flags/none", data={"csrf_token": token, "action": "taken", "flag": "none:0"}).status_code == 404


def choose(inbox: FlaskClient, action: str, address: str = "/flags", **fields: Any) -> dict[str, Any]:
    page = inbox.get(address).text
    flags = re.findall(r'type="checkbox" name="flag" value="([^"]+)"', page)
    return {"csrf_token": token_of(page), "action": action, "flag": flags, "back": address, **fields}


def test_many_flags_are_asked_about_with_their_number_then_done_and_undone_at_once(
    inbox: FlaskClient, store: Store
) -> None:
    sent = choose(inbox, "closed", reason="passing", note="Works in the street")
    asked = inbox.post("/flags/bulk", data=sent)
    assert asked.status_code == 200 and "Close 5 flags" in asked.text and "5 schools" in asked.text
    assert rows(store, FLAG_ACTIONS) == []
    wrong = inbox.post("/flags/bulk", data={**sent, "step": "do", "reason": ""})
    assert wrong.status_code == 422 and "Works in the street</textarea>" in wrong.text
    answer = inbox.post("/flags/bulk", data={**sent, "step": "do"})
    page = inbox.get(answer.location).text
    assert "5 flags closed." in page and ids(page) == []
    assert len(rows(store, FLAG_ACTIONS)) == len(rows(store, AUDIT)) == 5
    assert {row["state"] for row in rows(store, FLAGS)} == {"closed"}
    batch = re.search(r'name="batch" value="([^"]+)"', page)
    assert batch
    back = inbox.post("/flags/undo", data={"csrf_token": token_of(page), "batch": batch.group(1)})
    page = inbox.get(back.location).text
    assert "Undone on 5 flags." in page and len(ids(page)) >= 5
    assert {row["state"] for row in rows(store, FLAGS)} == {"open"}


def test_many_flags_are_changed_all_or_none(inbox: FlaskClient, store: Store) -> None:
    sent = choose(inbox, "taken")
    flag = sent["flag"][2].split(":")[0]
    assert do(other(inbox.application), flag, "taken").status_code == 303
    answer = inbox.post("/flags/bulk", data={**sent, "step": "do"})
    assert answer.status_code == 409 and "Taken by otto (" in answer.text and "Take 4 flags" in answer.text
    assert len(rows(store, FLAG_ACTIONS)) == 1
    ticked = re.findall(r'name="flag" value="([^"]+)" checked', answer.text)
    assert len(ticked) == 4 and not any(one.startswith(flag) for one in ticked)
    assert inbox.post("/flags/bulk", data={**sent, "flag": ticked, "step": "do"}).status_code == 303
    assert sorted(row["owner"] for row in rows(store, FLAG_WORK)) == ["ana"] * 4 + ["otto"]


def test_nothing_ticked_is_said(inbox: FlaskClient) -> None:
    answer = inbox.post("/flags/bulk", data=choose(inbox, "taken") | {"flag": []})
    assert "Nothing was chosen." in inbox.get(answer.location).text


def test_a_snoozed_flag_rests_and_comes_back_by_itself(inbox: FlaskClient, store: Store) -> None:
    flag = ids(inbox.get("/flags").text)[0]
    do(inbox, flag, "snoozed", until="2026-11-26", note="works")
    assert flag not in ids(inbox.get("/flags").text) and flag in ids(inbox.get("/flags?state=snoozed").text)
    assert "Bring it back" in inbox.get(f"/flags/{flag}").text
    page = inbox.get("/").text
    assert page.count(">4</span>") >= 1  # the number beside Flags is that of the list
    clock = inbox.application.extensions["enlace_pages"].ports.clock
    clock.now = pages_world.NOW_MS + 37 * 3_600_000  # Thu 26 Nov, a quarter past eleven at night of the 25th there
    sign_in(inbox, "ana")
    assert flag not in ids(inbox.get("/flags").text)
    clock.advance(3_600_000)
    assert flag in ids(inbox.get("/flags").text)
    assert "Came back by itself" in inbox.get(f"/flags/{flag}").text


def test_filters_and_views_agree_with_the_rows(inbox: FlaskClient, store: Store) -> None:
    first, second = ids(inbox.get("/flags").text)[:2]
    do(inbox, first, "taken")
    do(inbox, second, "given", to="otto")
    do(inbox, second, "ticket", ticket="INC-7")
    is_open = FLAGS.c.state.in_(OPEN)
    source = FLAGS.outerjoin(FLAG_WORK, FLAG_WORK.c.flag_id == FLAGS.c.flag_id)
    for query, condition in {
        "": is_open,
        "owner=me": FLAG_WORK.c.owner == "ana",
        "owner=by:otto": FLAG_WORK.c.owner == "otto",
        "owner=nobody": FLAG_WORK.c.owner.is_(None),
        "taken=no": FLAG_WORK.c.owner.is_(None),
        "owner=somebody": FLAG_WORK.c.owner.is_not(None),
        "q=inc-7": FLAG_WORK.c.ticket == "INC-7",
        "kind=below_target": is_open,
        "age=week": FLAGS.c.opened_on >= "2026-11-17",
        "age=month": (FLAGS.c.opened_on >= "2026-10-25") & (FLAGS.c.opened_on <= "2026-11-16"),
        "age=older": FLAGS.c.opened_on <= "2026-10-24",
    }.items():
        with store.reader() as snapshot:
            wanted = set(
                snapshot.connection.scalars(select(FLAGS.c.flag_id).select_from(source).where(is_open, condition))
            )
        page = inbox.get(f"/flags?{query}").text
        assert set(ids(page)) == wanted, query
        assert re.search(rf"<b>{len(wanted)} flags?</b>", page), query
        lines = list(csv.DictReader(io.StringIO(inbox.get(f"/flags/rows.csv?{query}").text)))
        assert {line["flag_id"] for line in lines} == wanted, query
        table = inbox.get(f"/flags?as=table&{query}").text
        assert set(ids(table)) == wanted, query


def test_the_file_has_the_columns_of_the_work(inbox: FlaskClient) -> None:
    flag = ids(inbox.get("/flags").text)[0]
    do(inbox, flag, "taken")
    do(inbox, flag, "ticket", ticket="=7")
    for address in ("/flags/rows.csv", "/exports/flags.csv"):
        answer = inbox.get(address)
        (line,) = (line for line in csv.DictReader(io.StringIO(answer.text)) if line["flag_id"] == flag)
        assert (line["owner"], line["ticket"], line["snoozed_until"]) == ("ana", "'=7", "")


def test_a_view_is_kept_under_its_name_for_its_person(inbox: FlaskClient, store: Store) -> None:
    page = inbox.get("/flags?area=Sur&sort=oldest").text
    token = token_of(page)
    address = "/flags?area=Sur&sort=oldest"
    for name, said in (("", "Give the view a name"), ("x" * 61, "at most 60 letters")):
        wrong = inbox.post(address, data={"csrf_token": token, "name": name})
        assert wrong.status_code == 422 and said in wrong.text and f'value="{name}"' in wrong.text
    answer = inbox.post(address, data={"csrf_token": token, "name": " Sur  <first> "})
    assert answer.status_code == 303 and answer.location == address
    page = inbox.get(answer.location).text
    assert '<a href="/flags?area=Sur&amp;sort=oldest" aria-current="true">Sur &lt;first&gt;</a>' in page
    twice = inbox.post(address, data={"csrf_token": token, "name": "SUR <FIRST>"})
    assert twice.status_code == 422 and "You have a view of this name" in twice.text
    otto = other(inbox.application)
    assert "Sur &lt;first&gt;" not in otto.get("/flags").text
    view = rows(store, SAVED_VIEWS)[0]["view_id"]
    otto.post("/views/forget", data={"csrf_token": token_of(otto.get("/flags").text), "view": view})
    assert len(rows(store, SAVED_VIEWS)) == 1
    inbox.post("/views/forget", data={"csrf_token": token, "view": view})
    assert rows(store, SAVED_VIEWS) == []
    assert [row["action"] for row in rows(store, AUDIT)] == ["view_saved", "view_forgotten"]


def test_a_form_leads_back_to_where_it_was_and_nowhere_else(inbox: FlaskClient) -> None:
    flags = ids(inbox.get("/flags").text)
    there = do(inbox, flags[0], "taken", back="/flags?area=Sur&flag=x&done=y").location
    assert re.fullmatch(r"/flags\?area=Sur&done=[0-9a-f-]+#done", there)
    for wrong in ("https://evil.example/flags", "//evil.example/flags", "/devices"):
        assert do(inbox, flags[1], "note", note="x", back=wrong).location.startswith("/flags?done=")


def test_keys_can_be_turned_off(inbox: FlaskClient) -> None:
    assert "/static/inbox.js" in inbox.get("/flags").text
    inbox.get("/flags/keys/off?next=/flags")
    page = inbox.get("/flags").text
    assert "inbox.js" not in page and "Single keys are off." in page
    inbox.get("/flags/keys/on")
    assert "inbox.js" in inbox.get("/flags").text
    assert inbox.get("/flags/keys/maybe").status_code == 404


def test_a_viewer_does_nothing(inbox: FlaskClient, store: Store) -> None:
    client = inbox.application.test_client()
    sign_in(client, "vera")
    page = client.get("/flags").text
    assert 'type="checkbox" name=' not in page and "Take it" not in page
    token = token_of(page)
    for address in ("/flags/bulk", "/flags/undo", f"/flags/{ids(page)[0]}"):
        assert client.post(address, data={"csrf_token": token, "action": "taken"}).status_code == 403
    assert rows(store, FLAG_ACTIONS) == []


def test_a_flag_that_ended_meanwhile_is_not_closed_again(inbox: FlaskClient, store: Store) -> None:
    flag = ids(inbox.get("/flags").text)[0]
    page = inbox.get(f"/flags/{flag}").text
    with store.unit() as unit:
        unit.connection.execute(update(FLAGS).where(FLAGS.c.flag_id == flag).values(state="closed"))
        unit.commit()
    sent = {"csrf_token": token_of(page), "flag": version(page, flag), "action": "closed", "reason": "mended"}
    answer = inbox.post(f"/flags/{flag}", data=sent)
    assert answer.status_code == 409 and "This flag has ended" in answer.text
    with store.reader() as snapshot:
        assert snapshot.connection.scalar(select(func.count()).select_from(FLAG_ACTIONS)) == 0


@pytest.mark.parametrize("state", ["open", "closed"])
def test_what_is_wrong_stands_with_what_was_typed_also_when_the_flag_has_ended(
    inbox: FlaskClient, store: Store, state: str
) -> None:
    flag = ids(inbox.get("/flags").text)[0]
    page = inbox.get(f"/flags/{flag}").text
    with store.unit() as unit:
        unit.connection.execute(update(FLAGS).where(FLAGS.c.flag_id == flag).values(state=state))
        unit.commit()
    for action, typed in (("given", {"to": ""}), ("snoozed", {"until": "soon"}), ("closed", {"reason": ""})):
        sent = {"csrf_token": token_of(page), "flag": version(page, flag), "action": action, "note": "I rang", **typed}
        refused = inbox.post(f"/flags/{flag}", data=sent)
        assert refused.status_code == 422 and refused.text.count('role="alert"') == 1
        form = refused.text.split(f'name="action" value="{action}"')[1].split("</form>")[0]
        assert ">I rang</textarea>" in form and 'role="alert"' in form


def test_an_operator_of_one_area_meets_no_flag_of_another(inbox: FlaskClient, store: Store) -> None:
    every = choose(inbox, "taken")["flag"]
    do(inbox, every[0].split(":")[0], "note", note="between us")
    client = inbox.application.test_client()
    assert sign_in(client, "cleo").status_code == 303
    page = client.get("/flags").text
    (mine,) = ids(page)
    token = token_of(page)
    others = [one for one in every if not one.startswith(mine)]
    for step in ("", "do"):
        sent = {"csrf_token": token, "action": "taken", "flag": every, "step": step}
        answer = client.post("/flags/bulk", data=sent)
        assert ids(answer.text) == [mine] and "between us" not in answer.text
    for one in others:
        flag = one.split(":")[0]
        sent = {"csrf_token": token, "action": "taken", "flag": one}
        assert client.post(f"/flags/{flag}", data=sent).status_code == 404
    assert [row["user_name"] for row in rows(store, FLAG_ACTIONS)] == ["ana"]
    lines = list(csv.DictReader(io.StringIO(client.get("/flags/rows.csv").text)))
    assert [line["flag_id"] for line in lines] == [mine]
    offered = client.get(f"/flags/{mine}").text.split('id="flag-given-to"')[1].split("</select>")[0]
    assert re.findall(r"<option>([^<]+)<", offered) == ["ana", "cleo", "otto"]
    closed = do(client, mine, "closed", reason="mended")
    assert client.get(closed.location).text.count("Closed.") == 1
    batch = re.search(r"done=([0-9a-f-]+)", closed.location)
    assert batch
    back = client.post("/flags/undo", data={"csrf_token": token, "batch": batch.group(1)})
    assert "Undone." in client.get(back.location).text


def test_a_viewer_takes_no_rows_away(inbox: FlaskClient) -> None:
    client = inbox.application.test_client()
    sign_in(client, "vera")
    assert client.get("/flags/rows.csv").status_code == 403
    assert "Download these rows" not in client.get("/flags").text
