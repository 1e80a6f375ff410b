"""The registry's pages: a file is looked at, mended, applied and taken back; nothing is stored half."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from collector.store.open import Store
from collector.store.queries import audit, schools
from tests.collector.web.pages.conftest import token_of
from tests.collector.web.pages.test_all_pages import statements
from tests.fakes.workbooks import inline

HOME = "/admin/registry"
CSV = "code;name;area;students_total;director\n00123;Escuela Uno;Norte;481;Ana\n901;Otra;;12;\n902;;;many;\n"


def bring(client: FlaskClient, raw: bytes, name: str = "escuelas.csv") -> TestResponse:
    token = token_of(client.get(HOME).text)
    data = {"csrf_token": token, "file": (io.BytesIO(raw), name)}
    return client.post(HOME, data=data, content_type="multipart/form-data")


def post(client: FlaskClient, address: str, **fields: str) -> TestResponse:
    return client.post(address, data={"csrf_token": token_of(client.get(HOME).text), **fields})


def seen(client: FlaskClient, address: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', client.get(address).text)
    assert found
    return found.group(1)


def words(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.split("<main")[1]))


def state(store: Store) -> list[tuple[object, ...]]:
    """Return everything that an import can touch."""
    with store.unit() as unit:
        tables = ("schools", "school_facts", "calendar_days", "registry_imports", "registry_changes", "audit")
        return [
            tuple(row)
            for table in tables
            for row in unit.connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2"))  # noqa: S608 -- names of ours
        ]


def test_a_registry_with_errors_is_mended_applied_and_taken_back(admin: FlaskClient, country: Store) -> None:
    with country.reader() as snapshot:
        before = schools.by_code(snapshot)
    answer = bring(admin, CSV.encode("utf-16"))
    assert answer.status_code == 303
    page = admin.get(answer.location)
    assert "1 row cannot be taken. The other 2 would change the registry." in words(page)
    assert "4 students_total &#39;many&#39; is not a whole number; write it with digits only." in words(page)
    with country.reader() as snapshot:
        assert schools.by_code(snapshot) == before
    mended = post(admin, f"{answer.location}/mend", **{"cell-4-1": "Tercera", "cell-4-3": "7"})
    assert admin.get(answer.location).status_code == 404  # the file that was wrong is forgotten
    address = mended.location.split("?")[0]
    assert "3 rows would change the registry; none is wrong." in words(admin.get(mended.location))
    done = post(admin, f"{address}/apply", seen=seen(admin, address))
    assert "note=applied" in done.location and "2 rows are new, 1 changed" in words(admin.get(done.location))
    with country.reader() as snapshot:
        after = schools.by_code(snapshot)
        deeds = [(one.action, one.actor, one.detail) for one in audit.list_entries(snapshot, 1)]
    assert (after["902"].name, after["902"].students_total, after["00123"].students_total) == ("Tercera", 7, 481)
    assert deeds == [("schools.import", "ana", "added=2 changed=1 refused=0")]
    undone = post(admin, f"{address}/undo", seen=seen(admin, address))
    assert "note=undone" in undone.location and "Taken back by ana" in words(admin.get(undone.location))
    with country.reader() as snapshot:
        assert {code: vars(one) | {"updated_ms": 0} for code, one in schools.by_code(snapshot).items()} == {
            code: vars(one) | {"updated_ms": 0} for code, one in before.items()
        }
    text_of_home = words(admin.get(HOME))
    assert "Taken back: escuelas.csv" in text_of_home and "Applied" in text_of_home


def test_who_confirms_late_sees_it_again(admin: FlaskClient, country: Store) -> None:
    first, second = bring(admin, CSV.encode()).location, bring(admin, CSV.replace("481", "482").encode()).location
    old = seen(admin, first)
    assert "note=applied" in post(admin, f"{second}/apply", seen=seen(admin, second)).location
    before = state(country)
    moved = post(admin, f"{first}/apply", seen=old)
    assert state(country) == before
    page = words(admin.get(moved.location))
    assert "Somebody changed the registry meanwhile" in page and "482 481" in page
    assert "note=applied" in post(admin, f"{first}/apply", seen=seen(admin, first)).location
    assert "note=moved" in post(admin, f"{first}/apply", seen=old).location  # twice is once


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "Choose a file first"),
        (b"name;area\nx;y\n", "has no heading code. Nothing was stored. Its headings are: name, area."),
        (b"code,name,name\na,b,c\n", "the heading name stands twice (columns 2 and 3). Nothing was stored."),
        (b"PK\x03\x04rest", "the workbook is damaged or has a password. Nothing was stored."),
        (b"code,name\n" + b"a,b\n" * 50_001, "has more than 50000 rows."),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence_beside_the_field(
    admin: FlaskClient, country: Store, raw: bytes, part: str
) -> None:
    before = state(country)
    answer = bring(admin, raw)
    assert answer.status_code == 422 and part in words(answer)
    assert 'aria-describedby="file-help mistake"' in answer.text
    assert state(country) == before


def test_mistakes_are_said_in_the_readers_language(admin: FlaskClient) -> None:
    admin.set_cookie("enlace_language", "es")
    assert "El archivo no tiene el encabezado code. No se guardó nada. Sus encabezados son: x." in words(
        bring(admin, b"x\n1\n")
    )
    address = bring(admin, CSV.encode("cp1252")).location
    assert "&#39;many&#39; no es un número entero; escríbalo solo con cifras." in words(admin.get(address))
    back = admin.get(f"{address}/annotated")
    assert back.data.startswith(b"\xef\xbb\xbf")  # the file had no accents, the sentences have
    assert "students_total: 'many' no es un número entero" in back.data.decode("utf-8-sig")
    assert "escuelas-checked.csv" in back.headers["Content-Disposition"]


def test_a_workbook_comes_back_as_a_workbook(admin: FlaskClient) -> None:
    address = bring(admin, inline(("code", "name"), ("00123", "")), "../Escuelas Ñandú.xlsx").location
    back = admin.get(f"{address}/annotated")
    assert back.data.startswith(b"PK") and back.headers["Content-Disposition"].endswith(
        "filename=Escuelas--and--checked.xlsx"
    )
    assert "1 row cannot be taken." in words(admin.get(bring(admin, back.data, "again.xlsx").location))


def test_holidays_come_in_the_same_way(admin: FlaskClient, country: Store) -> None:
    address = bring(
        admin, b"calendar\tdate\tkind\tnote\ndefault\t2026-12-25\tholiday\tNavidad\nNowhere\t2026-12-26\tholiday\t\n"
    ).location
    page = words(admin.get(address))
    assert "no area and no school is called &#39;Nowhere&#39;" in page and "25 December: all schools" in page
    post(admin, f"{address}/apply", seen=seen(admin, address))
    with country.reader() as snapshot:
        assert schools.calendar_days(snapshot)["default"] == {"2026-12-25": "holiday"}
    assert (
        admin.get(f"{HOME}/calendar.csv").text
        == "\ufeffcalendar,date,kind,note\r\ndefault,2026-12-25,holiday,Navidad\r\n"
    )


def test_checks_are_counted_as_their_rows(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(text("UPDATE schools SET latitude = 13.1, longitude = -59.6 WHERE code = '00123'"))
        unit.connection.execute(text("UPDATE schools SET students_total = 0 WHERE code = '00123'"))
        unit.commit()
    home = admin.get(HOME).text
    counted = dict(re.findall(r'href="/quality/([a-z_]+)">([0-9,]+)</a>', home))
    with country.unit() as unit:
        raw = {
            "no_place": "latitude IS NULL", "zero_pupils": "students_total = 0", "no_pupils": "students_total IS NULL",
            "no_contract": "contract_download_mbps IS NULL",
            "coarse_place": "round(latitude, 2) = latitude AND round(longitude, 2) = longitude",
        }  # fmt: skip
        recount = {
            name: unit.connection.scalar(text(f"SELECT count(*) FROM schools WHERE {where}"))  # noqa: S608 -- words of ours
            for name, where in raw.items()
        }
    assert {name: int(counted.get(name, "0")) for name in raw} == recount
    for name, count in counted.items():
        page = admin.get(f"/quality/{name}").text
        assert page.count('<th scope="row"') == int(count), name
        assert "/admin/registry/history?of=" in page
    assert admin.get(f"{HOME}/checks.csv").text.count("\r\n") == sum(map(int, counted.values())) + 1


def test_gigas_columns_go_out(admin: FlaskClient) -> None:
    heading, first = admin.get(f"{HOME}/giga.csv").text.lstrip("\ufeff").splitlines()[:2]
    assert heading.startswith("school_id_giga,school_id_govt,school_name,latitude,longitude,education_level")
    assert first.startswith(",00123,")


def test_how_a_school_came_to_be(admin: FlaskClient) -> None:
    address = bring(admin, CSV.encode()).location
    post(admin, f"{address}/apply", seen=seen(admin, address))
    page = words(admin.get(f"{HOME}/history?of=00123"))
    assert "students_total" in page and "481" in page and "ana" in page
    assert admin.get(f"{HOME}/history?of=nothing").status_code == 404


def test_only_administrators_come_in(viewer: FlaskClient, app: Flask) -> None:
    anybody = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(HOME)]
    assert len(rules) >= 12
    for rule in rules:
        address = rule.rule.replace("<import_id>", "x")
        if "GET" in (rule.methods or ()):
            assert viewer.get(address).status_code == 403, address
            assert anybody.get(address).status_code == 303, address
        else:
            assert viewer.post(address, data={"csrf_token": token_of(viewer.get("/").text)}).status_code == 403, address
    assert "Registry" not in viewer.get("/").text


def test_the_number_of_statements_stays_small(admin: FlaskClient, country: Store) -> None:
    address = bring(admin, CSV.encode()).location
    for page in (HOME, address, f"{HOME}/checks.csv", f"{HOME}/history?of=00123"):
        with statements(country) as made:
            assert admin.get(page).status_code == 200
        assert len(made) <= 12, made
    post(admin, f"{address}/apply", seen=seen(admin, address))
    with statements(country) as made:
        assert admin.get(address).status_code == 200
    assert len(made) <= 20, made
