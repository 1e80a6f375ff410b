"""Children that end with their parent: started again when they die, ended together within seconds.

How a child notices that its parent is gone is told in `agent.wire.parents`; both programs follow theirs from their
first moment on.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from agent.wire import parents
from collector.ports import Clock

STOP_S = 3.5  # to end by themselves; the whole stop stays below five seconds
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
STEADY_MS = 30_000  # ran for so long: its next fall is a new one
LOOK_S = 0.1


@dataclass
class Child:
    """One child, through all its lives."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    began_ms: int = 0
    wait_s: float = FIRST_WAIT_S
    next_ms: int = 0
    lives: int = 0


class Family:
    """Several children that belong together."""

    def __init__(self, children: list[Child], clock: Clock) -> None:
        self._children, self._clock = children, clock

    def run(self, stop: threading.Event) -> int:
        """Keep the children running until `stop` is set.

        Returns:
            0, or the exit code of a child that could not even begin: it has said why.
        """
        try:
            while not stop.is_set():
                for child in self._children:
                    code = self._look_after(child)
                    if code is not None:
                        return code
                stop.wait(LOOK_S)
        finally:
            self.end()
        return 0

    def _look_after(self, child: Child) -> int | None:
        now_ms = self._clock.mono_ms()
        if child.process is None:
            if now_ms >= child.next_ms:
                self._start(child, now_ms)
            return None
        code = child.process.poll()
        if code is None:
            return None
        _close(child.process)
        if child.lives == 1 and 0 < code < 64 and now_ms - child.began_ms < STEADY_MS:
            return code
        sys.stderr.write(f"{child.name} ended with {code}; it is started again.\n")
        if now_ms - child.began_ms >= STEADY_MS:
            child.wait_s = FIRST_WAIT_S
        child.process, child.next_ms = None, now_ms + round(child.wait_s * 1000)
        child.wait_s = min(child.wait_s * 2, LONGEST_WAIT_S)
        return None

    def _start(self, child: Child, now_ms: int) -> None:
        child.process = start(child.command)
        child.began_ms = now_ms
        child.lives += 1

    def end(self) -> None:
        """End every child: asked first, then not asked."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        left_ms = self._clock.mono_ms() + round(STOP_S * 1000)
        for process in running:
            try:
                process.wait(max(0.05, (left_ms - self._clock.mono_ms()) / 1000))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close(process)


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdout: IO[bytes] | int | None = None,
    stderr: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start one of our programs, which ends when this process is gone, or when its standard input is closed.

    Args:
        command: Program and words.
        environment: Its own; None: this process's.
        stdout: Where its output goes; None: where this process's goes.
        stderr: Where its complaints go.
    """
    return subprocess.Popen(  # noqa: S603 -- our own commands
        [*command],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env={**(os.environ if environment is None else environment), parents.MARK: "1"},
    )


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def stop_on_signals(stop: threading.Event) -> None:
    """Set the event on SIGTERM, which a child whose parent is gone sends to itself, and on Ctrl-C."""

    def ask(_number: int, _frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
