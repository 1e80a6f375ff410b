"""Schools, one school, flags, devices, exports: what each of them has to get right."""

import csv
import io
import re
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update

from collector.store.open import Store
from collector.store.queries import devices
from collector.store.queries.devices import DeviceKey
from collector.store.tables.availability import AVAILABILITY_NOW
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import EVALUATIONS, PERIOD_VERDICTS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.people import SESSIONS
from collector.store.tables.registry import CALENDAR_DAYS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.pages_world import NOW_MS, Place


def names(page: str) -> list[str]:
    return re.findall(r'class="name" href="/schools/[^"]+">([^<]+)<', page)


def test_search_folds_capitals_and_accents_and_takes_codes(store: Store) -> None:
    base = Place("A1", "ÁNGELA RAMÍREZ", 1.0, tests_a_day=0)
    pages_world.add_people(store)
    others = [
        replace(base, code="A2", name="Escola Érico Veríssimo"),
        replace(base, code="00123", name="COLEGIO ÑANDÚ"),
    ]
    pages_world.seed(store, [base, *others], days_back=1)
    client = make_app(store).test_client()
    sign_in(client, "ana")
    for text, name in {
        "ángela": "ÁNGELA RAMÍREZ", "ÁNGELA": "ÁNGELA RAMÍREZ", "angela": "ÁNGELA RAMÍREZ",
        "érico": "Escola Érico Veríssimo", "ÉRICO": "Escola Érico Veríssimo", "ñandú": "COLEGIO ÑANDÚ",
        "00123": "COLEGIO ÑANDÚ",
    }.items():  # fmt: skip
        page = client.get("/schools", query_string={"q": text}).text
        assert names(page) == [name], text
        assert "1 of 3 schools" in page
    assert names(client.get("/schools?q=%25").text) == []
    assert names(client.get("/schools?q=_").text) == []


def test_names_sort_as_people_expect_and_backwards_exactly(store: Store) -> None:
    order = ["Álamo", "alba", "Écija", "Escuela", "Nube", "Ñandú", "Oasis", "Zapata"]
    base = Place("x", "x", 1.0, tests_a_day=0)
    mixed = [5, 0, 7, 3, 1, 6, 4, 2]
    pages_world.add_people(store)
    pages_world.seed(store, [replace(base, code=f"c{at}", name=order[at]) for at in mixed], days_back=1)
    client = make_app(store).test_client()
    sign_in(client, "ana")
    assert names(client.get("/schools?sort=name").text) == order
    assert names(client.get("/schools?sort=name&order=down").text) == order[::-1]


def test_filters_live_in_the_address_and_can_be_taken_away(admin: FlaskClient) -> None:
    page = admin.get("/schools?verdict=BELOW&area=Norte").text
    assert names(page) == ["Escuela Ñandú"]
    assert "1 of 5 schools" in page
    assert 'href="/schools?area=Norte"' in page and 'href="/schools?verdict=BELOW"' in page
    assert names(admin.get("/schools?verdict=NONE").text) == ["Écija"]
    assert names(admin.get("/schools?provider=Cable+Brava").text) == ["Zapata"]


def test_an_unknown_filter_or_order_is_none(admin: FlaskClient) -> None:
    for address in ("/schools?verdict=QUITE_FAST", "/schools?sort=code;DROP", "/schools?order=sideways&sort=heard"):
        answer = admin.get(address)
        assert answer.status_code == 200 and len(names(answer.text)) == 5, address


def test_headings_say_how_the_list_is_sorted(admin: FlaskClient) -> None:
    page = admin.get("/schools").text
    assert page.count('aria-sort="ascending"') == 1 and 'href="/schools?order=down"' not in page.split("<tbody")[1]
    page = admin.get("/schools?sort=pupils&order=down").text
    assert page.count('aria-sort="descending"') == 1


