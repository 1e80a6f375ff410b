"""A child that ends when its parent is gone, however it went: also where it was killed and could say nothing.

The parent keeps the writing end of the pipe that is the child's standard input, and writes nothing more. When its
process ends, the system closes that end, on every system; a thread of the child that reads the other one sees it.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

MARK: Final = "ENLACE_CHILD"  # in the environment of a child that is held so

_FOLLOWING = threading.Event()  # this process is such a child


def follow() -> None:
    """In a child with the mark, end as by SIGTERM when the parent is gone; elsewhere do nothing.

    The mark is taken away: what this process starts is no child of its parent.
    """
    if os.environ.pop(MARK, None) is None:
        return
    _FOLLOWING.set()
    when_gone(_ask_to_end)


def is_following() -> bool:
    """Return whether this process is such a child: whoever started it has looked at what it was given."""
    return _FOLLOWING.is_set()


def when_gone(end: Callable[[], None]) -> None:
    """Call `end`, in a thread, when the other end of the standard input is closed.

    Args:
        end: Ends this process.
    """

    def watch() -> None:
        while os.read(0, 4096):  # not by `sys.stdin`, whose lock would be held when the interpreter ends
            pass
        end()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _ask_to_end() -> None:
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)  # `raise_signal` would reach this thread and not wake the one that waits
