"""The devices page: every number recounted from raw rows, each leading to its list; what is done to many at once."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select, update

from collector.store.open import Store
from collector.store.queries import given
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import SILENCES
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.people import AUDIT
from collector.store.tables.sites import NETWORK_DAYS
from tests.collector.web.pages.conftest import sign_in, token_of
from tests.fakes import pages_world
from tests.fakes.diary import SLOT_MS, a_day, stored
from tests.fakes.pages_world import NOW_MS
from tests.fakes.school_days import at_ms

DAY = 86_400_000
MIDNIGHT_MS = round(datetime(2026, 11, 24, 4, tzinfo=UTC).timestamp() * 1000)  # of Barbados


@pytest.fixture
def fleet(country: Store) -> Store:
    """PCs heard today, on Friday, three, four and five weeks ago, never; one retired, one that waits."""
    heard = {
        "d-00123-2": {"last_contact_ms": MIDNIGHT_MS - 1},
        "d-00200-1": {"last_contact_ms": NOW_MS - 21 * DAY},
        "d-00200-2": {"last_contact_ms": NOW_MS - 21 * DAY - 1, "is_volatile": True},
        "d-00201-1": {"last_contact_ms": NOW_MS - 28 * DAY},
        "d-00201-2": {"last_contact_ms": NOW_MS - 28 * DAY - 1},
        "d-00202-1": {"last_contact_ms": None, "ledger_ready": 5},
        "d-00203-1": {"state": "revoked", "last_contact_ms": NOW_MS - 40 * DAY},
        "d-00203-2": {"state": "pending"},
    }
    with country.unit() as unit:
        for device, values in heard.items():
            unit.connection.execute(update(DEVICES).where(DEVICES.c.device == device).values(values))
        unit.commit()
    pages_world.note_silent(country)
    return country


def raw(store: Store) -> list[dict[str, Any]]:
    with store.reader() as snapshot:
        found = [dict(row) for row in snapshot.connection.execute(select(DEVICES)).mappings()]
    return [row for row in found if row["state"] != "revoked"]


def since(row: dict[str, Any]) -> int:
    return int(row["enrolled_ms"] if row["last_contact_ms"] is None else row["last_contact_ms"])


def expected(store: Store) -> dict[str, int]:
    rows = raw(store)
    ages = [NOW_MS - since(row) for row in rows]
    return {
        "standing=today": sum((row["last_contact_ms"] or 0) >= MIDNIGHT_MS for row in rows),
        "standing=silent": sum(since(row) < MIDNIGHT_MS for row in rows),
        "standing=live": sum(age <= 21 * DAY for age in ages),
        "standing=at_risk": sum(21 * DAY < age <= 28 * DAY for age in ages),
        "standing=dropped": sum(age > 28 * DAY for age in ages),
        "standing=pending": sum(row["state"] == "pending" for row in rows),
        "standing=clock": sum(abs(row["clock_offset_ms"] or 0) > 300_000 for row in rows),
    }


def listed(client: FlaskClient, query: str) -> set[str]:
    return set(re.findall(r"<small>[^<]*(d-[\w-]+)", client.get(f"/devices?{query}&show=all").text))


def shown(page: str, query: str) -> int:
    (text, *_more) = re.findall(rf'href="/devices\?{query}"[^>]*>(.*?)</a>', page, re.DOTALL)
    number = re.search(r"<b>(\d+)</b>|(\d+)\s*$", text)
    assert number, text
    return int(number[1] or number[2])


def test_every_number_is_recounted_from_raw_rows_and_leads_to_them(admin: FlaskClient, fleet: Store) -> None:
    page = admin.get("/devices").text
    for query, count in expected(fleet).items():
        assert (query, shown(page, query)) == (query, count)
        assert len(listed(admin, query)) == count
    waiting = sum(row["ledger_ready"] or 0 for row in raw(fleet))
    assert f'by their own last count</th><td><a href="/devices?standing=holding">{waiting}</a></td>' in page
    holding = {row["device"] for row in raw(fleet) if row["ledger_ready"]}
    assert listed(admin, "standing=holding") == holding != set()
    assert f'<a href="/devices?version=0.1.0">{len(raw(fleet))}</a>' in page
    assert len(listed(admin, "version=0.1.0")) == len(raw(fleet)) and listed(admin, "version=9") == set()
    assert f"of {len(raw(fleet))} were expected" in page


def test_the_reasons_add_up_to_the_silent_and_lead_to_them(admin: FlaskClient, fleet: Store) -> None:
    page = admin.get("/devices").text
    table = page.split('aria-labelledby="why"')[1].split("</section>")[0]
    counts = {name: int(number) for name, number in re.findall(r'\?why=(\w+)">(\d+)</a>', table)}
    silent = listed(admin, "standing=silent")
    assert sum(counts.values()) == len(silent) > 3
    by_reason = {name: listed(admin, f"why={name}") for name in counts}
    assert set().union(*by_reason.values()) == silent
    assert {name: len(those) for name, those in by_reason.items()} == counts
    assert by_reason["never_heard"] == {"d-00202-1"} and "d-00200-2" in by_reason["volatile"]
    with fleet.reader() as snapshot:
        assert Counter(snapshot.connection.scalars(select(SILENCES.c.reason))) == counts


def test_who_is_heard_again_is_silent_no_more_before_the_next_run(admin: FlaskClient, fleet: Store) -> None:
    assert "d-00202-1" in listed(admin, "standing=silent")
    with fleet.unit() as unit:
        heard = update(DEVICES).where(DEVICES.c.device == "d-00202-1")
        unit.connection.execute(heard.values(last_contact_ms=NOW_MS - 1))
        unit.commit()
    assert "d-00202-1" not in listed(admin, "standing=silent") | listed(admin, "why=never_heard")
    assert "d-00202-1" in listed(admin, "standing=heard")


def test_the_page_asks_as_often_for_two_devices_as_for_all(admin: FlaskClient, fleet: Store) -> None:
    def asked(address: str) -> int:
        statements: list[str] = []
        with fleet.unit() as unit:
            engine = unit.connection.engine
        event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        assert admin.get(address).status_code == 200
        return len(statements)

    admin.get("/devices")
    assert asked("/devices?q=00200") == asked("/devices?q=")


def test_chosen_pcs_are_retired_by_an_administrator_alone(
    admin: FlaskClient, viewer: FlaskClient, fleet: Store
) -> None:
    page = admin.get("/devices").text
    chosen = {"csrf_token": token_of(page), "device": ["d-00201-2", "d-00202-1", "nobody"]}
    asked = admin.post("/devices/chosen", data=chosen).text
    assert "2 PCs chosen" in asked and "never heard" in asked
    assert len(listed(admin, "standing=revoked")) == 1, "nothing is done before it is asked"
    answer = admin.post("/devices/retire", data={**chosen, "csrf_token": token_of(asked)}, follow_redirects=True)
    assert "Retired." in answer.text
    assert listed(admin, "standing=revoked") == {"d-00203-1", "d-00201-2", "d-00202-1"}
    assert "d-00202-1" not in listed(admin, "standing=silent")
    with fleet.reader() as snapshot:
        query = select(AUDIT.c.subject).where(AUDIT.c.action == "device.revoke")
        assert set(snapshot.connection.scalars(query)) == {"d-00201-2", "d-00202-1"}
    assert viewer.post("/devices/retire", data={"device": "d-00201-1"}).status_code in (400, 403)


def test_nothing_chosen_is_said(admin: FlaskClient, fleet: Store) -> None:
    token = token_of(admin.get("/devices").text)
    for address in ("/devices/chosen", "/devices/retire"):
        answer = admin.post(address, data={"csrf_token": token, "device": "x\0y"}, follow_redirects=True)
        assert "No PC was chosen" in answer.text


WORDS = {
    "ok": "the Internet",
    "collector_down": "the Internet, but not our server",
    "dns_fail": "no name server",
    "no_internet": "the school&#39;s router, and nothing beyond",
    "portal": "a page to sign in at, or a filter",
    "no_gateway": "not the school&#39;s router",
    "link_down": "nothing: no cable and no Wi-Fi",
    "asleep": "asleep",
    "off": "switched off",
}


def of_row(page: str, device: str) -> str:
    """Return the words of a PC's diary in its row of the list."""
    row = next(one for one in page.split("<tr>") if f"· {device} ·" in one)
    cell = row.split('data-l="What it could reach">')[1].split("</td>")[0]
    return re.sub(r"<[^>]+>", "|", cell)


