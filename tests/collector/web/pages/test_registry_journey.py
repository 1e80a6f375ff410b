"""Import a registry with errors and mend it: with the mouse, with the keyboard alone, and on a phone."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from collector.store.open import Store
from collector.store.queries import schools
from tests.collector.web.pages.journey import WAYS, Way, scrolls_sideways, somebody

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FILE = (
    "code;name;area;students_total;latitude;longitude\n"
    "901;Escuela Nueva;Norte;muchos;13,1;-59,6\n902;;Norte;80;113,1;-59,6\n"
)


def mend(page: Page, url: str, file: Path, way: Way) -> None:
    page.goto(f"{url}/admin/registry")
    page.set_input_files("#file", file)
    way.press(page.get_by_role("button", name="Look at it"))
    assert page.locator(".sentence").inner_text() == "2 rows cannot be taken. The others change nothing."
    assert "113,1' lies outside -90 to 90 degrees" in page.locator("main").inner_text()
    way.write(page.get_by_label("Row 2, column students_total"), "120")
    way.write(page.get_by_label("Row 3, column name"), "Escuela Dos")
    way.write(page.get_by_label("Row 3, column latitude"), "13,2")
    way.press(page.get_by_role("button", name="Look at it again"))
    assert page.locator(".sentence").inner_text() == "2 rows would change the registry; none is wrong."
    way.press(page.get_by_role("button", name="Apply 2 rows"))
    assert page.locator("[role=status]").inner_text().startswith("Applied.")


@pytest.mark.parametrize("way", WAYS)
def test_a_registry_with_errors_is_mended(
    browser: Browser, site: str, country: Store, tmp_path: Path, way: Way
) -> None:
    file = tmp_path / "escuelas.csv"
    file.write_text(FILE, encoding="cp1252")
    with somebody(browser, site, way) as page:
        mend(page, site, file, way)
        assert not scrolls_sideways(page)
        way.press(page.get_by_role("button", name="Take this import back"))
        assert page.locator("[role=status]").inner_text().startswith("Taken back.")
    with country.reader() as snapshot:
        assert {"901", "902"}.isdisjoint(schools.by_code(snapshot))


def test_the_annotated_file_is_mended_and_brought_again(
    browser: Browser, site: str, country: Store, tmp_path: Path
) -> None:
    file = tmp_path / "escuelas.csv"
    file.write_text(FILE)
    shutil.copy(file, tmp_path / "kept.csv")
    with somebody(browser, site, Way("mouse"), language="es") as page:
        page.goto(f"{site}/admin/registry")
        page.set_input_files("#file", file)
        page.get_by_role("button", name="Mirarlo").click()
        with page.expect_download() as going:
            page.get_by_role("link", name="El archivo con lo que está mal").click()
        back = going.value.path().read_text("utf-8-sig")
        assert "students_total: 'muchos' no es un número entero" in back
        file.write_text(
            back.replace("muchos", "120").replace(";;Norte", ";Dos;Norte").replace("113,1", "13,1"), "utf-8"
        )
        page.goto(f"{site}/admin/registry")
        page.set_input_files("#file", file)
        page.get_by_role("button", name="Mirarlo").click()
        page.get_by_role("button", name="Aplicar 2 filas").click()
        assert page.locator("[role=status]").inner_text().startswith("Aplicado.")
    with country.reader() as snapshot:
        assert schools.by_code(snapshot)["902"].name == "Dos"
