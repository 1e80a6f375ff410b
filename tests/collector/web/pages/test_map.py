"""The map's page without a script, and the data that its script reads."""

import gzip
import json
import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update

from collector.evaluate import outages
from collector.store.open import Store
from collector.store.queries import newness
from collector.store.tables.registry import SCHOOLS
from collector.web.pages import atlas
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_all_pages import statements
from tests.collector.web.screens import make_app
from tests.fakes import many_schools, pages_world, summed_up
from tests.fakes.happenings import OUTAGE, break_down, outage_rows

VERDICTS_NOW = """
SELECT coalesce(e.verdict, 'NONE') AS verdict, s.area AS area, s.code AS code, s.latitude AS latitude
FROM schools s LEFT JOIN evaluations e ON e.school = s.code
AND e.day = (SELECT max(day) FROM evaluations WHERE school = s.code)
"""


def raw(store: Store) -> list[Any]:
    with store.reader() as snapshot:
        return list(snapshot.connection.execute(text(VERDICTS_NOW)))


def listed(page: str) -> list[str]:
    rows = page.split('id="map-rows"')[1].split("</ol>")[0]
    return re.findall(r'data-code="([^"]+)"', rows)


def data_of(client: FlaskClient, address: str = "/map/data") -> dict[str, Any]:
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200 and answer.headers["Content-Encoding"] == "gzip"
    found: dict[str, Any] = json.loads(gzip.decompress(answer.data))
    return found


def tags(page: str, pattern: str) -> list[str]:
    return re.findall(pattern, page.split('class="map-legend"')[1].split("</fieldset>")[0])


def test_the_legend_counts_what_is_in_the_database_and_each_number_leads_to_its_rows(
    admin: FlaskClient, country: Store
) -> None:
    rows = raw(country)
    found = tags(admin.get("/map").text, r'<a href="(/schools\?verdict=\w+)"[^>]*>([\d,]+)</a>')
    assert len(found) == 6
    for address, count in found:
        verdict = address.split("=")[1]
        assert int(count) == sum(row.verdict == verdict for row in rows)
        assert admin.get(address).text.count('class="name"') == int(count)


def test_the_list_has_every_school_the_worst_first(
    admin: FlaskClient, country: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas, "ROWS", 2)
    seen, address = [], "/map"
    while address:
        page = admin.get(address).text
        seen += listed(page)
        following = re.search(r'<a href="([^"#]+)#map-heading" rel="next"', page)
        address = following.group(1).replace("&amp;", "&") if following else ""
    verdicts = {row.code: row.verdict for row in raw(country)}
    assert sorted(seen) == sorted(verdicts)
    order = ["BELOW", "BORDERLINE", "NOT_TESTABLE", "INSUFFICIENT", "MEETS", "NONE"]
    ranks = [order.index(verdicts[code]) for code in seen]
    assert ranks == sorted(ranks)
    assert seen == data_of(admin)["code"]
    assert listed(admin.get("/map?page=99999").text) == seen[-1:]
    for nonsense in ("0", "-1", "x", "²", "9" * 30):
        assert listed(admin.get("/map", query_string={"page": nonsense}).text) == seen[:2]


def test_the_data_say_what_the_list_says(admin: FlaskClient, country: Store) -> None:
    found = data_of(admin)
    page = admin.get("/map").text.split('id="map-rows"')[1].split("</ol>")[0]
    shown = re.findall(r'data-code="([^"]+)".*?<b>([^<]+)</b><small>(?:of ([\d.]+))?</small>', page, re.DOTALL)
    assert [row[0] for row in shown] == found["code"]
    typical = ["–" if value is None else f"{value / 10:.1f}" for value in found["typical"]]
    assert [row[1] for row in shown] == typical
    assert [row[2] for row in shown] == ["" if value is None else f"{value / 10:g}" for value in found["target"]]
    for row in raw(country):
        at = found["code"].index(row.code)
        assert found["verdicts"][int(found["verdict"][at])] == row.verdict
        assert found["areas"][found["area"][at]] == row.area
        assert (found["lat"][at] is None) == (row.latitude is None)
        if row.latitude is not None:
            assert found["lat"][at] == round(row.latitude * 10_000)


