"""Hazards on pages: declared, called through, dated again, ended, reported; by whom, and what it does to judging."""

import csv
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update
from werkzeug.test import TestResponse

from collector.app import make_flask
from collector.evaluate import hazards as work
from collector.store.open import Store
from collector.store.queries import audit, contacts, hazards
from collector.store.queries.judging import suppressions
from collector.store.queries.pages import hazards as pages_hazards
from collector.store.tables.devices import DEVICES
from collector.store.tables.hazards import HAZARD_CALLS, HAZARD_SCHOOLS, HAZARDS
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.web.words import hazard_words
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.pages.test_all_pages import statements
from tests.fakes.collector_world import FakeClock
from tests.fakes.pages_world import NOW_MS, ZONE
from tests.fakes.wire_device import a_deployment

NORTH = {
    "type": "Polygon",
    "coordinates": [[[-60.2, 13.7], [-60.0, 13.7], [-60.0, 13.85], [-60.2, 13.85], [-60.2, 13.7]]],
}
BOW = [[-62, 10], [-58, 14], [-58, 10], [-62, 14], [-62, 10]]
HOUR = 3_600_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_MS)


@pytest.fixture
def app(country: Store, clock: FakeClock) -> Flask:
    return make_flask(a_deployment(country, clock))


def as_(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, name).status_code == 303
    return client


def declare(client: FlaskClient, shape: object = NORTH, **more: object) -> TestResponse:
    token = token_of(client.get("/hazards/new").text)
    text = shape if isinstance(shape, str) else json.dumps(shape)
    data = {"name": "Hurricane Ana", "kind": "hurricane", "begins": "2026-11-24T10:00", "shape": text}
    return client.post("/hazards/new", data={"csrf_token": token, "deed": "declare", **data, **more})


def declared(client: FlaskClient, shape: object = NORTH, **more: object) -> str:
    answer = declare(client, shape, **more)
    assert answer.status_code == 303, re.sub(r"<[^>]+>", " ", answer.text)[-3000:]
    return answer.location.split("/hazards/")[1].split("?")[0]


def record(client: FlaskClient, hazard_id: str, school: str, deed: str, seen: int, **more: str) -> TestResponse:
    token = token_of(client.get("/hazards").text)
    data = {"csrf_token": token, "school": school, "deed": deed, "seen": str(seen), **more}
    return client.post(f"/hazards/{hazard_id}/calls", data=data)


RESULT = {"answer": "down", "way": "call", "note": "router light red"}


def tiles(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'class="big"><b>([\d,]+)</b>', page)]


def rows_of(page: str) -> list[str]:
    return re.findall(r'class="name" href="/schools/([^"]+)"', page)


def deeds(store: Store) -> list[str]:
    with store.reader() as snapshot:
        return [one.action for one in audit.list_entries(snapshot)]


@pytest.fixture
def otto(app: Flask) -> FlaskClient:
    return as_(app, "otto")


def test_declaring_keeps_how_each_school_stood(otto: FlaskClient, country: Store) -> None:
    hazard_id = declared(otto)
    with country.reader() as snapshot:
        found = hazards.find(snapshot, hazard_id)
        rows = {row.school: row for row in snapshot.connection.execute(select(HAZARD_SCHOOLS))}
        newest = select(DEVICES.c.school, func.max(DEVICES.c.last_contact_ms)).group_by(DEVICES.c.school)
        contacts = {row[0]: row[1] for row in snapshot.connection.execute(newest)}
    assert found is not None and found.schools == 3 and set(rows) == {"00123", "00201", "00202"}
    assert rows["00123"].usual_verdict == "BELOW" and rows["00123"].usual_bps > 0
    assert rows["00123"].usual_contact_ms == contacts["00123"] and rows["00123"].usual_devices == 2
    assert {row.from_day for row in rows.values()} == {"2026-11-24"}
    assert "hazard.declared" in deeds(country)


def test_every_hazard_comes_as_a_file(app: Flask, otto: FlaskClient) -> None:
    hazard_id = declared(otto)
    (row,) = csv.DictReader(io.StringIO(as_(app, "abel").get("/hazards/rows.csv").text.lstrip("\ufeff")))
    assert (row["hazard_id"], row["name"], row["schools"]) == (hazard_id, "Hurricane Ana", "3")
    assert row["began_at"] == "2026-11-24T10:00:00.000Z" and row["ended_at"] == ""
    assert "/hazards/rows.csv" not in as_(app, "vera").get("/hazards").text


def test_looking_first_stores_nothing(otto: FlaskClient, country: Store) -> None:
    answer = declare(otto, deed="look")
    assert answer.status_code == 200 and "3 schools that you see lie in it." in answer.text
    assert "2 schools have no coordinates" in answer.text
    by_area = declare(otto, shape="", area=["Los Cayos"], deed="look")
    assert "1 school that you see lies in it." in by_area.text
    assert "No hazard was ever declared." in otto.get("/hazards").text


