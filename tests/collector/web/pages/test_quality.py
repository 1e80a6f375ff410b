"""Data quality: every count is the one of a recount, and leads to its rows."""

import csv
import io
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, text, update

from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import CONFLICTS, MEASUREMENTS, QUARANTINE
from collector.store.tables.registry import SCHOOLS
from collector.web.views import issues
from collector.web.words import terms
from tests.fakes.pages_world import NOW_MS

SINCE_MS = NOW_MS - 13 * 86_400_000 - 620 * 60_000  # midnight in Barbados, thirteen days before

RECOUNTS = {
    "clock": "SELECT count(*) FROM devices WHERE abs(clock_offset_ms) > 300000",
    "conflicts": "SELECT count(DISTINCT device) FROM conflicts",
    "rolled_back": "SELECT count(*) FROM devices WHERE is_volatile",
    "new_store": "SELECT count(*) FROM devices WHERE lineages > 1",
    "copied": "SELECT count(*) FROM devices WHERE replaces IS NOT NULL",
    "lost": "SELECT count(*) FROM devices WHERE coalesce(ledger_dead, 0) + coalesce(ledger_dropped, 0) > 0",
    "quarantined": "SELECT count(DISTINCT device) FROM quarantine",
    "no_place": "SELECT count(*) FROM schools WHERE latitude IS NULL",
    "zero_place": "SELECT count(*) FROM schools WHERE latitude = 0 AND longitude = 0",
    "far_away": "SELECT count(*) FROM schools WHERE code = '00123'",
    "coarse_place": "SELECT count(*) FROM schools WHERE (latitude <> 0 OR longitude <> 0)"
    " AND round(CAST(latitude AS NUMERIC), 2) = CAST(latitude AS NUMERIC)"
    " AND round(CAST(longitude AS NUMERIC), 2) = CAST(longitude AS NUMERIC)",
    "twice": "SELECT count(*) FROM schools WHERE code IN ('00202', '00203')",
    "no_area": "SELECT count(*) FROM schools WHERE area IS NULL",
    "no_pupils": "SELECT count(*) FROM schools WHERE students_total IS NULL",
    "zero_pupils": "SELECT count(*) FROM schools WHERE students_total = 0",
    "many_pupils": "SELECT count(*) FROM schools WHERE students_total > 10000",
    "staff": "SELECT count(*) FROM schools WHERE staff > 200",
    "no_provider": "SELECT count(*) FROM schools WHERE provider IS NULL",
    "no_contract": "SELECT count(*) FROM schools WHERE contract_download_mbps IS NULL",
    "odd_contract": "SELECT count(*) FROM schools WHERE contract_download_mbps > 10000",
    "no_technology": "SELECT count(*) FROM schools WHERE technology IS NULL",
}


@pytest.fixture
def odd(country: Store) -> Store:
    """A country in which each thing is wrong somewhere."""
    schools = {
        "00123": {"latitude": 0.0, "longitude": 0.0, "students_total": 12_000},
        "00200": {
            "area": None,
            "provider": None,
            "technology": None,
            "contract_download_mbps": 30_000.0,
            "latitude": None,
        },
        "00201": {"students_total": 0, "staff": 201},
        "00202": {"latitude": 13.1001, "longitude": -59.5001},
        "00203": {
            "name": "Alba",
            "name_folded": "alba",
            "latitude": 13.1002,
            "longitude": -59.5002,
            "students_total": None,
        },
    }
    pcs = {
        "d-00123-1": {"clock_offset_ms": -400_000, "is_volatile": True, "lineages": 3},
        "d-00200-1": {"clock_offset_ms": 299_000, "ledger_dropped": 4, "ledger_dead": 1},
        "d-00200-2": {"replaces": "d-00123-1", "ledger_dead": 2},
    }
    kept = {"device": "d-00201-1", "body": "{}", "received_ms": NOW_MS}
    with country.unit() as unit:
        for code, values in schools.items():
            unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == code).values(values))
        for device, values in pcs.items():
            unit.connection.execute(update(DEVICES).where(DEVICES.c.device == device).values(values))
        unit.connection.execute(
            insert(CONFLICTS), [kept | {"rid": str(number), "content_hash": "0"} for number in range(2)]
        )
        unit.connection.execute(insert(QUARANTINE), [kept | {"body_hash": "0", "reason": "KeyError"}])
        failed = MEASUREMENTS.c.device == "d-00201-1"
        unit.connection.execute(update(MEASUREMENTS).where(failed).values(votes=False, exclusion="failed"))
        unit.commit()
    return country


def counts(client: FlaskClient, query: str = "") -> dict[tuple[str, str], tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(client.get(f"/quality.csv{query}").text))
    return {(row["kind"], row["issue"]): (row["count"], row["of"]) for row in rows}


@pytest.mark.parametrize("key", RECOUNTS)
def test_counts_of_computers_and_schools_are_those_of_a_recount(admin: FlaskClient, odd: Store, key: str) -> None:
    with odd.reader() as snapshot:
        expected = snapshot.connection.scalar(text(RECOUNTS[key]))
    kind = issues.ISSUES[key].kind
    assert counts(admin)[kind, key][0] == str(expected) and expected
    page = admin.get(f"/quality/{key}").text
    assert f"1 to {expected} of {expected}" in page
    assert len(admin.get(f"/quality/{key}.csv").text.splitlines()) == expected + 1


