"""Tables as CSV and JSON Lines: a stream of bytes that needs the same memory for ten rows and for ten million.

A file is written beside its name and renamed when it is whole, so that yesterday's good one is never half overwritten.
"""

import contextlib
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


def count_rows(snapshot: Snapshot, table: str, filters: ExportFilter = EVERYTHING) -> int:
    """Return how many rows an export has."""
    return exports.count(snapshot, table, filters)


def write_file(path: Path, pieces: Iterable[bytes]) -> int:
    """Write an export to a file that appears under its name only when it is whole.

    Args:
        path: The file; replaced if it is there.
        pieces: Its content.

    Returns:
        How many bytes it has.

    Raises:
        CollectorError: If it could not be written; a file that was there is as it was.
    """
    path = path.resolve()  # through a link: the file behind it is the one to replace
    if path.exists() and not path.is_file():
        return _write_through(path, pieces)
    size_bytes = 0
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with _sigterm_interrupts(), open(descriptor, "wb") as file:  # noqa: PTH123 -- of a descriptor
            for piece in pieces:
                size_bytes += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise CollectorError(
            f"{path} could not be written ({error.strerror or error}).",
            means="A file of that name is as it was before.",
            do="Make room, or choose another place with -o.",
        ) from error
    finally:
        if temporary is not None:  # also when somebody ends the command in the middle
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
    return size_bytes


def _write_through(path: Path, pieces: Iterable[bytes]) -> int:
    """Write to a device or pipe, which cannot be replaced as a whole."""
    try:
        with path.open("wb") as device:
            return sum(device.write(piece) for piece in pieces)
    except OSError as error:
        raise CollectorError(
            f"{path} could not be written ({error.strerror or error}).", do="Choose another place with -o."
        ) from error


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


def _mode(path: Path) -> int:
    """Return the rights of the file that is replaced, else those that a new file gets."""
    with contextlib.suppress(OSError):
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