def test_a_file_and_ticked_areas_count_together(otto: FlaskClient) -> None:
    file = (io.BytesIO(json.dumps({"type": "Feature", "geometry": NORTH}).encode()), "cone.geojson")
    hazard_id = declared(otto, shape="", file=file, area=["Los Cayos"])
    assert sorted(rows_of(otto.get(f"/hazards/{hazard_id}/calls?standing=all").text)) == [
        "00123",
        "00200",
        "00201",
        "00202",
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"shape": "{"}, "is not JSON"),
        ({"shape": ""}, "Draw a shape, bring a file, or tick a district."),
        ({"shape": json.dumps({"type": "Point", "coordinates": [1, 2]})}, "holds a Point"),
        ({"shape": json.dumps(NORTH).replace("-60", "60")}, "no school that you see lies in it"),
        ({"name": " "}, "Give it a name."),
        ({"name": "x" * 101}, "more than 100 letters"),
        ({"kind": "war"}, "Choose what it is."),
        ({"begins": "yesterday"}, "Write day and time"),
        ({"begins": "2026-11-24T15:00"}, "cannot begin later than now"),
        ({"begins": "2024-11-24T11:00"}, "more than a year ago"),
        ({"file": (io.BytesIO(b"\xff\xfe"), "x.shp")}, "not a text in UTF-8"),
        ({"file": (io.BytesIO(b"1" * 500_001), "x.json")}, "more than 500000 bytes"),
        ({"file": (io.BytesIO(b""), "x.json")}, "The file is empty."),
        ({"deed": "destroy"}, "does not know what to do"),
        ({"area": ["Norte", "Atlantis"]}, "no school in a district called Atlantis"),
        ({"shape": json.dumps({"type": "Polygon", "coordinates": [BOW]})}, "crosses itself"),
    ],
)
def test_what_is_wrong_has_a_sentence_and_stores_nothing(
    otto: FlaskClient, country: Store, more: dict[str, object], words: str
) -> None:
    answer = declare(otto, **more)
    assert answer.status_code == 422 and words in answer.text
    with country.reader() as snapshot:
        assert hazards.count(snapshot) == (0, 0)


def test_sending_the_form_twice_declares_once(otto: FlaskClient, country: Store) -> None:
    same = "0192f0c1-2345-7abc-8def-0123456789ab"
    assert declared(otto, hazard_id=same) == declared(otto, hazard_id=same) == same
    with country.reader() as snapshot:
        assert hazards.count(snapshot) == (1, 1)


def test_every_number_leads_to_so_many_rows(otto: FlaskClient, country: Store) -> None:
    hazard_id = declared(otto, begins="2026-11-24T08:00", area=["Los Cayos", "Norte"])
    record(otto, hazard_id, "00203", "result", 0, **RESULT)
    page = otto.get(f"/hazards/{hazard_id}").text
    with country.reader() as snapshot:
        stored = hazards.find(snapshot, hazard_id)
        assert stored is not None
        heard = {
            row.school
            for row in snapshot.connection.execute(
                select(DEVICES.c.school).where(DEVICES.c.last_contact_ms >= stored.begins_ms)
            )
        }
        members = pages_hazards.members(snapshot, hazard_id)
    silent = [one for one in members if one.code not in heard | {"00203"}]
    assert len(members) == 5
    links = re.findall(r'class="tile" href="([^"]+)".*?class="big"><b>([\d,]+)</b>', page)
    assert [int(count) for _link, count in links[:4]] == [len(silent), 0, 1, 5 - len(silent) - 1]
    for link, count in links[:4]:
        assert len(rows_of(otto.get(link).text)) == int(count), link
    assert int(links[4][1]) == sum(one.pupils or 0 for one in silent)
    for name, count in re.findall(r'calls\?standing=all&amp;area=[^"]+">([^<]+)</a></th><td[^>]*>\d+ of (\d+)', page):
        assert int(count) == sum(one.area == name for one in members)
    report = list(csv.DictReader(io.StringIO(otto.get(f"/hazards/{hazard_id}/report.csv").text)))
    assert Counter(row["standing"] for row in report) == Counter(
        {"silent": len(silent), "confirmed": 1, "heard": 5 - len(silent) - 1}
    ) - Counter({"silent": 0})
    features = json.loads(otto.get(f"/hazards/{hazard_id}/report.geojson").text)["features"]
    assert len(features) == 6 and features[0]["geometry"]["type"] == "MultiPolygon"
    assert [one["properties"]["school"] for one in features[1:]] == [row["school"] for row in report]


