"""The map in a real browser: what is drawn is what is listed, by mouse, by keyboard and on a phone."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import update

from collector.store.open import Store
from collector.store.tables.registry import SCHOOLS
from tests.collector.web.pages.journey import press_tab
from tests.collector.web.pages.test_map import raw
from tests.collector.web.screens import make_app, served, sign_in, wait_until
from tests.fakes import many_schools, pages_world
from tests.fakes.empty_store import empty_store

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
MANY = 300
DRAWN = "document.getElementById('map').dataset.drawn && document.getElementById('map').schoolsDrawn"

# Schools of the list whose name has had the focus.
_NOTE_WHAT_IS_REACHED = """() => { window.reached = new Set(); document.addEventListener('focusin', event => {
    const name = event.target.closest('#map-rows li .name');
    if (name) window.reached.add(name.parentNode.parentNode.dataset.code); }); }"""


@pytest.fixture(scope="module")
def few(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    place = tmp_path_factory.mktemp("few") / "data"
    shutil.copytree(filled, place)
    store = Store.open(place)
    with served(make_app(store)) as url:
        yield url, store
    store.close()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    store = empty_store(tmp_path_factory.mktemp("many") / "data")
    pages_world.add_people(store)
    many_schools.fill(store, MANY)
    with served(make_app(store)) as url:
        yield url, store
    store.close()


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    contexts = []

    def open_page(url: str, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(locale="en", viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        sign_in(page, url)
        return page

    yield open_page
    for context in contexts:
        context.close()


def wait(page: Page) -> None:
    wait_until(page, DRAWN)
    page.wait_for_load_state("networkidle")
    wait_until(page, DRAWN)


def drawn(page: Page) -> list[dict[str, Any]]:
    """Return what stands on the canvas, once it has been drawn after what was done last."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[dict[str, Any]] = page.evaluate("document.getElementById('map').schoolsDrawn()")
    return found


