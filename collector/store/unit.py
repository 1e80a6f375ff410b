"""One transaction in one hand: a unit of work writes and commits in one place, a snapshot only reads."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine

from collector.store.writelock import write_lock


class Snapshot:
    """A read-only view of the database at one moment. Use as a context manager."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stack = ExitStack()
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The open connection; only `collector.store` uses it."""
        if self._connection is None:
            raise RuntimeError("a unit of work is used inside `with` only")
        return self._connection

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._prepare(stack)
            connection = stack.enter_context(self._engine.connect())
            connection.begin()
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


class UnitOfWork(Snapshot):
    """A transaction that may write; nothing counts before `commit`, and leaving without it undoes everything."""

    def __init__(self, engine: Engine, lock_path: Path | None) -> None:
        super().__init__(engine)
        self._lock_path = lock_path

    def _prepare(self, stack: ExitStack) -> None:
        if self._lock_path is not None:
            stack.enter_context(write_lock(self._lock_path))

    def commit(self) -> None:
        """Make everything durable; the one place where that happens. The unit can be used on afterwards."""
        self.connection.commit()  # on SQLite the checkpoint, if one is due, runs in here and under the lock
        self.connection.begin()
