"""Backups of the database, made while it is used: whole or not at all, and read again before they count.

SQLite is copied page by page through its own interface, in one read transaction: who writes meanwhile is not kept, and
the copy is one moment. It carries another `store_epoch` than the database: whoever restores it is offered again by the
agents what they had been acknowledged since. PostgreSQL is copied by its own program, `pg_dump`.
"""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL
from sqlalchemy.engine import make_url

from agent.wire import ownfiles
from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.store import engine as engines
from collector.store.queries.facts import STORE_EPOCH

SQLITE_END, DUMP_END = ".sqlite3", ".dump"
_OURS: Final = re.compile(r"enlace-\d{8}T\d{6}Z\.(?:sqlite3|dump)", re.ASCII)
_SAID_CHARS: Final = 300  # of what pg_dump says
_OPTIONS: Final = (engines.THRESHOLD,)  # of the URL, that PostgreSQL's own programs do not know


@dataclass(frozen=True)
class Backup:
    """A backup that was made."""

    path: Path
    size_bytes: int
    dropped: int  # older ones that were deleted


def make(url: str, folder: Path, stamp: str, new_epoch: str, *, keep: int) -> Backup:
    """Write a backup into a folder, check it, and delete the oldest ones that are too many.

    Args:
        url: Of the database.
        folder: Made where it is not there.
        stamp: UTC as `20261126T190000Z`: part of its name.
        new_epoch: The `store_epoch` of the copy; of SQLite only.
        keep: How many stay, this one included.

    Raises:
        CollectorError: If it cannot be made, or what was made cannot be read; older ones are as they were.
    """
    source = engines.sqlite_path(url)
    end = SQLITE_END if source is not None else DUMP_END
    target = folder / f"enlace-{stamp}{end}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _beside(target) as partial:
            if source is not None:
                _copy(source, partial, new_epoch)
            else:
                _dump(make_url(url), partial)
            size_bytes = _flushed(partial)
            partial.replace(target)
        _flush_names(folder)
        return Backup(target, size_bytes, _drop(folder, keep))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CollectorError(f"No backup was made in {folder} ({why}): older ones are as they were.") from error


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a name for the time of writing, which nobody takes for a backup; what is left of it goes."""
    partial = target.with_name(f".{target.name}.new")
    partial.unlink(missing_ok=True)
    ownfiles.reserve(partial, ownfiles.SECRET_MODE)  # it holds signing keys, as the database does
    try:
        yield partial
    finally:
        for name in (partial.name, f"{partial.name}-journal"):
            with contextlib.suppress(OSError):
                partial.with_name(name).unlink(missing_ok=True)


def _copy(source: Path, target: Path, new_epoch: str) -> None:
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as known:
            known.execute(f"PRAGMA busy_timeout={engines.BUSY_TIMEOUT_MS}")
            with closing(sqlite3.connect(target)) as copy:
                known.backup(copy)  # all pages at once: one that is interrupted by writers would begin again each time
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, without what lies beside one in use
                copy.execute("UPDATE facts SET value = ? WHERE name = ?", (new_epoch, STORE_EPOCH))
                copy.commit()
        with closing(sqlite3.connect(f"{target.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            found = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(1)")]
    except sqlite3.Error as error:
        raise CollectorError(f"No backup was made of {source} ({error}): older ones are as they were.") from error
    if found != ["ok"]:
        raise CollectorError(
            f"The copy of {source} is not whole ({found[0] if found else 'nothing to read'}), and was thrown away.",
            do="Look at the disk, and keep the older backups.",
        )


def _dump(url: URL, target: Path) -> None:
    """Let PostgreSQL's program write all tables; the password goes by the environment, where no list shows it."""
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    query = url.difference_update_query(_OPTIONS).query
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    address = plain.render_as_string(hide_password=False)
    _run(["pg_dump", "--format=custom", "--no-password", f"--file={target}", f"--dbname={address}"], environment)
    _run(["pg_restore", "--list", str(target)], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise CollectorError(
            f"No backup was made: {command[0]} is not installed.",
            do="Install PostgreSQL's client programs, of the server's version or a newer one.",
            exit_code=ExitCode.USAGE,
        )
    done = subprocess.run(  # noqa: S603 -- PostgreSQL's own, with arguments of ours
        [program, *command[1:]],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:_SAID_CHARS]
        raise CollectorError(f"No backup was made: {command[0]} ended with {done.returncode} ({said}).")


def _flushed(path: Path) -> int:
    """Have a file on the disk before it gets its name, and return its size."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def _flush_names(folder: Path) -> None:
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _drop(folder: Path, keep: int) -> int:
    """Delete the oldest backups beyond a number; other files in the folder are nobody's business."""
    ours = sorted(one for one in folder.iterdir() if _OURS.fullmatch(one.name) and one.is_file())
    for old in ours[: max(len(ours) - max(keep, 1), 0)]:
        old.unlink()
    return max(len(ours) - max(keep, 1), 0)
