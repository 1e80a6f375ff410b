"""Pictures of every page, for eyes: `python -m tests.collector.web.screens FOLDER [--url URL --name N --password P]`.

Without a URL it serves a small invented country from a folder of its own. Pictures are named
`<page>-<width>[-dark][-es].png`.
"""

import argparse
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from playwright.sync_api import Browser, Error, Page, sync_playwright
from waitress.server import create_server

from collector.config import CollectorConfig
from collector.store.open import Store, create
from collector.web.register import register_pages
from tests.fakes import pages_world
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
    "08-providers": "/providers",
    "09-devices": "/devices",
    "16-progress": "/progress?list=BELOW&at=2026-11-01",
    "14-quality": "/quality",
    "15-quality-rows": "/quality/no_place",
    "10-export": "/exports",
    "12-judge": "/how-we-judge",
    "13-columns": "/columns",
    "20-registry": "/admin/registry",
    "21-tokens": "/admin/tokens",
    "22-tokens-many": "/admin/tokens/many",
    "23-settings": "/admin/settings",
    "23-settings-school": "/schools/00123/settings",
}


class _Compiled(BytecodeCache):
    """Templates are compiled once in a process: every test makes an application of its own."""

    _codes: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


def make_app(store: Store, **settings: object) -> Flask:
    """Return the pages alone, at the moment of the invented country."""
    app = Flask("collector.web")
    app.jinja_env.bytecode_cache = _Compiled()
    config = CollectorConfig(**{"name": "Calandria Islands", "default_timezone": pages_world.ZONE, **settings})
    register_pages(app, store=store, config=config, ports=fake_ports(FakeClock(pages_world.NOW_MS)))
    return app


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port of the loopback."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
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
    page.click("main button")
    page.wait_for_load_state()


def addresses(page: Page, url: str) -> dict[str, str]:
    """Return every page's address, with the worst school and the first flag that the site has."""
    worst = {"school": ("/schools?verdict=BELOW", "tbody a.name"), "flag": ("/flags", ".flag-row a.name")}
    found = {}
    for word, (listed, link) in worst.items():
        page.goto(url + listed)
        first = page.locator(link).first
        found[word] = (first.get_attribute("href") if first.count() else None) or listed
    found["evidence"] = f"{found['school']}/evidence"
    found["tests"] = f"{found['school']}/tests?hint=provider"
    return {title: found.get(address, address) for title, address in PAGES.items()}


def take(browser: Browser, url: str, folder: Path, name: str, password: str) -> list[Path]:
    """Write all pictures and return where they are."""
    made: list[Path] = []
    for theme in ("light", "dark"):
        for language in ("en", "es"):
            context = browser.new_context(color_scheme=theme, locale=language)  # type: ignore[arg-type]
            page = context.new_page()
            marks = ("-dark" if theme == "dark" else "") + ("-es" if language == "es" else "")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(f"{url}/login")
                made.append(folder / f"11-sign-in-{width}{marks}.png")
                page.screenshot(path=made[-1], full_page=True)
            sign_in(page, url, name, password)
            for title, address in addresses(page, url).items():
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    page.goto(url + address)
                    made.append(folder / f"{title}-{width}{marks}.png")
                    page.screenshot(path=made[-1], full_page=True)
            context.close()
    return made


def main() -> None:
    """Take the pictures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--url")
    options.add_argument("--name", default="ana")
    options.add_argument("--password", default=pages_world.PASSWORDS["ana"])
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        if given.url:
            take(browser, given.url, given.folder, given.name, given.password)
            return
        with tempfile.TemporaryDirectory() as place:
            store = create(Path(place) / "data")
            pages_world.country(store)
            with served(make_app(store)) as url:
                take(browser, url, given.folder, given.name, given.password)
            store.close()


if __name__ == "__main__":
    main()
