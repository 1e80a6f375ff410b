"""Every page in a real browser, as a reader of a language and a theme sees it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from collector.web.language.i18n import LANGUAGES
from tests.collector.web.pages.test_all_pages import PAGES
from tests.collector.web.screens import THEMES, WIDTHS, Look, sign_in

# Every language in both themes; each language and each theme wide and narrow.
LOOKS = [
    Look(language, theme, WIDTHS[(number + turn) % 2])
    for number, language in enumerate(LANGUAGES)
    for turn, theme in enumerate(THEMES)
]


@contextmanager
def walker(browser: Browser, site: str, **options: object) -> Iterator[Page]:
    """Give a page on which an administrator is signed in."""
    context = browser.new_context(locale="en", **options)  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, site)
    yield page
    context.close()


def all_addresses(page: Page, site: str) -> list[str]:
    """Return the address of every page for who is signed in; a page of one flag takes the first there is."""
    page.goto(f"{site}/flags?state=all")
    flag = page.locator("#flags a.name").first.get_attribute("href")
    assert flag
    return [flag if address == "FLAG" else address for address in PAGES]


def open_everything(page: Page) -> None:
    """Unfold what is folded, so that it is looked at too."""
    page.evaluate("document.querySelectorAll('main details').forEach(node => { node.open = true })")
