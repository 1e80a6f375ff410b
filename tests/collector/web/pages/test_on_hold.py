"""Schools in an outage or a hazard: the inbox, a flag, the outage and the devices page say so, each with a link."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from collector.evaluate import outages as watch
from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import FLAGS
from tests.collector.web.pages.conftest import sign_in
from tests.collector.web.pages.test_flags_inbox import OPEN, five_flags
from tests.collector.web.screens import make_app
from tests.fakes import pages_world
from tests.fakes.databases import Database
from tests.fakes.happenings import HAZARD, OUTAGE, break_down, declare, outage_rows
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
    lines = listed(vera.get("/flags?q=e").text)  # who looks for something gets them one by one
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


def test_an_outage_that_goes_on_is_one_line_of_the_inbox_instead_of_its_flags(store: Store, vera: FlaskClient) -> None:
    assert "is-outage" not in vera.get("/flags").text
    break_down(store, CUT, TODAY, 1, "open")
    mine, page = flags_of(store, CUT), vera.get("/flags").text
    assert set(listed(page)).isdisjoint(mine) and len(listed(page)) == 3
    (line,) = re.findall(r'<li class="is-outage.*?</li>', page, re.S)
    assert f'class="name" href="/outages/{OUTAGE}">Outage: Onda<' in line
    assert "20 of 20 schools silent since" in line
    assert "<b>5 flags</b><span>2 of them wait for an outage</span>" in page and "1 to 3 of 3" in page
    address = re.findall(r'href="([^"]+)">Holds 2 flags<', line)[0]
    assert set(listed(vera.get(address).text)) == mine
    assert set(listed(vera.get("/flags?state=held").text)) == mine
    # Under a filter only an outage that keeps a flag of it, with as many as the link leads to.
    assert "is-outage" not in vera.get("/flags?area=Los+Cayos").text
    south = vera.get("/flags?area=Sur").text
    address = re.findall(r'href="([^"]+)">Holds 2 flags<', south)[0]
    assert "area=Sur" in address and set(listed(vera.get(address.replace("&amp;", "&")).text)) == mine
    for one_by_one in ("owner=by:otto", "state=all", "as=table", f"outage={OUTAGE}"):
        assert "is-outage" not in vera.get(f"/flags?{one_by_one}").text, one_by_one
    assert len(listed(vera.get("/flags?state=all").text)) == 5


def test_an_outage_of_our_own_and_one_of_another_area_have_no_line(store: Store, vera: FlaskClient) -> None:
    with store.unit() as unit:
        watch.keep(unit, OUTAGE, [outage_rows(CUT, TODAY, 1, "open", label="collector")])
        unit.commit()
    assert "is-outage" not in vera.get("/flags").text and len(listed(vera.get("/flags").text)) == 5
    break_down(store, CUT, TODAY, 1, "open")
    cays = vera.application.test_client()
    sign_in(cays, "cora")
    assert "is-outage" not in cays.get("/flags").text and "is-outage" in vera.get("/flags").text


def test_the_overview_counts_what_is_on_hold_and_the_outage(store: Store, vera: FlaskClient) -> None:
    break_down(store, CUT, TODAY, 1, "open")
    page = vera.get("/").text
    assert f'<a href="/outages/{OUTAGE}">Outage: Onda</a></b>. 20 of 20 schools silent since' in page
    assert f'href="/outages/{OUTAGE}#schools-1">Call the schools<' in page
    card = page.split('aria-labelledby="flags"')[1].split("</section>")[0]
    assert re.search(r'href="/flags\?state=held">2<', card)
    assert re.search(r'href="/outages">Outage</a></th>\s*<td.*?</td><td>1</td>', card, re.S)


def test_a_hazard_is_named_before_an_outage(store: Store, vera: FlaskClient) -> None:
    break_down(store, CUT, TODAY, 1, "open")
    declare(store, CUT[0], TODAY)
    lines = listed(vera.get("/flags").text)  # its flag is no part of the outage's line
    assert len(lines) == 4
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
