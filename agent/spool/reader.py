"""A view of the spool for commands that only look: it takes no lock, repairs nothing and changes nothing."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from agent.errors import EnlaceError
from agent.ports import Clock
from agent.spool import keyvalues, moments, schemafile, troubles, views
from agent.spool.rows import RowView, Spent, SpoolSummary
from agent.wire.headers import Ledger

T = TypeVar("T")
Given = TypeVar("Given")


class SpoolReader:
    """What `status`, `doctor` and `spool list` see."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = self._look(_open, path)

    def __enter__(self) -> "SpoolReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def ledger(self) -> Ledger:
        """Return the counters, read in one transaction."""
        return self._read(views.ledger)

    def summary(self) -> SpoolSummary:
        """Return how the spool stands."""
        return self._read(views.summary)

    def list_rows(self, limit: int = 100) -> list[RowView]:
        """Return the newest rows, newest first."""
        return self._read(lambda connection: views.list_rows(connection, limit))

    def export(self) -> Iterator[bytes]:
        """Yield every record as one line of JSON."""
        return views.export(self._read)

    def get_state(self, key: str) -> str | None:
        """Return a small durable value; None where there is none."""
        return self._read(lambda connection: keyvalues.get(connection, key))

    def spent(self, clock: Clock, boot_id: str, utc_offset_min: int) -> Spent:
        """Return the bytes spent and reserved today and this month, as `Spool.spent` does."""

        def read(connection: sqlite3.Connection) -> Spent:
            return views.spent(connection, moments.now(connection, clock, boot_id, note=False), utc_offset_min)

        return self._read(read)

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def within(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

        return self._look(within, self._connection)

    def _look(self, work: Callable[[Given], T], given: Given) -> T:
        try:
            return work(given)
        except troubles.Broken as error:
            raise EnlaceError(
                f"The spool {self._path} cannot be read: {error}.",
                means="What waits in it is not lost by that.",
                do="If the file is damaged, the agent repairs it when it starts.",
            ) from error


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        return _nothing()
    if not os.access(path, os.R_OK):
        raise EnlaceError(
            f"The spool {path} cannot be read by this account.",
            do="Run the command as the account of the service, or as administrator.",
        )
    address = path.resolve().as_uri()
    try:
        connection = _connect(f"{address}?mode=ro")
    except sqlite3.OperationalError:
        # No room, or no right, for the shared memory beside it. Every commit is in the file itself, so look at that.
        connection = _connect(f"{address}?immutable=1")
    if schemafile.is_empty(connection):
        connection.close()
        return _nothing()
    return connection


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.text_factory = schemafile.lenient_text
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except BaseException:
        connection.close()
        raise
    return connection


def _nothing() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    schemafile.create(connection, "")
    connection.execute("PRAGMA query_only = ON")
    return connection