def test_columns_are_chosen_in_the_address_and_kept_with_the_view(admin: FlaskClient) -> None:
    def headings(address: str) -> list[str]:
        head = admin.get(address).text.split("<thead>")[1].split("</thead>")[0]
        return [re.sub(r"<[^>]+>|[↑↓]", " ", one).split()[0] for one in re.findall(r"<th[^>]*>(.+?)</th>", head)]

    assert headings("/schools") == [
        "School",
        "Verdict",
        "Typical",
        "Target",
        "Against",
        "Tests",
        "30",
        "Line",
        "Pupils",
        "Last",
    ]
    assert (
        headings("/schools?cols=heard&cols=verdict")
        == headings("/schools?cols=verdict,heard,x")
        == [*("School", "Verdict", "Last")]
    )
    assert headings("/schools?cols=nothing") == headings("/schools")
    page = admin.get("/schools?verdict=BELOW&cols=verdict,heard").text
    assert page.split("<tbody>")[1].split("</tr>")[0].count("<td") == 2
    form = page.split('<details class="more columns">')[1].split("</form>")[0]
    assert 'name="verdict" value="BELOW"' in form and form.count(" checked") == 2
    assert 'name="cols" value="verdict,heard"' in page.split('class="filters"')[1].split("</form>")[0]
    token = token_of(page)
    to = admin.post("/schools?cols=heard&cols=verdict", data={"csrf_token": token, "name": "Short"}).location
    assert to == "/schools?cols=verdict%2Cheard" and len(headings(to)) == 3


def test_a_long_list_is_cut_with_a_way_to_all(store: Store) -> None:
    pages_world.add_people(store)
    base = Place("x", "x", 1.0, tests_a_day=0)
    pages_world.seed(store, [replace(base, code=f"{at:05d}", name=f"Escuela {at}") for at in range(60)], days_back=0)
    client = make_app(store).test_client()
    sign_in(client, "ana")
    page = client.get("/schools?sort=name").text
    assert len(names(page)) == 50 and "1 to 50 of 60" in page
    assert len(names(client.get("/schools?sort=name&show=all").text)) == 60


def test_a_school_keeps_its_zeros_and_says_its_verdict(admin: FlaskClient) -> None:
    page = admin.get("/schools/00123").text
    assert "Code 00123" in page
    assert re.search(r"<b>\d+ of \d+</b> valid tests in the last 10 school days reached the target of <b>20", page)
    assert "Below target since" in page
    assert page.count("<svg") > 3 and 'class="history narrow"' in page
    assert "America/Barbados, UTC−4" in page
    assert admin.get("/schools/123").status_code == 404


def test_the_tests_of_the_window_are_the_number_that_the_sentence_says(admin: FlaskClient) -> None:
    page = admin.get("/schools/00123").text
    address, shown = re.search(r'href="(/schools/00123/tests\?from=[^"]+counts=yes)">(\d+) tests<', page).groups()  # type: ignore[union-attr]
    listed = admin.get(address.replace("&amp;", "&")).text
    assert f"1 to {shown} of {shown}" in listed
    assert listed.split('id="tests"')[1].count('data-l="Counts?">Yes') == int(shown)


def test_a_test_that_does_not_count_says_why(admin: FlaskClient, country: Store) -> None:
    values = {"status": "failed", "failure_code": "portal", "votes": False, "exclusion": "failed", "download_bps": None}
    with country.unit() as unit:
        newest = select(MEASUREMENTS.c.rid).where(MEASUREMENTS.c.school == "00123")
        rid = unit.connection.execute(newest.order_by(MEASUREMENTS.c.started_ms.desc())).scalar()
        unit.connection.execute(update(MEASUREMENTS).where(MEASUREMENTS.c.rid == rid).values(values))
        unit.commit()
    page = admin.get("/schools/00123").text
    assert "No: a sign-in page stood in the way" in page


