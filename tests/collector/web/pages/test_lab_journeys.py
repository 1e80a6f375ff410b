"""What IT staff do about PCs, in the three ways: enrol a lab, approve copies, see which PCs have stopped reporting."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page
from sqlalchemy import select, update

from agent.ports import MachineFacts, Ports
from agent.uplink import enrol
from agent.uplink.identity import IdentityStore
from agent.uplink.transport import HttpTransport
from collector import operate
from collector.app import make_flask
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from tests.collector.web.pages.journey import WAYS, Way, scrolls_sideways, somebody, walk_to
from tests.collector.web.screens import served
from tests.fakes import labs, pages_world
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Each way has a school of its own: all of them share one server.
SCHOOLS = {"mouse": ("00123", "Escuela Ñandú"), "keyboard": ("00200", "Álamo"), "phone": ("00201", "Zapata")}
SILENT = ("d-00123-2", "d-00201-1")


@pytest.fixture(scope="module")
def parts(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    place = tmp_path_factory.mktemp("labs") / "data"
    shutil.copytree(filled, place)
    store = Store.open(place)
    with store.unit() as unit:
        for number, name in enumerate(SILENT):
            since_ms = pages_world.NOW_MS - (9 - number) * 86_400_000
            unit.connection.execute(update(DEVICES).where(DEVICES.c.device == name).values(last_contact_ms=since_ms))
        unit.commit()
    pages_world.note_silent(store)
    yield labs.deployment(store, public_url="")
    store.close()


@pytest.fixture(scope="module")
def site(parts: Parts) -> Iterator[str]:
    with served(make_flask(parts)) as url:
        yield url


def type_at(pc: Path, command: str, number: int) -> str:
    """Do on a PC what the letter says; return the state that the agent is told.

    Args:
        pc: Where its agent keeps what it knows; a copy of another PC's for one with a copied disk.
        command: As the letter has it.
        number: Of the machine.
    """
    words = shlex.split(command)
    assert words[:2] == ["enlace-agent", "enrol"]
    given = dict(zip(words[2::2], words[3::2], strict=True))
    facts = MachineFacts(f"{number:032x}", f"S3Z9-{number:06d}", "AULA-01", "Linux 6.1")
    ports = Ports(clock=FakeClock(), randomness=SeededRandomness(number), host=FakeHost(facts))
    kept = IdentityStore(pc)
    token = enrol.read_token(given["--token"])
    candidate = enrol.begin(ports, facts, token, given["--collector"], kept.load())
    done = enrol.enrol(HttpTransport("none"), ports, candidate, agent_version="0.1.0")
    kept.save(done.identity)
    return done.identity.state


def states(parts: Parts, school: str) -> list[str]:
    """Return the states of the PCs of a school that came by themselves."""
    query = select(DEVICES.c.state).where(DEVICES.c.school == school, DEVICES.c.token_id.is_not(None))
    with parts.store.reader() as snapshot:
        return sorted(snapshot.connection.scalars(query))


def tick(way: Way, box: Locator) -> None:
    if way.name != "keyboard":
        box.click()
        return
    walk_to(box)
    box.page.keyboard.press("Space")


def go_to_devices(way: Way, page: Page, site: str) -> None:
    page.goto(f"{site}/")
    if way.width < 900:
        way.touch(page.locator("summary", has_text="Menu"))
    way.press(page.get_by_role("link", name="Devices", exact=True).locator("visible=true"))


def look_at_waiting(way: Way, page: Page, name: str) -> Locator:
    """Go from the devices to what waits at a school; return its rows."""
    way.press(page.get_by_role("link", name=re.compile(f"Look at them.*{name}")))
    assert not scrolls_sideways(page)
    return page.locator("tbody tr")


@pytest.mark.parametrize("way", WAYS)
def test_a_lab_is_enrolled(browser: Browser, site: str, parts: Parts, tmp_path: Path, way: Way) -> None:
    code, name = SCHOOLS[way.name]
    first, *others = (tmp_path / f"pc-{number}" for number in range(3))
    with somebody(browser, site, way) as page:
        go_to_devices(way, page, site)
        way.press(page.get_by_role("link", name="Add devices"))
        way.write(page.get_by_label("Code of the school"), code)
        way.write(page.get_by_label("For how many PCs"), "3")
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("button", name="Make the token"))
        assert "Shown only now." in page.locator("main").inner_text()
        way.press(page.get_by_role("button", name="Letter to print"))
        assert page.locator("article.letter").count() == 1 and name in page.locator("article h2").inner_text()
        assert not scrolls_sideways(page)
        command = page.locator("article pre").first.inner_text()
        first.mkdir()
        number = 100 * [*SCHOOLS].index(way.name)
        assert type_at(first, command, number) == "active"
        for at, other in enumerate(others, start=1):
            shutil.copytree(first, other)  # the lab has one disk image, copied too late
            assert type_at(other, command, number + at) == "pending"
        before = states(parts, code).count("pending")
        go_to_devices(way, page, site)
        assert look_at_waiting(way, page, name).count() == before == 2
        way.press(page.get_by_role("button", name="Approve the chosen"))
        assert "2 PCs are approved." in page.locator("[role=status]").inner_text()
        assert "pending" not in states(parts, code)
        page.goto(f"{site}/admin/tokens?q={code}")
        assert "3 of 3" in page.locator("tbody").inner_text()


@pytest.mark.parametrize("way", WAYS)
def test_copies_are_approved_as_they_were_seen(browser: Browser, site: str, parts: Parts, way: Way) -> None:
    code, name = SCHOOLS[way.name]
    token = operate.create_token(parts.store, parts.ports, code, max_devices=9, days=9)
    original = labs.enrolled(parts, token, seed=1000 + [*SCHOOLS].index(way.name))
    labs.copies(parts, original, 3)
    with somebody(browser, site, way) as page:
        go_to_devices(way, page, site)
        way.press(page.locator("section[aria-labelledby=rest] a[href*=pending]"))
        rows = look_at_waiting(way, page, name)
        assert rows.count() == 3 and "It is a copy of" in rows.first.inner_text()
        labs.copies(parts, original, 4)  # one more comes while somebody looks
        tick(way, page.locator("tbody input").first)
        way.press(page.get_by_role("button", name="Approve the chosen"))
        assert "2 PCs are approved." in page.locator("[role=status]").inner_text()
        assert rows.count() == states(parts, code).count("pending") == 2
        way.press(page.get_by_role("button", name="Refuse the chosen…"))
        assert "this cannot be undone" in page.locator("#sure").inner_text()
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("button", name="Refuse the chosen for good"))
        assert "2 PCs are refused." in page.locator("[role=status]").inner_text()
        assert "Nothing waits at this school." in page.locator("main").inner_text()
        assert states(parts, code).count("revoked") == 2 and "pending" not in states(parts, code)


@pytest.mark.parametrize("way", WAYS)
def test_pcs_that_stopped_reporting_are_seen_with_since_when(browser: Browser, site: str, way: Way) -> None:
    with somebody(browser, site, way, name="otto") as page:
        go_to_devices(way, page, site)
        way.press(page.get_by_role("link", name="All 2", exact=True))
        rows = page.locator("#list tbody tr")
        shown = re.findall(r"d-\w+-\d", " ".join(rows.all_inner_texts()))
        assert [*dict.fromkeys(shown)] == [*SILENT], "longest first"
        assert (
            "Sun 15 Nov, 10:20" in rows.first.inner_text()
            and "silent for 7\u00a0school\u00a0days" in rows.first.inner_text()
        )
        assert "Mon 16 Nov, 10:20" in rows.last.inner_text()
        assert not scrolls_sideways(page)
        way.write(page.get_by_placeholder("School, code or device"), "zapata")
        way.press(page.get_by_role("button", name="Apply"))
        assert rows.count() == 1 and "Zapata" in rows.first.inner_text()
        assert "standing=silent" in page.url
