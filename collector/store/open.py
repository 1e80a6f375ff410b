"""The collector's database: opened, checked for its version, and given out in units of work."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from agent.wire import ownfiles
from agent.wire.vocabulary import ExitCode
from collector.domain.scope import WHOLE, Scope
from collector.errors import CollectorError
from collector.store import engine as engines
from collector.store import version
from collector.store.unit import Snapshot, UnitOfWork


class Store:
    """The way to the database; every process and every test opens its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = engines.sqlite_path(url)
        self.lock_path = self.path.parent / engines.LOCK_NAME if self.path else None
        self._writing: Engine = engines.make_engine(url)
        self._reading: Engine = engines.make_engine(url, read_only=True)

    @classmethod
    def open(cls, where: Path | str) -> "Store":
        """Return the store of a data directory or of a database URL.

        Args:
            where: A directory with the SQLite file in it, or a URL of SQLite or PostgreSQL.

        Raises:
            CollectorError: If there is no database, it cannot be reached, or its version is another; a file is left
                as it was.
        """
        url = engines.url_of(where)
        version.check(url)
        opened = cls(url)
        if opened.path is not None:
            ownfiles.withhold_database(opened.path)
        return opened

    def unit(self, scope: Scope = WHOLE, *, waits: bool = True) -> UnitOfWork:
        """Return a transaction that may write: `with store.unit() as unit: ...; unit.commit()`.

        Args:
            scope: What it may read and change.
            waits: For other writers; otherwise entering it while one writes raises a `StorageError`.
        """
        return UnitOfWork(self._writing, self.lock_path, scope, waits=waits)

    def reader(self, scope: Scope = WHOLE) -> Snapshot:
        """Return a read-only view of one moment: `with store.reader() as snapshot: ...`.

        Args:
            scope: What it may read.
        """
        return Snapshot(self._reading, scope)

    def close(self) -> None:
        """Give back every connection."""
        self._writing.dispose()
        self._reading.dispose()


@dataclass(frozen=True)
class ScopedStore:
    """The way to what one person may see: every transaction that it gives out is limited to the scope."""

    whole: Store
    scope: Scope

    def reader(self) -> Snapshot:
        """Return a read-only view of one moment."""
        return self.whole.reader(self.scope)

    def unit(self, *, waits: bool = True) -> UnitOfWork:
        """Return a transaction that may write.

        Args:
            waits: For other writers; otherwise entering it while one writes raises a `StorageError`.
        """
        return self.whole.unit(self.scope, waits=waits)


def create(where: Path | str) -> Store:
    """Return the store, making or upgrading its database first; doing it again changes nothing.

    Raises:
        CollectorError: If the place cannot be written, or the database was written by a newer version.
    """
    from collector.store.migrations.run import migrate  # Alembic is not loaded by those who only open

    url = engines.url_of(where)
    path = engines.sqlite_path(url)
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            ownfiles.reserve(path, ownfiles.SECRET_MODE)  # it holds the signing keys; what SQLite puts beside it too
        migrate(url)
    except (OSError, OperationalError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error.strerror
        is_wrong_place = isinstance(error, PermissionError | FileExistsError | NotADirectoryError)
        raise CollectorError(
            f"The database cannot be made at {path or 'the database URL'} ({reason}).",
            exit_code=ExitCode.USAGE if is_wrong_place else ExitCode.FAULT,
        ) from error
    return Store(url)
