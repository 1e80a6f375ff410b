"""Connections to SQLite or PostgreSQL, set up so that what was acknowledged survives a power cut."""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError

if TYPE_CHECKING:
    from psycopg.abc import Buffer

FILE_NAME = "collector.sqlite3"
LOCK_NAME = "write.lock"
THRESHOLD = "prepare_threshold"

# Waits for what the write lock does not cover: recovery after a crash, and tools that are not ours.
BUSY_TIMEOUT_MS = 10_000


def url_of(where: Path | str) -> str:
    """Return the database URL of a data directory, or the URL itself, with the driver that we ship for.

    Args:
        where: A data directory, or a database URL.
    """
    if isinstance(where, Path):
        return f"sqlite:///{where / FILE_NAME}"
    for plain in ("postgres://", "postgresql://"):
        if where.startswith(plain):
            return "postgresql+psycopg://" + where.removeprefix(plain)
    return where


def sqlite_path(url: str) -> Path | None:
    """Return the file behind an SQLite URL, None for another database.

    Raises:
        CollectorError: If the text is no database URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise CollectorError("The database URL cannot be read.", exit_code=ExitCode.USAGE) from error
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise CollectorError("An SQLite database has to be a file.", exit_code=ExitCode.USAGE)
    return Path(parsed.database)


def make_engine(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine for one database URL.

    Args:
        url: `sqlite:///path` or a PostgreSQL URL.
        read_only: Its connections refuse to write, and begin without asking for the write lock.
    """
    plain, options = _prepared(url)
    try:
        engine = create_engine(
            plain,
            pool_size=8,
            max_overflow=64,
            pool_pre_ping=not url.startswith("sqlite"),
            connect_args=options,
            hide_parameters=True,  # a fault goes into the log; telephones and measurements do not
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise CollectorError(
            f"The database driver is not installed ({error}).", do="Install psycopg.", exit_code=ExitCode.USAGE
        ) from error
    if engine.dialect.name == "sqlite":
        _set_up_sqlite(engine, read_only)
        return engine
    _set_up_postgresql(engine)
    if read_only:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def _prepared(url: str) -> tuple[URL, dict[str, Any]]:
    """Return the URL without `prepare_threshold`, which is the driver's and not the server's, and what it says.

    A pooler that gives each transaction another connection cannot keep prepared statements: `off` makes none.

    Raises:
        CollectorError: If it is neither a number nor `off`.
    """
    parsed = make_url(url)
    given = parsed.query.get(THRESHOLD)
    if given is None or parsed.get_backend_name() == "sqlite":
        return parsed, {}
    if given != "off" and not (isinstance(given, str) and given.isdecimal()):
        raise CollectorError(
            f"The database URL says {THRESHOLD}={given}.", do="Write a number, or off.", exit_code=ExitCode.USAGE
        )
    return parsed.difference_update_query([THRESHOLD]), {THRESHOLD: None if given == "off" else int(given)}


def _set_up_postgresql(engine: Engine) -> None:
    """Let a text with a NUL, which PostgreSQL knows in no text, be one that nothing is called by, not a fault."""
    from psycopg.types.string import StrDumperUnknown

    class NulFree(StrDumperUnknown):
        def dump(self, obj: str) -> "Buffer | None":
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(str, NulFree)


def _set_up_sqlite(engine: Engine, read_only: bool) -> None:
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, DDL included
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # an answer "accepted" has to survive a power cut; NORMAL loses the last commits
            "foreign_keys=ON",
            "cell_size_check=ON",
            "trusted_schema=OFF",
            "journal_size_limit=67108864",
            f"query_only={'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def _begin(connection: Any) -> None:
        connection.execute(begin)

    # Not by SQLAlchemy's event: an engine that somebody listens to prepares events for each of its statements.
    engine.dialect.do_begin = _begin  # type: ignore[assignment,method-assign]  # of this engine alone