def test_a_clock_years_off_stretches_no_chart_and_is_named(admin: FlaskClient, country: Store) -> None:
    year_ms = 31_557_600_000
    with country.unit() as unit:
        row = unit.connection.execute(select(MEASUREMENTS).where(MEASUREMENTS.c.school == "00123")).mappings().first()
        assert row is not None
        for sign in (-17, 10):
            odd = {**row, "rid": f"odd{sign}", "started_ms": NOW_MS + sign * year_ms, "votes": False}
            unit.connection.execute(insert(MEASUREMENTS).values(odd | {"exclusion": "time_unsure"}))
            device = {"device": f"d-00123-{1 if sign > 0 else 2}"}
            unit.connection.execute(
                update(DEVICES).where(DEVICES.c.device == device["device"]).values(clock_offset_ms=sign * year_ms)
            )
        unit.commit()
    page = admin.get("/schools/00123").text
    chart = page.split('aria-labelledby="history"')[1].split("</section>")[0]
    assert "2009" not in chart and "2036" not in chart and "Nov<" in chart
    assert "in 10 years" not in page
    fleet = admin.get("/devices?standing=clock").text
    assert "Its clock is 17 years behind." in fleet and "Its clock is 10 years ahead." in fleet
    assert "3 devices" in fleet, "and the one of the invented country"


def test_a_wrong_clock_is_seen_on_every_page_that_names_the_computer(admin: FlaskClient, country: Store) -> None:
    with country.reader() as snapshot:
        query = select(DEVICES.c.device).where(func.abs(DEVICES.c.clock_offset_ms) > 300_000)
        assert snapshot.connection.scalars(query).all() == ["d-00203-2"]
    sentence = "Its clock is 17 years behind."
    for address in ("/devices?standing=clock", "/quality/clock", "/schools/00203"):
        page = admin.get(address).text
        assert page.count(sentence) == 1 and "d-00203-2" in page, address
    assert sentence not in admin.get("/schools/00123").text
    tile = admin.get("/devices").text.split('href="/devices?standing=clock"')[1].split("</a>")[0]
    assert tile.endswith(">1")


def test_days_off_are_hatched_by_the_nearest_calendar(admin: FlaskClient, country: Store) -> None:
    before = admin.get("/schools/00123").text.count('class="c-off"')
    rows = [
        {"calendar": "default", "day": "2026-11-24", "kind": "holiday", "note": None},
        {"calendar": "default", "day": "2026-11-01", "kind": "holiday", "note": None},
        {"calendar": "area:Los Cayos", "day": "2026-11-24", "kind": "closure", "note": None},
    ]
    with country.unit() as unit:
        unit.connection.execute(delete(MEASUREMENTS).where(MEASUREMENTS.c.started_ms > NOW_MS - 12 * 3_600_000))
        unit.connection.execute(insert(CALENDAR_DAYS), rows)
        unit.commit()
    hatched = admin.get("/schools/00123").text.count('class="c-off"')
    assert hatched == before + 2  # in the wide picture and in the narrow one; a Sunday takes no room
    with country.unit() as unit:
        own = {"calendar": "school:00123", "day": "2026-11-24", "kind": "open", "note": None}
        unit.connection.execute(insert(CALENDAR_DAYS), [own])
        unit.commit()
    assert admin.get("/schools/00123").text.count('class="c-off"') == before


def test_a_flag_shows_evidence_numbers_and_history(admin: FlaskClient) -> None:
    listed = admin.get("/flags").text
    flag = re.search(r'class="name" href="(/flags/F-00123-[^"]+)"', listed)
    assert flag
    page = admin.get(flag.group(1)).text
    for words in (
        "Below what was paid for?",
        "Yes: ",
        "Valid tests, n",
        "Interval, 90\u00a0%",
        "Flag opened",
        "Set aside",
    ):
        assert words in page, words


