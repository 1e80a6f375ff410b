"""Import a registry with errors and mend it: with the mouse, with the keyboard alone, and on a phone."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from collector.store.open import Store
from collector.store.queries import schools
from tests.collector.web.screens import chromium, make_app, served, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FILE = (
    "code;name;area;students_total;latitude;longitude\n"
    "901;Escuela Nueva;Norte;muchos;13,1;-59,6\n902;;Norte;80;113,1;-59,6\n"
)

Press = Callable[[Locator], None]
Write = Callable[[Locator, str], None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(country: Store) -> Iterator[str]:
    with served(make_app(country)) as url:
        yield url


def by_mouse(target: Locator) -> None:
    target.click()


def by_keyboard(target: Locator) -> None:
    """Walk to it with the tabulator, and press Enter."""
    walk_to(target)
    target.page.keyboard.press("Enter")


def walk_to(target: Locator) -> None:
    for _step in range(200):
        if target.evaluate("node => node === document.activeElement"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError("the tabulator does not reach it")


def write_by_mouse(field: Locator, text: str) -> None:
    field.fill(text)


def write_by_keyboard(field: Locator, text: str) -> None:
    walk_to(field)
    field.page.keyboard.press("Control+A")
    field.page.keyboard.type(text)


def mend(page: Page, url: str, file: Path, press: Press, write: Write) -> None:
    page.goto(f"{url}/admin/registry")
    page.set_input_files("#file", file)
    press(page.get_by_role("button", name="Look at it"))
    assert page.locator(".sentence").inner_text() == "2 rows cannot be taken. The others change nothing."
    assert "113,1' lies outside -90 to 90 degrees" in page.locator("main").inner_text()
    write(page.get_by_label("Row 2, column students_total"), "120")
    write(page.get_by_label("Row 3, column name"), "Escuela Dos")
    write(page.get_by_label("Row 3, column latitude"), "13,2")
    press(page.get_by_role("button", name="Look at it again"))
    assert page.locator(".sentence").inner_text() == "2 rows would change the registry; none is wrong."
    press(page.get_by_role("button", name="Apply 2 rows"))
    assert page.locator("[role=status]").inner_text().startswith("Applied.")


@pytest.mark.parametrize(
    ("width", "press", "write"),
    [(1280, by_mouse, write_by_mouse), (1280, by_keyboard, write_by_keyboard), (390, by_mouse, write_by_mouse)],
    ids=["mouse", "keyboard", "phone"],
)
def test_a_registry_with_errors_is_mended(
    browser: Browser, site: str, country: Store, tmp_path: Path, width: int, press: Press, write: Write
) -> None:
    file = tmp_path / "escuelas.csv"
    file.write_text(FILE, encoding="cp1252")
    context = browser.new_context(viewport={"width": width, "height": 800}, locale="en", java_script_enabled=True)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site}/language/en")
    mend(page, site, file, press, write)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    press(page.get_by_role("button", name="Take this import back"))
    assert page.locator("[role=status]").inner_text().startswith("Taken back.")
    context.close()
    with country.reader() as snapshot:
        assert {"901", "902"}.isdisjoint(schools.by_code(snapshot))


def test_the_annotated_file_is_mended_and_brought_again(
    browser: Browser, site: str, country: Store, tmp_path: Path
) -> None:
    file = tmp_path / "escuelas.csv"
    file.write_text(FILE)
    shutil.copy(file, tmp_path / "kept.csv")
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="es", accept_downloads=True)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site}/language/es")
    page.goto(f"{site}/admin/registry")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Mirarlo").click()
    with page.expect_download() as going:
        page.get_by_role("link", name="El archivo con lo que está mal").click()
    back = going.value.path().read_text("utf-8-sig")
    assert "students_total: 'muchos' no es un número entero" in back
    file.write_text(back.replace("muchos", "120").replace(";;Norte", ";Dos;Norte").replace("113,1", "13,1"), "utf-8")
    page.goto(f"{site}/admin/registry")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Mirarlo").click()
    page.get_by_role("button", name="Aplicar 2 filas").click()
    assert page.locator("[role=status]").inner_text().startswith("Aplicado.")
    context.close()
    with country.reader() as snapshot:
        assert schools.by_code(snapshot)["902"].name == "Dos"