@pytest.mark.parametrize("query", ["q=escuela", "area=Norte", "provider=Cable+Brava", "technology=none", "q=%25"])
def test_filters_are_those_of_the_list_of_schools(admin: FlaskClient, query: str) -> None:
    names = re.findall(r'class="name" href="/schools/([^"]+)"', admin.get(f"/schools?{query}").text)
    page = admin.get(f"/map?{query}").text
    assert sorted(listed(page) if names else []) == sorted(names)
    assert sorted(data_of(admin, f"/map/data?{query}")["code"]) == sorted(names)
    if names:
        assert f'data-source="/map/data?{query}"' in page


def test_several_verdicts_are_chosen_at_once_here_and_in_the_list(admin: FlaskClient, country: Store) -> None:
    chosen = {"BELOW", "MEETS"}
    codes = sorted(row.code for row in raw(country) if row.verdict in chosen)
    page = admin.get("/map?verdict=BELOW&verdict=MEETS").text
    assert sorted(listed(page)) == codes
    assert len(tags(page, r'value="(?:BELOW|MEETS)"[^>]* checked')) == 2
    assert len(tags(page, r" checked")) == 2
    table = re.search(r'<a href="([^"]+)" id="as-table"', page)
    assert table is not None
    as_table = admin.get(table.group(1).replace("&amp;", "&")).text
    assert sorted(re.findall(r'class="name" href="/schools/([^"]+)"', as_table)) == codes
    assert "Verdict: Below, Meets" in as_table and "selected>Below, Meets</option>" in as_table
    # A heading of the table keeps both.
    both = admin.get("/schools?verdict=BELOW&verdict=MEETS").text
    assert "verdict=BELOW&amp;verdict=MEETS&amp;sort=name" in both
    # What the legend chooses is the script's: the data have every verdict.
    assert 'data-source="/map/data"' in page


def test_schools_without_coordinates_are_listed_and_counted(admin: FlaskClient, country: Store) -> None:
    missing = [row.code for row in raw(country) if row.latitude is None]
    page = admin.get("/map").text
    found = re.search(r'<a href="(/schools\?place=none)">(\d+) school', page)
    assert found is not None and int(found.group(2)) == len(missing) > 0
    table = admin.get(found.group(1)).text
    assert re.findall(r'class="name" href="/schools/([^"]+)"', table) == missing
    assert "Without coordinates" in table
    assert set(missing) <= set(listed(page))


@pytest.mark.parametrize("verdict", ["MEETS", "ENOUGH", "NONE", "BELOW,NONE"])
def test_schools_without_coordinates_are_counted_under_the_filter_of_verdicts(
    admin: FlaskClient, country: Store, verdict: str
) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code.in_(("00200", "00123"))).values(longitude=None))
        unit.commit()
    found = re.search(
        r'<a href="(/schools\?[^"]*place=none[^"]*)">(\d+) school', admin.get(f"/map?verdict={verdict}").text
    )
    assert found is not None
    assert admin.get(found.group(1).replace("&amp;", "&")).text.count('class="name"') == int(found.group(2))


@pytest.mark.parametrize(("address", "looks"), [("/map", 3), ("/map?layer=areas", 1), ("/map/data", 1)])
def test_every_verdict_is_looked_at_once_and_again_for_the_order_of_the_list(
    admin: FlaskClient, country: Store, address: str, looks: int
) -> None:
    with statements(country) as made:
        assert admin.get(address).status_code == 200
    assert sum("evaluations" in statement for statement in made) == looks