def test_the_call_list_has_shelters_first_and_then_the_most_pupils(otto: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        for code, values in {"00202": {"shelter": True}, "00201": {"students_total": 900}}.items():
            unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == code).values(**values))
        unit.commit()
    hazard_id = declared(otto)
    assert rows_of(otto.get(f"/hazards/{hazard_id}/calls?standing=all").text) == ["00202", "00201", "00123"]
    paper = otto.get(f"/hazards/{hazard_id}/print?standing=all").text
    assert paper.index("alba") < paper.index("Zapata") < paper.index("Escuela Uno")


def test_a_call_is_claimed_answered_and_taken_back(otto: FlaskClient) -> None:
    hazard_id = declared(otto)
    assert record(otto, hazard_id, "00123", "claim", 0).status_code == 303
    page = otto.get(f"/hazards/{hazard_id}/calls?standing=all").text
    assert "0 answered, 1 in progress" in page and "otto is calling since" in page
    record(otto, hazard_id, "00123", "result", 1, **RESULT)
    page = otto.get(f"/hazards/{hazard_id}/calls?standing=confirmed").text
    assert "1 answered, 0 in progress" in page and "router light red" in page and rows_of(page) == ["00123"]
    undoes = re.search(r'name="undoes" value="([^"]+)"', page)
    assert undoes
    record(otto, hazard_id, "00123", "undo", 2, undoes=undoes.group(1))
    page = otto.get(f"/hazards/{hazard_id}/calls?standing=all").text
    assert "0 answered, 1 in progress" in page and "<s>" in page and "router light red" in page


def test_a_report_that_was_drawn_shows_the_next_answer_and_each_language(otto: FlaskClient) -> None:
    hazard_id = declared(otto)
    path = f"/hazards/{hazard_id}/report"
    before = otto.get(path).text
    assert otto.get(path).text == before and "The internet is down: otto" not in before
    otto.set_cookie("enlace_language", "fr")
    assert 'data-l="Élèves"' in otto.get(path).text
    otto.set_cookie("enlace_language", "en")
    record(otto, hazard_id, "00123", "result", 0, **RESULT)
    after = otto.get(path).text
    assert "The internet is down: otto" in after and rows_of(after) == rows_of(before)
    assert tiles(after) != tiles(before)


def test_two_people_at_one_list_never_overwrite_each_other(app: Flask, otto: FlaskClient, country: Store) -> None:
    hazard_id, ana = declared(otto), as_(app, "ana")
    assert record(otto, hazard_id, "00123", "claim", 0).status_code == 303
    second = record(ana, hazard_id, "00123", "claim", 0)
    assert second.status_code == 409 and "otto is calling this school now." in second.text
    assert record(otto, hazard_id, "00123", "result", 1, **RESULT).status_code == 303
    late = record(ana, hazard_id, "00123", "result", 1, answer="works", way="visit", note="all fine")
    assert late.status_code == 303 and "done=kept" in late.location
    page = ana.get(late.location).text
    assert "Two people recorded something at this school. Yours is kept as a note." in page
    assert "all fine" in page and "The internet is down: otto" in page
    assert record(ana, hazard_id, "00123", "undo", 2, undoes="x").status_code == 409
    with country.reader() as snapshot:
        assert [one.deed for one in hazards.calls(snapshot, hazard_id)["00123"]] == ["claim", "result", "note"]


def test_the_answer_of_who_calls_counts_although_another_was_faster(app: Flask, otto: FlaskClient) -> None:
    """Two answers, each kept as a note because of the other, would leave the school to be called by a third."""
    hazard_id, ana = declared(otto), as_(app, "ana")
    record(otto, hazard_id, "00123", "claim", 0)
    fast = record(ana, hazard_id, "00123", "result", 0, answer="works", way="visit", note="")
    assert "done=kept" in fast.location
    record(ana, hazard_id, "00123", "note", 1, note="gate is locked")
    mine = record(otto, hazard_id, "00123", "result", 1, **RESULT)
    assert mine.status_code == 303 and "done=result" in mine.location
    page = ana.get(f"/hazards/{hazard_id}/calls?standing=all").text
    assert "1 answered, 0 in progress" in page and "The internet is down: otto" in page
    beyond = record(ana, hazard_id, "00123", "result", 99, answer="works", way="visit", note="")
    assert "done=kept" in beyond.location


