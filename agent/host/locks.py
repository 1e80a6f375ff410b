"""One daemon per data directory: `agent.lock`."""

import stat
from pathlib import Path

from agent import statusfile
from agent.errors import EnlaceError
from agent.locks import FileLock
from agent.wire.vocabulary import ExitCode

AGENT_LOCK = "agent.lock"


def hold_agent_lock(directory: Path) -> FileLock:
    """Return the held lock of the one daemon that may run on a data directory.

    Args:
        directory: The agent's data directory; made if it is not there.

    Raises:
        EnlaceError: With exit code 5 if another daemon runs, with 1 if the lock file cannot be written.
    """
    lock = FileLock(directory / AGENT_LOCK)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        is_held = lock.try_acquire()
    except OSError as error:
        raise _unusable(lock.path, error) from error
    if not is_held:
        raise EnlaceError(
            f"Another agent already runs on {directory}.",
            means="Two at once would test twice.",
            do="Stop the other one first, or look at it with `enlace-agent status`.",
            exit_code=ExitCode.RUNNING,
        )
    return lock


def _unusable(path: Path, error: OSError) -> EnlaceError:
    """Return the one sentence about a lock file that cannot be had."""
    return EnlaceError(
        f"The lock file {path} cannot be written: {error.strerror or error}.",
        means="The agent cannot be sure that it is the only one.",
        do="Remove what lies there, or check the owner and the free space of that directory.",
    )


def is_agent_running(directory: Path) -> bool:
    """Return whether a daemon holds the data directory; leaves nothing behind."""
    lock = FileLock(directory / AGENT_LOCK)
    try:
        if not stat.S_ISREG(lock.path.lstat().st_mode):
            return False  # no daemon takes such a thing for its lock
        is_free = lock.try_acquire()
    except FileNotFoundError:
        return False
    except OSError:  # not ours to open: another account's daemon made it
        return _lives(statusfile.read(directory).get("pid"))
    lock.release()
    return not is_free


def _lives(pid: object) -> bool:
    import psutil

    return isinstance(pid, int) and psutil.pid_exists(pid)
