"""The page of targets: what holds, what a change would do, saving it, taking it back."""

import csv
import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from collector.profiles.choices import own_profile
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.people import AUDIT
from collector.store.tables.registry import TARGET_VERSIONS
from collector.web.forms import target_form
from tests.collector.web.pages.conftest import token_of
from tests.fakes import summed_up

FIXED = {
    "kind": "fixed",
    "speed": "24,5",
    "share": "50",
    "name": "Ours <b>",
    "organisation": "Ministry",
    "from": "2026-11-25",
}
TODAY, TOMORROW = "2026-11-24", "2026-11-25"


def look(client: FlaskClient, **given: str) -> str:
    answer = client.get("/targets/new", query_string={"look": "1", **given})
    assert answer.status_code == 200
    return answer.text


def save(client: FlaskClient, **given: str) -> TestResponse:
    token = token_of(client.get("/targets").text)
    return client.post("/targets/new", data={"csrf_token": token, **given})


def rows(store: Store, table: Any) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        return [dict(row) for row in snapshot.connection.execute(select(table)).mappings()]


def test_everybody_reads_what_holds_and_who_says_so(viewer: FlaskClient) -> None:
    page = viewer.get("/targets").text
    assert "UN universal meaningful connectivity 2030" in page and "as the configuration of this collector says" in page
    assert "https://www.gov.uk/guidance/" in page and "Chile, Connectivity for Education 2030" in page
    assert "Nothing was decided here yet." in page
    assert "/targets/new" not in page


@pytest.mark.parametrize("address", ["/targets/new", "/targets/growth", "/targets/x/undo"])
def test_only_administrators_change_targets(viewer: FlaskClient, address: str, country: Store) -> None:
    token = token_of(viewer.get("/targets").text)
    assert viewer.post(address, data={"csrf_token": token, **FIXED}).status_code == 403
    assert rows(country, TARGET_VERSIONS) == []
    assert viewer.get("/targets/new").status_code == 403


def test_the_preview_counts_and_lists_the_schools_that_change(admin: FlaskClient, country: Store) -> None:
    page = look(admin, **FIXED)
    with country.reader() as snapshot:
        newest = (
            "SELECT e.school, e.verdict, e.attained, e.n FROM evaluations e WHERE e.day = "
            "(SELECT max(day) FROM evaluations n WHERE n.school = e.school)"
        )
        before = {row.school: row.verdict for row in snapshot.connection.execute(text(newest))}
    found = re.search(r"(\d+) of (\d+) schools would read another verdict", page)
    assert found and int(found.group(2)) == len(before)
    listed = page.split('id="list"')[1]
    assert len(re.findall(r'class="name" href="/schools/', listed)) == int(found.group(1))
    moves = re.findall(r"→.*?<td>(\d+)</td>", page, flags=re.DOTALL)
    assert sum(map(int, moves)) == int(found.group(1))
    assert rows(country, TARGET_VERSIONS) == []


def test_a_target_is_saved_from_a_day_to_come_and_explained(admin: FlaskClient, country: Store) -> None:
    answer = save(admin, **FIXED, reach="area", area="Norte", note="because")
    assert (answer.status_code, answer.location) == (303, "/targets?done=saved")
    (row,) = rows(country, TARGET_VERSIONS)
    assert (row["reach"], row["place"], row["valid_from"], row["profile"], row["created_by"], row["note"]) == (
        "area", "Norte", TOMORROW, "own", "ana", "because",
    )  # fmt: skip
    assert "fixed = 24.500000" in row["rule"]
    assert [(entry["action"], entry["subject"], entry["actor"]) for entry in rows(country, AUDIT)] == [
        ("target_set", "area:Norte", "ana")
    ]
    page = admin.get("/targets?done=saved").text
    assert "District Norte" in page and "Ours &lt;b&gt;" in page and "24.5 Mbit/s" in page and "to come" in page


