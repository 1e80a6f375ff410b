"""The devices page: every number recounted from raw rows, each leading to its list; what is done to many at once."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import SILENCES
from collector.store.tables.people import AUDIT
from tests.collector.web.pages.conftest import token_of
from tests.fakes import pages_world
from tests.fakes.pages_world import NOW_MS

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
    assert f"by their own last count</th><td>{waiting}</td>" in page
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
