"""What the map of 12,000 schools costs: bytes, time on the server, time to the first drawing, time of a move.

Needs Debian's Chromium. A slow computer is this one with its processor slowed down by the browser.
"""

import gzip
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from flask.testing import FlaskClient
from playwright.sync_api import Browser

from bench.machine import table
from collector.store.open import Store, create
from tests.collector.web.pages.conftest import sign_in as sign_in_client
from tests.collector.web.screens import chromium, make_app, served, sign_in, wait_until
from tests.fakes import many_schools, pages_world

SCHOOLS = 12_000
ROUNDS = 7
SLOWER = (1, 4)
DRAWN = "document.getElementById('map').dataset.drawn"
# Milliseconds from a press of the zoom button until the canvas is drawn anew.
MOVE = """way => new Promise(done => {
  const map = document.getElementById('map'), before = map.dataset.drawn, began = performance.now();
  document.querySelector('.leaflet-control-zoom-' + way).click();
  const look = () => map.dataset.drawn !== before ? done(performance.now() - began) : requestAnimationFrame(look);
  look();
})"""


def on_server(client: FlaskClient) -> list[list[str]]:
    """Return bytes and milliseconds of what the page asks for; those of the processor hold on a busy computer too."""
    rows = []
    for title, address, headers in (
        ("page", "/map", {}),
        ("districts", "/map?layer=areas", {}),
        ("data, first time", "/map/data", {}),
        ("data, again", "/map/data", {}),
    ):
        times, busy = [], []
        for turn in range(1 if title == "data, first time" else ROUNDS):
            began, busy_before = time.perf_counter(), time.process_time()
            answer = client.get(address, headers={"Accept-Encoding": "gzip", **headers})
            times.append(1000 * (time.perf_counter() - began))
            busy.append(1000 * (time.process_time() - busy_before))
            assert answer.status_code == 200, turn
        packed = answer.data if answer.headers.get("Content-Encoding") else gzip.compress(answer.data)
        rows.append([title, f"{len(packed):,}", f"{median(times):.0f}", f"{max(times):.0f}", f"{median(busy):.0f}"])
    return rows


def in_browser(browser: Browser, url: str, slower: int) -> list[str]:
    """Return the times of one speed: first drawing, and a move of the map."""
    firsts, moves = [], []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        page = context.new_page()
        sign_in(page, url)
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.goto(f"{url}/map")
        wait_until(page, DRAWN)
        firsts.append(page.evaluate("performance.getEntriesByName('map-drawn')[0].startTime"))
        page.wait_for_load_state("networkidle")
        moves += [page.evaluate(MOVE, way) for way in ("in", "in", "in", "out")]
        context.close()
    return [f"1/{slower}", f"{median(firsts):.0f}", f"{max(firsts):.0f}", f"{median(moves):.0f}", f"{max(moves):.0f}"]


def fill(place: Path, count: int) -> Store:
    store = create(place)
    pages_world.add_people(store)
    many_schools.fill(store, count)
    return store


def main() -> None:
    count = int(os.environ.get("BENCH_MAP_SCHOOLS", SCHOOLS))
    with tempfile.TemporaryDirectory() as work:
        store = fill(Path(work) / "data", count)
        app = make_app(store)
        client = app.test_client()
        sign_in_client(client, "ana")
        print(f"{count:,} schools, SQLite, in one process\n")
        print(table(["what", "bytes", "ms, median", "ms, most", "of the processor, median"], on_server(client)))
        with served(app) as url, chromium() as browser:
            rows = [in_browser(browser, url, slower) for slower in SLOWER]
        print()
        head = ["processor", "first drawing ms, median", "most", "a move ms, median", "most"]
        print(table(head, rows))
        store.close()


if __name__ == "__main__":
    main()
