"""A journey in a real browser: change a target, having seen what it does; by mouse, on a phone, by keyboard alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from collector.store.open import Store
from collector.store.tables.registry import TARGET_VERSIONS
from tests.collector.web.screens import chromium, make_app, served, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(filled, tmp_path / "data")
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def site(store: Store) -> Iterator[str]:
    with served(make_app(store)) as url:
        yield url


def a_page(browser: Browser, site: str, width: int) -> Page:
    page = browser.new_context(locale="en", viewport={"width": width, "height": 900}).new_page()
    sign_in(page, site)
    page.goto(f"{site}/language/en")
    page.goto(f"{site}/targets")
    return page


def decided(store: Store) -> list[tuple[str, str, str]]:
    with store.reader() as snapshot:
        table = TARGET_VERSIONS.c
        return [tuple(row) for row in snapshot.connection.execute(select(table.reach, table.place, table.valid_from))]


def has_no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("width", [1280, 390])
def test_by_pointer(browser: Browser, site: str, store: Store, width: int) -> None:
    page = a_page(browser, site, width)
    assert has_no_sideways_scroll(page)
    page.get_by_role("link", name="Choose another target…").click()
    page.get_by_role("link", name="One speed for each school").click()
    page.get_by_label("Download, Mbit/s").fill("fast")
    page.get_by_label("Name of the target").fill("Ours")
    page.get_by_label("Who asks for it").fill("Ministry")
    page.get_by_label("One district").check()
    page.get_by_label("District", exact=True).select_option("Norte")
    page.get_by_role("button", name="Look at what it changes").click()
    assert "Write a speed in Mbit/s above 0" in page.inner_text("main")
    assert page.get_by_label("Name of the target").input_value() == "Ours"
    page.get_by_label("Download, Mbit/s").fill("15,5")
    page.get_by_role("button", name="Look at what it changes").click()
    assert "another verdict" in page.inner_text("#preview")
    assert has_no_sideways_scroll(page)
    assert decided(store) == []
    page.get_by_role("button", name="Save: from").click()
    assert "Saved." in page.inner_text("[role=status]")
    assert decided(store) == [("area", "Norte", "2026-11-25")]
    page.get_by_role("button", name="Take back").click()
    assert "Taken back." in page.inner_text("[role=status]")


def to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(() => { const at = document.activeElement; return at.labels && at.labels.length"
            " ? at.labels[0].innerText : at.innerText || at.name; })()"
        )
        if str(said).strip().startswith(name):
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


def test_by_keyboard_alone(browser: Browser, site: str, store: Store) -> None:
    page = a_page(browser, site, 1280)
    to(page, "Choose another target…")
    page.keyboard.press("Enter")
    page.wait_for_url("**/targets/new")
    to(page, "Target")
    page.keyboard.type("Brazil")
    to(page, "Look at what it changes")
    page.keyboard.press("Enter")
    page.wait_for_url("**look=1**")
    assert "another verdict" in page.inner_text("#preview")
    to(page, "Save: from")
    page.keyboard.press("Enter")
    page.wait_for_url("**/targets?done=saved")
    assert decided(store) == [("deployment", "", "2026-11-25")]
    to(page, "Take back")
    page.keyboard.press("Enter")
    page.wait_for_url("**/targets?done=undone")