def verdicts(marks: list[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for mark in marks:
        found.update(mark["counts"] or {mark["verdict"]: 1})
    return found


def heading(page: Page) -> str:
    return page.locator("#map-heading").inner_text()


def click_mark(page: Page, mark: dict[str, Any]) -> None:
    page.locator("#map").click(position={"x": mark["x"], "y": mark["y"]})


def test_what_is_drawn_is_what_is_listed_and_the_legend_changes_both(opened: Opened, many: tuple[str, Store]) -> None:
    url, store = many
    rows = raw(store)
    page = opened(url)
    page.goto(f"{url}/map")
    wait(page)
    placed = Counter(row.verdict for row in rows if row.latitude is not None)
    assert verdicts(drawn(page)) == placed
    assert heading(page) == f"{MANY} schools in view"
    page.uncheck("input[value=MEETS]")
    page.uncheck("input[value=NONE]")
    left = [row for row in rows if row.verdict not in ("MEETS", "NONE")]
    assert verdicts(drawn(page)) == Counter(row.verdict for row in left if row.latitude is not None)
    assert heading(page) == f"{len(left)} schools in view"
    page.reload()
    wait(page)
    assert heading(page) == f"{len(left)} schools in view"
    assert verdicts(drawn(page)) == Counter(row.verdict for row in left if row.latitude is not None)
    page.click("#as-table")
    assert f"{len(left)} of {MANY} schools" in page.inner_text(".found")


def test_the_list_follows_the_map_and_leads_it(opened: Opened, many: tuple[str, Store]) -> None:
    url, _ = many
    page = opened(url)
    page.goto(f"{url}/map")
    wait(page)
    ring = max((mark for mark in drawn(page) if mark["counts"]), key=lambda mark: sum(mark["counts"].values()))
    click_mark(page, ring)
    wait_until(page, f"document.getElementById('map-heading').innerText !== '{MANY} schools in view'")
    inside = drawn(page)
    size = page.locator("#map").bounding_box()
    assert size is not None
    seen = [mark for mark in inside if 0 <= mark["x"] <= size["width"] and 0 <= mark["y"] <= size["height"]]
    count = int(heading(page).split()[0])
    # A ring at the edge counts schools on both sides of it.
    assert 0 < count < MANY and abs(sum(verdicts(seen).values()) - count) <= 0.2 * count + 5
    row = page.locator("#map-rows li").first
    code = row.get_attribute("data-code")
    row.locator("small").first.click()
    assert [mark["code"] for mark in drawn(page)].count(code) == 1, "the chosen school is never in a ring"
    page.wait_for_selector("#picked .badge")
    assert page.locator("#picked h2").inner_text() == row.locator(".name").inner_text()
    assert f"school={code}" in page.url and "chosen" in (row.get_attribute("class") or "")


def test_the_keyboard_reaches_every_school(opened: Opened, many: tuple[str, Store]) -> None:
    url, store = many
    page = opened(url)
    page.goto(f"{url}/map")
    wait(page)
    page.locator("#map-rows li:nth-child(1) .pin").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#picked .badge")
    assert page.evaluate("document.activeElement.id") == "picked"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#picked h2') !== null")
    page.keyboard.press("Escape")
    assert page.locator("#picked").is_hidden()
    assert page.evaluate("document.activeElement.className").startswith("pin")
    page.evaluate(_NOTE_WHAT_IS_REACHED)
    for _ in range(MANY // 20 + 1):
        page.evaluate("document.getElementById('map-heading').focus()")
        press_tab(page, 3 + 40)  # "as a table", the link of the lead, two links a row
        following = page.locator("#map-next a")
        if not following.count():
            break
        following.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "map-heading"
    assert sorted(page.evaluate("[...reached]")) == sorted(row.code for row in raw(store))
    page.locator("#map").focus()
    before = heading(page)
    for _ in range(4):
        page.keyboard.press("+")
    wait_until(page, f"document.getElementById('map-heading').innerText !== '{before}'")


def test_schools_at_one_place_are_listed_together(opened: Opened, few: tuple[str, Store]) -> None:
    url, _ = few
    page = opened(url)
    page.goto(f"{url}/map")
    wait(page)
    pair = next(mark for mark in drawn(page) if mark["counts"] and sum(mark["counts"].values()) == 2)
    click_mark(page, pair)
    assert page.locator("#picked h2").inner_text() == "2 schools at this place"
    links = page.locator("#picked .name")
    assert {links.nth(i).get_attribute("href") for i in range(2)} == {"/schools/00123", "/schools/00202"}
    page.locator("#picked .pin").first.click()
    page.wait_for_selector("#picked .badge")
    with page.expect_navigation():
        page.click("#picked h2 a")
    assert page.url.rsplit("/", 1)[1] in ("00123", "00202")


def test_a_phone_has_the_card_under_the_map_and_the_list_below(opened: Opened, few: tuple[str, Store]) -> None:
    url, _ = few
    page = opened(url, width=390)
    page.goto(f"{url}/map")
    wait(page)
    page.locator("#map-rows .pin").first.click()
    page.wait_for_selector("#picked .badge")
    boxes = [page.locator(place).bounding_box() for place in ("#map", "#picked", ".map-legend", ".map-list")]
    edges = [(round(box["y"]), round(box["y"] + box["height"])) for box in boxes if box is not None]
    assert all(upper[1] <= lower[0] for upper, lower in pairwise(edges)), edges
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_is_asked_of_others_and_no_policy_is_broken(opened: Opened, many: tuple[str, Store]) -> None:
    url, _ = many
    page = opened(url)
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    for address in ("/map", "/map?layer=areas"):
        page.goto(url + address)
        wait(page)
        page.click(".leaflet-control-zoom-in")
        page.locator("#map").click(position={"x": 350, "y": 220})
        drawn(page)
    assert [address for address in asked if not address.startswith((url, "data:"))] == []
    assert any("areas-hn.json" in address for address in asked)
    assert said == []
    assert not page.evaluate("[...document.querySelectorAll('canvas')].some(one => one.getContext('webgl'))")


def test_schools_on_both_sides_of_the_date_line_stand_together(opened: Opened, filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "data")
    store = Store.open(tmp_path / "data")
    with store.unit() as unit:
        for code, at in {"00123": (-16.8, 179.9), "00200": (-16.9, -179.9), "00201": (-17.3, 178.9)}.items():
            where = SCHOOLS.c.code == code
            unit.connection.execute(update(SCHOOLS).where(where).values(latitude=at[0], longitude=at[1]))
        unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == "00202").values(latitude=None, longitude=None))
        unit.commit()
    with served(make_app(store)) as url:
        page = opened(url)
        page.goto(f"{url}/map")
        wait(page)
        marks = {mark["code"]: mark["x"] for mark in drawn(page)}
        assert set(marks) == {"00123", "00200", "00201"}
        assert marks["00201"] < marks["00123"] < marks["00200"]
        assert all(0 < x < 720 for x in marks.values())
        assert heading(page) == "5 schools in view"
    store.close()


def test_without_script_the_list_is_the_whole_page(opened: Opened, few: tuple[str, Store]) -> None:
    url, store = few
    page = opened(url, java_script_enabled=False)
    page.goto(f"{url}/map")
    assert "The list has every school." in page.inner_text("#map")
    page.uncheck("input[value=MEETS]")
    with page.expect_navigation():
        page.click(".map-apply")
    rest = [row.code for row in raw(store) if row.verdict != "MEETS"]
    assert page.locator("#map-rows li").count() == len(rest)
    assert not page.locator("input[value=MEETS]").is_checked()
    with page.expect_navigation():
        page.click("#map-rows .pin >> nth=0")
    assert page.locator("#picked .badge").count() == 1
    assert page.locator("#map-rows li").count() == len(rest)
