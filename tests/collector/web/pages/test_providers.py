"""Providers: every number is the one that a recount gives, and leads to its rows."""

import csv
import io
import re
import shutil
import statistics
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text, update

from collector.config import CollectorConfig
from collector.evaluate import outages as watch
from collector.evaluate.run import evaluate
from collector.profiles import use_limits
from collector.store.open import Store
from collector.store.queries import newness, packs
from collector.store.queries import use_limits as stored_limits
from collector.store.queries.packs import Pack
from collector.store.tables.availability import AVAILABILITY_NOW
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.web.charts import compare
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.collector_world import FakeClock, fake_ports
from tests.fakes.empty_store import empty_store
from tests.fakes.happenings import outage_rows
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


LATE = {"Onda Sur": 300.0, "Cable Brava": 90.0, "Chico & Co": 50.0}


def load_lines(store: Store) -> None:
    """Let every school answer at a delay of its own under load, tests that do not count at another, and judge anew."""
    tests = MEASUREMENTS.c
    with store.unit() as unit:
        for code, provider in unit.connection.execute(select(SCHOOLS.c.code, SCHOOLS.c.provider)).all():
            if provider is None:
                continue
            # The second PC of a school sees it later, by a tenth; upload is the slower way of both.
            for pc, factor in ((1, 1.0), (2, 1.1)):
                ms = (LATE[provider] + 7 * int(code[1:])) * factor
                mine = update(MEASUREMENTS).where(tests.device == f"d-{code}-{pc}")
                unit.connection.execute(mine.values(loaded_download_p95_ms=ms / 2, loaded_upload_p95_ms=ms))
        by_hand = update(MEASUREMENTS).where(tests.rid.endswith("-3"))
        unit.connection.execute(by_hand.values(trigger="manual", loaded_download_p95_ms=9_000.0))
        other = update(MEASUREMENTS).where(tests.device == "d-a0-1")
        unit.connection.execute(other.values(loaded_method="tcp_info", loaded_download_p95_ms=8_000.0))
        unit.commit()
    config = CollectorConfig(default_timezone=pages_world.ZONE)
    first = pages_world.LAST_DAY - timedelta(days=30)
    evaluate(store, config, fake_ports(FakeClock(pages_world.NOW_MS)), from_day=first)


def recounted(store: Store, value: str, condition: str) -> dict[str, tuple[float, int]]:
    """Return the middle of the medians of each school's last ten days with votes, and of how many tests, from rows."""
    zone, days = ZoneInfo(pages_world.ZONE), dict[str, dict[str, list[float]]]()
    with store.reader() as snapshot:
        question = f"SELECT school, started_ms, {value}, {condition} FROM measurements WHERE votes"  # noqa: S608 -- ours
        for school, started_ms, ms, is_told in snapshot.connection.execute(text(question)):
            day = datetime.fromtimestamp(started_ms / 1000, zone).date().isoformat()
            told = days.setdefault(school, {}).setdefault(day, [])
            told += [ms] if is_told else []
    found = {}
    for school, by_day in days.items():
        window = [by_day[day] for day in sorted(by_day) if day <= pages_world.LAST_DAY.isoformat()][-10:]
        if middles := [statistics.median(told) for told in window if told]:
            found[school] = statistics.median(middles), sum(map(len, window))
    return found


def test_the_delay_under_load_is_the_one_of_a_recount_and_leads_to_its_tests(
    reader: FlaskClient, market: Store
) -> None:
    before = table(reader)["Onda Sur"]["loaded_p95_ms"]
    assert float(before) == 260.0
    load_lines(market)
    wanted = recounted(market, "max(loaded_download_p95_ms, loaded_upload_p95_ms)", "loaded_method = idle_method")
    idle, found = recounted(market, "idle_rtt_ms", "idle_rtt_ms IS NOT NULL"), table(reader)
    for provider, letter in (("Onda Sur", "a"), ("Cable Brava", "b")):
        middle = statistics.median(ms for code, (ms, _n) in wanted.items() if code.startswith(letter))
        assert float(found[provider]["loaded_p95_ms"]) == pytest.approx(middle)
        assert int(found[provider]["loaded_schools"]) == sum(code.startswith(letter) for code in wanted) >= 5
        middle = statistics.median(ms for code, (ms, _n) in idle.items() if code.startswith(letter))
        assert float(found[provider]["idle_rtt_ms"]) == pytest.approx(middle)
    assert found["Chico & Co"]["loaded_p95_ms"] == ""  # too few schools
    page = unescape(reader.get("/providers").text)
    assert "A busy line of Onda Sur answers after" in page and "200 is the most for a call" in page
    assert "Dot: while the line is busy. Above 200 ms video calls break up." in page
    card = page.split('id="busy"')[1].split("</section>")[0]
    (address,) = set(re.findall(r'href="(/providers\?of=Onda\+Sur&by=loaded&show=all)#schools', card))
    listed = unescape(reader.get(address).text.split('id="schools"')[1].split("</section>")[0])
    links = re.findall(r'href="(/schools/(a\d)/tests\?[^"]+late=0[^"]*)">(\d+)<', listed)
    shown = {code: int(ms) for _address, code, ms in links}
    assert shown == {code: round(ms) for code, (ms, _n) in wanted.items() if code.startswith("a")}
    assert list(shown.values()) == sorted(shown.values(), reverse=True)
    rows = {row["school"]: row for row in csv.DictReader(io.StringIO(reader.get("/providers/schools.csv").text))}
    for address, code, _ms in links:
        count = re.findall(r'class="found"><b>(\d+) of', reader.get(address).text)
        assert count == [str(wanted[code][1])] == [rows[code]["loaded_tests"]], code