def test_the_button_approves_the_key_that_it_names(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        for number, name in enumerate(("a" * 16, "b" * 16)):
            devices.add_key(unit, DeviceKey("d-00200-1", name, f"key {name}", "pending", NOW_MS + number, None))
        unit.commit()
    page = admin.get("/devices?standing=pending").text
    for name in "ab":
        assert f'name="key" value="{name * 16}"' in page and f"<code>{name * 8}</code>" in page
    address, token = "/devices/d-00200-1/approve", token_of(page)
    for wrong in ({}, {"key": "c" * 16}):
        assert admin.post(address, data={"csrf_token": token, **wrong}).status_code == 404
    assert admin.post(address, data={"csrf_token": token, "key": "a" * 16}).status_code == 303
    with country.reader() as snapshot:
        states = {key.key_id[0]: key.state for key in devices.list_keys_of(snapshot, "d-00200-1")}
    assert (states["a"], states["b"]) == ("active", "revoked")


def test_a_speed_that_is_a_lower_bound_says_so_in_both_directions(admin: FlaskClient, country: Store) -> None:
    bounds = {"download_lower_bound": False, "upload_lower_bound": True, "upload_bps": 67_200_000}
    with country.unit() as unit:
        unit.connection.execute(update(MEASUREMENTS).where(MEASUREMENTS.c.school == "00123").values(bounds))
        unit.commit()
    page = admin.get("/schools/00123").text
    rows = page.count('data-l="Up">67.2 ')
    assert rows > 0
    assert page.count(">or more<") == rows


def test_a_device_never_heard_is_silent_from_the_next_school_day_on(admin: FlaskClient, country: Store) -> None:
    def silent_ones() -> int:
        found = re.search(r"of \d+ w(?:as|ere) expected", page := admin.get("/devices").text)
        assert found
        return int(re.findall(r"(\d+)\s*$", page[: found.start()])[0])

    before = silent_ones()
    device = DEVICES.c.device == "d-00200-1"
    with country.reader() as snapshot:
        heard = snapshot.connection.execute(select(DEVICES.c.last_contact_ms).where(device)).scalar_one()
    was_silent = heard < NOW_MS - 86_400_000
    for enrolled_ms, more in ((NOW_MS - 60_000, 0), (NOW_MS - 86_400_001, 1)):
        never = {"last_contact_ms": None, "enrolled_ms": enrolled_ms}
        with country.unit() as unit:
            unit.connection.execute(update(DEVICES).where(device).values(never))
            unit.commit()
        pages_world.note_silent(country)
        assert silent_ones() == before - was_silent + more
        line = admin.get("/devices?q=d-00200-1").text
        assert ("Not heard yet" in line, "Never heard." in line) == (not more, bool(more))
        assert ("d-00200-1" in names_of_devices(admin.get("/devices?standing=silent").text)) == bool(more)


def names_of_devices(page: str) -> list[str]:
    return re.findall(r"<small>[^<]*(d-[\w-]+)", page)


def test_an_administrator_approves_a_device(admin: FlaskClient, country: Store) -> None:
    with country.unit() as unit:
        unit.connection.execute(update(DEVICES).where(DEVICES.c.device == "d-00200-1").values(state="pending"))
        unit.commit()
    page = admin.get("/devices?standing=pending").text
    token = token_of(page)
    assert 'action="/devices/d-00200-1/approve"' in page
    answer = admin.post("/devices/d-00200-1/approve", data={"csrf_token": token})
    assert "d-00200-1 counts from the day of its enrolment on." in admin.get(answer.location).text
    with country.reader() as snapshot:
        state = snapshot.connection.execute(select(DEVICES.c.state).where(DEVICES.c.device == "d-00200-1")).scalar()
    assert state == "active"
    assert admin.post("/devices/nobody/approve", data={"csrf_token": token}).status_code == 404


def test_exports_have_all_rows_and_the_page_says_how_many(admin: FlaskClient) -> None:
    page = admin.get("/exports").text
    answer = admin.get("/exports/schools.csv")
    lines = answer.text.strip().split("\r\n")
    assert "attachment" in answer.headers["Content-Disposition"] and answer.mimetype == "text/csv"
    assert len(lines) == 6 and "00123" in answer.text and "5 rows" in page
    tests = admin.get("/exports/measurements.jsonl?school=00123")
    total = re.search(r"All (\d+) tests", admin.get("/schools/00123").text)
    assert total and len(tests.text.strip().split("\n")) == int(total.group(1))
    for wrong in ("/exports/users.csv", "/exports/schools.exe"):
        assert admin.get(wrong).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("school=zz", 404, "There is no school with the code zz, so there is no file."),
        ("from=2026-11-24&to=2026-11-23", 400, "The first day is after the last, so there is no file."),
        ("from=2026-02-30", 400, "One of the dates is no day that can be measured, so there is no file."),
    ],
)
def test_an_export_of_nothing_is_refused_with_a_sentence(
    admin: FlaskClient, asked: str, status: int, said: str
) -> None:
    for address in (f"/exports/file?table=measurements&format=csv&{asked}", f"/exports/measurements.csv?{asked}"):
        answer = admin.get(address)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert "Content-Disposition" not in answer.headers
        assert f"<b>{said}</b>" in answer.text
        assert "Which rows" in answer.text and 'name="table" value="measurements" checked' in answer.text
    same_day = "from=2026-11-24&to=2026-11-24&school=00123"
    assert admin.get(f"/exports/file?table=measurements&format=csv&{same_day}").mimetype == "text/csv"


