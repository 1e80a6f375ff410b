"""How far a measurement is, for who watches: one line that rewrites itself, or plain lines where nothing can be."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, TextIO

from agent.commands.present import MBIT, rounded, size
from agent.wire.vocabulary import Phase

PLAIN_EVERY_S = 3.0
REDRAW_EVERY_S = 0.09  # as often as a measurement tells
COLUMNS = 80


class Progress(Protocol):
    """How far a measurement is."""

    @property
    def phase(self) -> str:
        """Latency, download or upload."""

    @property
    def elapsed_s(self) -> float:
        """Since the phase began."""

    @property
    def bytes(self) -> int:
        """Moved in this phase."""

    @property
    def current_bps(self) -> float:
        """Speed now; 0 = not known yet."""

    @property
    def note(self) -> str:
        """A sentence, "" for none."""


def line(progress: Progress) -> str:
    """Return how far it is in one line."""
    if progress.note:
        return progress.note
    if not progress.bytes and not progress.current_bps:
        # What is asked before a test is quick, and would stand above every refusal.
        return "" if progress.phase == Phase.PREFLIGHT else f"{progress.phase} ..."
    speed = f"{rounded(progress.current_bps / MBIT)} Mbit/s" if progress.current_bps else "..."
    return f"{progress.phase:<8}  {speed:>12}  {progress.elapsed_s:4.1f} s  {size(progress.bytes):>7}"


class Live(AbstractContextManager["Live"]):
    """Shows progress on stderr; what comes out on stdout stays a table, or a record."""

    def __init__(
        self, *, shown: bool, stream: TextIO | None = None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Show nothing yet.

        Args:
            shown: False = nothing at all.
            stream: Where to; stderr.
            now_s: A monotonic clock.
        """
        self._stream = stream or sys.stderr
        self._shown, self._now_s = shown, now_s
        self._rewrites = shown and self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._said, self._latest, self._phase, self._said_s = "", "", "", -PLAIN_EVERY_S

    def __enter__(self) -> "Live":
        if self._rewrites:  # in plain lines it would stand above every refusal
            self._say("connecting ...")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._rewrites:
            self._say(self._latest)
        elif self._said:
            self._write("\r" + " " * len(self._said) + "\r")

    def show(self, progress: Progress) -> None:
        """Show how far it is, not more often than can be read."""
        is_new, latest, self._latest = progress.phase != self._phase, self._latest, line(progress)
        if is_new and not self._rewrites:
            self._say(latest)  # how the phase before it ended
        every_s = REDRAW_EVERY_S if self._rewrites else PLAIN_EVERY_S
        if not self._shown or (not is_new and self._now_s() - self._said_s < every_s):
            return
        self._phase = progress.phase
        self._say(self._latest)

    def _say(self, text: str) -> None:
        if not self._shown or text in ("", self._said):
            return
        self._said_s = self._now_s()
        if self._rewrites:
            text = text[: _columns(self._stream) - 1]  # a full line would go on in the next one
            self._write("\r" + text.ljust(len(self._said)))
        else:
            self._write(text.rstrip() + "\n")
        self._said = text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # nobody watches any more; the measurement goes on
            self._shown = self._rewrites = False


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    except (OSError, ValueError):
        return COLUMNS
