"""The spool's file: who may write when, and what every error of the disk means.

A write holds `write.lock` from BEGIN to the checkpoint after COMMIT: old SQLite versions lose pages when two
connections checkpoint at once. A damaged file is repaired where it is noticed and the work is done again.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agent.errors import EnlaceError
from agent.locks import FileLock
from agent.ports import Clock, Randomness
from agent.spool import files, repair, schemafile, spending, troubles

LOG = logging.getLogger(__name__)

T = TypeVar("T")

FILE = "spool.sqlite3"
WRITE_LOCK = "write.lock"
_LOCK_STEP_S = 0.02
_LOCK_STEPS = 1_500  # 30 s


class Database:
    """One spool file in one process; safe for several threads."""

    def __init__(self, directory: Path, *, clock: Clock, randomness: Randomness) -> None:
        self.directory, self.path = directory, directory / FILE
        self._clock, self._randomness = clock, randomness
        self._write_lock = FileLock(directory / WRITE_LOCK)
        self._threads = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._depth = 0
        self._moved_to: str | None = None  # what lay in the place of the file

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the work returns, after it is durable; inside another write it becomes part of that.

        Raises:
            EnlaceError: If the disk is full, the file cannot be written or another process does not let go of it.
        """
        with self._threads:
            if self._depth and self._connection is not None:
                return work(self._connection)
            try:
                self._take_lock()
                try:
                    return self._write_or_repair(work)
                finally:
                    self._write_lock.release()
            except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
                raise  # we are wrong, not the disk
            except (OSError, *troubles.Broken) as error:
                if isinstance(error, OSError) or troubles.is_lasting(error):
                    self._discard()
                raise troubles.in_words(error, self.path) from error

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the work reads in one transaction."""
        return self.write(work) if self._needs_opening() else self._read(work)

    def open_if_there_is_room(self) -> None:
        """Open, make or repair the file now; a full disk may be free again when the first write comes."""
        try:
            self.write(lambda _: None)
        except EnlaceError as error:
            cause = error.__cause__
            if cause is None or not troubles.is_no_room(cause, self.path):
                raise
            LOG.error("spool.no_room")

    def close(self) -> None:
        """Let go of the file; what was committed stays."""
        with self._threads:
            with contextlib.suppress(OSError, EnlaceError):
                self._take_lock()
            self._discard()
            self._write_lock.release()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._threads:
            connection = self._connection
            if connection is None or self._depth:
                return self.write(work)
            try:
                connection.execute("BEGIN")
                try:
                    return work(connection)
                finally:
                    connection.execute("COMMIT")
            except troubles.Broken:
                _roll_back(connection)
        return self.write(work)

    def _needs_opening(self) -> bool:
        return self._connection is None or self._file != _identity(self.path)

    def _take_lock(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for _ in range(_LOCK_STEPS):
            if self._write_lock.try_acquire():
                return
            self._clock.sleep(_LOCK_STEP_S)
        raise EnlaceError(
            f"Another process has been writing to {self.path} for 30 s.",
            means="Nothing was stored now.",
            do="Look for an enlace-agent that hangs and end it.",
        )

    def _write_or_repair(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._open()
        try:
            return self._transact(connection, work)
        except troubles.Broken as error:
            if not troubles.is_damage(error, self.path):
                raise
            self._repair(str(error))
            return self._transact(self._open(), work)

    def _transact(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
        finally:
            self._depth -= 1
        self._checkpoint(connection)
        return result

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            # What was committed is in the WAL and stays there. A connection that saw an I/O error is not used again.
            LOG.warning("spool.checkpoint_failed", extra={"error": troubles.name(error)})
            self._discard()

    def _open(self) -> sqlite3.Connection:
        """Return the connection to the file that lies there now; another process may have repaired it."""
        if not self._needs_opening() and self._connection is not None:
            return self._connection
        self._discard()
        repair.finish(self.path)
        if self.path.exists() and not self.path.is_file():
            self._moved_to = repair.move_aside(self.path).name
        try:
            return self._connect()
        except schemafile.NewerFileError as error:
            raise EnlaceError(
                f"The spool {self.path} was written by a newer version of this program.",
                means="This version does not touch it.",
                do="Install the newer version again.",
            ) from error
        except (schemafile.DamagedError, *troubles.Broken) as error:
            if not troubles.is_damage_at_opening(error, self.path):
                raise
            self._repair(str(error))
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = schemafile.connect(self.path)
        try:
            if schemafile.is_empty(connection):
                connection.execute("BEGIN IMMEDIATE")
                schemafile.create(connection, self.new_lineage())
                self._replace_lost(connection)
                connection.execute("COMMIT")
                spending.keep(self.directory, connection)
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                files.sync_directory(self.directory)
            schemafile.check(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._file = connection, _identity(self.path)
        return connection

    def _replace_lost(self, connection: sqlite3.Connection) -> None:
        """Say so, and go on with the budget, where a file without content stands for a spool that there was."""
        if spending.is_kept(self.directory):
            spending.bring_back(self.directory, connection)
            repair.note_lost(connection, self._clock.now_ms(), self._moved_to)
            LOG.error("spool.lost", extra={"moved_to": self._moved_to})
            self._moved_to = None

    def _repair(self, why: str) -> None:
        self._discard()
        report = repair.rebuild(self.path, self.new_lineage(), self._clock.now_ms(), why)
        LOG.error(
            "spool.repaired",
            extra={"moved_to": report.moved_to, "kept": report.kept, "set_aside": report.set_aside, "why": why},
        )

    def new_lineage(self) -> str:
        """Return a random id for a ledger that begins."""
        return self._randomness.token_bytes(16).hex()

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
