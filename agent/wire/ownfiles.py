"""Files of the programs' own: what stands in them is for the account that they run as, not for every user.

An administrator may give a group more; nobody else keeps what a file of an earlier version gave away. On Windows the
directory's own list of rights decides.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

MODE: Final = 0o640  # the group may look: a technician's, where the administrator has made one
SECRET_MODE: Final = 0o600
_OTHERS: Final = 0o007


def opener(path: str, flags: int) -> int:
    """Open a file for `open`: one that is new is not for others, and a pipe in its place is not waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), MODE)


def reserve(path: Path, mode: int = MODE) -> None:
    """See to it that a file is there and not for others, before a library opens it.

    Args:
        path: The file.
        mode: The rights that a new one gets, less what the umask takes.

    Raises:
        OSError: If it cannot be made.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    except FileExistsError:
        withhold(path)


def replace(path: Path, content: bytes, mode: int = MODE, *, is_durable: bool = True) -> None:
    """Put a file in the place of another as a whole, so that a reader never sees half of it.

    Args:
        path: The file.
        content: All of it.
        mode: Its rights, less what the umask takes.
        is_durable: It is on the disk before it gets its name.

    Raises:
        OSError: If it cannot be written; the one that was there is as it was.
    """
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(beside, flags, mode), "wb") as file:
        file.write(content)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())
    beside.replace(path)


def withhold(path: Path) -> None:
    """Take from others what an earlier version, or whoever copied the file, has given them."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # there is none, or it is not ours to change
        mode = path.lstat().st_mode
        if mode & _OTHERS and stat.S_ISREG(mode):  # what a link leads to is perhaps not ours
            path.chmod(mode & 0o777 & ~_OTHERS)


def withhold_database(path: Path) -> None:
    """Do so for a file of SQLite and for what SQLite puts beside it, with the rights that the file had then."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        withhold(path.with_name(name))
