"""The pages in a real browser: nothing from third parties, no sideways scroll, usable by keyboard."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from collector.store.open import Store
from collector.web.i18n import LANGUAGES
from tests.collector.web import screens
from tests.collector.web.screens import make_app, served, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


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


def test_pages_ask_only_us_and_break_no_policy_of_ours(page: Page, site: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    for address in screens.addresses(page, site).values():
        before = len(asked)
        page.goto(site + address)
        most = 22 if address.startswith("/map") else 5  # the map's own scripts, data and outlines
        assert len(asked) - before <= most, asked[before:]
    assert [url for url in asked if not url.startswith((site, "data:"))] == []
    assert said == []


# The two with the longest words each time.
@pytest.mark.parametrize(
    "language", [lang if lang in ("es", "fr") else pytest.param(lang, marks=pytest.mark.deep) for lang in LANGUAGES]
)
def test_nothing_scrolls_sideways(page: Page, site: str, language: str) -> None:
    page.goto(f"{site}/language/{language}")
    too_wide = []
    more = {"all schools": "/schools", "targets": "/targets", "sign in": "/login"}
    for title, address in (screens.addresses(page, site) | more).items():
        page.goto(site + address)
        for width in (320, 390, 768, 900, 940, 1200, 1280, 1320):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                too_wide.append((title, width, wide))
    assert too_wide == []


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
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for address in ("/", "/schools/00123"):
            page.goto(site + address)
            scales = page.evaluate(
                """[...document.querySelectorAll('main svg text')].filter(node => node.getClientRects().length)
                .map(node => node.getScreenCTM().a * parseFloat(getComputedStyle(node).fontSize))"""
            )
            assert scales and min(scales) >= 11.9, (width, address, min(scales))