def test_many_at_once_write_as_many_lines(app: Flask, otto: FlaskClient, country: Store) -> None:
    hazard_id = declared(otto)
    clients = [as_(app, name) for name in ("otto", "ana", "otto", "ana")]
    tokens = [token_of(client.get("/hazards").text) for client in clients]

    def claim(client: FlaskClient, token: str) -> None:
        data = {"csrf_token": token, "school": "00123", "deed": "claim", "seen": "0"}
        answers.append(client.post(f"/hazards/{hazard_id}/calls", data=data).status_code)

    answers: list[int] = []
    threads = [threading.Thread(target=claim, args=pair) for pair in zip(clients, tokens, strict=True)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [303, 409, 409, 409]
    with country.reader() as snapshot:
        assert snapshot.connection.execute(select(HAZARD_CALLS)).all().__len__() == 1


@pytest.mark.parametrize(
    "more",
    [
        {"deed": "explode"},
        {"seen": "x"},
        {"deed": "result", "answer": "fine", "note": "a long story"},
        {"deed": "note"},
        {"deed": "note", "note": "x" * 1001},
    ],
)
def test_a_wrong_record_has_a_sentence(otto: FlaskClient, country: Store, more: dict[str, str]) -> None:
    hazard_id = declared(otto)
    data = {"csrf_token": token_of(otto.get("/hazards").text), "school": "00123", "deed": "claim", "seen": "0"}
    answer = otto.post(f"/hazards/{hazard_id}/calls", data={**data, **more})
    assert answer.status_code == 422 and "Nothing was saved" in answer.text
    if more.get("answer"):
        assert "a long story</textarea>" in answer.text
    with country.reader() as snapshot:
        assert hazards.calls(snapshot, hazard_id) == {}


def test_telephones_are_for_operators_and_each_look_is_recorded(app: Flask, otto: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(phone="+1 246 555 0101"))
        unit.commit()
    hazard_id, viewer = declared(otto), as_(app, "abel")
    for client in (otto, viewer):
        for page in ("calls", "print", "report", "report.csv", "report.geojson", "places"):
            assert "555 0101" not in client.get(f"/hazards/{hazard_id}/{page}").text
        for page in ("/schools/00123", "/schools", "/exports/schools.csv"):
            assert "555 0101" not in client.get(page).text
    assert "school.phone_seen" not in deeds(country)
    token = token_of(otto.get("/hazards").text)
    shown = otto.post(f"/hazards/{hazard_id}/phone", data={"csrf_token": token, "school": "00123"})
    assert "555 0101" in shown.text and deeds(country)[0] == "school.phone_seen"
    printed = otto.post(f"/hazards/{hazard_id}/print?standing=all", data={"csrf_token": token})
    assert "555 0101" in printed.text and deeds(country)[0] == "hazard.phones_printed"
    token = token_of(viewer.get("/hazards").text)
    for path in ("phone", "print"):
        data = {"csrf_token": token, "school": "00123"}
        assert viewer.post(f"/hazards/{hazard_id}/{path}", data=data).status_code == 403


def test_an_operator_of_one_area_declares_and_ends_only_inside_it(app: Flask, otto: FlaskClient) -> None:
    cleo = as_(app, "cleo")
    refused = declare(cleo)
    assert refused.status_code == 422 and "no school that you see lies in it" in refused.text
    everywhere = declared(otto, area=["Los Cayos"])
    page = cleo.get(f"/hazards/{everywhere}").text
    assert "Of 1 school in it" in page or "The one school in it" in page
    assert "Escuela Uno" not in page and "whoever sees them all ends it" in page
    assert rows_of(cleo.get(f"/hazards/{everywhere}/calls?standing=all").text) == ["00200"]
    data = {"csrf_token": token_of(page), "deed": "end", "version": "1"}
    assert cleo.post(f"/hazards/{everywhere}/dates", data=data).status_code == 422
    assert record(cleo, everywhere, "00123", "claim", 0).status_code == 404
    north, own = declared(otto), declared(cleo, shape="", area=["Los Cayos"])
    for path in ("", "/calls", "/print", "/report", "/places"):
        assert cleo.get(f"/hazards/{north}{path}").status_code == 404
    assert "1 school" in cleo.get(f"/hazards/{own}/calls?standing=all").text
    data["csrf_token"] = token_of(cleo.get("/hazards").text)
    assert cleo.post(f"/hazards/{own}/dates", data=data).status_code == 303


def suppressed(store: Store) -> dict[str, dict[date, str]]:
    with store.reader() as snapshot:
        found = suppressions.suppressed(snapshot)
    days = [date(2026, 11, day) for day in range(20, 27)]
    return {code: {day: why.value for day in days if (why := one.reason(day))} for code, one in found.items()}


def open_days(store: Store) -> set[tuple[str, str]]:
    with store.reader() as snapshot:
        query = select(SCHOOL_DAYS.c.school, SCHOOL_DAYS.c.day).where(SCHOOL_DAYS.c.is_final.is_(False))
        return {(row[0], row[1]) for row in snapshot.connection.execute(query)}


def test_its_days_are_not_judged_and_other_dates_let_others_be_judged(
    otto: FlaskClient, country: Store, clock: FakeClock
) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOL_DAYS).values(is_final=True))
        unit.commit()
    hazard_id = declared(otto, begins="2026-11-23T07:00")
    mine = {"00123", "00201", "00202"}
    days = [date(2026, 11, day) for day in (23, 24, 25, 26)]
    assert suppressed(country) == {code: dict.fromkeys(days, "hazard") for code in mine}
    assert {code for code, _day in open_days(country)} <= mine and {day for _code, day in open_days(country)} >= {
        "2026-11-23"
    }
    data = {"csrf_token": token_of(otto.get("/hazards").text), "version": "1", "deed": "dates"}
    moved = {**data, "begins": "2026-11-21T07:00", "ends": "2026-11-22T23:00"}
    assert otto.post(f"/hazards/{hazard_id}/dates", data=moved).status_code == 303
    days = [date(2026, 11, day) for day in (21, 22)]
    assert suppressed(country) == {code: dict.fromkeys(days, "hazard") for code in mine}
    stale = otto.post(f"/hazards/{hazard_id}/dates", data=moved)
    assert stale.status_code == 422 and "somebody changed the dates meanwhile" in stale.text
    for wrong, words in (
        ({"ends": "2026-11-20T00:00"}, "before it began"),
        ({"ends": "2026-12-20T00:00"}, "cannot end later than now"),
        ({"begins": "x"}, "Write day and time"),
        ({"deed": "x"}, "does not know what to do"),
    ):
        answer = otto.post(f"/hazards/{hazard_id}/dates", data={**moved, "version": "2", **wrong})
        assert answer.status_code == 422 and words in answer.text


