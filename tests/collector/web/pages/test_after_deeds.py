"""Pages that stand only after somebody's deed: axe finds nothing, and at 320 pixels nothing scrolls sideways."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from collector.app import make_flask
from collector.notify import stop_link
from collector.notify.stop_link import Stop
from tests.collector.web import screens
from tests.collector.web.pages.test_axe import AXE, violations
from tests.collector.web.pages.walk import LOOKS, walker
from tests.collector.web.screens import Look, put_on, served
from tests.fakes import pages_deeds, pages_world
from tests.fakes.databases import Files

HAZARD = f"/hazards/{pages_deeds.HAZARD.hazard_id}"
NARROW = 320

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not AXE.is_file(), reason="axe is not installed (tests/tools.sh)"),
]


@pytest.fixture(scope="module")
def stop(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[tuple[str, str]]:
    """A site on which all that was done, and the address that ends messages."""
    files.place = tmp_path_factory.mktemp("deeds") / "data"
    store = files.filled(pages_world.small)
    pages_deeds.add(store)
    parts = screens.deployment(store)
    token = stop_link.sign(stop_link.secret_of(store, parts.ports), Stop("outage", "user-vera"))
    with served(make_flask(parts)) as url:
        yield url, stop_link.PATH + token
    store.close()


@pytest.fixture(scope="module")
def site(stop: tuple[str, str]) -> str:
    return stop[0]


@pytest.fixture(scope="module")
def page(browser: Browser, site: str) -> Iterator[Page]:
    with walker(browser, site) as page:
        page.context.add_init_script(path=AXE)
        yield page


@pytest.fixture(scope="module")
def addresses(page: Page, stop: tuple[str, str]) -> list[str]:
    site, no_more = stop
    links = list(screens.linked(page, site, "/schools/00123").values())
    page.goto(f"{site}/admin/registry")
    page.set_input_files("input[type=file]", {"name": "a.csv", "mimeType": "text/csv", "buffer": b"code,name\nS-9,\n"})
    page.locator("main form:has(input[type=file]) button").first.click()
    brought = urlsplit(page.url).path
    assert brought.startswith("/admin/registry/imports/")
    hazard = [f"{HAZARD}{rest}" for rest in ("", "/calls", "/print", "/report")]
    meanwhile = ["/", "/schools", "/schools/00123", "/flags?state=all", "/hazards"]
    return [*hazard, *meanwhile, "/schools/00123/browser-test", *links, brought, no_more]


def faults(page: Page, site: str, address: str, look: Look) -> list[str]:
    """Return what is wrong with a page as it looks to somebody, and on a narrow screen."""
    put_on(page, site, look)
    answer = page.goto(site + address)
    assert answer is not None and answer.ok, address
    found = violations(page)
    page.set_viewport_size({"width": NARROW, "height": 900})
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [*found, *([f"{wide} pixels wide"] if wide > NARROW else [])]


def on_all(page: Page, site: str, seen: list[tuple[str, Look]]) -> dict[str, list[str]]:
    found = {f"{look} {address}": faults(page, site, address, look) for address, look in seen}
    return {where: what for where, what in found.items() if what}


def test_each_in_one_look(page: Page, site: str, addresses: list[str]) -> None:
    seen = [(address, LOOKS[number * 3 % len(LOOKS)]) for number, address in enumerate(addresses)]
    assert on_all(page, site, seen) == {}


@pytest.mark.deep
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_each_in_every_look(page: Page, site: str, addresses: list[str], look: Look) -> None:
    assert on_all(page, site, [(address, look) for address in addresses]) == {}