def test_it_can_be_taken_back_until_its_day(admin: FlaskClient, country: Store) -> None:
    save(admin, **FIXED)
    (row,) = rows(country, TARGET_VERSIONS)
    token = token_of(admin.get("/targets").text)
    for said in ("/targets?done=undone", "/targets"):  # the second time nothing is done
        answer = admin.post(f"/targets/{row['version_id']}/undo", data={"csrf_token": token})
        assert (answer.status_code, answer.location) == (303, said)
    (row,) = rows(country, TARGET_VERSIONS)
    assert row["undone_by"] == "ana"
    assert [entry["action"] for entry in rows(country, AUDIT)] == ["target_set", "target_undone"]
    assert "taken back (ana)" in admin.get("/targets").text

    with country.unit() as unit:
        unit.connection.execute(TARGET_VERSIONS.update().values(valid_from=TODAY, undone_ms=None))
        unit.commit()
    answer = admin.post(f"/targets/{row['version_id']}/undo", data={"csrf_token": token})
    assert answer.location == "/targets" and rows(country, TARGET_VERSIONS)[0]["undone_ms"] is None
    page = admin.get("/targets").text
    assert "since Nov 24, 2026, as ana decided" in page or "as ana decided" in page
    assert "Ours &lt;b&gt;" in admin.get("/how-we-judge").text


def test_pages_name_the_target_by_which_a_school_was_judged(
    admin: FlaskClient, viewer: FlaskClient, country: Store
) -> None:
    save(admin, **FIXED, reach="area", area="Norte")
    version = own_profile(rows(country, TARGET_VERSIONS)[0]["rule"]).version
    flag = re.search(r'class="name" href="(/flags/F-00123-[^"]+)"', admin.get("/flags").text)
    assert flag
    pages = [flag.group(1), "/schools/00123", "/flags?as=table"]
    of_deployment = "UN universal meaningful connectivity 2030"
    for page in pages:
        assert of_deployment in viewer.get(page).text, page
    for target, named in {
        ("own", version): "Ours &lt;b&gt;",
        ("cl-cpe2030", "2022-01-01"): "Chile, Connectivity for Education 2030",
        ("own", "gone"): "a target of one&#39;s own",
        ("foreign", "1"): "foreign",
    }.items():
        with country.unit() as unit:
            of_school = EVALUATIONS.update().where(EVALUATIONS.c.school == "00123")
            unit.connection.execute(of_school.values(target_profile=target[0], profile_version=target[1]))
            summed_up.renew_all(unit)
            unit.commit()
        for page in pages:
            shown = viewer.get(page).text
            assert named in shown and of_deployment not in shown, (page, target)
        assert f"version {target[1]}" in viewer.get(pages[0]).text
        listed = csv.DictReader(io.StringIO(admin.get("/flags/rows.csv").text.removeprefix("\ufeff")))
        of_school = [row for row in listed if row["school"] == "00123"]
        assert {(row["target_profile"], row["profile_version"]) for row in of_school} == {target}


MISTAKES = [
    ({"from": TODAY}, "from", "A target holds from a day to come"),
    ({"from": "yesterday"}, "from", "Write the first day as a date"),
    ({"from": "2099-01-01"}, "from", "more than twenty years away"),
    ({"speed": "0"}, "speed", "Write a speed in Mbit/s above 0"),
    ({"speed": "1e3"}, "speed", "Write a speed in Mbit/s above 0"),
    ({"speed": ""}, "speed", "Write a speed in Mbit/s above 0"),
    ({"upload": "fast"}, "upload", "Write a speed in Mbit/s above 0"),
    ({"share": "100"}, "share", "Write a number from 1 to 99."),
    ({"name": ""}, "name", "Give the target a name"),
    ({"organisation": ""}, "organisation", "Say who asks for it"),
    ({"tech_satellite": "-3"}, "tech_satellite", "Write a speed in Mbit/s above 0"),
    ({"reach": "area", "area": "Nowhere"}, "area", "Choose a district of the registry."),
    ({"reach": "school", "school": "123"}, "school", "School code 123 is not in the registry."),
    ({"reach": "world"}, "reach", "Choose where the target holds."),
    ({"kind": "wider"}, "reach", "nothing wider to follow"),
    ({"kind": "published", "profile": "x"}, "profile", "Choose one of the published targets."),
    ({"kind": "contract", "part": "0"}, "part", "Write a number from 1 to 100."),
    ({"kind": "pupils", "rate": "1", "least": "9", "most": "8"}, "most", "The most lies under the least."),
    ({"kind": "pupils", "rate": "1", "counted": "cats"}, "counted", "Choose what is counted."),
    ({"kind": "pupils", "rate": "1", "at_once": "101"}, "at_once", "Write a number from 1 to 100."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "sentence"), MISTAKES)