def test_districts_show_the_share_of_their_judged_schools(admin: FlaskClient, country: Store) -> None:
    page = admin.get("/map?layer=areas").text
    rows = raw(country)
    for area in {row.area for row in rows}:
        part = page.split(f'data-area="{area}"')[1].split("</li>")[0]
        judged = [row for row in rows if row.area == area and row.verdict not in ("INSUFFICIENT", "NONE")]
        meets = [row for row in judged if row.verdict == "MEETS"]
        links = re.findall(r'<a href="(/schools[^"]+)">(\d+)</a>', part)
        assert [int(count) for _, count in links] == [len(meets), len(judged)]
        for address, count in links:
            assert admin.get(address.replace("&amp;", "&")).text.count('class="name"') == int(count)
        assert f"<b>{100 * len(meets) / len(judged):.0f}\u00a0%</b>" in part.replace(" %", "\u00a0%")
        assert ("swatch few" in part) == (len(judged) < 5)
        found = data_of(admin)
        packed = {found["areas"][row[0]]: row[1:] for row in found["shares"]}
        assert packed[area] == [sum(row.area == area for row in rows), len(judged), len(meets)]


def test_the_sentence_says_whether_it_is_one_place(admin: FlaskClient, country: Store) -> None:
    page = admin.get("/map").text
    assert (
        '<a href="/schools?verdict=BELOW">1</a> of <a href="/schools">5</a> schools are below their target, all' in page
    )
    with country.unit() as unit:
        unit.connection.execute(text("UPDATE evaluations SET verdict = 'BELOW'"))
        summed_up.renew_all(unit)
        unit.commit()
    page = admin.get("/map").text
    assert "in 2 of 2 districts; most of them, " in page and "in Norte." in page


def test_a_chosen_school_is_said_in_words(admin: FlaskClient) -> None:
    page, card = admin.get("/map?school=00123").text, admin.get("/map/card?school=00123").text
    for shown in (page, card):
        assert '<h2><a href="/schools/00123">Escuela Ñandú</a></h2>' in shown
        assert "valid tests" in shown
    assert "<html" not in card
    assert 'id="picked" class="picked" tabindex="-1" aria-label="Chosen school" hidden' not in page
    assert admin.get("/map/card?school=nothing").status_code == 404
    assert admin.get("/map?school=nothing").status_code == 200
    assert "No verdict yet" in admin.get("/map/card?school=00203").text


def test_data_are_sent_again_only_when_they_changed(admin: FlaskClient, country: Store) -> None:
    first = admin.get("/map/data")
    assert first.headers["Cache-Control"] == "private, no-cache" and "Content-Encoding" not in first.headers
    tag = first.headers["ETag"]

    def again(address: str = "/map/data") -> int:
        return admin.get(address, headers={"If-None-Match": tag}).status_code

    assert again() == 304 and admin.get("/map/data", headers={"If-None-Match": tag}).data == b""
    assert again("/map/data?area=Norte") == 200
    assert again("/map/data?verdict=BELOW") == 304
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(name="New", updated_ms=10**14))
        unit.commit()
    changed = admin.get("/map/data", headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.json is not None and "New" in changed.json["name"]
    tag = changed.headers["ETag"]
    assert again() == 304
    with country.unit() as unit:
        newness.raise_verdicts(unit)
        unit.commit()
    assert again() == 200


def test_what_is_kept_packed_is_never_for_readers_of_another_area(
    app: Flask, admin: FlaskClient, country: Store
) -> None:
    """Also where nothing else tells the two apart: the same number of schools, changed at the same moment."""
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).values(area="Los Cayos"))
        unit.commit()
    cleo = app.test_client()
    sign_in(cleo, "cleo")
    tag = admin.get("/map/data").headers["ETag"]
    assert cleo.get("/map/data", headers={"If-None-Match": tag}).status_code == 200
    with country.unit() as unit:
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code != "00200").values(area="Norte"))
        unit.commit()
    assert data_of(cleo)["code"] == ["00200"] and data_of(cleo)["areas"] == ["Los Cayos"]
    assert len(data_of(admin)["code"]) == 5
    assert cleo.get("/map/card?school=00123").status_code == 404
    assert "Ñandú" not in cleo.get("/map?school=00123").text


