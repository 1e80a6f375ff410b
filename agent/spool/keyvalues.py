"""Small durable key-values; one that is damaged is as good as none."""

import sqlite3

from agent.wire import forms


def get(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a value; None where there is none, or where it is no longer what was stored."""
    found = connection.execute("SELECT value, value_hash FROM state WHERE key = ?", (key,)).fetchone()
    if found is None or not isinstance(found[0], str) or value_hash(key, found[0]) != found[1]:
        return None
    return found[0]


def put(connection: sqlite3.Connection, key: str, value: str | None) -> None:
    """Keep a value; None removes it."""
    if value is None:
        connection.execute("DELETE FROM state WHERE key = ?", (key,))
        return
    connection.execute(
        "INSERT INTO state (key, value, value_hash) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value, value_hash = excluded.value_hash",
        (key, value, value_hash(key, value)),
    )


def value_hash(key: str, value: str) -> str:
    """Return the hash that tells whether a value is still what was stored."""
    return forms.sha256hex(f"{key}\n{value}".encode("utf-8", "surrogatepass"))


def meta(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a fact about the file itself."""
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if found is None else str(found[0])


def put_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a fact about the file itself."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def count(connection: sqlite3.Connection, name: str, by: int = 1) -> None:
    """Add to one counter of the ledger."""
    connection.execute(
        "INSERT INTO ledger (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        (name, by),
    )


def counters(connection: sqlite3.Connection) -> dict[str, int]:
    """Return all counters of the ledger."""
    return {str(name): int(value) for name, value in connection.execute("SELECT name, value FROM ledger")}
