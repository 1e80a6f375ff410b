"""One transaction in one hand: a unit of work writes and commits in one place, a snapshot only reads."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from collector.domain.scope import WHOLE, Scope
from collector.errors import StorageError
from collector.store import scoping
from collector.store.writelock import write_lock


class Snapshot:
    """A read-only view of a scope of the database at one moment. Use as a context manager."""

    def __init__(self, engine: Engine, scope: Scope = WHOLE) -> None:
        self._engine, self.scope = engine, scope
        self._stack = ExitStack()
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The open connection; only `collector.store` uses it."""
        if self._connection is None:
            raise RuntimeError("a unit of work is used inside `with` only")
        return self._connection

    def __enter__(self) -> Self:
        with _telling(), ExitStack() as stack:
            self._prepare(stack)
            connection = stack.enter_context(self._engine.connect())
            connection.begin()
            scoping.apply(connection, self.scope)
            self._stack = stack.pop_all()
        self._connection = connection
        return self

    def _prepare(self, stack: ExitStack) -> None:
        """Take what must be held before the transaction begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection = None
        self._stack.close()  # closing rolls back what was not committed
        if isinstance(error, DBAPIError) and is_outage(error):
            raise storage_error(error) from error


class UnitOfWork(Snapshot):
    """A transaction that may write; nothing counts before `commit`, and leaving without it undoes everything."""

    def __init__(self, engine: Engine, lock_path: Path | None, scope: Scope = WHOLE, *, waits: bool = True) -> None:
        super().__init__(engine, scope)
        self._lock_path, self._waits = lock_path, waits

    def _prepare(self, stack: ExitStack) -> None:
        if self._lock_path is not None:
            stack.enter_context(write_lock(self._lock_path, waits=self._waits))

    def commit(self) -> None:
        """Make everything durable; the one place where that happens.

        The unit can be used on afterwards: the next statement begins the next transaction.

        Raises:
            StorageError: If it is not known to be durable: the caller must not acknowledge anything.
        """
        with _telling():
            self.connection.commit()  # on SQLite the checkpoint, if one is due, runs in here and under the lock


def is_outage(error: DBAPIError) -> bool:
    """Return whether the database is away or full, and not the statement wrong."""
    return isinstance(error, OperationalError) or error.connection_invalidated


def storage_error(error: DBAPIError) -> StorageError:
    """Return the outage in words."""
    reason = str(error.orig)
    is_full = "full" in reason or "No space left" in reason or "could not extend file" in reason
    return StorageError(f"The database cannot be used now ({reason}).", is_full=is_full)


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise storage_error(error) from error
    except PoolTimeoutError as error:
        raise StorageError("All connections to the database are in use.") from error
    except OSError as error:
        raise StorageError(f"The database cannot be used now ({error.strerror}).") from error