def test_twelve_thousand_schools_are_less_than_half_a_megabyte(store: Store) -> None:
    pages_world.add_people(store)
    many_schools.fill(store, 12_000)
    client = make_app(store).test_client()
    sign_in(client, "ana")
    answer = client.get("/map/data", headers={"Accept-Encoding": "gzip"})
    assert len(json.loads(gzip.decompress(answer.data))["code"]) == 12_000
    assert len(answer.data) <= 500_000
    page = client.get("/map")
    assert len(gzip.compress(page.data)) <= 40_000
    assert len(client.get("/map/data", headers={"Accept-Encoding": "gzip"}).data) == len(answer.data)


def test_strange_codes_and_names_stay_text(app: Flask, admin: FlaskClient, country: Store) -> None:
    strange = ["12/0345", "A#7", "50%", "what?", "a b", "..", "</script><b>"]
    with country.unit() as unit:
        for number, code in enumerate(strange):
            unit.connection.execute(
                SCHOOLS.insert().values(
                    code=code, name=f"<i>{code}</i>", name_folded="x", name_order=f"x{number}", area="<u>",
                    is_demo=True, created_ms=1, updated_ms=1,
                )
            )  # fmt: skip
        unit.commit()
    page = admin.get("/map").text
    assert "<i>" not in page and "<u>" not in page and "</script><b>" not in page
    assert set(strange) <= set(data_of(admin)["code"])
    for code in strange:
        assert admin.get("/map/card", query_string={"school": code}).status_code == 200
        assert admin.get("/map", query_string={"school": code}).status_code == 200


def test_a_school_in_an_open_outage_has_a_ring_with_a_cross_and_words(admin: FlaskClient, country: Store) -> None:
    one, other = sorted(row.code for row in raw(country) if row.latitude is not None)[:2]
    before = admin.get("/map/data").headers["ETag"]
    assert data_of(admin)["out"] == []
    assert "In an outage" not in admin.get("/schools").text + admin.get("/map").text
    break_down(country, [one, other], date(2026, 11, 24), 1, "open")
    assert admin.get("/map/data").headers["ETag"] != before
    found = data_of(admin)
    assert {found["code"][at] for at in found["out"]} == {one, other}
    page = admin.get("/map").text
    rows = {
        code: row for row in page.split("<li ")[1:] for code in re.findall(r'class="map-row" data-code="([^"]+)"', row)
    }
    for code, row in rows.items():
        is_out = code in (one, other)
        assert ("in an outage;" in row, "#outage" in row) == (is_out, is_out)
    assert re.search(r'<span class="i-below">.*#outage.*</span><a href="/outages">2 schools in an outage</a>', page)
    listed_schools = admin.get("/schools").text
    mark = rf'<a class="badge v-below" href="/outages/{OUTAGE}"><svg[^>]*><use href="[^"]+#outage"'
    assert len(re.findall(mark, listed_schools)) == 2
    assert re.search(mark, admin.get(f"/map/card?school={one}").text)
    break_down(country, [one, other], date(2026, 11, 24))
    assert data_of(admin)["out"] == [] and "In an outage" not in admin.get("/schools").text


def test_our_own_failure_marks_no_school(admin: FlaskClient, country: Store) -> None:
    code = min(row.code for row in raw(country))
    row, schools = outage_rows([code], date(2026, 11, 24), 1, "open", label="collector")
    with country.unit() as unit:
        outages.keep(unit, OUTAGE, [(row, schools)])
        unit.commit()
    assert data_of(admin)["out"] == [] and "In an outage" not in admin.get("/schools").text
