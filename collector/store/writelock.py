"""One writer at a time on SQLite, across threads and processes: an advisory lock on a file beside the database.

SQLite alone would let writers wait too, but gives up with "database is locked" when they are many; and versions before
3.51.3 can lose pages when two connections checkpoint at once. Whoever holds this lock writes and checkpoints alone.
The system frees the lock of a process that dies.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, waits: bool) -> None:
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)
                return
            except OSError:
                if not waits:
                    raise
                # gave up after ten seconds; we do not
else:
    import fcntl

    def _lock(descriptor: int, *, waits: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))


_HELD = threading.local()


@contextmanager
def write_lock(path: Path, *, waits: bool = True) -> Iterator[None]:
    """Hold the lock file while the block runs.

    Args:
        path: The lock file; made if it is not there.
        waits: For as long as somebody else holds it.

    Raises:
        OSError: If the file cannot be made, or somebody else holds it and nobody waits.
        RuntimeError: If this thread holds it already: it would wait for itself for ever.
    """
    held: set[Path] = _HELD.__dict__.setdefault("paths", set())
    if path in held:
        raise RuntimeError("a unit of work inside another one")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(descriptor, waits=waits)  # of this opening, so that two threads of one process wait as well
        held.add(path)
        yield
    finally:
        held.discard(path)
        os.close(descriptor)  # frees the lock
