"""Tables as CSV and JSON Lines: a stream of bytes that needs the same memory for ten rows and for ten million.

A file is written beside its name and renamed when it is whole, so that yesterday's good one is never half overwritten.
"""

import contextlib
import errno
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.publish import files
from collector.store.queries import exports
from collector.store.queries.exports import ExportFilter
from collector.store.unit import Snapshot

FORMATS: Final = ("csv", "jsonl")
EVERYTHING: Final = ExportFilter()

# What a person has to change in the words of the command, and what the sentence then says of the place.
_WRONG_PLACE: Final = {
    errno.ENOENT: "there is no folder {folder}",
    errno.ENOTDIR: "{folder} is no folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.EACCES: "this user may not write in {folder}",
    errno.EPERM: "this user may not write in {folder}",
    errno.EROFS: "{folder} can only be read",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its links lead round in a circle",
}
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NAME_CHARS: Final = 40  # of the name, in the one that is written under: room for what is put around it

OpenReader = Callable[[], AbstractContextManager[Snapshot]]


def iter_export(reader: Snapshot, table: str, format_name: str, filters: ExportFilter = EVERYTHING) -> Iterator[bytes]:
    """Yield a table at one moment as a file, in pieces: for a reader that takes them at once.

    Args:
        reader: The database; it must stay open until the last piece.
        table: One of `exports.TABLES`.
        format_name: One of `FORMATS`.
        filters: Which rows.

    Raises:
        CollectorError: If there is no such table or format.
    """
    return iter_in_pieces(lambda: contextlib.nullcontext(reader), table, format_name, filters)


def iter_in_pieces(
    open_reader: OpenReader, table: str, format_name: str, filters: ExportFilter = EVERYTHING
) -> Iterator[bytes]:
    """Yield a table as a file, in pieces that are each read at once: for a reader that may take hours.

    Args:
        open_reader: Gives the database for one piece; nothing is open while a piece is sent.
        table: One of `exports.TABLES`.
        format_name: One of `FORMATS`.
        filters: Which rows.

    Raises:
        CollectorError: If there is no such table or format.
    """
    if table not in exports.TABLES or format_name not in FORMATS:
        raise CollectorError(
            f"There is no export of {table} as {format_name}.",
            do=f"Tables: {', '.join(exports.TABLES)}; formats: {', '.join(FORMATS)}.",
            exit_code=ExitCode.USAGE,
        )
    write = files.csv if format_name == "csv" else files.json_lines
    return write(exports.columns(table), exports.stream(open_reader, table, filters))


def count_rows(snapshot: Snapshot, table: str, filters: ExportFilter = EVERYTHING, most: int | None = None) -> int:
    """Return how many rows an export has, counted no further than to `most`."""
    return exports.count(snapshot, table, filters, most)


def write_file(path: Path, pieces: Iterable[bytes]) -> int:
    """Write an export to a file that appears under its name only when it is whole.

    Args:
        path: The file; replaced if it is there.
        pieces: Its content.

    Returns:
        How many bytes it has.

    Raises:
        CollectorError: If it could not be written; a file that was there is as it was. Usage where no file can be in
            that place, a fault where there was no room or the disk failed.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # A pipe or a device cannot be replaced as a whole; the name of one behind a link may lead nowhere.
            with path.open("wb") as device:
                return sum(device.write(piece) for piece in pieces)
        path = Path(os.path.realpath(path))  # through a link: the file behind it is the one to replace
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        return _write_beside(path, pieces)
    except OSError as error:
        raise _not_written(path, error) from error


def _write_beside(path: Path, pieces: Iterable[bytes]) -> int:
    size_bytes = 0
    prefix = f".{path.name[:_NAME_CHARS]}."
    descriptor, temporary = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=path.parent)
    try:
        with _sigterm_interrupts(), open(descriptor, "wb") as file:  # noqa: PTH123 -- of a descriptor
            for piece in pieces:
                size_bytes += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _take_over(path, Path(temporary))
        Path(temporary).replace(path)
    except BaseException:  # also when somebody ends the command in the middle
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return size_bytes


def _not_written(path: Path, error: OSError) -> CollectorError:
    """Return the one sentence about a file that could not be written."""
    if error.errno in _WRONG_PLACE:
        return CollectorError(
            f"{path} could not be written: {_WRONG_PLACE[error.errno].format(folder=path.parent)}.",
            do="Name another file with -o.",
            exit_code=ExitCode.USAGE,
        )
    why = "there is no room left" if error.errno in _NO_ROOM else error.strerror or str(error)
    return CollectorError(
        f"{path} could not be written: {why}.",
        means="A file of that name is as it was before.",
        do="Make room, or name another file with -o.",
    )


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that nothing half written stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _take_over(old: Path, new: Path) -> None:
    """Give a file the owner and the rights of the one that it replaces, else those that a new file gets."""
    try:
        found = old.stat()
    except OSError:
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(0o666 & ~umask)
        return
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):  # only the superuser gives files away
            os.chown(new, found.st_uid, found.st_gid)
    new.chmod(found.st_mode & 0o777)
