"""What an error of SQLite or of the disk means, in one sentence."""

import errno
import os
import sqlite3
from pathlib import Path

from agent.errors import EnlaceError

_CORRUPT, _NOT_A_DB, _TOO_BIG, _FULL, _IO, _BUSY, _LOCKED = 11, 26, 18, 13, 10, 5, 6
_READ_ONLY, _CANNOT_OPEN = 8, 14
_WORLD = {3, _BUSY, _LOCKED, 7, _READ_ONLY, 9, _IO, _FULL, _CANNOT_OPEN, 15, 22, 23}  # not the file's own fault
_WRITE_VERSION_AT, _WRITE_VERSIONS = 18, (1, 2)  # of the file's header; another one makes SQLite refuse to write
Broken = (sqlite3.Error, UnicodeDecodeError)  # the second: an error's own text quotes a damaged schema
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_TIGHT_BYTES = 64_000


def code(error: BaseException) -> int:
    """Return the primary result code of SQLite; 0 where there is none."""
    found = getattr(error, "sqlite_errorcode", 0) or 0
    return int(found) & 0xFF


def name(error: BaseException) -> str:
    """Return the name of the error, for logs."""
    return str(getattr(error, "sqlite_errorname", None) or type(error).__name__)


def is_damage(error: BaseException, path: Path) -> bool:
    """Return whether the file itself is broken, so that only a new one helps."""
    if isinstance(error, UnicodeDecodeError) or code(error) in (_CORRUPT, _NOT_A_DB, _TOO_BIG):
        return True
    if code(error) == _READ_ONLY:
        return _forbids_writing(path)
    # A table or column that was there when the file was checked: somebody edited the schema.
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such table", "no such column"))


def is_damage_at_opening(error: BaseException, path: Path) -> bool:
    """Return whether a file that cannot be opened is broken: so it is, unless the world around it is to blame."""
    return _forbids_writing(path) if code(error) == _READ_ONLY else code(error) not in _WORLD


def _forbids_writing(path: Path) -> bool:
    """Return whether it is the file's own header, and nobody's permission, that lets SQLite only read."""
    if not os.access(path, os.W_OK):
        return False
    with path.open("rb") as file:
        return file.read(_WRITE_VERSION_AT + 1)[-1:] not in [bytes([one]) for one in _WRITE_VERSIONS]


def is_lasting(error: BaseException) -> bool:
    """Return whether the connection should not be used again: after a failed sync the kernel may have lost pages."""
    return code(error) in (_IO, _FULL, _CORRUPT, _NOT_A_DB)


def is_no_room(error: BaseException, path: Path) -> bool:
    """Return whether the disk is full, by space or by number of files."""
    if code(error) == _FULL or (isinstance(error, OSError) and error.errno in _NO_ROOM):
        return True
    return isinstance(error, sqlite3.Error) and code(error) in (_IO, _CANNOT_OPEN) and _is_tight(path.parent)


def no_room(directory: Path) -> EnlaceError:
    """Return the one sentence about a full disk."""
    return EnlaceError(
        f"No space in {directory}.",
        means="A measurement could not be kept, so none is made; what is stored already is safe.",
        do="Free some space; the agent goes on by itself.",
    )


def in_words(error: Exception, path: Path) -> EnlaceError:
    """Return an error of the disk as a sentence for a person."""
    if is_no_room(error, path):
        return no_room(path.parent)
    if isinstance(error, sqlite3.Error) and code(error) in (_BUSY, _LOCKED):
        return EnlaceError(
            f"The spool {path} is in use by another program.",
            means="Nothing was stored now.",
            do="Close what has opened that file; only enlace-agent should.",
        )
    said = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    which = error.filename if isinstance(error, OSError) and error.filename else path
    return EnlaceError(
        f"The spool cannot be used, because of {which}: {said}.",
        means="Nothing can be stored.",
        do="Check the owner of that directory and the health of the disk.",
    )


def _is_tight(directory: Path) -> bool:
    if not hasattr(os, "statvfs"):
        return False
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _TIGHT_BYTES or (found.f_files > 0 and found.f_favail == 0)
