"""Pictures of every page, for eyes: `python -m tests.collector.web.screens FOLDER [--url URL --name N --password P]`.

Each page is taken wide and narrow, light and dark, in another language each time. Without a URL a small invented
country is served from a folder of its own. Pictures are named `<page>-<width>-<theme>-<language>.png`. With `--few`
only those that stand in the documents are taken, as large as a window (`make screenshots`).
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser, Error, Page, sync_playwright
from waitress.server import create_server

from collector import operate
from collector.app import make_flask
from collector.config import CollectorConfig, TestpointConfig
from collector.intake.keyring import KeySource
from collector.intake.parts import Parts
from collector.notify.settings import NotifyConfig
from collector.store.open import Store, create
from collector.web.language.i18n import LANGUAGES
from collector.web.register import register_pages
from tests.fakes import pages_world, troubles
from tests.fakes.collector_world import FakeClock, fake_ports

CHROMIUM = "/usr/bin/chromium"
# Stands in for Segoe UI where it is installed: what this machine calls system-ui may be far wider.
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<match target="pattern"><test qual="first" name="family" compare="not_contains"><string>ono</string></test>
<test qual="first" name="family" compare="not_eq"><string>Consolas</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Open Sans</string></edit></match></fontconfig>"""
WIDTHS = (1280, 390)
PAGES = {
    "01-overview": "/",
    "02-map": "/map",
    "02-map-districts": "/map?layer=areas",
    "03-schools": "/schools?verdict=BELOW",
    "04-school": "school",
    "04-evidence": "evidence",
    "04-school-tests": "tests",
    "17-uses": "/uses",
    "05-flags": "/flags",
    "05-flags-table": "/flags?as=table",
    "06-flag": "flag",
    "07-outages": "/outages",
    "07-outage": f"/outages/{troubles.OUTAGE}?show=all",
    "29-availability": "availability",
    "30-hazards": "/hazards",
    "31-hazard-new": "/hazards/new",
    "31-hazard": f"/hazards/{troubles.HAZARD}",
    "31-hazard-calls": f"/hazards/{troubles.HAZARD}/calls",
    "31-hazard-print": f"/hazards/{troubles.HAZARD}/print",
    "31-hazard-report": f"/hazards/{troubles.HAZARD}/report",
    "32-sites": "/sites",
    "33-networks": "/networks",
    "34-notices": "/notices",
    "35-notice-log": "/admin/notices",
    "36-notice-rules": "/admin/notices/rules",
    "37-webhooks": "/admin/webhooks",
    "08-providers": "/providers",
    "09-devices": "/devices",
    "09-devices-silent": "/devices?standing=silent",
    "09-devices-heard": "/devices/heard",
    "09-devices-heard-day": "/devices/heard?day=2026-11-23",
    "16-progress": "/progress?list=BELOW&at=2026-11-01",
    "14-quality": "/quality",
    "15-quality-rows": "/quality/no_place",
    "10-export": "/exports",
    "38-reports": "/reports",
    "38-report": "/reports/2026-10",
    "12-judge": "/how-we-judge",
    "13-columns": "/columns",
    "18-targets": "/targets",
    "19-target-new": "/targets/new?kind=pupils&look=1",
    "20-registry": "/admin/registry",
    "21-tokens": "/admin/tokens",
    "22-tokens-many": "/admin/tokens/many",
    "23-settings": "/admin/settings",
    "23-settings-school": "settings",
    "24-registry-history": "/admin/registry/history?of=0301017",
    "25-waiting": "waiting",
    "26-browser-test": "browser",
}
LINKED = {"27-school-link": "", "28-school-link-test": "/test"}
"""Pages of a school's link, which has to be made first."""
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Look:
    """How somebody looks at the pages."""

    language: str
    theme: str
    width: int = 1280

    def __str__(self) -> str:
        return f"{self.width}-{self.theme}-{self.language}"


FEW = (
    ("01-overview", Look("en", "light")),
    ("02-map", Look("fr", "light")),
    ("04-school", Look("es", "dark", 390)),
    ("06-flag", Look("pt", "dark")),
    ("08-providers", Look("es", "light")),
    ("38-report", Look("es", "light")),
)
"""What the documents show."""


def make_app(store: Store, *, notify: NotifyConfig | None = None, **settings: object) -> Flask:
    """Return the pages alone, at the moment of the invented country."""
    app = Flask("collector.web")
    config = CollectorConfig(**{"name": "Calandria Islands", "default_timezone": pages_world.ZONE, **settings})
    ports = fake_ports(FakeClock(pages_world.NOW_MS))
    register_pages(app, store=store, config=config, ports=ports, notify=notify)
    return app