def test_a_mistake_stands_beside_its_field_and_nothing_is_stored(
    admin: FlaskClient, country: Store, changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = save(admin, **{**FIXED, "note": "what was typed", **changes})
    assert answer.status_code == 422
    assert f'id="{field}-mistake"' in answer.text and sentence in answer.text
    assert f'aria-describedby="{field}-mistake"' in answer.text or field == "reach"
    assert "what was typed" in answer.text
    assert rows(country, TARGET_VERSIONS) == rows(country, AUDIT) == []


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "published", "profile": "br-enec-2024", "from": TOMORROW},
        {"kind": "contract", "part": "80", "name": "x", "organisation": "y", "from": TOMORROW, "share": "50"},
        {"kind": "pupils", "rate": "0,05", "at_once": "30", "least": "20", "most": "100", "counted": "students_total",
         "name": "x", "organisation": "y", "from": TOMORROW, "upload": "5", "tech_satellite": "10"},
        {"kind": "wider", "reach": "school", "school": "00123", "from": TOMORROW},
    ],
)  # fmt: skip
def test_every_kind_can_be_looked_at_and_saved(admin: FlaskClient, country: Store, given: dict[str, str]) -> None:
    page = look(admin, **given)
    assert 'id="preview"' in page and "Save: from" in page
    assert save(admin, **given).status_code == 303
    assert len(rows(country, TARGET_VERSIONS)) == 1
    assert admin.get("/targets").status_code == 200


def test_the_growth_is_set_and_the_school_says_until_when(admin: FlaskClient, country: Store) -> None:
    assert "Falls under the target in" in admin.get("/schools/00200").text
    token = token_of(admin.get("/targets").text)
    for wrong in ("", "0", "x", "900", "1e9"):
        answer = admin.post("/targets/growth", data={"csrf_token": token, "growth": wrong})
        assert answer.status_code == 422 and 'id="rate-mistake"' in answer.text
    assert admin.post("/targets/growth", data={"csrf_token": token, "growth": "45,5"}).status_code == 303
    assert "if demand grows at 45.5 % a year" in admin.get("/schools/00200").text.replace("\u00a0", " ")
    tried = admin.get("/schools/00200?growth=10").text.replace("\u00a0", " ")
    assert "if demand grows at 10 % a year" in tried or "At 10 % growth a year" in tried
    assert [entry["action"] for entry in rows(country, AUDIT)] == ["growth_set"]
    below = admin.get("/schools/00123").text
    assert "No forecast: only of a school that meets its target" in below and "Falls under" not in below


WORDS = ("fixed", "pupils", "contract", "published", "area", "school", "Norte", "00123", "20", "0.5", TOMORROW)
posts = st.dictionaries(st.sampled_from(target_form._FIELDS), st.text(max_size=30) | st.sampled_from(WORDS))


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=posts)
def test_whatever_is_typed_is_answered(admin: FlaskClient, data: dict[str, str]) -> None:
    assert admin.get("/targets/new", query_string={"look": "1", **data}).status_code == 200
    assert save(admin, **data).status_code in (303, 422)
