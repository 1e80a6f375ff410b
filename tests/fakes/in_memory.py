"""Where tests put their files: into memory where the system offers room there, because no test asks for a disk.

Each result that an agent keeps and each write of a database waits until it would outlive a power cut. On a disk that
takes milliseconds and a third of the work, and nothing here cuts the power: who is killed leaves its files there as
well. PostgreSQL is told the same (tests/fakes/postgres.py).
"""

import os
import tempfile
from pathlib import Path

PLACE = Path("/dev/shm")
ROOM_BYTES = 4_000_000_000


def offered(place: Path = PLACE) -> bool:
    """Return whether the system has room in memory for files, and starts programs that lie there."""
    if not (hasattr(os, "statvfs") and os.access(place, os.W_OK | os.X_OK)):
        return False
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize >= ROOM_BYTES and not found.f_flag & os.ST_NOEXEC


def use() -> None:
    """Let this process and those that it starts keep temporary files in memory, unless somebody chose where."""
    if "TMPDIR" not in os.environ and offered():
        os.environ["TMPDIR"] = str(PLACE)
        tempfile.tempdir = None  # asked before, it has kept the answer
