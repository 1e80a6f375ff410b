"""Advisory locks on files: one small door to fcntl and msvcrt, so that nothing else asks which system it runs on.

The operating system gives a lock back when its holder ends, however it ends; a lock file left behind holds nobody up.
"""

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path

from agent.wire import ownfiles

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_BYTE_AT = 0x7FFF_0000  # Windows locks are mandatory: a byte that nobody reads


class FileLock:
    """An exclusive lock that belongs to this object, also against another object of the same process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it; never waits.

        Returns:
            Whether this object holds it now.

        Raises:
            OSError: If the file cannot be opened or made; with the file's name, and words for a person.
        """
        while self._descriptor is None:
            descriptor = self._opened()
            if not _try_lock(descriptor):
                os.close(descriptor)
                return False
            # Between opening and locking, the holder before may have removed the file: then this is the lock of a file
            # that nobody else finds, and whoever comes next makes, and locks, another one.
            if self._is_named(descriptor):
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        return True

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            descriptor = os.open(self.path, flags, ownfiles.MODE)
        except OSError as error:
            raise self._in_words(error) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._in_words(OSError(errno.EINVAL, os.strerror(errno.EINVAL)))
        return descriptor

    def _in_words(self, error: OSError) -> OSError:
        """Return the error with what lies in the place of the file, where that is the reason."""
        why = error.strerror
        with contextlib.suppress(OSError):
            mode = self.path.lstat().st_mode
            if not stat.S_ISREG(mode):
                why = "it is a directory" if stat.S_ISDIR(mode) else "it is no ordinary file"
        return OSError(error.errno, why, str(self.path))

    def _is_named(self, descriptor: int) -> bool:
        """Return whether the path still names the file that was opened."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back; harmless when it is not held.

        Args:
            remove: Delete the file too; only for a name that nobody else waits for.
        """
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        if remove and sys.platform != "win32":
            self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            _unlock(descriptor)
        os.close(descriptor)
        if remove and sys.platform == "win32":
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _BYTE_AT, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(descriptor: int) -> None:
    if sys.platform == "win32":
        os.lseek(descriptor, _BYTE_AT, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