def test_tests_set_aside_are_those_of_a_recount_by_reason(admin: FlaskClient, odd: Store) -> None:
    raw = "SELECT exclusion, count(*) FROM measurements WHERE NOT votes AND started_ms >= :since GROUP BY exclusion"
    with odd.reader() as snapshot:
        expected = dict(snapshot.connection.execute(text(raw), {"since": SINCE_MS}).all())
        total = snapshot.connection.scalar(
            text("SELECT count(*) FROM measurements WHERE started_ms >= :since"), {"since": SINCE_MS}
        )
    assert set(expected) == {"failed", "busy_line"}
    found = counts(admin)
    for reason, count in expected.items():
        assert found["test", reason] == (str(count), str(total))
        rows = list(csv.DictReader(io.StringIO(admin.get(f"/quality/aside.csv?reason={reason}").text)))
        assert sum(int(row["tests"]) for row in rows) == count
    share = f"{sum(expected.values()) / (total or 1) * 100:.0f}\u00a0% of the tests of the last 14 days were set aside"
    assert share in unescape(admin.get("/quality").text)


def test_the_tests_of_a_row_lead_to_them(admin: FlaskClient, odd: Store) -> None:
    page = unescape(admin.get("/quality/aside?reason=busy_line&days=28").text)
    links = re.findall(r'href="(/schools/[^"#]+/tests[?][^"]+)">(\d+)<', page)
    assert len(links) > 1
    for address, shown in links:
        tests = admin.get(address).text.split('id="tests"')[1]
        assert f"1 to {shown} of {shown}<" in tests and "other traffic on the line" in tests, address


def test_every_count_of_the_page_is_a_link_to_as_many_rows(admin: FlaskClient, odd: Store) -> None:
    page = unescape(admin.get("/quality").text)
    links = re.findall(r'href="(/[^"]+)"><b>(\d+)<', page)
    assert (
        len(links) == 2 + len(issues.ISSUES) - 1 + 2
    )  # two reasons, every issue of a computer or school, two verdicts
    for address, shown in links:
        listed = admin.get(address).text
        if "/aside" in address:
            continue  # by device; their sum is held above
        found = re.search(r'class="found"><b>(\d+) ', listed)
        assert found and found.group(1) == shown, address


def test_filters_live_in_the_address(admin: FlaskClient, odd: Store) -> None:
    assert counts(admin, "?area=Los+Cayos")["school", "zero_place"] == ("0", "0")
    assert counts(admin, "?provider=Cable+Brava")["device", "conflicts"][0] == "1"
    assert counts(admin, "?area=Norte")["device", "lost"][0] == "0"
    assert ("test", "busy_line") not in counts(admin, "?provider=Cable+Brava")
    assert int(counts(admin, "?days=28")["test", "failed"][0]) > int(counts(admin, "?days=7")["test", "failed"][0])
    page = admin.get("/quality?provider=Cable+Brava&days=28").text
    assert "/quality/aside?reason=failed&amp;provider=Cable+Brava&amp;days=28" in page


def test_what_is_odd_about_a_school_says_its_figure_and_whom_it_has_to_do_with(
    admin: FlaskClient, viewer: FlaskClient, odd: Store
) -> None:
    page = admin.get("/quality/twice").text
    assert '<a href="/schools/00203">00203</a>' in page and '<a href="/schools/00202">00202</a>' in page
    assert "/admin/registry/history?of=00202" in page
    assert "/admin/registry" not in viewer.get("/quality/twice").text
    assert "km to the nearest other school" in admin.get("/quality/far_away").text
    (row,) = csv.DictReader(io.StringIO(admin.get("/quality/staff.csv").text))
    assert (row["school"], row["figure"], row["others"]) == ("00201", "201", "")


def test_a_check_is_made_anew_once_a_school_has_changed(admin: FlaskClient, odd: Store) -> None:
    assert counts(admin)["school", "many_pupils"][0] == "1"
    with odd.unit() as unit:
        mended = update(SCHOOLS).where(SCHOOLS.c.code == "00123").values(students_total=12, updated_ms=NOW_MS + 1)
        unit.connection.execute(mended)
        unit.commit()
    assert counts(admin)["school", "many_pupils"][0] == "0"


def test_what_nobody_knows_is_no_issue(admin: FlaskClient) -> None:
    for address in ("/quality/nothing", "/quality/aside", "/quality/aside?reason=x", "/quality/nothing.csv"):
        assert admin.get(address).status_code == 404, address
    assert "Nothing to mend here." in admin.get("/quality/copied").text


def test_a_test_without_a_school_is_counted_too(admin: FlaskClient, odd: Store) -> None:
    with odd.unit() as unit:
        stray = MEASUREMENTS.c.device == "d-00200-2"
        unit.connection.execute(update(MEASUREMENTS).where(stray).values(school=None, exclusion="not_assigned"))
        unit.commit()
    assert int(counts(admin)["test", "not_assigned"][0]) > 0
    page = admin.get("/quality/aside?reason=not_assigned").text
    assert "no school" in page and "d-00200-2" in page


def test_without_tests_the_page_says_so(admin: FlaskClient, odd: Store) -> None:
    with odd.unit() as unit:
        unit.connection.execute(delete(MEASUREMENTS))
        unit.commit()
    page = admin.get("/quality").text
    assert "No test in the last 14 days" in page and "Every test counts." in page


def test_words_are_there_for_every_reason() -> None:
    assert {issue.kind for issue in issues.ISSUES.values()} == set(issues.ROW_OF)
    assert len(terms.EXCLUSIONS) > 10


@pytest.mark.sqlite
def test_the_page_reads_only_what_was_set_aside(odd: Store) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT exclusion, count(*), count(DISTINCT school), count(DISTINCT device) "
        "FROM measurements WHERE exclusion IS NOT NULL AND started_ms >= 1 GROUP BY exclusion"
    )
    with odd.reader() as snapshot:
        plan = str(snapshot.connection.execute(text(query)).all())
    assert "COVERING INDEX ix_measurements_aside" in plan
