"""Two people at one call list at the same moment: nothing is overwritten, and whoever came second is told."""

import threading
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from collector.app import make_flask
from collector.domain.hazards.standing import fold
from collector.store.open import Store
from collector.store.queries import hazards
from collector.store.queries.hazards import Call
from tests.collector.web.pages.conftest import token_of
from tests.collector.web.pages.test_hazards import as_, declared
from tests.fakes.collector_world import FakeClock
from tests.fakes.pages_world import NOW_MS
from tests.fakes.wire_device import a_deployment

SCHOOL = "00123"
DOWN = {"deed": "result", "answer": "down", "way": "call", "note": "router light red"}
WORKS = {"deed": "result", "answer": "works", "way": "visit", "note": "all fine"}


@pytest.fixture
def app(country: Store) -> Flask:
    return make_flask(a_deployment(country, FakeClock(NOW_MS)))


def at_once(*deeds: Callable[[], TestResponse]) -> list[TestResponse]:
    """Return the answers to requests that all begin at the same moment."""
    gate, answers = threading.Barrier(len(deeds)), dict[int, TestResponse]()

    def do(number: int, deed: Callable[[], TestResponse]) -> None:
        gate.wait(10)
        answers[number] = deed()

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(deeds)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return [answers[number] for number in range(len(deeds))]


def a_record(client: FlaskClient, hazard_id: str, seen: int, **typed: str) -> Callable[[], TestResponse]:
    token = token_of(client.get("/hazards").text)
    data = {"csrf_token": token, "school": SCHOOL, "seen": str(seen), **typed}
    return lambda: client.post(f"/hazards/{hazard_id}/calls", data=data)


def lines(store: Store, hazard_id: str) -> list[Call]:
    with store.reader() as snapshot:
        return list(hazards.calls(snapshot, hazard_id).get(SCHOOL, ()))


def told(answer: TestResponse, client: FlaskClient) -> str:
    """Return what a person reads after the deed."""
    return unescape(client.get(answer.location).text if answer.status_code == 303 else answer.text)


def check_none_is_lost(store: Store, hazard_id: str, before: int, answers: list[TestResponse]) -> list[Call]:
    found = lines(store, hazard_id)
    assert {answer.status_code for answer in answers} <= {303, 409}
    assert len(found) == before + sum(answer.status_code == 303 for answer in answers)
    assert [one.seq for one in found] == list(range(1, len(found) + 1))
    return found


@pytest.mark.parametrize("_again", range(3))
def test_two_results_are_one_result_and_one_note_and_the_second_person_is_told(
    app: Flask, country: Store, _again: int
) -> None:
    otto, ana = as_(app, "otto"), as_(app, "ana")
    hazard_id = declared(otto)
    assert a_record(otto, hazard_id, 0, deed="claim")().status_code == 303
    answers = at_once(a_record(otto, hazard_id, 1, **DOWN), a_record(ana, hazard_id, 1, **WORKS))
    found = check_none_is_lost(country, hazard_id, 1, answers)
    assert [one.deed for one in found] == ["claim", "result", "note"]
    assert {(one.by, one.answer, one.note) for one in found[1:]} == {
        ("otto", "down", "router light red"),
        ("ana", "works", "all fine"),
    }
    second = next(at for at, answer in enumerate(answers) if "done=kept" in answer.location)
    assert "Two people recorded something at this school. Yours is kept as a note." in told(
        answers[second], (otto, ana)[second]
    )
    assert fold(one.entry for one in found).answer == found[1].answer


def test_two_claims_are_one_and_the_second_person_reads_who_calls(app: Flask, country: Store) -> None:
    otto, ana = as_(app, "otto"), as_(app, "ana")
    hazard_id = declared(otto)
    answers = at_once(a_record(otto, hazard_id, 0, deed="claim"), a_record(ana, hazard_id, 0, deed="claim"))
    (line,) = check_none_is_lost(country, hazard_id, 0, answers)
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    late = next(at for at, answer in enumerate(answers) if answer.status_code == 409)
    assert f"Nothing was changed: {line.by} is calling this school now." in told(answers[late], (otto, ana)[late])


@pytest.mark.parametrize("other", [{"deed": "release"}, WORKS, {"deed": "note", "note": "she rang back"}])
def test_what_is_taken_back_while_another_writes_takes_nothing_of_theirs(
    app: Flask, country: Store, other: dict[str, str]
) -> None:
    otto, ana = as_(app, "otto"), as_(app, "ana")
    hazard_id = declared(otto)
    a_record(otto, hazard_id, 0, deed="claim")()
    a_record(otto, hazard_id, 1, **DOWN)()
    undoes = lines(country, hazard_id)[-1].call_id
    undo = a_record(otto, hazard_id, 2, deed="undo", undoes=undoes)
    answers = at_once(undo, a_record(ana, hazard_id, 2, **other))
    found = check_none_is_lost(country, hazard_id, 2, answers)
    if answers[0].status_code == 409:
        assert "somebody wrote something here meanwhile. Look at it first." in told(answers[0], otto)
    typed = other.get("note")
    if typed:
        assert [one.by for one in found if one.note == typed] == ["ana"], "what she wrote is there in any order"
    assert not [one for one in found if one.undoes and one.undoes != undoes]


def test_many_notes_are_all_kept(app: Flask, country: Store) -> None:
    clients = [as_(app, name) for name in ("otto", "ana", "otto", "ana", "otto")]
    hazard_id = declared(clients[0])
    notes = [f"note {number}" for number in range(len(clients))]
    deeds = [a_record(one, hazard_id, 0, deed="note", note=text) for one, text in zip(clients, notes, strict=True)]
    found = check_none_is_lost(country, hazard_id, 0, at_once(*deeds))
    assert sorted(str(one.note) for one in found) == notes


def test_two_who_end_a_hazard_end_it_once_and_the_second_is_told(app: Flask, country: Store) -> None:
    otto, ana = as_(app, "otto"), as_(app, "ana")
    hazard_id = declared(otto)

    def end(client: FlaskClient) -> Callable[[], TestResponse]:
        data = {"csrf_token": token_of(client.get("/hazards").text), "deed": "end", "version": "1"}
        return lambda: client.post(f"/hazards/{hazard_id}/dates", data=data)

    answers = at_once(end(otto), end(ana))
    assert sorted(answer.status_code for answer in answers) == [303, 422]
    late = next(answer for answer in answers if answer.status_code == 422)
    assert "Nothing was saved" in late.text
    with country.reader() as snapshot:
        hazard = hazards.find(snapshot, hazard_id)
    assert hazard is not None and hazard.version == 2
    after = a_record(ana, hazard_id, 0, **WORKS)()
    assert after.status_code == 422 and "this hazard has ended" in after.text and lines(country, hazard_id) == []
