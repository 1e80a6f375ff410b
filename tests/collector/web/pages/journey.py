"""The ways in which people go through the pages: with a mouse, with the keyboard alone, on a phone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.collector.web.screens import sign_in
from tests.fakes.pages_world import PASSWORDS


@dataclass(frozen=True)
class Way:
    """How somebody presses, writes and chooses, and how wide the window is."""

    name: str
    width: int = 1280

    @property
    def _by_keys(self) -> bool:
        return self.name == "keyboard"

    def press(self, target: Locator) -> None:
        """Press something that leads to another page, and wait for that; the way there does not count."""
        if self._by_keys:
            walk_to(target)
        with target.page.expect_navigation():
            self.touch(target)

    def touch(self, target: Locator) -> None:
        """Press something that changes this page."""
        if not self._by_keys:
            target.click()
            return
        walk_to(target)
        target.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        if not self._by_keys:
            field.fill(text)
            return
        walk_to(field)
        field.page.keyboard.press("Control+A")
        field.page.keyboard.type(text)

    def choose(self, field: Locator, shown: str) -> None:
        """Choose an entry of a list by what it shows."""
        if not self._by_keys:
            field.select_option(label=shown)
            return
        walk_to(field)
        field.page.keyboard.type(shown)

    def mark(self, radio: Locator) -> None:
        """Choose one of several buttons, of which the tabulator reaches only the chosen one."""
        if not self._by_keys:
            radio.check()
            return
        name = radio.get_attribute("name")
        walk_to(radio.page.locator(f"input[name={name}]:checked"))
        for _step in range(10):
            if radio.is_checked():
                return
            radio.page.keyboard.press("ArrowDown")
        raise AssertionError("the arrows do not reach it")


# How many places the tabulator certainly stops at on its way; the buttons of one choice are one place.
_STOPS_BEFORE = """node => [...document.querySelectorAll(
        'a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter(one => one.tabIndex >= 0 && one.type !== 'radio' && !one.matches(':disabled')
        && one.checkVisibility({visibilityProperty: true})
        && document.activeElement.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING
        && one.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING
        && !one.contains(node)).length"""


def press_tab(page: Page, times: int = 1) -> None:
    """Press the tabulator so many times, without looking between: each look is a question to the browser."""
    keys = page.context.new_cdp_session(page)
    key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    for _time in range(times):
        keys.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    keys.detach()


def walk_to(target: Locator) -> None:
    """Walk with the tabulator until something has the focus."""
    press_tab(target.page, target.evaluate(_STOPS_BEFORE))
    for _step in range(200):
        if target.evaluate("node => node === document.activeElement"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError("the tabulator does not reach it")


WAYS = [pytest.param(way, id=way.name) for way in (Way("mouse"), Way("keyboard"), Way("phone", 390))]


@contextmanager
def somebody(browser: Browser, site: str, way: Way, name: str = "ana", language: str = "en") -> Iterator[Page]:
    """Give a page on which somebody is signed in."""
    context = browser.new_context(viewport={"width": way.width, "height": 800}, locale=language, accept_downloads=True)
    page = context.new_page()
    sign_in(page, site, name, PASSWORDS[name])
    page.goto(f"{site}/language/{language}")
    yield page
    context.close()


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