def test_the_limit_of_the_delay_is_the_one_of_a_class_on_video(reader: FlaskClient, market: Store) -> None:
    load_lines(market)
    with market.unit() as unit:
        held = use_limits.held(None)
        numbers = {**held.numbers, "class_video": {**held.numbers["class_video"], "latency": 4_000.0}}
        said = use_limits.compose(replace(held, numbers=numbers))
        stored_limits.add(unit, stored_limits.LimitsDecision(1, said, "", 0, "ana"))
        unit.commit()
    page = unescape(reader.get("/providers").text)
    assert "A busy line answers within 4,000 ms with every provider" in page.replace("\u00a0", " ")


def test_outages_are_those_put_down_to_the_provider_and_lead_to_their_rows(reader: FlaskClient, market: Store) -> None:
    hour_ms = 3_600_000
    outages = {
        "1" * 16: ("provider", "closed", 24, 2), "2" * 16: ("provider", "closed", 48, 5),
        "3" * 16: ("provider", "open", 2, None), "4" * 16: ("area", "closed", 24, 2),
        "5" * 16: ("provider", "retracted", 24, 2), "6" * 16: ("collector", "closed", 24, 2),
        "7" * 16: ("provider", "closed", 24 * 31, 2),
    }  # fmt: skip
    with market.unit() as unit:
        for name, (label, state, ago, lasted) in outages.items():
            row, members = outage_rows(["a0", "a1"], date(2026, 11, 20), 1, state, provider="Onda Sur", label=label)
            start = pages_world.NOW_MS - ago * hour_ms
            end = None if lasted is None else start + lasted * hour_ms
            row |= {"outage_id": name, "from_ms": start, "began_ms": start, "to_ms": end, "closed_ms": end}
            watch.keep(unit, name, [(row, [{**one, "outage_id": name} for one in members])])
        unit.commit()
    found = table(reader)
    assert found["Onda Sur"]["outages_30_days"] == "3" and float(found["Onda Sur"]["typical_repair_minutes"]) == 210
    assert found["Cable Brava"]["outages_30_days"] == "0" and found["Cable Brava"]["typical_repair_minutes"] == ""
    assert table(reader, "/providers.csv?area=Sur")["Onda Sur"]["outages_30_days"] == "3"
    assert table(reader, "/providers.csv?area=Norte")["Onda Sur"]["outages_30_days"] == "0"
    page = unescape(reader.get("/providers").text)
    assert ">3.5\u00a0h<" in page
    listed = reader.get("/outages?provider=Onda+Sur").text
    assert re.search(r'href="/outages\?provider=Onda\+Sur">3<', page)
    assert re.search(r'class="found"><b>3 outages</b>', listed)
    assert set(re.findall(r'class="name" href="/outages/(\d{16})"', listed)) == {"1" * 16, "2" * 16, "3" * 16}
    assert listed.count("goes on") == 1
    rows = csv.DictReader(io.StringIO(reader.get("/outages.csv?provider=Onda+Sur").text.lstrip("\ufeff")))
    assert {row["outage_id"] for row in rows} == {"1" * 16, "2" * 16, "3" * 16}


