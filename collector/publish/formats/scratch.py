"""A file that is made on the disk before its first byte can be given away, and of which nothing stays behind.

While it is made it lies in a folder of its own. That folder is gone before the file is read: only the open file holds
it, so a slow reader, a fault or the end of the process leaves nothing under any name. Who pulls the plug while a file
is made leaves a folder; the next export that comes a day later takes it away.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from agent.wire import outfile

PREFIX: Final = "enlace-export-"
_PIECE_BYTES: Final = 65_536
_LEFT_BEHIND_S: Final = 86_400
_CHOSEN_BY: Final = ("TMPDIR", "TEMP", "TMP")
_ON_DISK: Final = Path("/var/tmp")  # noqa: S108 -- /tmp lies in memory on many systems, and the file may be large


def made(make: Callable[[Path], Path]) -> Iterator[bytes]:
    """Yield the bytes of a file.

    Args:
        make: Makes the file in the folder that it gets and returns where it is.

    Raises:
        OSError: If the disk has no room for it, or failed.
    """
    with contextlib.ExitStack() as stack:
        with outfile.sigterm_interrupts(), _folder() as folder:
            file = stack.enter_context(make(folder).open("rb"))
        while piece := file.read(_PIECE_BYTES):
            yield piece


def place() -> Path:
    """Return where such files are made: what the environment names, else a folder of the disk."""
    if any(os.environ.get(name) for name in _CHOSEN_BY) or not os.access(_ON_DISK, os.W_OK):
        return Path(tempfile.gettempdir())
    return _ON_DISK


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # A system that cannot remove an open file leaves it to the next export.
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place(), ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _sweep(folder)
        yield folder


def _sweep(mine: Path) -> None:
    """Remove what exports left that were killed: a folder in which nothing was made for a day."""
    now = mine.stat()
    for other in mine.parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = other.lstat()
            if found.st_uid == now.st_uid and found.st_mtime < now.st_mtime - _LEFT_BEHIND_S:
                shutil.rmtree(other, ignore_errors=True)
