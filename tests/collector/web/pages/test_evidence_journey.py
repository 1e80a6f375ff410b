"""Explain a flag to a provider and print the pack: with the mouse, with the keyboard alone, and on a phone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from agent.wire import forms
from collector import operate
from collector.publish import packs
from collector.publish.packs import Verdict
from collector.store.open import Store
from tests.collector.web.screens import make_app, served, sign_in
from tests.fakes import pages_world, proofs
from tests.fakes.collector_world import FakeClock, fake_ports

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Press = Callable[[Locator], None]


def by_mouse(target: Locator) -> None:
    target.click()


def by_keyboard(target: Locator) -> None:
    """Reach it as the Tab key does, and press Enter."""
    target.focus()
    target.press("Enter")


@pytest.fixture
def country(country: Store) -> Iterator[Store]:
    operate.init(country.url, fake_ports(FakeClock(pages_world.NOW_MS)))
    proofs.put_days(country, proofs.FRIDAY, proofs.THURSDAY)
    yield country


@pytest.fixture
def site(country: Store) -> Iterator[str]:
    with served(make_app(country)) as url:
        yield url


def open_page(browser: Browser, site: str, width: int, **options: bool) -> Page:
    page = browser.new_context(locale="en", viewport={"width": width, "height": 900}, **options).new_page()  # type: ignore[arg-type]
    sign_in(page, site, "otto", pages_world.PASSWORDS["otto"])
    return page


def press(page: Page, how: Press, target: Locator) -> None:
    with page.expect_navigation():
        how(target)


@pytest.mark.parametrize(("how", "width"), [(by_mouse, 1280), (by_keyboard, 1280), (by_mouse, 390)])
def test_a_flag_is_explained_and_its_pack_printed(
    browser: Browser, site: str, country: Store, tmp_path: Path, how: Press, width: int
) -> None:
    page = open_page(browser, site, width)
    page.goto(f"{site}/flags")
    press(page, how, page.locator(".flag-row a.name").first)
    if "/flags?" in page.url:  # beside the list
        press(page, how, page.locator("text=Open the flag and its evidence"))
    assert (
        "20 of 30 tests. It needs 10 more on 1 more day" in page.locator("section[aria-labelledby=pack]").inner_text()
    )
    press(page, how, page.locator("text=Open the evidence"))
    press(page, how, page.locator("text=Schedule the missing tests"))
    assert "The tests are asked for." in page.locator("#done").inner_text()
    assert "05:00 to 07:00" in page.locator("section[aria-labelledby=missing]").inner_text()

    proofs.put_days(country, proofs.MONDAY)  # meanwhile the third day was made
    press(page, how, page.locator("button:has-text('Apply')"))
    assert "show less than the contract of" in page.locator("section[aria-labelledby=result]").inner_text()
    press(page, how, page.locator("text=Make the pack"))
    assert "The pack is made and signed." in page.locator("#done").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as given:
        how(page.locator("text=Download the file"))
    file = tmp_path / "pack.html"
    given.value.save_as(file)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    press(page, how, page.locator("text=Open to print"))
    assert said == [], "its policy lets it show itself"
    assert "show less than the contract of" in page.locator("h1").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF") and 3 <= len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 12
    known = {one.key_id: forms.unb64url(one.public_key, 32) for one in operate.list_keys(country)}
    assert packs.check(file.read_bytes(), known.get).verdict is Verdict.RIGHT
    page.context.close()


def test_the_file_shows_itself_without_any_server(browser: Browser, site: str, tmp_path: Path) -> None:
    page = open_page(browser, site, 1280, java_script_enabled=False)
    page.goto(f"{site}/schools/00123/evidence")
    page.click("text=Make the pack")
    with page.expect_download() as given:
        page.click("text=Download the file")
    file = tmp_path / "pack.html"
    given.value.save_as(file)
    asked: list[str] = []
    alone = browser.new_context(offline=True, viewport={"width": 320, "height": 800}).new_page()
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert "No result yet" in alone.locator("h1").inner_text()
    assert alone.locator("main").evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
    assert alone.evaluate("document.documentElement.scrollWidth") <= 320
    alone.context.close()
    page.context.close()