def test_how_much_a_line_was_up_is_all_that_was_seen_of_it(reader: FlaskClient, market: Store) -> None:
    assert table(reader)["Onda Sur"]["up_share"] == ""
    with market.unit() as unit:
        for code, good, down in (("a0", 900, 100), ("a1", 300, 0), ("b0", 50, 0)):
            row = {"school": code, "as_of": "2026-11-24", "days": 10, "good_slots": good, "down_slots": down}
            unit.connection.execute(insert(AVAILABILITY_NOW).values(**row, unobserved_slots=5))
        newness.raise_availability(unit)
        unit.commit()
    found = table(reader)
    assert float(found["Onda Sur"]["up_share"]) == pytest.approx(1200 / 1300)
    assert float(found["Cable Brava"]["up_share"]) == 1.0
    page = unescape(reader.get("/providers").text)
    assert re.search(r'href="/schools\?provider=Onda\+Sur&sort=availability">92\.3\u00a0%<', page)


def test_evidence_is_counted_as_its_own_page_does_and_the_tests_by_cable_are_rows(
    reader: FlaskClient, market: Store
) -> None:
    zone, rows = ZoneInfo(pages_world.ZONE), []
    with market.unit() as unit:
        packs.add(unit, Pack("p0", "a0", 1, "ana", "2026-11-01", "2026-11-23", "outside", "en", 30, "", ""), b"")
        base = dict(
            unit.connection.execute(select(MEASUREMENTS).where(MEASUREMENTS.c.school == "a0")).mappings().first() or {}
        )
        for code, days in (("a0", 3), ("a1", 2), ("a2", 0)):
            for day, at in product(range(days), range(20)):
                hour, minute = divmod((5 * 60 if at < 10 else 18 * 60) + 6 * at, 60)
                start = datetime(2026, 11, 16 + 2 * day, hour, minute, tzinfo=zone)
                at_ms = round(start.timestamp() * 1000)
                new = {"school": code, "device": f"d-{code}-1", "rid": f"e-{at_ms}", "started_ms": at_ms}
                rows.append({**base, **new, "received_ms": at_ms + 9_000, "votes": False, "exclusion": "out_of_hours",
                             "medium": "ethernet", "link_bps": 10**9, "download_steady_s": 3.0,
                             "download_stop_reason": "precise"})  # fmt: skip
        unit.connection.execute(insert(MEASUREMENTS), rows)
        unit.commit()
    page = unescape(reader.get("/providers?of=Onda+Sur").text.split('id="schools"')[1].split("</section>")[0])
    said = dict(re.findall(r'href="/schools/(a\d)/evidence">([^<]+)<', page))
    assert said == {"a0": "30 of 30", "a1": "20 of 30", **dict.fromkeys(("a2", "a3", "a4", "a5"), "none yet")}
    for code, shown in said.items():
        listed = reader.get(f"/schools/{code}/evidence?reason=counts&show=all").text
        counted = re.findall(r"1 to \d+ of (\d+)<", listed)
        assert counted == ([] if shown == "none yet" else [shown.split()[0]]), code
    links = re.findall(r'href="(/schools/(a\d)/tests\?[^"]+medium=ethernet[^"]*)">(\d+) tests by cable<', page)
    assert len(links) == 6
    found = {row["school"]: row for row in csv.DictReader(io.StringIO(reader.get("/providers/schools.csv").text))}
    with market.reader() as snapshot:
        for address, code, shown in links:
            since_ms = datetime(2026, 10, 26, tzinfo=ZoneInfo(pages_world.ZONE)).timestamp() * 1000
            asked = text(
                "SELECT count(*) FROM measurements "
                "WHERE school = :code AND votes AND medium = 'ethernet' AND started_ms >= :since"
            )
            assert snapshot.connection.scalar(asked, {"code": code, "since": since_ms}) == int(shown) > 0
            assert found[code]["cable_tests_30_days"] == shown
            count = re.search(r'class="found"><b>(\d+) of', reader.get(address).text)
            assert count and count[1] == shown, address
    assert (found["a0"]["evidence_pack_tests"], found["a2"]["evidence_pack_tests"]) == ("30", "")


def test_a_delay_off_the_axis_stands_at_its_end() -> None:
    at = {ms: compare.delay_dumbbell(None, ms, 200.0, "x") for ms in (0.1, 5.0, 150.0, 2_000.0, 90_000.0)}
    assert at[0.1] == at[5.0] and at[2_000.0] == at[90_000.0]
    assert "m-meets" in at[150.0] and "m-below" in at[2_000.0]
    assert "m-ink" in compare.delay_dumbbell(30.0, 400.0, None, "x")


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
    page = unescape(reader.get("/providers").text).split("<main")[1]
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
