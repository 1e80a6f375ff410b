"""Find out why a PC is silent, and tell its school: with the mouse, with the keyboard alone, and on a phone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import update

from collector.store.open import Store
from collector.store.tables.devices import DEVICES
from tests.collector.web.pages.journey import Way, scrolls_sideways, somebody, walk_to
from tests.collector.web.screens import make_app, served
from tests.fakes import pages_world

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

DEEP = pytest.mark.deep
WAYS = [
    pytest.param(Way("mouse"), id="mouse"),
    pytest.param(Way("keyboard"), id="keyboard", marks=DEEP),
    pytest.param(Way("phone", 390), id="phone", marks=DEEP),
]
FRIDAY_16_30_MS = pages_world.NOW_MS - 3 * 86_400_000 - 17 * 3_600_000 - 50 * 60_000


@pytest.fixture(scope="module")
def site(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("silence") / "data"
    shutil.copytree(filled, place)
    store = Store.open(place)
    with store.unit() as unit:
        for name in ("d-00123-2", "d-00201-1"):
            heard = update(DEVICES).where(DEVICES.c.device == name)
            unit.connection.execute(heard.values(last_contact_ms=FRIDAY_16_30_MS))
        unit.commit()
    pages_world.note_silent(store)
    with served(make_app(store)) as url:
        yield url
    store.close()


@pytest.mark.parametrize("way", WAYS)
def test_why_a_pc_is_silent_and_what_to_do(browser: Browser, site: str, way: Way) -> None:
    with somebody(browser, site, way, name="otto") as page:
        page.goto(f"{site}/devices")
        why = page.locator("section[aria-labelledby=why]")
        assert "Why 2 PCs are silent" in why.inner_text()
        assert not scrolls_sideways(page)
        way.press(why.locator("tr", has_text="Switched off").get_by_role("link", name="2", exact=True))
        rows = page.locator("#list tbody tr")
        assert rows.count() == 2
        first = rows.filter(has_text="d-00123-2")
        assert "Switched off. Went off at the end of a school day" in first.inner_text()
        assert "Write to the school." in first.inner_text()
        assert "silent for 2\u00a0school\u00a0days" in first.inner_text()
        assert not scrolls_sideways(page)
        box = first.locator("input[type=checkbox]")
        if way.name == "keyboard":
            walk_to(box)
            page.keyboard.press("Space")
        else:
            box.check()
        way.press(page.get_by_role("button", name="Message, give or retire the ticked ones…"))
        assert page.locator("h1").inner_text() == "1 PC chosen"
        text = page.get_by_label("Message to Escuela Ñandú").input_value()
        assert "d-00123-2, last heard on 20 November" in text and "Please switch it on" in text
        assert page.get_by_role("button", name="Retire the ticked PCs").count() == 0, "an administrator's"
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("button", name="Give them"))
        assert "Given." in page.locator("[role=status]").first.inner_text()
        way.press(page.get_by_role("link", name="All that are given to somebody"))
        (given,) = page.locator("#list tbody tr").all()
        assert "d-00123-2" in given.inner_text() and "given to otto" in given.inner_text()
        assert not scrolls_sideways(page)
        nobody(site, page, way)


def nobody(site: str, page: Page, way: Way) -> None:
    """Take the PC back, so that the next way finds it as this one did."""
    box = page.locator("#list tbody input[type=checkbox]").first
    if way.name == "keyboard":
        walk_to(box)
        page.keyboard.press("Space")
    else:
        box.check()
    way.press(page.get_by_role("button", name="Message, give or retire the ticked ones…"))
    way.choose(page.get_by_label("Give to"), "Nobody: take them back")
    way.press(page.get_by_role("button", name="Give them"))
    assert "These PCs are nobody’s now." in page.locator("[role=status]").first.inner_text()
    page.goto(f"{site}/devices?given=somebody")
    assert page.locator("#list tbody tr").count() == 0