def test_each_word_of_a_diary_stands_on_the_page_and_in_the_exports(
    admin: FlaskClient, fleet: Store, app: Flask
) -> None:
    """Nine PCs, each with another last word, as the intake stores them."""
    pcs = dict(
        zip(WORDS, [f"d-{code}-{pc}" for code in ("00123", "00200", "00201", "00202") for pc in (1, 2)], strict=False)
    )
    pcs["off"] = "d-00203-2"
    rows = []
    with fleet.unit() as unit:
        for word, device in pcs.items():
            heard_ms = NOW_MS - 9 * DAY
            unit.connection.execute(update(DEVICES).where(DEVICES.c.device == device).values(last_contact_ms=heard_ms))
            runs = a_day(device, heard_ms - 6 * SLOT_MS, (3, "ok"), (3, word))
            rows += [one.row() for one in stored(device[2:7], runs, first=len(rows))]
        unit.connection.execute(insert(DIARY), rows)
        unit.commit()
    pages_world.note_silent(fleet)
    page = admin.get("/devices?show=all").text
    for word, device in pcs.items():
        told = of_row(page, device)
        assert told.split("|")[1] == WORDS[word], (word, told)
        assert ("before that: the Internet" in told) == (word != "ok")
    analyst = app.test_client()
    sign_in(analyst, "abel")
    listed_words = {row["device"]: row["last_word"] for row in csv_of(analyst, "/devices.csv")}
    assert {device: listed_words[device] for device in pcs.values()} == {pcs[word]: word for word in WORDS}
    exported = {(row["device"], row["state"]) for row in csv_of(analyst, "/exports/diary.csv")}
    assert {(device, word) for word, device in pcs.items()} <= exported


