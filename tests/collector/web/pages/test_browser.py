"""The pages in a real browser: nothing from third parties, no sideways scroll, usable by keyboard."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from collector.app import make_flask
from collector.store.open import Store
from collector.web.language.i18n import LANGUAGES
from tests.collector.web import screens
from tests.collector.web.pages.walk import all_addresses, open_everything, walker
from tests.collector.web.screens import make_app, served, sign_in
from tests.fakes import pages_world
from tests.fakes.databases import Files

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FIRST_LOAD_BYTES = 200_000
_TRANSFERRED = """performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


@pytest.fixture(scope="module")
def site(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("site") / "data"
    shutil.copytree(filled, place)
    store = Store.open(place)
    with served(make_app(store)) as url:
        yield url
    store.close()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    context = browser.new_context(locale="en")
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site}/language/en")  # the choice of an earlier test is remembered with the person
    yield page
    context.close()


@dataclass(frozen=True)
class Visit:
    """What one page does when it is opened by who has never been here."""

    address: str
    language: str
    asked: list[str]
    weight: int  # bytes on the wire
    too_wide: list[tuple[int, int]]


@dataclass
class Walk:
    """A visit to every page, and what the browser asked for and said on the way."""

    visits: list[Visit] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    icons: list[str] = field(default_factory=list)  # asked for when the browser likes, after the next page too
    said: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("request", lambda one: (self.icons if "/static/icon.svg" in one.url else self.asked).append(one.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("response", lambda one: self.said.append(f"{one.status} {one.url}") if one.status >= 400 else None)

    def visit(self, page: Page, site: str, address: str, language: str) -> None:
        page.context.add_cookies([{"name": "enlace_language", "value": language, "url": site}])
        before = len(self.asked)
        page.goto(site + address)
        asked, weight = self.asked[before:], page.evaluate(_TRANSFERRED)
        self.visits.append(Visit(address, language, asked, weight, too_wide(page)))


@pytest.fixture(scope="module")
def walk(browser: Browser, site: str) -> Iterator[Walk]:
    """Every page once, in the two languages with the longest words by turns."""
    done = Walk()
    with walker(browser, site) as page:
        addresses = all_addresses(page, site)
        page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        done.listen(page)
        for address, language in zip(addresses, itertools.cycle(("es", "fr"))):
            done.visit(page, site, address, language)
        yield done


def test_pages_ask_only_us_break_no_policy_of_ours_and_are_light(walk: Walk, site: str) -> None:
    assert len(walk.visits) > 50
    for visit in walk.visits:
        is_map = visit.address.startswith(("/map", "/hazards/new"))
        assert len(visit.asked) <= (22 if is_map else 5), visit  # the map's own scripts, data and outlines
        # As it comes over the wire to who has never been here; the map's outlines have a budget of their own.
        assert is_map or visit.weight <= FIRST_LOAD_BYTES, visit
    assert [url for url in walk.asked + walk.icons if not url.startswith((site, "data:"))] == []
    assert walk.said == []


@pytest.mark.deep
def test_the_first_load_is_light_with_a_whole_country(browser: Browser, tmp_path: Path, files: Files) -> None:
    files.place = tmp_path / "data"
    store = files.filled(pages_world.country)
    with served(make_flask(screens.deployment(store))) as site, walker(browser, site) as page:
        page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        weights = {}
        for address in screens.addresses(page, site).values():
            page.goto(site + address)
            if not address.startswith(("/map", "/hazards/new")):
                weights[address] = page.evaluate(_TRANSFERRED)
    store.close()
    assert {address: weight for address, weight in weights.items() if not 5_000 < weight <= FIRST_LOAD_BYTES} == {}


def too_wide(page: Page) -> list[tuple[int, int]]:
    """Return (width of the window, width of the page) where a page scrolls sideways, all of it unfolded."""
    open_everything(page)
    found = []
    for width in (320, 390, 768, 900, 940, 1200, 1280, 1320):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append((width, wide))
    return found


def too_wide_at(page: Page, site: str, addresses: list[str], language: str) -> dict[str, list[tuple[int, int]]]:
    """Return what scrolls sideways at each address where anything does."""
    found = {}
    page.context.add_cookies([{"name": "enlace_language", "value": language, "url": site}])
    for address in addresses:
        page.goto(site + address)
        found[f"{language} {address}"] = too_wide(page)
    return {where: widths for where, widths in found.items() if widths}


def everywhere(page: Page, site: str) -> list[str]:
    return [*all_addresses(page, site), "/no/such/page"]


def test_nothing_scrolls_sideways(walk: Walk, page: Page, site: str) -> None:
    assert [visit for visit in walk.visits if visit.too_wide] == []
    assert too_wide_at(page, site, ["/no/such/page"], "fr") == {}


def test_signing_in_does_not_scroll_sideways(browser: Browser, site: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/login")
    assert [too_wide_at(page, site, ["/login"], language) for language in LANGUAGES] == [{}] * len(LANGUAGES)
    context.close()


_SHOWS = {"en": "Show the password", "es": "Mostrar la contraseña", "pt": "Mostrar a senha"}
_SHOWS |= {"fr": "Afficher le mot de passe"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_password_is_shown_and_hidden_again_and_typed_on(browser: Browser, site: str, language: str) -> None:
    context = browser.new_context()
    context.add_cookies([{"name": "enlace_language", "value": language, "url": site}])
    page = context.new_page()
    page.goto(f"{site}/login")
    button, focused = page.get_by_role("button", name=_SHOWS[language]), "document.activeElement.id"
    page.fill("#name", "ana")
    page.focus("#password")
    page.keyboard.type("stap")
    assert page.get_attribute("#password", "type") == "password"
    assert button.get_attribute("aria-pressed") == "false"
    button.click()  # with the mouse the caret stays, and typing goes on
    assert (page.get_attribute("#password", "type"), page.evaluate(focused)) == ("text", "password")
    assert button.get_attribute("aria-pressed") == "true"
    page.keyboard.type("le")
    page.keyboard.press("Tab")
    assert button.evaluate("node => node === document.activeElement")
    page.keyboard.press("Space")
    assert page.get_attribute("#password", "type") == "password"
    assert button.get_attribute("aria-pressed") == "false"
    assert button.evaluate("node => node === document.activeElement")  # and with keys it stays on the button
    assert page.input_value("#password") == "staple"
    context.close()


def test_nobody_is_offered_what_only_a_script_can_do(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/login")
    assert page.locator("[data-shows]").is_hidden() and page.get_by_role("button").count() == 1
    context.close()


@pytest.mark.deep
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_scrolls_sideways_in_any_language(page: Page, site: str, language: str) -> None:
    assert too_wide_at(page, site, everywhere(page, site), language) == {}


def test_shapes_of_the_sprite_are_drawn(page: Page, site: str) -> None:
    page.goto(f"{site}/schools")
    size = page.locator(".badge svg use").first.evaluate("node => node.getBBox().width")
    assert size > 0


def test_the_skip_link_comes_first_and_the_menu_needs_no_script(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800}, locale="en")
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site}/language/en")  # the choice of an earlier test is remembered with the person
    page.goto(site)
    page.keyboard.press("Tab")
    assert page.locator(".skip:focus").count() == 1
    assert page.locator(".bar .menu nav").is_hidden()
    page.click(".menu summary")
    page.click(".bar .menu nav >> text=Export")
    assert page.url == f"{site}/exports"
    context.close()


def test_filters_work_without_script(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site}/language/en")  # the choice of an earlier test is remembered with the person
    page.goto(f"{site}/schools")
    page.fill("input[name=q]", "álamo")
    page.click("text=Apply")
    assert "q=%C3%A1lamo" in page.url
    assert page.locator("tbody tr").count() == 1
    context.close()


def test_chart_text_is_at_least_twelve_pixels_high(page: Page, site: str) -> None:
    small = {}
    for width in (390, 900, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for address in ("/", "/schools/00123", f"/outages/{pages_world.OUTAGE}", "/progress", "/devices"):
            page.goto(site + address)
            scales = page.evaluate(
                """[...document.querySelectorAll('main svg text')].filter(node => node.getClientRects().length)
                .map(node => node.getScreenCTM().a * parseFloat(getComputedStyle(node).fontSize))"""
            )
            assert scales, address
            if min(scales) < 11.9:
                small[width, address] = min(scales)
    assert small == {}