def test_the_overview_counts_what_its_links_list(admin: FlaskClient) -> None:
    page = admin.get("/").text
    shown = re.findall(r"<b>([\d,]+)</b> <a href=\"(/schools\?verdict=[A-Z_]+)\"", page)
    assert sum(int(count) for count, _ in shown) == 5
    for count, address in shown:
        assert len(names(admin.get(address).text)) == int(count), address


def test_the_overview_compares_the_schools_that_were_judged_both_times(store: Store) -> None:
    pages_world.add_people(store)
    base = Place("a", "Escuela", 1.6, falls_on=None)
    places = [replace(base, code=f"m{at}") for at in range(3)] + [replace(base, code="b", factor=0.5)]
    places += [replace(base, code=f"f{at}", factor=0.5, falls_on=date(2026, 11, 9)) for at in range(2)]
    pages_world.seed(store, places, days_back=40)
    with store.unit() as unit:  # one that was not judged then
        unit.connection.execute(delete(PERIOD_VERDICTS).where(PERIOD_VERDICTS.c.school == "f1"))
        unit.commit()
    client = make_app(store).test_client()
    sign_in(client, "ana")
    monday, sunday = "2026-10-26", "2026-11-01"  # four weeks before that of the last day judged
    with store.reader() as snapshot:
        rows = snapshot.connection.execute(select(EVALUATIONS.c.day, EVALUATIONS.c.school, EVALUATIONS.c.verdict))
        days = sorted(map(tuple, rows))
    now = {school: verdict for _day, school, verdict in days}
    then = {school: verdict for day, school, verdict in days if monday <= day <= sunday and school != "f1"}
    both = [school for school in then if "INSUFFICIENT" not in (then[school], now[school])]
    assert sum(then[school] == "MEETS" for school in both) - sum(now[school] == "MEETS" for school in both) == 1
    assert "1 fewer than in the week to 1 November, of the schools judged both times." in client.get("/").text


