"""No page breaks a rule that axe knows: WCAG 2.0 to 2.2, A and AA, and good practice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from collector.store.open import Store
from tests.collector.web.pages.walk import LOOKS, all_addresses, open_everything, walker
from tests.collector.web.screens import Look, make_app, put_on, served, sign_in
from tests.fakes import pages_world
from tests.fakes.databases import Files

AXE = Path(__file__).parents[3] / "clients" / "node_modules" / "axe-core" / "axe.min.js"
# `target-size` and what is only advice are off where a run does not name them.
_RUN = """() => axe.run(document, {
    resultTypes: ['violations'],
    preload: false,
    runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']},
}).then(found => found.violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id}: ${node.html.slice(0, 200)} (${node.failureSummary.replace(/\\s+/g, ' ').slice(0, 300)})`)))"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not AXE.is_file(), reason="axe is not installed (tests/tools.sh)"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[str]:
    files.place = tmp_path_factory.mktemp("axe") / "data"
    store: Store = files.filled(pages_world.small)
    with served(make_app(store)) as url:
        yield url
    store.close()


@pytest.fixture(scope="module")
def page(browser: Browser, site: str) -> Iterator[Page]:
    with walker(browser, site) as page:
        page.context.add_init_script(path=AXE)  # by the debugger, past the pages' own policy
        yield page


@pytest.fixture(scope="module")
def addresses(page: Page, site: str) -> list[str]:
    return [*all_addresses(page, site), "/no/such/page"]


def violations(page: Page) -> list[str]:
    """Return what axe finds on the page as it stands."""
    open_everything(page)
    found: list[str] = page.evaluate(_RUN)
    return found


def on_pages(page: Page, site: str, seen: list[tuple[str, Look]]) -> dict[str, list[str]]:
    """Return what axe finds at each address in its look, where it finds anything."""
    found = {}
    for address, look in seen:
        put_on(page, site, look)
        page.goto(site + address)
        found[f"{look} {address}"] = violations(page)
    return {where: what for where, what in found.items() if what}


def test_axe_sees_what_is_wrong(page: Page, site: str) -> None:
    page.goto(f"{site}/columns")
    page.evaluate("document.querySelector('main').innerHTML += '<img src=\"/static/icon.svg\"><p id=main></p>'")
    assert any(one.startswith("image-alt") for one in violations(page))


def test_every_page_in_one_look(page: Page, site: str, addresses: list[str]) -> None:
    """Each page in another language, theme and width: every look is seen somewhere."""
    looks = [LOOKS[number * 3 % len(LOOKS)] for number in range(len(addresses))]
    assert on_pages(page, site, list(zip(addresses, looks, strict=True))) == {}


def test_signing_in_with_a_mistake(browser: Browser, site: str) -> None:
    context = browser.new_context(color_scheme="dark", locale="fr")
    context.add_init_script(path=AXE)
    page = context.new_page()
    sign_in(page, site, name="nobody")
    assert page.locator("[role=alert]").count() == 1
    assert violations(page) == []
    context.close()


@pytest.mark.deep
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_page_in_every_look(page: Page, site: str, addresses: list[str], look: Look) -> None:
    assert on_pages(page, site, [(address, look) for address in addresses]) == {}