def test_an_ended_hazard_stays_as_it_was(otto: FlaskClient, country: Store, clock: FakeClock) -> None:
    hazard_id = declared(otto)
    clock.advance(2 * HOUR)
    otto = as_(otto.application, "otto")
    data = {"csrf_token": token_of(otto.get("/hazards").text), "version": "1", "deed": "end"}
    assert otto.post(f"/hazards/{hazard_id}/dates", data=data).status_code == 303
    before = tiles(otto.get(f"/hazards/{hazard_id}/report").text)
    assert record(otto, hazard_id, "00123", "claim", 0).status_code == 422
    clock.advance(72 * HOUR)
    otto = as_(otto.application, "otto")
    assert tiles(otto.get(f"/hazards/{hazard_id}/report").text) == before
    assert {max(days) for days in suppressed(country).values()} == {date(2026, 11, 24)}


def test_a_drill_suppresses_nothing_and_is_labelled_everywhere(app: Flask, otto: FlaskClient, country: Store) -> None:
    token = token_of(otto.get("/hazards").text)
    answer = otto.post("/hazards/drill", data={"csrf_token": token})
    assert answer.status_code == 303
    here = answer.location.split("?")[0]
    for path in ("", "/calls", "/print", "/report"):
        assert "This is a drill." in otto.get(f"{here}{path}").text
    assert "Drill: " in otto.get("/hazards").text
    assert json.loads(otto.get(f"{here}/report.geojson").text)["features"][0]["properties"]["is_drill"] is True
    assert suppressed(country) == {}
    with country.reader() as snapshot:
        assert suppressions.holds(snapshot, ["00123", "00201"]) == {}
        assert "hazard.drill_started" in deeds(country)
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).values(is_demo=False))
        unit.commit()
    assert "Start a drill" not in otto.get("/hazards").text
    assert "no_drill" in otto.post("/hazards/drill", data={"csrf_token": token}).location


def test_flags_of_its_schools_are_on_hold(otto: FlaskClient, country: Store) -> None:
    hazard_id = declared(otto)
    with country.reader() as snapshot:
        held = suppressions.holds(snapshot, ["00123", "00200"])
        assert {code: (one.hold_id, one.name) for code, one in held.items()} == {"00123": (hazard_id, "Hurricane Ana")}
        assert pages_hazards.held_flags(snapshot, hazard_id) == 1
    assert "1 flag of these schools is on hold" in otto.get(f"/hazards/{hazard_id}").text


def a_run(school: str, from_ms: int, state: str, rid: str) -> dict[str, object]:
    return {
        "device": f"d-{school}-1", "rid": rid, "school": school, "from_ms": from_ms, "to_ms": from_ms + HOUR,
        "time_quality": "exact", "received_ms": NOW_MS, "slots": 12, "slot_s": 300, "state": state, "content_hash": rid,
    }  # fmt: skip


