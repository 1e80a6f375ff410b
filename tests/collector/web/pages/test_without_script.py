"""The main deeds of a day in a browser that runs no script, as old school computers and careful offices have it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import func, select

from collector.store.open import Store
from collector.store.tables.people import SAVED_VIEWS
from collector.store.tables.registry import TARGET_VERSIONS
from tests.collector.web.pages.journey import Way
from tests.collector.web.pages.test_registry_journey import FILE, mend
from tests.collector.web.screens import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

MOUSE = Way("mouse")


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False, locale="en", accept_downloads=True)
    yield context.new_page()
    context.close()


def count(store: Store, table: object) -> int:
    with store.reader() as snapshot:
        return int(snapshot.connection.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[arg-type]


def work_on_the_worst(page: Page) -> None:
    """From the overview to the flag of the worst school: taken, with a note, and closed with a reason."""
    MOUSE.press(page.locator("ol.worst a.name").first)
    MOUSE.press(page.get_by_role("link", name="Open the flag"))
    MOUSE.press(page.get_by_role("button", name="Take it"))
    assert "Taken." in page.locator("[role=status]").inner_text()
    page.locator("summary", has_text="Snooze").click()
    form = page.locator("details.deed[open]")
    form.get_by_label("It comes back on").fill("2020-01-01")
    form.locator("textarea, input[name=note]").first.fill("exams")
    MOUSE.press(form.get_by_role("button"))
    assert page.locator("[role=alert]").count() >= 1
    assert page.locator("details.deed[open] [name=note]").first.input_value() == "exams"  # and the form is open again
    page.locator("details.deed[open]").get_by_label("It comes back on").fill("2026-12-01")
    MOUSE.press(page.locator("details.deed[open]").get_by_role("button"))
    MOUSE.press(page.get_by_role("button", name="Undo"))
    assert page.locator("[role=status]").count() == 1


def filter_and_keep(page: Page, site: str) -> None:
    """A filter of a list, kept as a view, and its rows as a file."""
    page.goto(f"{site}/schools")
    page.fill("input[name=q]", "álamo")
    MOUSE.press(page.get_by_role("button", name="Apply"))
    assert page.locator("tbody tr").count() == 1
    page.locator("summary", has_text="Save this view").click()
    page.get_by_label("Name of the view").fill("One")
    MOUSE.press(page.get_by_role("button", name="Save view"))
    with page.expect_download() as going:
        page.get_by_role("link", name="Download these rows").click()
    assert "Álamo" in going.value.path().read_text("utf-8-sig")


def change_a_target(page: Page, site: str) -> None:
    """A target of a district, looked at before it is saved."""
    page.goto(f"{site}/targets/new?kind=fixed")
    page.get_by_label("Download, Mbit/s").fill("4,5")
    page.get_by_label("Name of the target").fill("Ours")
    page.get_by_label("Who asks for it").fill("Ministry")
    page.get_by_label("One district").check()
    page.get_by_label("District", exact=True).select_option(label="Norte")
    MOUSE.press(page.get_by_role("button", name="Look at what it changes"))
    assert "schools would read another verdict" in page.locator("#change").inner_text()
    MOUSE.press(page.get_by_role("button", name="Save: from"))


def look_at_the_map(page: Page, site: str) -> None:
    """Without script the map is its list: filters, a school's card, its page."""
    page.goto(f"{site}/map?verdict=BELOW")
    assert page.locator(".map-list a.name").first.inner_text() == "Escuela Ñandú"
    MOUSE.press(page.locator(".map-list a.name").first)
    assert page.locator("h1").inner_text() == "Escuela Ñandú"


def test_a_day_without_script(page: Page, site: str, country: Store, tmp_path: Path) -> None:
    sign_in(page, site, password="wrong")
    assert page.locator("[role=alert]").count() == 1 and page.locator("#name").input_value() == "ana"
    sign_in(page, site)
    work_on_the_worst(page)
    filter_and_keep(page, site)
    assert count(country, SAVED_VIEWS) == 1
    look_at_the_map(page, site)
    change_a_target(page, site)
    assert count(country, TARGET_VERSIONS) == 1
    file = tmp_path / "schools.csv"
    file.write_text(FILE, encoding="cp1252")
    mend(page, site, file, MOUSE)
    MOUSE.press(page.locator(".side").get_by_role("link", name="Español"))
    assert page.locator("html").get_attribute("lang") == "es"
