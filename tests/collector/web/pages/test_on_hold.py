"""Schools in an outage or a hazard: the inbox, a flag, the outage and the devices page say so, each with a link."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import FLAGS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_flags_inbox import OPEN, five_flags
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.databases import Database
from tests.fakes.happenings import HAZARD, OUTAGE, break_down, declare
from tests.fakes.pages_world import NOW_MS
from tests.fakes.school_days import at_ms

CUT = ["00201", "00202"]
TODAY = date.fromtimestamp(NOW_MS // 1000)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    opened = database.filled(five_flags)
    yield opened
    opened.close()


@pytest.fixture
def vera(store: Store) -> FlaskClient:
    client = make_app(store).test_client()
    sign_in(client, "vera")
    return client


def flags_of(store: Store, codes: list[str]) -> set[str]:
    with store.reader() as snapshot:
        mine = select(FLAGS.c.flag_id).where(FLAGS.c.school.in_(codes), FLAGS.c.state.in_(OPEN))
        return set(snapshot.connection.scalars(mine))


def listed(text: str) -> dict[str, str]:
    """Return the lines of the inbox by flag."""
    lines = re.findall(r'<li class="flag-row.*?</li>', text, re.S)
    return {re.findall(r'href="/flags/([^"?]+)"', line)[0]: line for line in lines}


def test_an_outage_puts_its_flags_on_hold_with_a_link_and_its_page_leads_to_their_rows(
    store: Store, vera: FlaskClient
) -> None:
    break_down(store, CUT, TODAY, 1, "open")
    mine = flags_of(store, CUT)
    lines = listed(vera.get("/flags").text)
    held = {flag for flag, line in lines.items() if "On hold." in line and f'href="/outages/{OUTAGE}"' in line}
    assert len(lines) == 5 and held == mine and len(mine) == 2
    assert vera.get("/flags?as=table").text.count("On hold.") == 2
    note = "This school is in an outage that is still open"
    assert all((note in vera.get(f"/flags/{flag}").text) == (flag in mine) for flag in lines)
    assert note in vera.get(f"/schools/{CUT[0]}").text

    page = vera.get(f"/outages/{OUTAGE}").text
    assert re.search(rf'href="/flags\?outage={OUTAGE}">2 flags of these schools', page)
    found = vera.get(f"/flags?outage={OUTAGE}").text
    assert set(listed(found)) == mine and f'href="/outages/{OUTAGE}"' in found
    assert set(listed(vera.get("/flags?outage=none").text)) == set()

    break_down(store, CUT, TODAY)
    assert "On hold." not in vera.get("/flags").text + vera.get(f"/flags/{min(mine)}").text


def test_a_hazard_is_named_before_an_outage(store: Store, vera: FlaskClient) -> None:
    break_down(store, CUT, TODAY, 1, "open")
    declare(store, CUT[0], TODAY)
    lines = listed(vera.get("/flags").text)
    (mine,) = flags_of(store, CUT[:1])
    assert f'href="/hazards/{HAZARD}">Ana</a>' in lines[mine] and "/outages/" not in lines[mine]
    assert f'href="/hazards/{HAZARD}"' in vera.get(f"/flags/{mine}").text


def test_a_pc_that_fell_silent_in_an_outage_leads_to_it(store: Store, vera: FlaskClient) -> None:
    break_down(store, CUT, TODAY, 1, "open")
    with store.unit() as unit:
        mine = update(DEVICES).where(DEVICES.c.school == CUT[0])
        unit.connection.execute(mine.values(last_contact_ms=at_ms(TODAY, "08:55"), is_volatile=False))
        unit.commit()
    pages_world.note_silent(store, at_ms(TODAY + timedelta(days=1), "18:00"))
    page = vera.get("/devices?why=outage").text
    assert "In an outage that goes on." in page and f'href="/outages/{OUTAGE}">Onda</a>' in page
