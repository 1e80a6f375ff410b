"""The page of outages: every number counted again from its rows, what is said of each label, who sees what."""

import csv
import io
import json
import re
from datetime import date, datetime
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update

from collector.config import CollectorConfig
from collector.domain.outages import odds
from collector.evaluate import outages
from collector.store.open import Store
from collector.store.tables.outages import OUTAGES
from collector.store.tables.registry import SCHOOLS
from collector.web.register import register_pages
from tests.collector.web.pages.conftest import sign_in
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock
from tests.fakes.happenings import outage_rows
from tests.fakes.outage_island import ZONE, Island, at, nobody


@pytest.fixture
def island(store: Store) -> Island:
    pages_world.add_people(store)
    island = Island(store, FakeClock(at("08:10")))
    island.settle()
    island.pass_until(at("08:39"), every_min=10)
    return island


def reader(island: Island, who: str = "vera") -> FlaskClient:
    app = Flask("collector.web")
    config = CollectorConfig(name="Calandria Islands", default_timezone=ZONE)
    register_pages(app, store=island.store, config=config, ports=island.ports)
    client = app.test_client()
    assert sign_in(client, who).status_code == 303
    return client


def words(client: FlaskClient, address: str = "/outages") -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text[:500]
    main = answer.text[answer.text.index("<main") :]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def ask(store: Store, question: str) -> int:
    with store.reader() as snapshot:
        return int(snapshot.connection.execute(text(question)).scalar_one())


def test_without_an_outage_it_is_said_when_one_opens_and_what_is_too_small(island: Island) -> None:
    shown = words(reader(island))
    assert "None open now." in shown and "No outage now." in shown and "None so far." in shown
    assert f"we need about {odds.smallest_group(6)} reporting schools" in shown


def text_of(store: Store, question: str) -> str:
    with store.reader() as snapshot:
        return str(snapshot.connection.execute(text(question)).scalar_one())


def test_shelters_are_called_first_and_a_hazard_is_declared_over_the_district(island: Island, store: Store) -> None:
    island.pass_until(at("08:58"), island.is_not_cut)
    small, big = island.cut[3], island.cut[9]
    with store.unit() as unit:
        for code, pupils in ((small, 7), (big, 900)):
            unit.connection.execute(
                update(SCHOOLS).where(SCHOOLS.c.code == code).values(students_total=pupils, shelter=code == small)
            )
        unit.connection.execute(update(OUTAGES).values(area=island.area))
        unit.commit()
    otto = reader(island, "otto")
    page = otto.get("/outages").text
    listed = re.findall(r'class="name" href="/schools/([^"]+)"', page)
    assert listed[:2] == [small, big] and f"<small>{small} · shelter · " in page
    address = "/hazards/new?area=Costa+Sur"
    assert page.count(f'href="{address}"') == 2
    assert 'value="Costa Sur" checked' in otto.get(address).text
    assert "checked" not in otto.get("/hazards/new?area=Nowhere").text.split('id="area"')[1].split("</fieldset>")[0]
    assert "Declare a hazard" not in words(reader(island, "vera"))


def test_all_outages_as_a_file_are_those_of_the_rows(island: Island, store: Store) -> None:
    island.pass_until(at("09:30"), island.is_not_cut, every_min=5)
    island.pass_until(at("10:10"), every_min=5)
    assert reader(island, "vera").get("/outages.csv").status_code == 403
    (row,) = csv.DictReader(io.StringIO(reader(island, "abel").get("/outages.csv").text.lstrip("\ufeff")))
    assert row["state"] == "closed" and row["put_down_to"] == "provider" and row["provider"] == "Onda Sur"
    assert int(row["schools_silent"]) == ask(store, "SELECT count(*) FROM outage_schools")
    assert float(row["pupil_hours"]) == pytest.approx(ask(store, "SELECT sum(pupil_hours) FROM outage_schools"), abs=1)


