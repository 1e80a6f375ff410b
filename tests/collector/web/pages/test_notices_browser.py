"""The pages about messages with something on them, as narrow as a phone, without a script: axe finds nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page

from collector.domain.notice_delivery import Outcome, Result, after
from collector.notify import decide
from collector.store.open import Store
from collector.store.queries import facts
from collector.store.queries.notices import outbox, webhooks
from collector.store.queries.notices.webhooks import Webhook
from tests.collector.web.pages.test_axe import AXE, violations
from tests.collector.web.pages.test_notices import MAIL
from tests.collector.web.pages.walk import walker
from tests.collector.web.screens import make_app, served
from tests.fakes import pages_world
from tests.fakes.databases import Files

NOW = pages_world.NOW_MS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not AXE.is_file(), reason="axe is not installed (tests/tools.sh)"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[str]:
    """A country in which messages were sent, refused and wait, and the disk is nearly full."""
    files.place = tmp_path_factory.mktemp("told") / "data"
    store: Store = files.filled(pages_world.small)
    long = "https://service-desk.example.org/" + "a-long-way/" * 12
    with store.unit() as unit:
        webhooks.add(unit, Webhook("h1", "Mesa de ayuda del ministerio", long, "s", ("digest", "outage"), NOW, "ana"))
        for topic, outcome in (("digest", Outcome.SENT), ("outage", Outcome.REFUSED), ("illness", Outcome.DEFERRED)):
            notice = replace(decide.a_test("user:user-ana", "en", "UTC", NOW), notice_id=f"n-{topic}", topic=topic)
            outbox.add(unit, notice)
            result = Result(outcome, "ana@ministry-of-education.example.org", "550 5.1.1 no such mailbox here " * 4)
            outbox.settle(unit, notice, result, after(result, 0, NOW), NOW)
        ill = [{"word": "disk_low", "began_ms": NOW, "numbers": {"free_mb": 12}}]
        ill += [{"word": "notices_failed", "began_ms": NOW, "numbers": {"failed": 1}}]
        signs = {"at_ms": NOW, "since_ms": NOW, "testpoint_seen_ms": None, "ill": ill}
        facts.set_fact(unit, "vital_signs", json.dumps(signs))
        unit.commit()
    with served(make_app(store, notify=MAIL)) as url:
        yield url
    store.close()


def test_a_person_chooses_tests_and_mutes_on_a_phone_without_a_script(browser: Browser, told: str) -> None:
    with walker(browser, told, viewport={"width": 320, "height": 700}, java_script_enabled=False) as page:
        page.goto(f"{told}/notices")
        page.get_by_label("Your e-mail address").fill("ana@example.org")
        page.locator("#digest").select_option("no")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Send me a test message").click()
        page.get_by_text("on its way").wait_for()
        page.locator("#what").select_option("area")
        page.locator("#value").fill("Norte")
        page.locator("#until").fill("2026-12-01")
        page.locator("#reason").fill("works on the mast")
        page.get_by_role("button", name="Mute", exact=True).click()
        page.get_by_text("works on the mast").wait_for()
        page.get_by_text("12 MB left").wait_for()


def is_too_wide(page: Page) -> bool:
    found: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return found


@pytest.mark.deep
@pytest.mark.parametrize("language", ["en", "es", "pt", "fr"])
def test_axe_finds_nothing_and_nothing_is_too_wide(browser: Browser, told: str, language: str) -> None:
    scheme = "dark" if language in ("es", "fr") else "light"
    with walker(browser, told, viewport={"width": 320, "height": 700}, color_scheme=scheme) as page:
        page.context.add_init_script(path=AXE)
        page.goto(f"{told}/language/{language}?next=/notices")
        for address in ("/notices", "/admin/notices", "/admin/notices/rules", "/admin/webhooks"):
            page.goto(told + address)
            assert violations(page) == [], address
            assert not is_too_wide(page), address