def test_what_is_heard_follows_from_the_rows_whatever_was_stored(otto: FlaskClient, country: Store) -> None:
    begins_ms = NOW_MS - 140 * 60_000
    hazard_id = declared(otto, begins="2026-11-24T12:00")
    with country.unit() as unit:
        unit.connection.execute(delete(MEASUREMENTS))
        unit.connection.execute(update(DEVICES).values(last_contact_ms=begins_ms - HOUR))
        unit.connection.execute(update(DEVICES).where(DEVICES.c.school == "00123").values(last_contact_ms=NOW_MS - 1))
        runs = [
            a_run("00123", begins_ms + HOUR, "ok", "r1"),
            a_run("00123", begins_ms + 2 * HOUR, "no_internet", "r2"),
            a_run("00201", begins_ms - HOUR // 2, "collector_down", "r3"),
            a_run("00202", begins_ms + HOUR, "off", "r4"),
        ]
        unit.connection.execute(insert(DIARY), runs)
        wrong = {"first_heard_ms": 1, "last_contact_ms": NOW_MS, "word": "ok", "newest_bps": 1}
        unit.connection.execute(update(HAZARD_SCHOOLS).values(**wrong))
        found = hazards.find(unit, hazard_id)
        assert found is not None
        assert work.renew(unit, found, NOW_MS, ZONE) == 3
        assert work.renew(unit, found, NOW_MS, ZONE) == 0
        kept = hazards.kept_heard(unit, hazard_id)
        unit.commit()
    assert kept["00123"] == hazards.Heard(begins_ms + HOUR, NOW_MS - 1, "no_internet", kept["00123"].newest_bps)
    assert kept["00201"].first_heard_ms == begins_ms and kept["00202"].word == "off"
    page = otto.get(f"/hazards/{hazard_id}/calls?standing=degraded").text
    assert rows_of(page) == ["00123"]


def test_a_school_that_changes_its_zone_has_other_days(otto: FlaskClient, country: Store) -> None:
    hazard_id = declared(otto, begins="2026-11-24T11:00")
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(timezone="Pacific/Kiritimati"))
        found = hazards.find(unit, hazard_id)
        assert found is not None
        work.renew(unit, found, NOW_MS, ZONE)
        days = hazards.days_of(unit, hazard_id)
    assert days["00123"] == ("2026-11-25", None) and days["00201"] == ("2026-11-24", None)


LANGUAGES = ("en", "es", "pt", "fr")


@pytest.fixture
def shown(app: Flask, otto: FlaskClient) -> Iterator[tuple[FlaskClient, str]]:
    hazard_id = declared(otto)
    record(otto, hazard_id, "00123", "result", 0, **RESULT)
    yield otto, hazard_id


def test_its_pages_are_whole_in_every_language(shown: tuple[FlaskClient, str], country: Store) -> None:
    otto, hazard_id = shown
    for path in ("", "/calls?show=all", "/print", "/report"):
        for language in LANGUAGES:
            otto.set_cookie("enlace_language", language)
            text = otto.get(f"/hazards/{hazard_id}{path}").text
            assert text.count("<h1") == 1 and text.count("<main") == 1 and f'<html lang="{language}"' in text
            assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", text)
            assert "%(" not in text and not re.search(r">\s*None\s*<|None (?:Mbit|ms)|, None", text)
            ids = re.findall(r'\sid="([^"]+)"', text)
            assert len(ids) == len(set(ids)), path


@pytest.mark.parametrize(("path", "most"), [("", 14), ("/calls", 13), ("/print", 12), ("/report", 12), ("/places", 9)])
def test_the_number_of_statements_is_bounded(
    shown: tuple[FlaskClient, str], country: Store, path: str, most: int
) -> None:
    otto, hazard_id = shown
    with statements(country) as seen:
        assert otto.get(f"/hazards/{hazard_id}{path}").status_code == 200
    assert len(seen) <= most, seen


def test_only_the_open_ones_are_looked_after(otto: FlaskClient, country: Store, clock: FakeClock) -> None:
    hazard_id = declared(otto)
    ports = otto.application.extensions["enlace_pages"].ports
    assert work.renew_open(country, ports, ZONE) == 1
    with country.unit() as unit:
        unit.connection.execute(update(HAZARDS).where(HAZARDS.c.hazard_id == hazard_id).values(ends_ms=NOW_MS))
        unit.commit()
    assert work.renew_open(country, ports, ZONE) == 0
    clock.advance(HOUR + 1)
    assert work.renew_open(country, ports, ZONE) == 1, "once an hour, for what comes late"
    assert work.renew_open(country, ports, ZONE) == 0


def ended(otto: FlaskClient, country: Store, clock: FakeClock) -> str:
    """Declare a hazard of nine hours in which nobody was heard, and end it; return its identity."""
    with country.unit() as unit:
        unit.connection.execute(delete(MEASUREMENTS))
        unit.connection.execute(delete(DIARY))
        unit.connection.execute(update(DEVICES).values(last_contact_ms=NOW_MS - 12 * HOUR))
        unit.commit()
    hazard_id = declared(otto, begins="2026-11-24T05:20")
    data = {"csrf_token": token_of(otto.get("/hazards").text), "deed": "end", "version": "1"}
    assert otto.post(f"/hazards/{hazard_id}/dates", data=data).status_code == 303
    clock.advance(3 * 24 * HOUR)
    return hazard_id


