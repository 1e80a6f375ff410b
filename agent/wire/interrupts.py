"""Ctrl-C at any moment ends a command without a traceback, with exit code 130 (CONTRACTS 4); also while it loads.

This module loads next to nothing: until it has run, the interpreter answers Ctrl-C by itself.
"""

import os
import signal
from types import FrameType, TracebackType

INTERRUPTED = 130  # `vocabulary.ExitCode`, which takes longer to load
_IMPORTING = "<frozen importlib."  # how the files of the system's own loader are called


class Quietly:
    """A program's whole life: `with Quietly():` around loading and running it."""

    def __enter__(self) -> None:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else somebody wants it ignored
            signal.signal(signal.SIGINT, _answer)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if signal.getsignal(signal.SIGINT) is _answer:
            signal.signal(signal.SIGINT, _leave)  # what is left is the interpreter's own end
        if kind is KeyboardInterrupt:
            os._exit(INTERRUPTED)


def _answer(number: int, frame: FrameType | None) -> None:
    """End at once while modules are loaded, when nothing is open yet; else interrupt what is being done."""
    where = frame
    while where is not None:
        if where.f_code.co_filename.startswith(_IMPORTING):
            _leave(number, frame)
        where = where.f_back
    raise KeyboardInterrupt


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End without what the interpreter would still do and might complain about."""
    os._exit(INTERRUPTED)
