"""The inbox of flags in a real browser: by keyboard alone, and without script."""

from datetime import date

import pytest
from playwright.sync_api import Browser

from collector.store.open import Store
from tests.collector.web.screens import sign_in, wait_until
from tests.fakes.happenings import OUTAGE, break_down

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_flag_is_snoozed_and_brought_back_by_keys_alone(browser: Browser, site: str) -> None:
    page = browser.new_context(locale="en", viewport={"width": 1280, "height": 900}).new_page()
    sign_in(page, site)
    page.goto(f"{site}/flags")
    page.keyboard.press("x")  # the focus is not in the list: nothing happens
    assert page.locator("#flags input:checked").count() == 0
    page.focus("#flags a.name")
    page.keyboard.press("x")
    assert page.locator("[data-chosen]").inner_text() == "1 chosen:"
    page.keyboard.press("?")
    assert page.locator("#keys kbd").first.is_visible()
    page.keyboard.press("s")
    page.wait_for_url("**/flags/bulk")
    page.fill("input[name=until]", "2026-12-01")
    page.fill("textarea[name=note]", "works in the street")
    page.focus("main form .btn.first")
    page.keyboard.press("Enter")
    page.wait_for_url("**#done")
    assert page.evaluate("document.activeElement.id") == "done"
    assert "Snoozed." in page.locator("#done").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    wait_until(page, "document.getElementById('done')?.innerText.includes('Undone.')")
    page.context.close()


def test_keys_pass_over_the_line_of_an_outage_which_nobody_takes(browser: Browser, site: str, country: Store) -> None:
    break_down(country, ["00202"], date(2026, 11, 24), 1, "open")
    page = browser.new_context(locale="en", viewport={"width": 1280, "height": 900}).new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    sign_in(page, site)
    page.goto(f"{site}/flags")
    page.focus("#flags .is-outage a.name")
    for key in ("x", "a"):
        page.keyboard.press(key)
    assert page.url == f"{site}/flags" and page.locator("#flags input:checked").count() == 0
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("#flags input:checked").count() == 1
    page.keyboard.press("k")
    page.keyboard.press("o")
    page.wait_for_url(f"**/outages/{OUTAGE}")
    assert said == []
    page.context.close()


def test_everything_of_the_inbox_works_without_script(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site}/flags")
    assert page.locator("#keys").is_hidden()
    page.click("section.only-beside summary >> text=Close…")
    page.click("section.only-beside details[open] button")
    assert "Choose why it is closed" in page.locator("main").inner_text()
    page.select_option("details[open] select[name=reason]", "mended")
    page.click("details[open] button")
    assert "Closed." in page.locator("#done").inner_text()
    with page.expect_navigation():  # the page before has such a message too
        page.click("#done button")
    assert "Undone." in page.locator("#done").inner_text()
    for width in (320, 390, 900, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        for address in ("/flags", "/flags?as=table"):
            page.goto(site + address)
            assert page.locator("html").evaluate("node => node.scrollWidth") <= width, (address, width)
    context.close()
