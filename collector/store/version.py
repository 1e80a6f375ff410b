"""Which version a database has, found out without changing a byte of it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.store import engine as engines

# Oldest first, as the files in migrations/versions say.
REVISIONS = (
    *("0001", "0002", "0003", "0004", "0009", "0005", "0006", "0007", "0010", "0011", "0012", "0013", "0015"),
    *("0016", "0017", "0018", "0019", "0020"),
    *("0021", "0022", "0023", "0024", "0025", "0026", "0027", "0028", "0030", "0031", "0032", "0034"),
)
TABLE = "alembic_version"


def check(url: str) -> None:
    """Refuse a database that this version cannot use.

    Raises:
        CollectorError: If it is not there, not ours, older or newer.
    """
    found = require(url)
    refuse_newer(found, url)
    if found != REVISIONS[-1]:
        raise CollectorError(
            f"The database at {_place(url)} has revision {found}, and this version works with {REVISIONS[-1]}.",
            do="Run `enlace-collector migrate` first.",
            exit_code=ExitCode.USAGE,
        )


def require(url: str) -> str:
    """Return the revision of the database, whichever it is.

    Raises:
        CollectorError: If it is not there, cannot be read, or holds something that is not ours.
    """
    found = find(url)
    if found is None:
        raise CollectorError(
            f"There is no database at {_place(url)}.", do="Run `enlace-collector init` first.", exit_code=ExitCode.USAGE
        )
    return found


def refuse_newer(found: str, url: str) -> None:
    """Refuse a database with a revision that this version does not know.

    Raises:
        CollectorError: With both revisions.
    """
    if found not in REVISIONS:
        raise CollectorError(
            f"The database at {_place(url)} was written by a newer version of Enlace: its revision is {found}, "
            f"the newest that this version knows is {REVISIONS[-1]}.",
            do="Install that version, or restore an older backup.",
        )


def find(url: str) -> str | None:
    """Return the revision of the database, None where there is no database yet.

    Raises:
        CollectorError: If it cannot be read, or holds something that is not ours.
    """
    path = engines.sqlite_path(url)
    return _find_in_file(path) if path is not None else _find_on_server(url)


def _place(url: str) -> str:
    path = engines.sqlite_path(url)
    return str(path) if path is not None else "the database URL"


def _find_in_file(path: Path) -> str | None:
    try:
        if not path.exists() or path.stat().st_size == 0:
            return None
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            rows = connection.execute(f"SELECT version_num FROM {TABLE}").fetchall() if TABLE in names else []  # noqa: S608 -- a constant
    except PermissionError as error:
        raise CollectorError(f"The database {path} may not be read by this user.", exit_code=ExitCode.USAGE) from error
    except (OSError, sqlite3.Error) as error:
        raise CollectorError(f"The database {path} cannot be read ({error}).") from error
    return _revision(names, [str(row[0]) for row in rows], str(path))


def _find_on_server(url: str) -> str | None:
    engine = engines.make_engine(url)
    try:
        with engine.connect() as connection:
            names = set(inspect(connection).get_table_names())
            rows = connection.execute(text(f"SELECT version_num FROM {TABLE}")).fetchall() if TABLE in names else []  # noqa: S608 -- a constant
    except SQLAlchemyError as error:
        raise CollectorError("The database cannot be reached.", exit_code=ExitCode.NETWORK) from error
    finally:
        engine.dispose()
    return _revision(names, [str(row[0]) for row in rows], "the database URL")


def _revision(names: set[str], rows: list[str], place: str) -> str | None:
    if rows:
        return rows[0]
    if names - {TABLE}:
        raise CollectorError(f"The database at {place} holds tables that are not of Enlace.", do="Give another place.")
    return None
