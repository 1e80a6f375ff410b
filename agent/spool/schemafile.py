"""Making a spool file, and knowing one when it is seen."""

import sqlite3
from importlib import resources
from pathlib import Path

from agent.spool import keyvalues, views
from agent.spool.rows import PAGE_BYTES
from agent.wire import ownfiles

APPLICATION_ID = 0x456E6C61  # "Enla"
VERSION = 1


class NewerFileError(Exception):
    """The file was written by a newer version of this program."""


class DamagedError(Exception):
    """The file is not, or no longer, a spool."""


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that may write, with every commit on the disk before it returns."""
    ownfiles.reserve(path)  # what SQLite puts beside it gets the same rights
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.text_factory = lenient_text
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA temp_store = MEMORY")  # a full /tmp is not our business
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        # Without shared memory there is no WAL; a rollback journal needs EXTRA to survive a power cut.
        connection.execute("PRAGMA synchronous = FULL" if mode == "wal" else "PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # we do it, under the lock
        connection.execute("PRAGMA journal_size_limit = 1000000")
    except BaseException:
        connection.close()
        raise
    return connection


def lenient_text(data: bytes) -> str:
    """Return a text column even where a bit has flipped in it; hashes tell whether it is right."""
    return data.decode("utf-8", "replace")


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether nothing has ever been written, as after a power cut right after the file was made."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def create(connection: sqlite3.Connection, lineage: str) -> None:
    """Make the tables of a new spool inside the open transaction."""
    for statement in statements():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    keyvalues.put_meta(connection, "lineage", lineage)
    keyvalues.put_meta(connection, "version", str(VERSION))


def statements() -> list[str]:
    """Return the statements of the schema, one by one."""
    text = resources.files("agent.spool").joinpath("schema.sql").read_text(encoding="utf-8")
    bare = "\n".join(line.split("--")[0] for line in text.splitlines())
    return [one.strip() for one in bare.split(";") if one.strip()]


def check(connection: sqlite3.Connection) -> None:
    """Look whether the file is a whole spool of this version.

    Raises:
        NewerFileError: If the header and the file's own note both say so: one alone may be a flipped bit.
        DamagedError: If it is anything else.
        sqlite3.Error: If it cannot even be read.
    """
    noted = keyvalues.meta(connection, "version") if _has_meta(connection) else None
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION and noted == str(version):
        raise NewerFileError
    if (application, version, noted) != (APPLICATION_ID, VERSION, str(VERSION)):
        raise DamagedError("the header is not that of a spool")
    if _schema_in(connection) != set(statements()):
        raise DamagedError("the tables are not those of a spool")
    if not keyvalues.meta(connection, "lineage"):
        raise DamagedError("the lineage is missing")
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedError("the file's structure is broken")
    if not views.ledger(connection).is_balanced():
        raise DamagedError("the ledger does not add up")


def _has_meta(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").fetchone()
    return found is not None


def _schema_in(connection: sqlite3.Connection) -> set[str]:
    """Return the statements that the file itself says it was made with."""
    found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    return {statement for (statement,) in found}