def csv_of(client: FlaskClient, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(address).text.lstrip("\ufeff"))))


def test_the_file_of_the_list_says_why_each_is_silent_and_whose_it_is(fleet: Store, app: Flask) -> None:
    with fleet.unit() as unit:
        given.give(unit, "d-00202-1", None, "otto")
        unit.commit()
    analyst = app.test_client()
    sign_in(analyst, "abel")
    rows = {row["device"]: row for row in csv_of(analyst, "/devices.csv?standing=silent")}
    with fleet.reader() as snapshot:
        found = {row.device: row for row in snapshot.connection.execute(select(SILENCES))}
    assert set(rows) == set(found)
    assert {device: row["silent_reason"] for device, row in rows.items()} == {d: row.reason for d, row in found.items()}
    assert all(int(row["silent_school_days"]) == found[device].school_days for device, row in rows.items())
    assert {row["given_to"] for row in rows.values()} == {"", "otto"} and rows["d-00202-1"]["given_to"] == "otto"
    assert {row["standing"] for row in rows.values()} == {"live", "at_risk", "dropped"}
    every = {row["device"]: row for row in csv_of(analyst, "/devices.csv")}
    assert every["d-00123-1"]["silent_reason"] == ""


def test_silent_pcs_are_given_to_somebody_until_they_are_heard(app: Flask, fleet: Store) -> None:
    otto = app.test_client()
    sign_in(otto, "otto")
    token = token_of(otto.get("/devices").text)
    chosen = {"csrf_token": token, "device": ["d-00202-1", "d-00201-2", "d-00123-1"]}
    asked = otto.post("/devices/chosen", data=chosen).text
    assert "2 of them are silent and can be given" in asked and "<option selected>otto" in asked
    assert "vera" not in asked.split('id="to"')[1].split("</select>")[0], "a viewer cannot act"
    assert otto.post("/devices/give", data={**chosen, "to": "vera"}).status_code == 404
    page = otto.post("/devices/give", data={**chosen, "to": "otto"}, follow_redirects=True).text
    assert "A PC that is heard again is nobody’s at once." in page
    assert listed(otto, "given=me") == listed(otto, "given=somebody") == {"d-00202-1", "d-00201-2"}
    assert "given to otto" in otto.get("/devices?q=d-00202-1").text
    ana = app.test_client()
    sign_in(ana, "ana")
    assert listed(ana, "given=me") == set() and len(listed(ana, "given=somebody")) == 2
    with fleet.unit() as unit:
        query = select(AUDIT.c.subject, AUDIT.c.actor, AUDIT.c.detail).where(AUDIT.c.action == "device.give")
        assert {tuple(row) for row in unit.connection.execute(query)} == {
            ("d-00202-1", "otto", "otto"),
            ("d-00201-2", "otto", "otto"),
        }
        unit.connection.execute(update(DEVICES).where(DEVICES.c.device == "d-00202-1").values(last_contact_ms=NOW_MS))
        unit.commit()
    assert listed(ana, "given=somebody") == {"d-00201-2"}
    answer = ana.post("/devices/give", data={**chosen, "csrf_token": token_of(ana.get("/devices").text), "to": ""})
    assert answer.location.endswith("done=taken") and listed(ana, "given=somebody") == set()


def test_a_part_of_the_country_gives_only_what_it_sees(app: Flask, fleet: Store) -> None:
    cleo = app.test_client()
    sign_in(cleo, "cleo")
    chosen = {"csrf_token": token_of(cleo.get("/devices").text), "device": ["d-00202-1", "d-00200-2"], "to": "cleo"}
    assert cleo.post("/devices/give", data=chosen).location.endswith("done=given")
    with fleet.reader() as snapshot:
        assert given.names(snapshot) == {"d-00200-2": "cleo"}