def deployment(store: Store) -> Parts:
    """Return a deployment at that moment: with what devices call, a school can be tested in a browser."""
    ports = fake_ports(FakeClock(pages_world.NOW_MS))
    operate.init(store.url, ports)
    config = CollectorConfig(name="Calandria Islands", default_timezone=pages_world.ZONE)
    return Parts(store, config, TestpointConfig(), ports, KeySource(store, ports.clock))


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port of the loopback."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(server.close)  # by its own thread, which may be waiting for these sockets
        thread.join(timeout=5)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a browser."""
    with sync_playwright() as tool, tempfile.TemporaryDirectory() as place:
        fonts = Path(place) / "fonts.conf"
        fonts.write_text(_FONTS)
        environment = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], env=environment)
        try:
            yield browser
        finally:
            browser.close()


def wait_until(page: Page, expression: str) -> None:
    """Wait until JavaScript says yes; Playwright's own wait is one that the pages' policy forbids."""
    for _ in range(600):
        with suppress(Error):  # the page is just being left for another
            if page.evaluate(f"Boolean({expression})"):
                return
        page.wait_for_timeout(50)
    raise AssertionError(f"not within 30 s: {expression}")


def sign_in(page: Page, url: str, name: str = "ana", password: str = pages_world.PASSWORDS["ana"]) -> None:
    """Sign in by the form."""
    page.goto(f"{url}/login")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button.first")  # beside it stands one that shows the password
    page.wait_for_load_state()


def addresses(page: Page, url: str) -> dict[str, str]:
    """Return every page's address, with the worst school and the first flag that the site has."""
    worst = {
        "school": ("/schools?verdict=BELOW", "tbody a.name"),
        "flag": ("/flags", ".flag-row a.name[href^='/flags/']"),
        "waiting": ("/devices?state=pending", "a[href^='/devices/waiting/']"),
    }
    found = {}
    for word, (listed, link) in worst.items():
        page.goto(url + listed)
        first = page.locator(link).first
        found[word] = (first.get_attribute("href") if first.count() else None) or listed
    found["availability"] = f"{found['school']}/availability"
    found["evidence"] = f"{found['school']}/evidence"
    found["tests"] = f"{found['school']}/tests?hint=provider"
    found["settings"] = f"{found['school']}/settings"
    found["browser"] = f"{found['school']}/browser-test"
    return {title: found.get(address, address) for title, address in PAGES.items()}


def linked(page: Page, url: str, school: str) -> dict[str, str]:
    """Make a link to the page of a school, and return the addresses that it opens."""
    page.goto(url + school)
    page.click("form[action$='/links'] button")
    made = page.locator("input[value*='/s/']").first.get_attribute("value")
    return {title: urlsplit(made or "").path + rest for title, rest in LINKED.items()}


def put_on(page: Page, url: str, look: Look) -> None:
    """Let the reader look so from the next page on."""
    page.context.add_cookies([{"name": "enlace_language", "value": look.language, "url": url}])
    page.emulate_media(color_scheme=look.theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": look.width, "height": 900})


def each_in_its_looks(titles: Iterable[str]) -> Iterator[tuple[str, Look]]:
    """Yield pages with looks so that every page is seen in every language."""
    for number, title in enumerate(titles):
        for turn, (width, theme) in enumerate(product(WIDTHS, THEMES)):
            yield title, Look(tuple(LANGUAGES)[(number + turn) % len(LANGUAGES)], theme, width)


def take(
    browser: Browser, url: str, folder: Path, name: str, password: str, *, few: bool = False, is_ours: bool = False
) -> list[Path]:
    """Write the pictures and return where they are; where the site is ours alone, those of a school's link too."""
    context = browser.new_context(locale="en")
    page = context.new_page()
    made: list[Path] = []

    def picture(title: str, address: str, look: Look) -> None:
        put_on(page, url, look)
        page.goto(url + address)
        made.append(folder / f"{title}-{look}.png")
        page.screenshot(path=made[-1], full_page=not few)

    for title, look in () if few else each_in_its_looks(["11-sign-in"]):
        picture(title, "/login", look)
    sign_in(page, url, name, password)
    found = addresses(page, url)
    found |= linked(page, url, found["04-school"]) if is_ours and not few else {}
    for title, look in FEW if few else each_in_its_looks(found):
        picture(title, found[title], look)
    context.close()
    if few:
        squeeze(made)
    return made


def squeeze(pictures: Sequence[Path]) -> None:
    """Make pictures small for a repository; where the tool is missing they stay as they are."""
    tool = shutil.which("pngquant")
    if tool is not None:
        subprocess.run(
            [tool, "--force", "--skip-if-larger", "--strip", "--ext", ".png", *map(str, pictures)], check=False
        )


def main() -> None:
    """Take the pictures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--url")
    options.add_argument("--few", action="store_true")
    options.add_argument("--name", default="ana")
    options.add_argument("--password", default=pages_world.PASSWORDS["ana"])
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        if given.url:
            take(browser, given.url, given.folder, given.name, given.password, few=given.few)
            return
        with tempfile.TemporaryDirectory() as place:
            store = create(Path(place) / "data")
            pages_world.country(store)
            if not given.few:
                troubles.add(store)
            with served(make_flask(deployment(store))) as url:
                take(browser, url, given.folder, given.name, given.password, few=given.few, is_ours=True)
            store.close()


if __name__ == "__main__":
    main()