def test_an_open_outage_says_what_broke_and_why_in_numbers_that_are_those_of_the_rows(
    island: Island, store: Store
) -> None:
    island.pass_until(at("08:58"), island.is_not_cut)
    client = reader(island)
    shown = words(client)
    silent = ask(store, "SELECT count(*) FROM outage_schools WHERE back_ms IS NULL")
    assert silent == 20 and "1 open now." in shown
    assert "20 of 20 schools of Onda Sur went silent within a quarter of an hour." in shown
    assert (
        "Of the schools of other providers near by, 20 of 20 are heard, so it is the provider, not the power." in shown
    )
    assert "Call list: 20 of 20 schools are silent" in shown
    pupils = ask(store, "SELECT sum(s.students_total) FROM schools s JOIN outage_schools o ON o.school = s.code")
    assert f"Pupils affected {pupils:,}" in shown
    assert "less than 1 in a million" in shown
    answer = client.get("/outages").text
    assert 'Outages <span class="count">1</span>' in answer
    (address,) = set(re.findall(r'href="(/outages/[0-9a-f]{16})\?show=all', answer))
    every = words(client, f"{address}?show=all")
    assert {code for code in island.provider if f"School {code} " in every} == set(island.cut)
    assert "Outage: Onda Sur . 20 of 20 schools silent since Tue 24 Nov, 08:" in words(client, "/")
    assert client.get(f"{address}/schools.csv").status_code == 403
    rows = reader(island, "abel").get(f"{address}/schools.csv").text.splitlines()
    assert len(rows) == 21
    steps = json.loads(text_of(store, "SELECT timeline FROM outages"))
    (cells,) = re.findall(r"The same as a table.*?<tbody>(.*?)</tbody>", answer, re.DOTALL)
    assert [int(one) for one in re.findall(r'</th><td class="num">(\d+)</td>', cells)] == [one[1] for one in steps]
    began = datetime.fromtimestamp(ask(store, "SELECT from_ms FROM outages") / 1000, ZoneInfo(ZONE))
    assert f">heard: {steps[-1][1]}</text>" in answer and f">began {began:%H:%M}</text>" in answer
    assert reader(island, "cora").get(address).status_code == 404  # of other areas


def test_what_is_over_stands_below_with_what_was_learnt(island: Island, store: Store) -> None:
    island.pass_until(at("09:30"), island.is_not_cut, every_min=5)
    island.pass_until(at("10:10"), every_min=5)
    for code in island.cut[:12]:
        island.add_diary(code, at("08:30"), at("09:30"), "no_internet")
    island.pass_until(at("10:12"))
    shown = words(reader(island))
    assert "None open now." in shown
    assert "learnt on Tue 24 Nov, 10:10 Onda Sur 20 of 20" in shown
    hours = ask(store, "SELECT round(sum(pupil_hours)) FROM outage_schools")
    assert f"{hours:,} The provider" in shown


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_our_own_fault_is_called_ours_in_every_language(island: Island, language: str) -> None:
    island.pass_until(at("09:05"), nobody)
    client = reader(island)
    client.set_cookie("enlace_language", language)
    shown = words(client)
    said = {
        "es": "fue nuestro servidor, no las escuelas",
        "pt": "foi o nosso servidor, não as escolas",
        "fr": "c’était notre serveur, pas les écoles",
    }
    assert said[language] in shown


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (("off",), "say that the computers were switched off."),
        (("ok",), "say that the lines were fine."),
        (("off", "ok"), "say that computers were switched off (10) or lines were fine (10)."),
        (("collector_down",), "say that the lines were fine and only our server could not be reached."),
    ],
)
def test_an_outage_that_was_none_says_why(island: Island, store: Store, states: tuple[str, ...], sentence: str) -> None:
    island.pass_until(at("09:20"), island.is_not_cut, every_min=5)
    island.pass_until(at("10:10"), every_min=10)
    for number, code in enumerate(island.cut):
        island.add_diary(code, at("08:35"), at("09:25"), states[number % len(states)])
    island.pass_until(at("10:12"))
    with store.reader() as snapshot:
        (identity,) = snapshot.connection.execute(text("SELECT outage_id FROM outages")).scalars()
    shown = words(reader(island), f"/outages/{identity}")
    assert "That outage was none" in shown and sentence in shown
    assert "it was our server" not in shown and "so it is the provider" not in shown


def test_one_that_only_diaries_tell_of_says_so(island: Island, store: Store) -> None:
    row, schools = outage_rows(island.cut, date(2026, 11, 23), 1, seen_live=False, learnt_ms=at("10:00"))
    with store.unit() as unit:
        named = {"outage_id": "diary-0-1"}
        outages.keep(unit, "diary-0", [({**row, **named}, [{**one, **named} for one in schools])])
        unit.commit()
    shown = words(reader(island), "/outages/diary-0-1")
    assert "20 of 20 schools of Onda had no line, as their diaries say." in shown
    assert "20 of 20 had theirs, so it was the provider, not the power." in shown
    assert "Learnt on Tue 24 Nov, 10:00" in shown and "went silent" not in shown