def later(country: Store, clock: FakeClock) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(DEVICES).values(last_contact_ms=clock.now_ms()))
        for school in ("00123", "00201", "00202"):
            contacts.note(unit, school, clock.now_ms())
        unit.commit()


def renewed(otto: FlaskClient, country: Store, hazard_id: str) -> dict[str, tuple[int | None, int | None]]:
    """Let the jobs look; return of each school when it was first and last heard in the hazard."""
    work.renew_open(country, otto.application.extensions["enlace_pages"].ports, ZONE)
    with country.reader() as snapshot:
        kept = hazards.kept_heard(snapshot, hazard_id)
    return {school: (one.first_heard_ms, one.last_contact_ms) for school, one in kept.items()}


def test_a_school_that_comes_back_after_the_end_was_silent_until_then(
    otto: FlaskClient, country: Store, clock: FakeClock
) -> None:
    hazard_id = ended(otto, country, clock)
    with country.unit() as unit:
        contacts.note(unit, "00202", NOW_MS - 2 * HOUR)
        unit.commit()
    later(country, clock)
    found = renewed(otto, country, hazard_id)
    assert found["00123"] == found["00201"] == (None, None)
    assert found["00202"] == (NOW_MS - 2 * HOUR, NOW_MS - 2 * HOUR)


def test_what_a_computer_brings_after_the_end_is_in_the_report(
    otto: FlaskClient, country: Store, clock: FakeClock
) -> None:
    hazard_id = ended(otto, country, clock)
    later(country, clock)
    with country.unit() as unit:
        runs = [
            a_run("00123", NOW_MS - 3 * HOUR, "ok", "r1"),
            {**a_run("00201", NOW_MS - 3 * HOUR, "ok", "r2"), "time_quality": "bounded"},
        ]
        unit.connection.execute(insert(DIARY), [{"clock_off_ms": None, **run} for run in runs])
        unit.commit()
    found = renewed(otto, country, hazard_id)
    assert found["00123"] == (NOW_MS - 3 * HOUR, NOW_MS - 2 * HOUR)
    assert found["00201"] == (None, None), "nobody knows when that was"


