"""The commands of the calendars, as a person meets them."""

from pathlib import Path
from typing import Any

import pytest

from collector import cli
from collector.store.open import Store
from collector.store.queries import audit, facts, schools


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("ENLACE_DATABASE_URL", raising=False)

    def go(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, "--data", str(tmp_path / "data")])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    go("init")
    return go


def test_a_calendar_is_imported_and_written_down(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "holidays.csv"
    file.write_text("calendar,date,kind,note\ndefault,2026-12-25,holiday,Navidad\nSur,2026-12-24,holiday,\n")

    code, out, _err = run("calendar", "import", str(file), "--dry-run")
    assert (code, out.splitlines()[-2]) == (1, "1 day would be added, 0 changed, 0 are as in the file.")
    code, out, _err = run("calendar", "import", str(file))
    assert (code, out.splitlines()[0][:52]) == (1, "Line 3, column calendar: no area and no school is ca")
    code, out, _err = run("calendar", "import", str(tmp_path / "none.csv"))
    assert code == 2

    store = Store.open(tmp_path / "data")
    with store.reader() as snapshot:
        assert schools.calendar_days(snapshot) == {"default": {"2026-12-25": "holiday"}}
        deeds = [(one.action, one.subject, one.detail) for one in audit.list_entries(snapshot)]
    assert deeds[0] == ("calendar.import", "holidays.csv", "added=1 changed=0 refused=1")
    store.close()


def test_a_file_that_is_right_ends_with_0(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "holidays.csv"
    file.write_text("calendar;date;kind\ndefault;2026-12-25;holiday\n", encoding="utf-16")
    assert run("calendar", "import", str(file))[0] == 0
    assert run("calendar", "import", str(file))[1].splitlines() == [
        "0 days were added, 0 changed, 1 is as in the file."
    ]


def test_devices_ask_again_when_a_window_changes_and_not_for_a_corrected_name(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "schools.csv"

    def version_after(row: str) -> str | None:
        file.write_text(f"code,name,opening\n{row}\n")
        assert run("schools", "import", str(file))[0] == 0
        store = Store.open(tmp_path / "data")
        try:
            with store.reader() as snapshot:
                return facts.find_fact(snapshot, facts.SETTINGS_VERSION)
        finally:
            store.close()

    first = version_after("00123,Uno,mon-fri 08:00-12:00")
    assert version_after("00123,One,mon-fri 08:00-12:00") == first
    moved = version_after("00123,One,mon-fri 08:00-13:00")
    assert moved is not None
    assert int(moved) == int(first or 0) + 1
