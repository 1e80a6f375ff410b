"""Find the worst school and act: with the mouse, with the keyboard alone, and on a phone."""

import pytest
from playwright.sync_api import Browser

from collector.store.open import Store
from collector.store.queries.pages import flags as pages_flags
from collector.store.queries.pages.schools import Measure
from tests.collector.web.pages.journey import WAYS, Way, scrolls_sideways, somebody
from tests.fakes.pages_world import METRIC, PROFILE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def owner(store: Store, flag_id: str) -> str | None:
    with store.reader() as snapshot:
        found = pages_flags.one_flag(snapshot, Measure(PROFILE, METRIC), flag_id)
    return found.owner if found is not None else None


@pytest.mark.parametrize("way", WAYS)
def test_the_worst_school_is_found_and_its_flag_taken(browser: Browser, site: str, country: Store, way: Way) -> None:
    with somebody(browser, site, way, name="otto") as page:
        page.goto(f"{site}/")
        way.press(page.locator("ol.worst a.name").first)
        assert page.locator("h1").inner_text() == "Escuela Ñandú"
        assert "Below" in page.locator(".badge").first.inner_text()
        assert "What to do:" in page.locator(".note.advice").inner_text()
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("link", name="Open the flag"))
        flag_id = page.url.rsplit("/", 1)[1]
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("button", name="Take it"))
        assert "Taken." in page.locator("[role=status]").inner_text()
        assert owner(country, flag_id) == "otto"
        way.touch(page.locator("summary", has_text="Ticket"))
        way.write(page.get_by_label("Ticket number"), "ONDA-4711")
        way.press(page.get_by_role("button", name="Save").first)
        assert "ONDA-4711" in page.locator("section[aria-labelledby=work]").inner_text()
        page.goto(f"{site}/flags?owner=me")
        assert page.locator("#flags li").count() == 1 and "Escuela Ñandú" in page.locator("#flags").inner_text()
        assert not scrolls_sideways(page)