def test_one_computer_that_gets_through_says_how_the_line_is(otto: FlaskClient, country: Store) -> None:
    hazard_id = declared(otto, begins="2026-11-24T10:20")
    with country.unit() as unit:
        unit.connection.execute(delete(DIARY))
        unit.connection.execute(delete(MEASUREMENTS))
        unit.connection.execute(update(DEVICES).values(last_contact_ms=NOW_MS))
        rows = [a_run("00123", NOW_MS - HOUR, "ok", "r1"), a_run("00123", NOW_MS - HOUR // 2, "link_down", "r2")]
        rows += [a_run("00201", NOW_MS - 2 * HOUR, "no_internet", "r3"), a_run("00201", NOW_MS - HOUR, "asleep", "r4")]
        rows[1]["device"] = "d-00123-2"
        unit.connection.execute(insert(DIARY), rows)
        found = hazards.find(unit, hazard_id)
        assert found is not None
        work.renew(unit, found, NOW_MS, ZONE)
        kept = hazards.kept_heard(unit, hazard_id)
    assert kept["00123"].word == "ok", "the other computer is unplugged"
    assert kept["00201"].word == "no_internet", "a computer that sleeps says nothing of the line"


def test_who_was_answered_for_stays_in_the_curve_when_it_is_heard(otto: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(delete(MEASUREMENTS))
        unit.connection.execute(delete(DIARY))
        unit.connection.execute(update(DEVICES).values(last_contact_ms=NOW_MS - 9 * HOUR))
        unit.commit()
    hazard_id = declared(otto, begins="2026-11-24T10:20")
    record(otto, hazard_id, "00123", "result", 0, answer="works", way="call")
    with country.unit() as unit:
        values = {"first_heard_ms": NOW_MS + HOUR, "last_contact_ms": NOW_MS + HOUR}
        mine = HAZARD_SCHOOLS.c.school == "00123"
        unit.connection.execute(update(HAZARD_SCHOOLS).where(mine).values(**values))
        unit.connection.execute(update(HAZARDS).values(checked_ms=NOW_MS + 1))
        unit.commit()
    assert "1 of 3 schools have been heard from or answered for" in otto.get(f"/hazards/{hazard_id}").text


def start_drill(client: FlaskClient) -> TestResponse:
    return client.post("/hazards/drill", data={"csrf_token": token_of(client.get("/hazards").text)})


def test_an_operator_of_one_area_starts_a_drill_over_several_schools(app: Flask, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.latitude.is_not(None)).values(area="Los Cayos"))
        unit.connection.execute(update(DEVICES).values(last_contact_ms=NOW_MS - HOUR))
        unit.commit()
    answer = start_drill(as_(app, "cleo"))
    assert answer.status_code == 303 and "done=drill" in answer.location
    with country.reader() as snapshot:
        heard = hazards.kept_heard(snapshot, answer.location.split("/hazards/")[1].split("?")[0])
    assert len([one for one in heard.values() if one.last_contact_ms]) > 1


def test_a_second_drill_over_the_same_schools_leads_to_the_open_one(app: Flask, country: Store) -> None:
    clients = [as_(app, name) for name in ("otto", "ana", "otto")]
    clients[1].set_cookie("enlace_language", "fr")
    places = [start_drill(client).location for client in clients]
    assert len({place.split("?")[0] for place in places}) == 1
    assert "no second one was started" in clients[2].get(places[2]).text
    with country.reader() as snapshot:
        assert hazards.count(snapshot) == (1, 1)


def test_a_call_list_has_whom_to_call_unless_all_are_asked_for(otto: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(DEVICES).values(last_contact_ms=NOW_MS - 1))
        unit.connection.execute(update(DEVICES).where(DEVICES.c.school == "00201").values(last_contact_ms=1))
        unit.connection.execute(delete(MEASUREMENTS))
        unit.commit()
    here = f"/hazards/{declared(otto)}"
    page = otto.get(f"{here}/calls").text
    assert "1 to call" in page and rows_of(page) == ["00201"]
    assert len(rows_of(otto.get(f"{here}/calls?standing=all").text)) == 3
    record(otto, here.split("/")[-1], "00201", "claim", 0)
    page = otto.get(f"{here}/calls").text
    assert "0 to call" in page and rows_of(page) == ["00201"], "who is calling keeps the form before them"
    done = record(otto, here.split("/")[-1], "00201", "result", 1, **RESULT)
    assert rows_of(otto.get(done.location).text) == ["00201"] and rows_of(otto.get(f"{here}/calls").text) == []


def test_what_a_person_said_is_not_what_was_heard(otto: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(delete(MEASUREMENTS))
        unit.connection.execute(update(DEVICES).values(last_contact_ms=NOW_MS - 9 * HOUR))
        unit.commit()
    hazard_id = declared(otto)
    record(otto, hazard_id, "00123", "result", 0, answer="works", way="call")
    text = otto.get(f"/hazards/{hazard_id}/report.csv").text
    rows = {row["school"]: row for row in csv.DictReader(io.StringIO(text))}
    said = rows["00123"]
    assert said["standing"] == "confirmed" and said["first_heard_at"] == "" and said["confirmed_at"]
    assert said["confirmed_at"] == said["answered_at"] > said["last_heard_at"]
    assert "Confirmed by a person: " in otto.get(f"/hazards/{hazard_id}/report").text
    assert "1 of 3 schools have been heard from or answered for" in otto.get(f"/hazards/{hazard_id}").text


def test_no_name_turns_a_page_round(otto: FlaskClient) -> None:
    hazard_id = declared(otto, name="Ana \u202eana\u2066\u200f")
    assert "<h1>Ana ana</h1>" in otto.get(f"/hazards/{hazard_id}").text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("The one school in it is silent.", "Of 22 schools in it, 1 is silent.", "2 are silent.")),
        (
            "es",
            ("La única escuela de dentro está callada.", "22 escuelas de dentro, 1 está callada.", "2 están calladas"),
        ),
        ("pt", ("A única escola dentro está calada.", "22 escolas dentro, 1 está calada.", "2 estão caladas")),
        ("fr", ("La seule école concernée est muette.", "22 écoles concernées, 1 est muette.", "2 sont muettes")),
    ],
)
def test_how_many_are_silent_agrees_with_their_number(app: Flask, language: str, words: tuple[str, ...]) -> None:
    with app.test_request_context(headers={"Cookie": f"enlace_language={language}"}):
        app.preprocess_request()
        said = [str(hazard_words.sentence(*pair)) for pair in ((1, 1), (22, 1), (22, 2))]
    assert all(part in one for part, one in zip(words, said, strict=True)), said


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", ("Terminó", "Oída", "Informe: ")), ("fr", ("Fin", "Muette", "Rapport\N{NO-BREAK SPACE}: "))],
)
def test_words_agree_with_what_they_are_said_of(otto: FlaskClient, language: str, words: tuple[str, ...]) -> None:
    hazard_id = declared(otto)
    otto.set_cookie("enlace_language", language)
    pages = "".join(otto.get(path).text for path in ("/hazards", f"/hazards/{hazard_id}/report"))
    assert all(word in pages for word in words)
    assert not any(word in pages for word in ("Anulada", "Annulé", "Oído", "Silencieux"))
    devices = otto.get("/devices").text
    assert ("Oídos hoy" if language == "es" else "À risque") in devices and "Menacés" not in devices
