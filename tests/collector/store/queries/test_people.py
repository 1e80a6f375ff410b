"""People, sessions, wrong passwords, the audit log."""

import pytest

from collector.errors import CollectorError
from collector.store.open import Store
from collector.store.queries import audit, sessions, users
from collector.store.queries.audit import AuditEntry
from collector.store.queries.sessions import Session
from collector.store.queries.users import User


def a_user(user_id: str, name: str) -> User:
    return User(user_id, name, "admin", "hash", None, 1, None)


def test_a_name_is_taken_whatever_its_letters(store: Store) -> None:
    with store.unit() as unit:
        users.create_user(unit, a_user("1", "José"))
        with pytest.raises(CollectorError, match="already"):
            users.create_user(unit, a_user("2", " JOSE\u0301 "))
        users.create_user(unit, a_user("3", "Ana"))
        unit.commit()
    with store.reader() as snapshot:
        found = users.find_user(snapshot, "josé")
        assert found == a_user("1", "José")
        assert users.find_user_by_id(snapshot, "3") == a_user("3", "Ana")
        assert users.find_user(snapshot, "nobody") is None
        assert [one.name for one in users.list_users(snapshot)] == ["Ana", "José"]
    assert "hash" not in repr(found)


def test_wrong_passwords_are_counted_until_a_right_one(store: Store) -> None:
    with store.unit() as unit:
        assert users.find_failures(unit, "ana").count == 0
        users.add_failure(unit, "Ana", 5)
        users.add_failure(unit, "ana ", 9)
        assert users.find_failures(unit, "ANA") == users.SignInFailures(2, 9)
        users.prune_failures(unit, 9)
        assert users.find_failures(unit, "ana").count == 2
        users.clear_failures(unit, "ana")
        assert users.find_failures(unit, "ana").count == 0


def test_a_session_lasts_until_its_end(store: Store) -> None:
    session = Session("hash", "1", 0, 0, 100)
    with store.unit() as unit:
        sessions.create_session(unit, session)
        assert sessions.find_session(unit, "hash", 99) == session
        assert sessions.find_session(unit, "hash", 100) is None
        sessions.touch_session(unit, "hash", 50, 150)
        assert sessions.find_session(unit, "hash", 120) == Session("hash", "1", 0, 50, 150)
        sessions.create_session(unit, Session("other", "1", 200, 200, 300))
        assert sessions.find_session(unit, "hash", 50) is None  # forgotten: it had run out
        sessions.end_session(unit, "other")
        assert sessions.find_session(unit, "other", 200) is None


def test_a_person_is_signed_out_everywhere(store: Store) -> None:
    with store.unit() as unit:
        for name, user in (("a", "1"), ("b", "1"), ("c", "2")):
            sessions.create_session(unit, Session(name, user, 0, 0, 100))
        sessions.end_sessions_of(unit, "1")
        assert [sessions.find_session(unit, name, 1) is None for name in "abc"] == [True, True, False]


def test_deeds_come_newest_first(store: Store) -> None:
    with store.unit() as unit:
        for number in range(3):
            audit.add_entry(unit, AuditEntry(str(number), number, "command line", "init", "deployment", None))
        assert [entry.audit_id for entry in audit.list_entries(unit, limit=2)] == ["2", "1"]
