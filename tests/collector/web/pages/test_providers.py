"""Providers: every number is the one that a recount gives, and leads to its rows."""

import csv
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from collector.store.open import Store
from collector.web.charts import compare
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.empty_store import empty_store
from tests.fakes.pages_world import Place

# Judged schools with their newest verdict, written apart from the code that is tested.
JUDGED = """
SELECT s.code, s.area, s.contract_download_mbps AS mbps, e.verdict, e.median_bps FROM schools s
JOIN evaluations e ON e.school = s.code AND e.metric = 'download_bps' AND e.profile = 'un-umc-2030'
WHERE s.provider = :provider AND e.verdict <> 'INSUFFICIENT'
AND NOT EXISTS (SELECT 1 FROM evaluations n WHERE n.school = e.school AND n.day > e.day)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that every test copies."""
    place = tmp_path_factory.mktemp("market") / "data"
    store = empty_store(place)
    base = Place("x", "x", 0.5, contract=30.0)
    slow = [replace(base, code=f"a{at}", name=f"Alto {at}", area="Sur" if at < 3 else "Norte") for at in range(6)]
    # Four schools sort before one in its own contract.
    good = [
        replace(base, code=f"b{at}", name=f"Bajo {at}", provider="Cable Brava", technology="cable", factor=1.4)
        for at in range(6)
    ]
    few = [replace(base, code=f"c{at}", name=f"Chico {at}", provider="Chico & Co", factor=0.4) for at in range(2)]
    none = [replace(base, code="n1", name="Nadie", provider=None, tests_a_day=0)]  # type: ignore[arg-type]
    pages_world.add_people(store)
    pages_world.seed(store, [*slow, *good, *few, *none], days_back=24)
    store.close()
    return place


@pytest.fixture
def market(made: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(made, tmp_path / "data")
    store = Store.open(tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def reader(market: Store) -> FlaskClient:
    client = make_app(market).test_client()
    sign_in(client, "ana")
    return client


def table(client: FlaskClient, address: str = "/providers.csv") -> dict[str, dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    return {row["provider"]: row for row in csv.DictReader(io.StringIO(answer.text))}


def test_the_heading_states_the_finding(reader: FlaskClient) -> None:
    heading = re.search(r"<h1>([^<]+)</h1>", reader.get("/providers").text)
    assert heading
    share = float(table(reader)["Onda Sur"]["typical_share_of_contract"])
    assert (
        unescape(heading.group(1))
        == f"Onda Sur delivers {share * 100:.0f}\u00a0% of what is paid at the typical school"
    )


def test_every_number_is_the_one_of_a_recount(reader: FlaskClient, market: Store) -> None:
    rows = table(reader)
    with market.reader() as snapshot:
        for provider in ("Onda Sur", "Cable Brava", "Chico & Co"):
            judged = snapshot.connection.execute(text(JUDGED), {"provider": provider}).mappings().all()
            shares = sorted(row["median_bps"] / (row["mbps"] * 1e6) for row in judged if row["mbps"])
            flags = text(
                "SELECT count(*) FROM flags f JOIN schools s ON s.code = f.school "
                "WHERE s.provider = :provider AND f.state IN ('open', 'recovering')"
            )
            found = rows[provider]
            assert int(found["judged"]) == len(judged)
            assert int(found["meets"]) == sum(row["verdict"] == "MEETS" for row in judged)
            assert int(found["under_80_pct"]) == sum(share < 0.8 for share in shares)
            assert int(found["open_flags"]) == snapshot.connection.scalar(flags, {"provider": provider})
            if len(shares) >= 5:
                middle = (shares[(len(shares) - 1) // 2] + shares[len(shares) // 2]) / 2
                assert float(found["typical_share_of_contract"]) == pytest.approx(middle)
                share = float(found["share_meeting"])
                assert float(found["share_lower"]) - 1e-9 <= share <= float(found["share_upper"]) + 1e-9


def test_numbers_lead_to_as_many_rows(reader: FlaskClient) -> None:
    page = unescape(reader.get("/providers").text).split("<tbody>")[1].split("</tbody>")[0]
    links = re.findall(r'href="(/(?:schools|flags)\?[^"]+)">([\d/]+)<', page)
    assert len(links) >= 10
    for address, shown in links:
        listed = reader.get(address).text
        count = re.search(r'class="found"><b>(\d+) ', listed)
        assert count and count.group(1) == shown.split("/")[0], (address, shown)


def test_who_has_too_few_schools_has_no_rank(reader: FlaskClient) -> None:
    page = reader.get("/providers").text
    ranked, rest = page.split('id="few"')
    assert "Not enough data to compare" in rest and "Chico &amp; Co" in rest
    assert "Chico" not in ranked
    row = table(reader)["Chico & Co"]
    assert row["is_ranked"] == "false" and row["share_lower"] == "" and row["typical_share_of_contract"] == ""


def test_a_school_without_a_provider_is_told_and_in_no_row(reader: FlaskClient) -> None:
    assert "1 school has no provider in the registry" in reader.get("/providers").text
    assert "Nadie" not in reader.get("/providers/schools.csv").text


def test_filters_and_orders_live_in_the_address(reader: FlaskClient) -> None:
    assert set(table(reader, "/providers.csv?technology=cable")) == {"Cable Brava"}
    assert table(reader, "/providers.csv?area=Sur")["Onda Sur"]["schools"] == "3"
    assert next(iter(table(reader, "/providers.csv?sort=meets"))) == "Onda Sur"
    assert next(iter(table(reader, "/providers.csv?sort=name"))) == "Cable Brava"
    page = reader.get("/providers?area=Sur&sort=flags").text
    assert "area=Sur" in page and "No provider has enough judged schools to be compared" in page


def test_the_schools_of_a_provider_are_the_rows_of_its_file(reader: FlaskClient) -> None:
    page = reader.get("/providers?of=Cable+Brava&by=delay&show=all").text
    assert "Cable Brava: slowest to answer" in page
    rows = list(csv.DictReader(io.StringIO(reader.get("/providers/schools.csv?of=Cable+Brava").text)))
    assert {row["provider"] for row in rows} == {"Cable Brava"} and len(rows) == 6
    assert {row["idle_rtt_ms"] for row in rows} == {"21.0"}


def test_the_list_of_schools_knows_what_they_get_of_their_contract(reader: FlaskClient) -> None:
    counts = {
        band: int(re.findall(r'class="found"><b>(\d+) ', reader.get(f"/schools?contract={band}").text)[0])
        for band in ("known", "under", "middle", "full")
    }
    assert counts["known"] == counts["under"] + counts["middle"] + counts["full"] > 0
    page = reader.get("/schools?contract=under&sort=contract").text
    assert "Under 80\u00a0% of the contract" in page and 'name="contract" value="under"' in page


def test_no_picture_has_more_dots_than_fit() -> None:
    shares = [at / 4000 for at in range(4000)]
    each = compare.schools_a_dot(shares)
    drawn = compare.contract_dots(shares, 0.5, "x").count("M")
    assert each > 1 and drawn < 400
    assert (
        compare.schools_a_dot([0.5, 0.9, 1.7]) == 1
        and compare.contract_dots([0.5, 0.9, 1.7], None, "x").count("M") == 3
    )