def test_the_overview_says_what_a_month_changed_in_each_district_and_how_much_was_up(store: Store) -> None:
    pages_world.add_people(store)
    base = Place("a", "Escuela", 1.6, falls_on=None)
    places = [replace(base, code=f"n{at}") for at in range(2)]
    fell = {"factor": 0.5, "falls_on": date(2026, 11, 9)}
    places += [replace(base, code=f"s{at}", area="Los Cayos", **(fell if at else {})) for at in range(3)]
    pages_world.seed(store, [*places, replace(base, code="x", area="Poniente", tests_a_day=0)], days_back=40)
    with store.unit() as unit:
        for code, good, down in (("n0", 900, 100), ("n1", 500, 0), ("s0", 40, 60)):
            row = {"school": code, "as_of": "2026-11-24", "days": 10, "good_slots": good, "down_slots": down}
            unit.connection.execute(insert(AVAILABILITY_NOW).values(**row, unobserved_slots=5))
        unit.commit()
    client = make_app(store).test_client()
    sign_in(client, "ana")
    page = client.get("/").text
    table = page.split('id="areas"')[1].split("</table>")[0]
    shown = dict(re.findall(r'area=([^"]+)">[^<]+</a></th>.*?<td class="num no-phone">([^<]+)</td></tr>', table, re.S))
    assert shown == {"Norte": "=", "Los+Cayos": "\u22122", "Poniente": "–"}
    assert "2 fewer than in the week" in page
    assert re.search(r'href="/schools\?sort=availability"><u>[^<]+</u><span class="big"><b>90\.0\u00a0%</b>', page)
    cays = client.application.test_client()
    sign_in(cays, "cora")
    assert re.search(r'sort=availability"><u>[^<]+</u><span class="big"><b>40\.0\u00a0%</b>', cays.get("/").text)


def test_a_day_of_the_exports_is_a_day_wherever_the_school_stands(country: Store) -> None:
    answers = set()
    for zone in ("America/Barbados", "Asia/Kolkata", "Pacific/Kiritimati"):
        with country.unit() as unit:  # each of these worlds makes the same secrets
            unit.connection.execute(delete(SESSIONS))
            unit.commit()
        client = make_app(country, default_timezone=zone).test_client()
        sign_in(client, "ana")
        for table, column in (("evaluations", "day"), ("school_days", "day")):
            text = client.get(f"/exports/{table}.csv?from=2026-11-20&to=2026-11-20").text
            found = [row[column] for row in csv.DictReader(io.StringIO(text))]
            assert set(found) == {"2026-11-20"}
            answers.add((table, len(found)))
    assert len(answers) == 2


def test_tiles_show_what_their_links_list(admin: FlaskClient) -> None:
    page = admin.get("/").text
    tiles = dict(re.findall(r'class="tile" href="([^"]+)"><u>[^<]+</u><span class="big"><b>([\d,]+)</b>', page))
    assert len(names(admin.get("/schools?heard=today").text)) == int(tiles["/schools?heard=today"])
    assert len(names(admin.get("/schools?verdict=ENOUGH").text)) == int(tiles["/schools?verdict=ENOUGH"])
    silent = admin.get("/devices?standing=silent").text
    assert f"<b>{tiles['/devices?standing=silent']} device" in silent
    made = admin.get("/exports/measurements.csv?from=2026-11-24").text.strip().split("\r\n")
    assert len(made) - 1 == int(tiles["/exports/measurements.csv?from=2026-11-24"]) > 0
    chosen = admin.get("/exports/file?table=measurements&format=csv&from=2026-11-24&to=&school=").text
    assert chosen.strip().split("\r\n") == made
    assert admin.get("/exports/file").status_code == 404


def test_stale_verdicts_are_named(admin: FlaskClient, app: Flask) -> None:
    assert "The collector has not judged since" not in admin.get("/").text
    app.extensions["enlace_pages"].ports.clock.advance(40 * 3_600_000)
    sign_in(admin, "ana")
    assert "The collector has not judged since" in admin.get("/").text


@pytest.mark.parametrize("question", ["from=2026-02-30", "to=yesterday", "from=9999-12-31"])
def test_an_export_of_days_that_cannot_be_is_refused(admin: FlaskClient, question: str) -> None:
    assert admin.get(f"/exports/measurements.csv?{question}").status_code == 400
