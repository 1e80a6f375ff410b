"""Progress over time: counts are those of a recount, and lead to their schools."""

import csv
import io
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS
from collector.web.words import target_words
from tests.fakes import summed_up

RECOUNT = """
SELECT e.school, e.verdict FROM evaluations e WHERE e.day BETWEEN :first AND :last
AND e.profile = 'un-umc-2030' AND e.metric = 'download_bps' AND NOT EXISTS (
SELECT 1 FROM evaluations n WHERE n.school = e.school AND n.day > e.day AND n.day <= :last)
"""


def table(client: FlaskClient, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(f"/progress.csv{query}").text)))


def recount(store: Store, first: str, last: str) -> dict[str, str]:
    with store.reader() as snapshot:
        return dict(snapshot.connection.execute(text(RECOUNT), {"first": first, "last": last}).all())  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["month", "week"])
def test_counts_are_those_of_a_recount(admin: FlaskClient, country: Store, by: str) -> None:
    rows = table(admin, f"?by={by}")
    assert len(rows) >= 2
    before: dict[str, str] = {}
    for row in rows:
        now = recount(country, row["first_day"], row["last_day"])
        for name in ("MEETS", "BORDERLINE", "BELOW", "INSUFFICIENT", "NOT_TESTABLE"):
            assert int(row[f"schools_{name.lower()}"]) == list(now.values()).count(name)
        assert int(row["schools_without_verdict"]) == 5 - len(now)
        fell = [
            code for code, verdict in now.items() if verdict == "BELOW" and before.get(code) in ("MEETS", "BORDERLINE")
        ]
        assert int(row["newly_below"]) == len(fell)
        assert int(row["recovered"]) == sum(
            verdict == "MEETS" and before.get(code) == "BELOW" for code, verdict in now.items()
        )
        before = now


def test_every_number_is_a_link_to_as_many_schools(admin: FlaskClient) -> None:
    page = unescape(admin.get("/progress?by=week").text).split("<tbody>")[1]
    links = re.findall(r'href="(/progress\?[^"#]+)#schools">(\d+)<', page)
    assert len(links) >= 16
    for address, shown in links:
        listed = admin.get(address).text
        found = re.search(r'<h2 id="schools">[^<]+\((\d+)\)</h2>', listed)
        assert found and found.group(1) == shown, address
        rows = admin.get(address.replace("/progress?", "/progress/schools.csv?")).text.splitlines()
        assert len(rows) == int(shown) + 1


def test_who_fell_is_named_with_both_verdicts(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        past = (EVALUATIONS.c.school == "00123") & (EVALUATIONS.c.day < "2026-11-01")
        unit.connection.execute(update(EVALUATIONS).where(past).values(verdict="MEETS"))
        summed_up.renew_all(unit)
        unit.commit()
    assert table(admin)[-1]["newly_below"] == "1"
    page = admin.get("/progress?list=FELL&at=2026-11-01").text.split('id="schools"')[1]
    assert "Escuela Ñandú" in page and page.index("v-meets") < page.index("v-below")


def test_filters_live_in_the_address(admin: FlaskClient) -> None:
    row = table(admin, "?provider=Cable+Brava")[-1]
    assert int(row["schools_with_verdict"]) + int(row["schools_without_verdict"]) == 1
    assert table(admin, "?area=Nowhere") == []
    page = admin.get("/progress?by=week&area=Los+Cayos").text
    assert "area=Los+Cayos" in page and "by=week" in page
    assert "Nothing is judged yet" in admin.get("/progress?area=Nowhere").text


def test_a_new_version_of_the_profile_is_marked_on_the_axis(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        later = EVALUATIONS.c.day >= "2026-11-01"
        unit.connection.execute(update(EVALUATIONS).where(later).values(profile_version="2026-11-01"))
        summed_up.renew_all(unit)
        unit.commit()
    page = admin.get("/progress").text
    assert page.count("new version of the profile") >= 2 and "2026-11-01" in page


def test_each_period_names_the_target_that_held_then(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        later = EVALUATIONS.c.day >= "2026-11-01"
        to = {"target_profile": "eu-gigabit", "profile_version": "2016-09-14"}
        unit.connection.execute(update(EVALUATIONS).where(later).values(**to))
        summed_up.renew_all(unit)
        unit.commit()
    page = unescape(admin.get("/progress").text)
    rows = page.split('id="table"')[1].split("<tbody>")[1].split("</tr>")
    november, october = (next(row for row in rows if f"{name} 2026" in row) for name in ("November", "October"))
    names = {one: english_of(one) for one in ("eu-gigabit", "un-umc-2030")}
    assert f"Target: {names['eu-gigabit']}<" in november and "another target" in november
    assert f"Target: {names['un-umc-2030']}<" in october and "another target" not in october
    assert page.split('id="table"')[0].count("another target") == 2  # in the picture for wide screens and for phones
    by_month = {row["first_day"]: row["target_profiles"] for row in table(admin)}
    assert by_month["2026-11-01"] == "eu-gigabit 2016-09-14"
    assert by_month["2026-10-01"].startswith("un-umc-2030 ")


def english_of(profile: str) -> str:
    return target_words.shipped().newest(profile).names["en"]
