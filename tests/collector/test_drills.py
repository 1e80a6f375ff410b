"""Drills from the command line: a hazard as the button begins it, an outage in simulated time."""

from pathlib import Path
from typing import Any

import pytest

from collector import cli
from collector.demo import island
from collector.store.open import Store
from collector.store.queries import audit, hazards, schools
from collector.store.queries.notices import outbox
from tests.collector.test_cli import Ran


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("ENLACE_DATABASE_URL", raising=False)

    def go(*words: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, "--data", str(tmp_path / "data")])
        return Ran(int(ended.value.code or 0), *capfd.readouterr())

    assert go("drill", "hazard").code == 2, "there is no database"
    go("init")
    return go


@pytest.fixture
def store(run: Any, tmp_path: Path) -> Any:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


def invent(store: Store, many: int) -> None:
    """Put some schools of the invented country into the registry, each third of another provider."""
    with store.unit() as unit:
        schools.add(unit, [a_row(one, number) for number, one in enumerate(island.make_schools()[:many])])
        unit.commit()


def a_row(one: island.DemoSchool, number: int) -> dict[str, Any]:
    return {
        "code": one.code, "name": one.name, "name_folded": one.name, "name_order": one.name, "area": one.area,
        "latitude": one.latitude, "longitude": one.longitude, "timezone": island.TIMEZONE, "students_total": 100,
        "provider": "Alto" if number % 3 == 0 else "Onda Sur", "is_demo": True, "created_ms": 0, "updated_ms": 0,
    }  # fmt: skip


def test_without_invented_schools_there_is_no_drill(run: Any) -> None:
    for words in (("drill", "hazard"), ("drill", "outage")):
        ran = run(*words)
        assert ran.code == 4 and ran.err.startswith("No drill: ") and "enlace-collector demo" in ran.err


def test_a_hazard_is_rehearsed_once_as_the_button_does(run: Any, store: Store) -> None:
    invent(store, 30)
    ran = run("drill", "hazard")
    assert ran.code == 0 and ran.out.startswith("Drill: Hurricane over ")
    with store.reader() as snapshot:
        (hazard,) = hazards.open_ones(snapshot)
        deeds = [(one.action, one.actor) for one in audit.list_entries(snapshot)]
    assert hazard.is_drill and f"/hazards/{hazard.hazard_id}" in ran.out and f"{hazard.schools} invented" in ran.out
    assert ("hazard.drill_started", audit.COMMAND_LINE) in deeds
    again = run("drill", "hazard")
    assert again.code == 4 and hazard.hazard_id in again.err


@pytest.mark.parametrize("ours", [False, True])
def test_an_outage_is_rehearsed_in_a_copy_and_every_check_holds(run: Any, store: Store, ours: bool) -> None:
    invent(store, 30)
    ran = run("drill", "outage", *(["--ours"] if ours else []))
    assert ran.code == 0 and "WRONG" not in ran.out, ran.out
    if ours:
        assert "right: nobody is told of an outage of schools" in ran.out
    else:
        assert "20 of 20 schools of Onda Sur" in ran.out and "right: one message within 15 minutes" in ran.out
    with store.reader() as snapshot:
        assert outbox.newest(snapshot, 10) == [], "nobody of the deployment is written to"