def test_who_is_heard_gives_nothing_to_follow_up(admin: FlaskClient, fleet: Store) -> None:
    chosen = {"csrf_token": token_of(admin.get("/devices").text), "device": "d-00123-1", "to": "ana"}
    assert "none of the chosen PCs is silent" in admin.post("/devices/give", data=chosen, follow_redirects=True).text
    asked = admin.post("/devices/chosen", data={**chosen}).text
    assert "None of them is silent" in asked


def test_a_pc_that_was_heard_last_elsewhere_leads_to_the_networks(admin: FlaskClient, fleet: Store) -> None:
    """Its school is seen on one network; the PC itself was on another on its last day."""
    seen = {"school": "00201", "as_name": "", "day": "2026-10-20", "in_hours": True, "asn": 64500}
    last = {**seen, "device": "d-00201-2", "day": "2026-10-27", "asn": 64511, "in_hours": False}
    with fleet.unit() as unit:
        unit.connection.execute(insert(NETWORK_DAYS), [{**seen, "device": "d-00201-1"}, last])
        unit.commit()
    pages_world.note_silent(fleet)
    page = admin.get("/devices").text
    table = page.split('aria-labelledby="why"')[1].split("</section>")[0]
    assert '<a href="/networks">Confirm the network, or ask where the PC is</a>' in table
    assert listed(admin, "why=network_changed") == {"d-00201-2"}


def test_the_days_on_which_pcs_were_heard_are_recounted_from_raw_rows(admin: FlaskClient, country: Store) -> None:
    """The picture, its table, the list of a day and the files say the same, and so do the rows."""
    page = admin.get("/devices/heard").text
    days = {day: int(shown) for day, shown in re.findall(r'href="/devices/heard\?day=([\d-]+)">(\d+)</a>', page)}
    assert len(days) >= 15 and max(days) == "2026-11-23" and "2026-11-22" not in days  # a Sunday
    with country.reader() as snapshot:
        tables = ((DIARY, DIARY.c.from_ms), (MEASUREMENTS, MEASUREMENTS.c.started_ms))
        said = [
            tuple(row)
            for table, began in tables
            for row in snapshot.connection.execute(select(table.c.device, table.c.received_ms, began))
        ]
    for day, shown in days.items():
        begin = at_ms(date.fromisoformat(day), "00:00", pages_world.ZONE)
        is_of = {pc for pc, came, began in said if begin <= came < begin + DAY and began > begin - DAY}
        assert shown == len(is_of), day
        one = admin.get(f"/devices/heard?day={day}").text
        listed_pcs = set(re.findall(r'href="/devices\?q=([^"]+)"', one))
        assert listed_pcs == is_of and f"{shown} PCs were heard on " in one
    numbers = [days[day] for day in sorted(days)]
    means = re.findall(r'data-l="Mean of 7 school days">([\d.,]+|–)</td>', page)[::-1]
    again = [f"{sum(numbers[at - 6 : at + 1]) / 7:.1f}" if at >= 6 else "–" for at in range(len(numbers))]
    assert means[-len(again) + 6 :] == again[6:]
    rows = csv_of(admin, "/devices/heard.csv")
    assert {row["day"]: int(row["pcs_heard"]) for row in rows} == days
    assert len(csv_of(admin, "/devices/heard.csv?day=2026-11-23")) == days["2026-11-23"]
    overview = admin.get("/devices").text
    assert f'aria-label="PCs heard on each school day: {days["2026-11-23"]} on 23 November"' in overview


def test_who_sees_a_part_of_the_country_sees_its_pcs_alone(app: Flask, country: Store) -> None:
    cora = app.test_client()
    sign_in(cora, "cora")
    one = cora.get("/devices/heard?day=2026-11-23").text
    assert set(re.findall(r'href="/schools/(\d+)"', one)) == {"00200"}
    count = len(set(re.findall(r'href="/devices\?q=([^"]+)"', one)))
    assert f"{count} PC" in one.split("<h1>")[1] and 1 <= count <= 2
    assert f">{count}</a>" in cora.get("/devices/heard").text.split("<tbody>")[1]


@pytest.mark.parametrize("day", ["2026-11-24", "2027-01-01", "x", "2026-13-01"])
def test_a_day_that_is_not_over_has_no_list(reading: FlaskClient, day: str) -> None:
    assert reading.get(f"/devices/heard?day={day}").status_code == 404
