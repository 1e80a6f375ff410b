"""A file that a person names for a command to write: whole under its name or not at all, or the standard output.

It is written beside its name and renamed when it is whole, so that yesterday's good one is never half overwritten.
"""

import contextlib
import errno
import io
import os
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from agent.wire.vocabulary import ExitCode

OUTPUT: Final = "-"

# Reasons of our own, beside the system's numbers.
_NO_FILES: Final = -1  # a folder of a file system that the kernel invents, such as /proc: it says that there is none
_DATABASE: Final = -2  # of ours or of somebody else: no command's output belongs there, and all of it would be lost
_KEPT: Final = -3  # keys, locks and logs: the program that lost them would be another one, or none
_DATABASE_BEGINS: Final = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html, 1.3
_BESIDE_DATABASE: Final = ("-wal", "-shm", "-journal")  # what was committed stands there as well
_DEVICES: Final = Path("/dev")  # a misspelt device would become a file in memory

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
    errno.ENXIO: "it is a socket, or a device that is not there",
    errno.ETXTBSY: "it is a program that is running",
    _NO_FILES: "nothing can be made in {folder}",
    _DATABASE: "it is a database, or belongs to one",
    _KEPT: "this program keeps files of its own there",
}
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NAME_CHARS: Final = 40  # of the name, in the one that is written under: room for what is put around it


class NotWrittenError(Exception):
    """A file could not be written.

    Attributes:
        what: What happened.
        means: What it means.
        do: What to do about it.
        exit_code: Usage where no file can be in that place, a fault where there was no room or the disk failed.
    """

    def __init__(self, what: str, *, means: str = "", do: str = "", exit_code: ExitCode = ExitCode.FAULT) -> None:
        super().__init__(what)
        self.what, self.means, self.do, self.exit_code = what, means, do, exit_code


def is_output(path: Path) -> bool:
    """Return whether a name leads to this process's standard output: then what is said belongs on the other one.

    That is `-`, and whatever names the same file, pipe or terminal: /dev/stdout, /dev/fd/1, or the file itself that
    the output was led into.
    """
    if str(path) == OUTPUT:
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):  # there is no such file, or no such output
        return False


def is_stream(path: Path) -> bool:
    """Return whether a name leads to a pipe or a device: who reads it may be slow, so nothing is locked meanwhile."""
    if is_output(path):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:  # writing it will say why
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def write(path: Path, pieces: Iterable[bytes], *, kept: Collection[Path] = ()) -> int:
    """Write a file that appears under its name only when it is whole.

    Args:
        path: The file; replaced if it is there. A name that `is_output` means the standard output.
        pieces: Its content.
        kept: Files and folders of the program's own: no output replaces one, or goes into one.

    Returns:
        How many bytes it has.

    Raises:
        NotWrittenError: If it could not be written; a file that was there is as it was.
        OSError: If the standard output could not be written.
    """
    if is_output(path):
        return _write_output(pieces)
    place = path
    try:
        if is_stream(path):  # it cannot be replaced as a whole; the name of one behind a link may lead nowhere
            with path.open("wb") as device:
                return _write_stream(device, pieces)
        place = Path(os.path.realpath(path))  # through a link: the file behind it is the one to replace
        if wrong := _why_not_replaced(place) or (_KEPT if any(_is_in(place, own) for own in kept) else 0):
            raise OSError(wrong, os.strerror(wrong))
        return _write_beside(place, pieces)
    except OSError as error:
        raise _not_written(path, place.parent, error) from error


def _why_not_replaced(place: Path) -> int:
    """Return the error of a place that renaming would not refuse although no file belongs there; 0 = none."""
    if place.is_symlink():
        return errno.ELOOP
    if place.is_dir():
        return errno.EISDIR
    if _is_of_database(place):
        return _DATABASE
    if not place.exists():
        return errno.ENXIO if place.parent == _DEVICES else 0
    try:  # the system refuses to open a program that runs, as /proc/self/exe does, but lets it be replaced
        os.close(os.open(place, os.O_WRONLY))
    except OSError as error:
        return errno.ETXTBSY if error.errno == errno.ETXTBSY else 0
    return 0


def _is_of_database(place: Path) -> bool:
    """Return whether a file is a database of SQLite, or one of those that SQLite keeps beside it."""
    beside = [place.name.removesuffix(end) for end in _BESIDE_DATABASE if place.name.endswith(end)]
    return any(_is_database(place.parent / name) for name in (place.name, *beside))


def _is_database(place: Path) -> bool:
    try:
        if not place.is_file():  # a pipe would be waited for
            return False
        with place.open("rb") as file:
            return file.read(len(_DATABASE_BEGINS)) == _DATABASE_BEGINS
    except OSError:  # writing it will say why
        return False


def _is_in(place: Path, kept: Path) -> bool:
    """Return whether a place is a file or a folder, or lies in it, by whatever names they are called."""
    for one in (place, *place.parents):
        try:
            if os.path.samestat(one.stat(), kept.stat()):
                return True
        except OSError:  # not there, or not ours to look at
            continue
    return False


def _write_output(pieces: Iterable[bytes]) -> int:
    """Write to the output that is open already: opened anew, a file would be written from its beginning."""
    sys.stdout.flush()
    return _write_stream(sys.stdout.buffer, pieces)


def _write_stream(stream: BinaryIO, pieces: Iterable[bytes]) -> int:
    """Write what cannot be replaced as a whole; a device without room says so also where nothing was to be written."""
    size_bytes = sum(stream.write(piece) for piece in pieces)
    stream.flush()
    with contextlib.suppress(io.UnsupportedOperation):  # an output that is no file of the system
        os.write(stream.fileno(), b"")
    return size_bytes


def _write_beside(path: Path, pieces: Iterable[bytes]) -> int:
    size_bytes = 0
    prefix = f".{path.name[:_NAME_CHARS]}."
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=prefix, suffix=".part", dir=path.parent)
    except FileNotFoundError as error:
        raise OSError(_NO_FILES, str(error)) if path.parent.is_dir() else error from error
    try:
        with sigterm_interrupts(), open(descriptor, "wb") as file:  # noqa: PTH123 -- of a descriptor
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


def _not_written(path: Path, folder: Path, error: OSError) -> NotWrittenError:
    """Return the one sentence about a file that could not be written."""
    if error.errno in _WRONG_PLACE:
        return NotWrittenError(
            f"{path} could not be written: {_WRONG_PLACE[error.errno].format(folder=folder)}.",
            do="Name another file.",
            exit_code=ExitCode.USAGE,
        )
    why = "there is no room left" if error.errno in _NO_ROOM else error.strerror or str(error)
    return NotWrittenError(
        f"{path} could not be written: {why}.",
        means="A file of that name is as it was before.",
        do="Make room, or name another file.",
    )


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
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
