"""What waits at one school: all that is seen of it, and one press for a lab, never for what came later."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from collector import operate
from collector.app import make_flask
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import audit, devices
from tests.collector.web.pages.conftest import token_of
from tests.fakes import labs
from tests.fakes.wire_device import WireDevice

HERE = "/devices/waiting/00123"


@pytest.fixture
def parts(country: Store) -> Parts:
    return labs.deployment(country)


@pytest.fixture
def app(parts: Parts) -> Flask:
    return make_flask(parts)


@pytest.fixture
def original(parts: Parts) -> WireDevice:
    token = operate.create_token(parts.store, parts.ports, "00123", max_devices=30, days=14)
    made = labs.enrolled(parts, token, seed=7)
    made.ask_settings()
    return made


def seen(page: str, *, ticked: bool | None = None) -> list[str]:
    """Return what the form carries: everything, or what is ticked, or what is not."""
    found = re.findall(r'name="seen" value="([^"]+)"( checked)?', page)
    return [value for value, mark in found if ticked is None or bool(mark) is ticked]


def decide(client: FlaskClient, page: str, values: list[str], deed: str = "approve", **more: str) -> TestResponse:
    data = {"csrf_token": token_of(page), "seen": values, "deed": deed, **more}
    return client.post(HERE, data=data)


def state_of(parts: Parts, one: WireDevice) -> str:
    with parts.store.reader() as snapshot:
        found = devices.find_device(snapshot, one.device)
    assert found is not None
    return found.state


def deeds(parts: Parts) -> list[tuple[str, str, str]]:
    with parts.store.reader() as snapshot:
        found = audit.list_entries(snapshot)
    return [(one.actor, one.action, one.subject) for one in found if one.action.startswith("device.")]


def words_of(page: str) -> str:
    """Return what is read on a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def test_a_lab_is_approved_by_one_press_and_what_came_later_is_not(
    admin: FlaskClient, parts: Parts, original: WireDevice
) -> None:
    lab = labs.copies(parts, original, 3)
    assert f'href="{HERE}"' in admin.get("/devices").text
    page = admin.get(HERE).text
    assert "3 PCs of Escuela Ñandú wait." in page and len(seen(page, ticked=True)) == 3
    late = labs.copies(parts, original, 4)[3]
    answer = decide(admin, page, seen(page))
    assert answer.location == f"{HERE}?approved=3"
    assert [state_of(parts, one) for one in lab] == ["active"] * 3 and state_of(parts, late) == "pending"
    after = admin.get(answer.location).text
    assert "3 PCs are approved." in after and "1 PC of Escuela Ñandú waits." in after
    assert sorted(deeds(parts)) == sorted(("ana", "device.approve", one.device) for one in lab)


def test_everything_that_is_known_of_a_pc_stands_beside_it(
    admin: FlaskClient, parts: Parts, original: WireDevice
) -> None:
    labs.copies(parts, original, 2)
    labs.new_key(original, seed=8)
    page = admin.get(HERE).text
    said = words_of(page)
    name = original.device[:8]
    assert said.count(f"It is a copy of {name}: its disk was copied after that PC was enrolled.") == 2
    assert "came with a new key, while its old one was still in use ( less than a minute ago )" in said
    assert said.count("the same as 1 other PC here") == 2 and "of its own" in said, "what came anew has another name"
    assert "Tue 24 Nov, 10:20" in said and "Came with the token of Tue 24 Nov, 10:20 (command line)." in said
    for value in seen(page):
        key = value.split(":")[1]
        assert " ".join(key[at : at + 4] for at in range(0, 16, 4)) in said


def test_of_several_keys_of_one_pc_a_person_chooses(admin: FlaskClient, parts: Parts, original: WireDevice) -> None:
    labs.new_key(original, seed=8)
    newest = labs.new_key(original, seed=9)
    page = admin.get(HERE).text
    assert len(seen(page)) == 2 and seen(page, ticked=True) == []
    both = decide(admin, page, seen(page))
    assert both.status_code == 422 and "Two keys of one PC are chosen" in both.text
    assert seen(both.text, ticked=True) == seen(page), "what was ticked is kept"
    assert decide(admin, page, [f"{original.device}:{newest}"]).location == f"{HERE}?approved=1"
    assert original.ask_settings()["status"] == 200 and "Nothing waits" in admin.get(HERE).text


def test_a_refusal_is_asked_for_twice(admin: FlaskClient, parts: Parts, original: WireDevice) -> None:
    first, second = labs.copies(parts, original, 2)
    page = admin.get(HERE).text
    chosen = [value for value in seen(page) if value.startswith(first.device)]
    asked = decide(admin, page, chosen, "refuse")
    assert asked.status_code == 200 and "this cannot be undone" in asked.text and deeds(parts) == []
    assert seen(asked.text, ticked=True) == chosen
    done = decide(admin, asked.text, chosen, "refuse", sure="yes")
    assert "1 PC is refused." in admin.get(done.location).text
    assert (state_of(parts, first), state_of(parts, second)) == ("revoked", "pending")
    assert deeds(parts) == [("ana", "device.refuse", first.device)]


def test_what_another_person_decided_meanwhile_is_said(admin: FlaskClient, parts: Parts, original: WireDevice) -> None:
    first, _second = labs.copies(parts, original, 2)
    page = admin.get(HERE).text
    operate.revoke_device(parts.store, parts.ports, first.device)
    answer = decide(admin, page, seen(page))
    assert answer.location == f"{HERE}?approved=1&left=1"
    assert "1 PC was left as it is." in admin.get(answer.location).text
    assert state_of(parts, first) == "revoked"


def test_a_form_that_makes_no_sense_changes_nothing(admin: FlaskClient, parts: Parts, original: WireDevice) -> None:
    (one,) = labs.copies(parts, original, 1)
    page = admin.get(HERE).text
    token = operate.create_token(parts.store, parts.ports, "00200", max_devices=1, days=1)
    other = labs.enrolled(parts, token, seed=70)
    elsewhere = labs.copies(parts, other, 0) or other
    for values, deed in (
        ([], "approve"),
        (seen(page), ""),
        (seen(page), "nonsense"),
        (["x"] * 2, "approve"),
        ([f"d{number}:" for number in range(501)], "approve"),
        (["\0:\0", ":", "::"], "approve"),
        ([f"{one.device}:"], "approve"),
        ([f"{elsewhere.device}:"], "refuse"),
    ):
        answer = decide(admin, page, values, deed, sure="yes")
        assert answer.status_code in (303, 422), (values[:3], deed)
        assert answer.status_code == 422 or "left=" in answer.location
    assert state_of(parts, one) == "pending" and state_of(parts, other) == "active" and deeds(parts) == []
    assert admin.get("/devices/waiting/9").status_code == 404
    assert admin.post("/devices/waiting/9", data={"csrf_token": token_of(page)}).status_code == 404


def test_only_the_pcs_of_the_school_that_was_looked_at_are_decided(admin: FlaskClient, parts: Parts) -> None:
    token = operate.create_token(parts.store, parts.ports, "00200", max_devices=9, days=1)
    (elsewhere,) = labs.copies(parts, labs.enrolled(parts, token, seed=70), 1)
    value = seen(admin.get("/devices/waiting/00200").text)[0]
    answer = decide(admin, admin.get("/devices").text, [value])
    assert answer.location == f"{HERE}?left=1" and state_of(parts, elsewhere) == "pending"
