"""Declare a hazard and print the call list: with the mouse, with the keyboard alone, and on a phone."""

import json

import pytest
from playwright.sync_api import Browser, Page

from collector.store.open import Store
from collector.store.queries import hazards
from tests.collector.web.pages.journey import Way, scrolls_sideways, somebody
from tests.collector.web.pages.test_hazards import NORTH

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WAYS = [
    pytest.param(Way("mouse"), id="mouse"),
    pytest.param(Way("keyboard"), id="keyboard", marks=pytest.mark.deep),
    pytest.param(Way("phone", 390), id="phone", marks=pytest.mark.deep),
]


def draw(page: Page, way: Way) -> None:
    """Draw around every school on the map; by the keyboard a shape is pasted."""
    if way.name == "keyboard":
        way.write(page.get_by_label("Shape as GeoJSON"), json.dumps(NORTH))
        return
    place = page.locator("#hazard-map")
    page.wait_for_selector("#hazard-map[data-drawn]")
    box = place.bounding_box()
    assert box is not None
    wide, tall = box["width"], box["height"]
    for x, y in ((0.25, 0.03), (0.75, 0.03), (0.97, 0.97), (0.2, 0.97)):
        place.click(position={"x": wide * x, "y": tall * y})
    assert json.loads(page.get_by_label("Shape as GeoJSON").input_value())["type"] == "Polygon"
    assert "Corners: 4" in page.locator("#draw-count").inner_text()


@pytest.mark.parametrize("way", WAYS)
def test_a_hazard_is_declared_and_its_call_list_printed(browser: Browser, site: str, country: Store, way: Way) -> None:
    with somebody(browser, site, way, name="otto") as page:
        page.goto(f"{site}/hazards")
        way.press(page.get_by_role("link", name="Declare a hazard"))
        way.write(page.get_by_label("Name", exact=True), "Hurricane Ana")
        draw(page, way)
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("button", name="Look which schools lie in it"))
        assert "schools that you see lie in it" in page.locator("[role=status]").first.inner_text()
        way.press(page.get_by_role("button", name="Declare it"))
        assert page.locator("h1").inner_text() == "Hurricane Ana"
        assert "Its schools are not judged until it ends." in page.locator("[role=status]").first.inner_text()
        page.wait_for_selector("#hazard-map[data-drawn]")
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("link", name="Call list").first)
        assert "0 answered, 0 in progress" in page.locator("h1").inner_text()
        first = page.locator("tbody a.name").first.inner_text()
        way.press(page.get_by_role("button", name=f"Call this one: {first}"))
        page.goto(page.url.split("?")[0])
        assert "1 in progress" in page.locator("h1").inner_text()
        way.write(page.locator("textarea[name=note]").first, "router light red")
        way.press(page.get_by_role("button", name="Save the answer").first)
        assert "1 answered, 0 in progress" in page.locator("h1").inner_text()
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("link", name="Print", exact=True))
        page.emulate_media(media="print")
        assert page.locator("h1").inner_text() == "Call list: Hurricane Ana"
        assert not page.locator(".side").is_visible() and not page.locator(".actions").first.is_visible()
        assert first not in page.locator("table").inner_text(), "who answered need not be called"
        page.goto(page.url.split("?")[0] + "?standing=all")
        assert "The internet works: otto" in page.locator("table").inner_text()
    with country.reader() as snapshot:
        (found,) = hazards.newest(snapshot, 5)
        records = hazards.calls(snapshot, found.hazard_id)
    assert [[one.deed for one in record] for record in records.values()] == [["claim", "result"]]
