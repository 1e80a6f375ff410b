"""Reading a file that may be anything: it takes no time and no memory that its reader has not granted.

A pipe would wait for its writer, a device may never end, a link may lead to either.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

_PIECE_BYTES: Final = 1 << 20


class NotOrdinaryError(OSError):
    """Something else than a file lies there; `strerror` says what, for a person."""


class TooLargeError(OSError):
    """The file has more bytes than its reader takes.

    Attributes:
        size_bytes: How many it has.
    """

    def __init__(self, path: Path, size_bytes: int, most_bytes: int) -> None:
        super().__init__(errno.EFBIG, f"it has more than {most_bytes} bytes", str(path))
        self.size_bytes = size_bytes


def read(path: Path, most_bytes: int) -> bytes:
    """Return the content of an ordinary file.

    Args:
        path: The file.
        most_bytes: A larger one is refused.

    Raises:
        FileNotFoundError: If there is none.
        NotOrdinaryError: If it is a directory, a pipe, a socket or a device.
        TooLargeError: If it is larger.
        OSError: If it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        if path.exists():  # a socket cannot even be opened
            _refuse_other(path, path.stat())
        raise
    try:
        found = os.fstat(descriptor)
        _refuse_other(path, found)
        raw = bytearray()
        while piece := os.read(descriptor, min(_PIECE_BYTES, most_bytes + 1 - len(raw))):
            raw += piece
            if len(raw) > most_bytes:
                raise TooLargeError(path, max(found.st_size, len(raw)), most_bytes)
    finally:
        os.close(descriptor)
    return bytes(raw)


def read_text(path: Path, most_bytes: int, encoding: str = "utf-8") -> str:
    """Return the text of an ordinary file.

    Raises:
        OSError: As `read` does.
        UnicodeDecodeError: If it is no such text.
    """
    return read(path, most_bytes).decode(encoding)


def mark(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is written or replaced, None where there is no file.

    It costs no reading: whoever asks often, asks this first.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _refuse_other(path: Path, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    kind = next(words for is_so, words in _KINDS if is_so(found.st_mode))
    raise NotOrdinaryError(errno.EINVAL, f"it is {kind}", str(path))


_KINDS: Final = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (lambda _mode: True, "a device"),
)
