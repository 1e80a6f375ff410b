"""The commands about people, tokens and keys, as an operator meets them."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from collector import cli
from collector.evaluate import run as evaluation
from collector.intake.keyring import read_ring
from collector.store.open import Store
from collector.store.queries import audit, keys, sessions, tokens, users
from collector.store.queries.sessions import Session
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
    (tmp_path / "schools.csv").write_text("code,name\n00123,Uno\nS-2,Two\n")
    go("schools", "import", str(tmp_path / "schools.csv"))
    return go


@pytest.fixture
def store(run: Any, tmp_path: Path) -> Any:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


def deeds(store: Store) -> list[tuple[str, str]]:
    with store.reader() as snapshot:
        return [(one.action, one.subject) for one in audit.list_entries(snapshot)]


def signed_in(store: Store, name: str) -> None:
    with store.unit() as unit:
        found = users.find_user(unit, name)
        assert found is not None
        sessions.create_session(unit, Session(f"cookie of {name}", found.user_id, 1, 1, 9_000_000_000_000))
        unit.commit()


def is_signed_in(store: Store, name: str) -> bool:
    with store.reader() as snapshot:
        return sessions.find_session(snapshot, f"cookie of {name}", 2) is not None


def test_people_are_listed(run: Any) -> None:
    run("user", "add", "Zoé", "--role", "admin")
    run("user", "add", "ana")
    assert [line.split()[:2] for line in run("user", "list").lines] == [["ana", "viewer"], ["Zoé", "admin"]]
    run("user", "email", "ana", "ana@school.example")
    assert "ana@school.example" in run("user", "list").lines[0]


def test_another_password_signs_a_person_out_and_nobody_else(
    run: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ana", "eva"):
        run("user", "add", name)
        signed_in(store, name)
    with store.reader() as snapshot:
        before = users.find_user(snapshot, "ana")
    monkeypatch.setenv("ENLACE_PASSWORD", "another horse")
    done = run("user", "password", "Ana")
    assert (done.code, "signed out" in done.out, "another horse" in done.out) == (0, True, False)
    with store.reader() as snapshot:
        after = users.find_user(snapshot, "ana")
    assert before is not None
    assert after is not None
    assert after.password_hash != before.password_hash
    assert (is_signed_in(store, "ana"), is_signed_in(store, "eva")) == (False, True)
    assert deeds(store)[0] == ("user.password", "ana")


def test_a_password_that_nobody_thought_of_is_made_and_shown_once(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run("user", "add", "ana")
    monkeypatch.delenv("ENLACE_PASSWORD")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert len(run("user", "password", "ana").lines[-1].rpartition(" ")[2]) >= 20


def test_a_wrong_password_or_name_changes_nothing(run: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run("user", "add", "ana")
    signed_in(store, "ana")
    for password in ("short", "x" * 1025):
        monkeypatch.setenv("ENLACE_PASSWORD", password)
        assert run("user", "password", "ana").code == 2
    for words in (["user", "password", "nobody"], ["user", "remove", "nobody"]):
        done = run(*words)
        assert (done.code, done.err) == (2, "There is no user nobody. See `enlace-collector user list`.\n")
    assert is_signed_in(store, "ana")


def test_who_is_removed_is_signed_out_and_the_name_is_free(run: Any, store: Store) -> None:
    run("user", "add", "ana")
    signed_in(store, "ana")
    assert run("user", "remove", "ANA").code == 0
    assert not is_signed_in(store, "ana")
    assert run("user", "list").out == ""
    assert run("user", "add", "ana").code == 0
    assert not is_signed_in(store, "ana")
    assert [action for action, subject in deeds(store) if subject == "ana"] == ["user.add", "user.remove", "user.add"]


def test_the_only_administrator_stays(run: Any, store: Store) -> None:
    run("user", "add", "ana", "--role", "admin")
    run("user", "add", "eva")
    signed_in(store, "ana")
    done = run("user", "remove", "ana")
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("ana is the only administrator")
    assert is_signed_in(store, "ana")
    assert run("user", "remove", "eva").code == 0
    run("user", "add", "Zoé", "--role", "admin")
    assert run("user", "remove", "ana").code == 0
    assert [line.split()[0] for line in run("user", "list").lines] == ["Zoé"]


def test_what_was_done_is_listed_the_newest_first(run: Any) -> None:
    run("user", "add", "ana")
    lines = run("audit").lines
    assert lines[0].endswith("  command line  user.add  ana  viewer")
    assert len(lines) == 3
    assert run("audit", "--limit", "1").lines == lines[:1]


@pytest.mark.parametrize(
    ("devices", "days", "said"), [("1", "1", "up to 1 computer, 1 day."), ("2", "0", "up to 2 computers, 0 days.")]
)
def test_a_token_is_told_in_right_numbers(run: Any, devices: str, days: str, said: str) -> None:
    told = run("token", "create", "--school", "00123", "--devices", devices, "--days", days)
    assert told.lines[0] == f"For school 00123, {said} It is shown only now:"


def test_a_judgement_is_told_in_right_numbers(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "evaluate", lambda *_given, **_options: evaluation.EvaluationReport(1, 1, 1))
    assert run("evaluate").lines == ["1 school and 1 school-day judged, 1 measurement seen."]


def test_tokens_are_listed_with_their_state(run: Any, store: Store) -> None:
    run("token", "create", "--school", "00123", "--days", "0")
    run("token", "create", "--school", "S-2", "--devices", "3")
    assert [line.split()[1:4] for line in run("token", "list").lines] == [
        ["S-2", "valid", "0/3"],
        ["00123", "expired", "0/50"],
    ]
    with store.unit() as unit:
        newest = tokens.list_tokens(unit)[0]
        for _ in range(3):
            tokens.use_token(unit, newest.token_id)
        unit.commit()
    assert run("token", "list", "--school", "S-2").lines[0].split()[2:4] == ["exhausted", "3/3"]


def test_a_token_is_revoked_by_its_id_or_by_itself(run: Any, store: Store) -> None:
    first = run("token", "create", "--school", "00123").lines[-1]
    run("token", "create", "--school", "S-2")
    newest = run("token", "list").lines[0].split()[0]
    assert run("token", "revoke", newest).code == 0
    assert run("token", "revoke", newest).code == 0
    assert run("token", "revoke", first.lower()).out.endswith("of school 00123 is revoked.\n")
    assert [line.split()[2] for line in run("token", "list").lines] == ["revoked", "revoked"]
    assert [action for action, _ in deeds(store)].count("token.revoke") == 2


def test_a_token_that_is_none_is_said(run: Any) -> None:
    for _ in range(2):
        token = run("token", "create", "--school", "00123").lines[-1]
    for words in ("nonsense", "", token.replace(token.split("-")[1], "A" * 26)):
        done = run("token", "revoke", words)
        assert (done.code, "`enlace-collector token list`" in done.err) == (2, True)
    assert "2 tokens begin with 0" in run("token", "revoke", "0").err


def test_the_key_is_rotated_and_the_old_ones_stay(run: Any, store: Store) -> None:
    old = read_ring(store).current
    done = run("key", "rotate")
    ring = read_ring(store)
    assert done.code == 0
    assert done.lines[-1].startswith("Collector key: ")
    assert ring.pinned(old.key_id).public_key == old.public_key
    assert ring.current.key_id != old.key_id
    assert ring.for_test_points.key_id == old.key_id
    assert [line.split()[:2] for line in run("key", "list").lines] == [
        [ring.current.key_id, "current"],
        [old.key_id, "old"],
    ]
    assert run("init").lines[-1] == done.lines[-1]
    assert deeds(store)[0] == ("key.rotate", ring.current.key_id)


def test_the_newest_key_is_current_although_the_clock_was_set_back(run: Any, store: Store) -> None:
    with store.unit() as unit:
        keys.add_key(unit, "made-last", bytes(32), 1)
        unit.commit()
    with store.reader() as snapshot:
        assert keys.list_keys(snapshot)[0].key_id == "made-last"
