"""Change a target, having seen what it does: with the mouse, with the keyboard alone, and on a phone."""

import re

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

from collector.store.open import Store
from collector.store.tables.registry import TARGET_VERSIONS
from tests.collector.web.pages.journey import WAYS, Way, scrolls_sideways, somebody

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def decided(store: Store) -> list[tuple[str, str, str, bool]]:
    """Return where decisions hold, from which day, and whether they were taken back."""
    table = TARGET_VERSIONS.c
    query = select(table.reach, table.place, table.valid_from, table.undone_ms.is_not(None))
    with store.reader() as snapshot:
        return [(row[0], row[1], row[2], bool(row[3])) for row in snapshot.connection.execute(query)]


@pytest.mark.parametrize("way", WAYS)
def test_a_target_is_changed_with_a_preview(browser: Browser, site: str, country: Store, way: Way) -> None:
    with somebody(browser, site, way) as page:
        page.goto(f"{site}/targets")
        way.press(page.get_by_role("link", name="Choose another target…"))
        way.press(page.get_by_role("link", name="One speed for each school"))
        way.write(page.get_by_label("Download, Mbit/s"), "fast")
        way.write(page.get_by_label("Name of the target"), "Ours")
        way.write(page.get_by_label("Who asks for it"), "Ministry")
        way.mark(page.get_by_label("One district"))
        way.choose(page.get_by_label("District", exact=True), "Norte")
        way.press(page.get_by_role("button", name="Look at what it changes"))
        assert "Write a speed in Mbit/s above 0" in page.inner_text("#mistakes")
        assert page.get_by_label("Name of the target").input_value() == "Ours"
        assert page.locator("#preview").count() == 0
        way.write(page.get_by_label("Download, Mbit/s"), "4,5")
        way.press(page.get_by_role("button", name="Look at what it changes"))
        heading = page.locator("#change").inner_text()
        found = re.match(r"(\d+) of (\d+) schools would read another verdict", heading)
        assert found, heading
        listed = page.locator("section[aria-labelledby=list] tbody tr")
        assert listed.count() == int(found.group(1))
        worst = listed.filter(has_text="Escuela Ñandú").locator(".badge")
        assert worst.all_inner_texts() == ["Below", "Meets"]
        assert not scrolls_sideways(page)
        assert decided(country) == []  # looking stores nothing
        way.press(page.get_by_role("button", name="Save: from"))
        assert page.locator("[role=status]").inner_text().startswith("Saved.")
        assert decided(country) == [("area", "Norte", "2026-11-25", False)]
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("button", name="Take back"))
        assert page.locator("[role=status]").inner_text().startswith("Taken back.")
        assert decided(country) == [("area", "Norte", "2026-11-25", True)]
