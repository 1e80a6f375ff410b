"""Names of a database's files, taken away and made durable."""

import contextlib
import os
import shutil
from pathlib import Path

SIDECARS = ("-wal", "-shm")
_PROBE_BYTES = 256_000


def remove(path: Path) -> None:
    """Delete a database file with what belongs to it, or a directory in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    remove_sidecars(path)


def remove_sidecars(path: Path) -> None:
    """Delete what belongs to a database file, not the file itself."""
    for ending in SIDECARS:
        Path(f"{path}{ending}").unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Make new names in a directory durable, where the operating system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def probe_room(directory: Path) -> None:
    """Write as much as a measurement takes, durably, and take it away again.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / "room.probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
