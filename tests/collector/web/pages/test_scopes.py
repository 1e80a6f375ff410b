"""Who sees one area meets nothing of another: on no page, in no count, by no address."""

import csv
import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from collector.publish.dictionary import TABLES
from collector.store.open import Store
from collector.store.queries.export_shapes import SHAPES
from collector.store.tables.judgement import EVALUATIONS, FLAG_ACTIONS, FLAGS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.outages import OUTAGE_SCHOOLS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.pages.test_all_pages import PAGES, statements
from tests.fakes import whole_reads

MINE, THEIRS = "00200", ("00123", "00201", "00202", "00203")
# The code 00123 is also the example in the words about columns.
FOREIGN_WORDS = ("Escuela Ñandú", "Zapata", "alba", "Écija", "Norte", "Cable Brava", "d-00123-1", *THEIRS[1:])


@pytest.fixture
def cleo(app: Flask) -> FlaskClient:
    """An operator of Los Cayos."""
    client = app.test_client()
    assert sign_in(client, "cleo").status_code == 303
    return client


def foreign_flag(country: Store) -> str:
    with country.reader() as snapshot:
        return str(snapshot.connection.scalars(select(FLAGS.c.flag_id)).first())


@pytest.mark.sqlite
def test_no_page_of_an_area_reads_all_tests_of_its_schools(cleo: FlaskClient) -> None:
    with whole_reads.noted(of_many_schools=True) as whole:
        assert [cleo.get(page).status_code for page in ("/", "/quality", "/devices", "/devices/data")] == [200] * 4
    assert whole == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != "FLAG" and "/schools/" not in page])
def test_no_page_speaks_of_another_area(cleo: FlaskClient, page: str) -> None:
    text = cleo.get(page).text
    found = [word for word in FOREIGN_WORDS if re.search(rf"\b{word}\b", text)]
    assert found == []


def test_her_own_school_is_all_there(cleo: FlaskClient) -> None:
    assert "Álamo" in cleo.get("/schools").text
    page = cleo.get(f"/schools/{MINE}").text
    assert "Álamo" in page and "Meets" in page


def test_what_is_foreign_is_not_there(cleo: FlaskClient, country: Store) -> None:
    flag = foreign_flag(country)
    addresses = [*(f"/schools/{code}" for code in THEIRS), f"/flags/{flag}"]
    for address in addresses:
        answer = cleo.get(address)
        assert answer.status_code == 404, address
        assert "There is no such page, school or flag." in answer.text
    token = token_of(cleo.get("/").text)
    answer = cleo.post(f"/flags/{flag}", data={"csrf_token": token, "action": "acknowledged"})
    assert answer.status_code == 404
    with country.reader() as snapshot:
        assert snapshot.connection.execute(select(FLAG_ACTIONS)).all() == []
    assert cleo.get("/exports/measurements.csv?school=00123").status_code == 404


def test_filters_search_and_chosen_flags_find_nothing_foreign(cleo: FlaskClient, country: Store) -> None:
    for address, typed in (
        ("/schools?q=Zapata", "Zapata"), ("/schools?area=Norte", "Norte"), ("/schools?verdict=BELOW", ""),
        ("/schools?provider=Cable+Brava", "Cable Brava"), ("/flags?state=all", ""),
        ("/flags?q=00201&state=all", "00201"),
        (f"/flags?flag={foreign_flag(country)}", ""), ("/devices?q=00202", "00202"), ("/devices?standing=silent", ""),
    ):  # fmt: skip
        text = cleo.get(address).text
        assert [word for word in FOREIGN_WORDS if word != typed and re.search(rf"\b{word}\b", text)] == [], address
        assert 'href="/schools/00' not in text.replace(f'href="/schools/{MINE}', ""), address


def test_counts_are_those_of_the_area(cleo: FlaskClient, country: Store) -> None:
    with country.reader() as snapshot:
        flags = select(func.count()).select_from(FLAGS).where(FLAGS.c.school == MINE)
        assert snapshot.connection.scalar(flags) == 0
        tests = select(func.count()).select_from(MEASUREMENTS).where(MEASUREMENTS.c.school == MINE)
        rows = snapshot.connection.scalar(tests)
    overview = cleo.get("/").text
    assert "1 of 1 school meets the target." in overview
    assert 'class="count"' not in overview  # no open flag beside the word
    assert f"{rows:,} rows" in cleo.get("/exports").text
    assert "1 of 1 school" in cleo.get("/schools").text


@pytest.mark.parametrize("table", TABLES)
def test_an_export_holds_the_rows_of_the_area(
    cleo: FlaskClient, admin: FlaskClient, country: Store, table: str
) -> None:
    address = f"/exports/{table}.csv"
    mine = list(csv.DictReader(io.StringIO(cleo.get(address).text.lstrip("\ufeff"))))
    everything = list(csv.DictReader(io.StringIO(admin.get(address).text.lstrip("\ufeff"))))
    if table == "outages":  # of many schools: whoever has one of them sees it
        with country.reader() as snapshot:
            of_mine = set(
                snapshot.connection.scalars(select(OUTAGE_SCHOOLS.c.outage_id).where(OUTAGE_SCHOOLS.c.school == MINE))
            )
        untold = dict.fromkeys(SHAPES["outages"].of_all, "")  # of the whole outage, and so of other areas
        assert mine == [row | untold for row in everything if row["outage_id"] in of_mine]
        assert all(any(row[name] for row in everything) for name in ("online", "silent", "timeline"))
        return
    key = {"schools": "code", "flag_events": "flag_id"}.get(table, "school")
    assert mine == [row for row in everything if MINE in row[key]]
    if table in ("measurements", "schools", "evaluations", "school_days", "devices"):
        assert 0 < len(mine) < len(everything)


def test_an_export_keeps_its_scope_while_it_is_read(cleo: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pieces are read when the request is long over."""
    monkeypatch.setattr("collector.store.queries.exports.ROWS_AT_ONCE", 3)
    answer = cleo.get("/exports/measurements.csv", buffered=False)
    lines = b"".join(answer.iter_encoded()).decode().splitlines()
    assert len(lines) > 10
    assert not [line for line in lines if any(code in line for code in THEIRS)]


def test_the_side_bar_says_the_scope(cleo: FlaskClient, admin: FlaskClient) -> None:
    assert "Only Los Cayos" in cleo.get("/").text
    assert "Whole country" in admin.get("/").text


def test_a_scope_costs_no_more_statements(cleo: FlaskClient, country: Store) -> None:
    with statements(country) as seen:
        assert cleo.get("/").status_code == 200
    settles = country.path is None  # once after an evaluation, see `views.today`
    assert len(seen) <= 19 + settles


def test_a_changed_scope_holds_from_the_next_page_on(cleo: FlaskClient, country: Store) -> None:
    from collector.store.queries import users

    with country.unit() as unit:
        users.set_scope(unit, "user-cleo", "viewer", ["Norte"])
        unit.commit()
    assert cleo.get("/schools/00123").status_code == 200 and cleo.get(f"/schools/{MINE}").status_code == 404
    with country.reader() as snapshot:
        assert snapshot.connection.scalar(select(func.count()).select_from(EVALUATIONS)) > 0  # type: ignore[operator]
