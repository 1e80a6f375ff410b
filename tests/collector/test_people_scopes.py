"""The commands that say who may do and see what."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector import cli
from collector.store.open import Store
from collector.store.queries import api_keys, audit, users
from tests.collector.test_cli import Ran


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("ENLACE_DATABASE_URL", raising=False)
    monkeypatch.setenv("ENLACE_PASSWORD", "correct horse")

    def go(*words: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            cli.main([*words, "--data", str(tmp_path / "data")])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        assert err.count("\n") <= 1
        return Ran(int(ended.value.code or 0), out, err)

    go("init")
    (tmp_path / "schools.csv").write_text("code,name,area\n1,Uno,North/River\n2,Two,South\n3,Three,\n")
    go("schools", "import", str(tmp_path / "schools.csv"))
    return go


@pytest.fixture
def store(run: Any, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


def details(store: Store, action: str) -> list[str | None]:
    with store.reader() as snapshot:
        return [one.detail for one in audit.list_entries(snapshot) if one.action == action]


def test_commands_about_people_load_no_pages() -> None:
    look = (
        "import sys; from collector import passwords, people; from collector.commands import people as commands; "
        "sys.exit('flask' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", look]).returncode == 0


def test_a_person_is_added_with_role_and_areas(run: Any, store: Store) -> None:
    done = run("user", "add", "ana", "--role", "operator", "--area", "North", "--area", "South")
    assert (done.code, done.lines[0]) == (0, "ana may sign in as operator of North, South.")
    run("user", "add", "eva")
    listed = [line.split("  ") for line in run("user", "list").lines]
    assert [(line[0], line[1], line[3:]) for line in listed] == [
        ("ana", "operator", ["North", "South"]),
        ("eva", "viewer", []),
    ]
    assert details(store, "user.add") == ["viewer", "operator of North, South"]
    with store.reader() as snapshot:
        found = users.find_user(snapshot, "ana")
    assert found is not None and found.areas == ("North", "South")


def test_an_area_without_schools_is_refused(run: Any) -> None:
    for words in (["add", "ana"], ["scope", "eva"]):
        run("user", "add", "eva")
        for wrong in ("Nort", "north", "River", ""):
            done = run("user", *words, "--area", wrong)
            assert done.code == 2
            assert f"No school is in the area {wrong!r}" in done.err and "North/River, South" in done.err
    assert [line.split()[0] for line in run("user", "list").lines] == ["eva"]


def test_an_administrator_sees_the_whole_country(run: Any) -> None:
    done = run("user", "add", "ana", "--role", "admin", "--area", "South")
    assert (done.code, done.err) == (2, "An administrator sees the whole country. Leave out --area.\n")
    run("user", "add", "eva", "--area", "South")
    assert run("user", "scope", "eva", "--role", "admin").code == 2
    done = run("user", "scope", "eva", "--role", "admin", "--whole-country")
    assert done.out == "eva is admin of the whole country.\n"


def test_role_and_areas_are_told_and_changed_and_written_down(run: Any, store: Store) -> None:
    run("user", "add", "ana", "--role", "analyst")
    assert run("user", "scope", "ana").out == "ana is analyst of the whole country.\n"
    assert run("user", "scope", "Ana", "--area", "South").out == "ana is analyst of South.\n"
    assert run("user", "scope", "ana", "--role", "operator").out == "ana is operator of South.\n"
    assert run("user", "scope", "ana", "--whole-country").out == "ana is operator of the whole country.\n"
    assert details(store, "user.scope") == [
        "operator of the whole country; before: operator of South",
        "operator of South; before: analyst of South",
        "analyst of South; before: analyst of the whole country",
    ]
    assert run("user", "scope", "ana", "--whole-country", "--area", "South").code == 2
    assert run("user", "scope", "nobody").code == 2


def test_the_only_administrator_stays_one(run: Any) -> None:
    run("user", "add", "ana", "--role", "admin")
    done = run("user", "scope", "ana", "--role", "viewer")
    assert done.code != 0 and "ana is the only administrator" in done.err
    run("user", "add", "eva", "--role", "admin")
    assert run("user", "scope", "ana", "--role", "viewer").code == 0


def test_keys_are_made_listed_and_revoked(run: Any, store: Store) -> None:
    run("user", "add", "ana", "--role", "analyst", "--area", "North", "--area", "South")
    done = run("api-key", "create", "ana", "--label", "warehouse", "--area", "North/River")
    secret = done.lines[-1]
    assert done.code == 0 and secret.startswith("enlk_") and len(secret) == 48
    (listed,) = run("api-key", "list").lines
    key_id, *rest = listed.split("  ")
    assert rest[:2] == ["ana", "good"] and rest[3:] == ["never", "warehouse", "North/River"]
    with store.reader() as snapshot:
        (kept,) = api_keys.list_keys(snapshot)
    assert secret not in repr(kept) and kept.key_hash != secret
    assert run("api-key", "revoke", secret).out == f"Key {key_id} (warehouse) is revoked.\n"
    assert run("api-key", "list").lines[0].split("  ")[2] == "revoked"
    assert details(store, "api_key.create") == ["ana: warehouse, of North/River"]
    assert details(store, "api_key.revoke") == ["warehouse"]
    assert run("api-key", "revoke", "nothing").err == "There is no such key. See `enlace-collector api-key list`.\n"


def test_a_key_that_would_open_nothing_or_too_much_is_refused(run: Any) -> None:
    run("user", "add", "eva")
    run("user", "add", "ana", "--role", "analyst", "--area", "South")
    for words, why in (
        (["eva", "--label", "x"], "eva is viewer and may not take rows away"),
        (["ana", "--label", "x", "--area", "North"], "ana does not see 'North'"),
        (["ana", "--label", "x", "--area", "West"], "No school is in the area 'West'"),
        (["ana", "--label", " "], "The label is empty"),
        (["nobody", "--label", "x"], "There is no user nobody"),
    ):
        done = run("api-key", "create", *words)
        assert (done.code, done.out) == (2, "")
        assert why in done.err
    assert run("api-key", "list").out == ""
    run("api-key", "create", "ana", "--label", "x")
    run("user", "scope", "ana", "--role", "viewer")
    assert run("api-key", "list").lines[0].split("  ")[1:3] == ["ana", "useless"]
    run("user", "remove", "ana")
    assert run("api-key", "list").lines[0].split("  ")[1:3] == ["nobody", "revoked"]
