"""The commands that the demonstration runs, as a person would type them, and their end."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.wire.vocabulary import ExitCode
from collector import processes
from collector.errors import CollectorError

COLLECTOR = (sys.executable, "-m", "collector")
AGENT = (sys.executable, "-m", "agent")
STOP_S = 4.0  # to end by themselves
_LOOK_S = 0.2
_ANSWER_S = 2.0
_PORT_TRIES = 50


class StoppedError(Exception):
    """Somebody asked the demonstration to end."""


def ask(command: Sequence[str], stop: threading.Event, *, secret: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed.

    Args:
        command: Program and words.
        stop: Ends the command before its time.
        secret: Added to its environment.

    Raises:
        CollectorError: With its own words if it did not end well.
        StoppedError: If somebody asked to end.
    """
    process = processes.start(command, environment=_environment(secret), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, complained = _heard_out(process, stop)
    if stop.is_set():
        raise StoppedError
    if process.returncode != ExitCode.DONE:
        words = (complained or printed).strip().splitlines()
        raise CollectorError(
            f"The demonstration cannot go on: `{' '.join(_shown(command))}` ended with {process.returncode}.",
            means=words[-1] if words else "",
        )
    return printed


def _heard_out(process: subprocess.Popen[bytes], stop: threading.Event) -> tuple[str, str]:
    """Return what a process said until its end, on its output and beside it."""
    with contextlib.ExitStack() as held:
        if process.stdin is not None:  # `communicate` would close it at once, and the child take us for gone
            held.enter_context(process.stdin)
            process.stdin = None
        while True:
            try:
                said = process.communicate(timeout=_LOOK_S)
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    _end(process)
                continue
            printed, complained = (one.decode("utf-8", "replace") for one in said)
            return printed, complained


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
        return
    process.kill()


def _shown(command: Sequence[str]) -> list[str]:
    words = list(command)
    known = {COLLECTOR: "enlace-collector", AGENT: "enlace-agent"}
    name = next((name for start, name in known.items() if tuple(words[: len(start)]) == start), words[0])
    rest = words[3:]
    return [name, *("…" if word.startswith("ENL1-") else word for word in rest)]


def _environment(secret: dict[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **(secret or {})}


class Children:
    """Processes that end with the block."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start one of our programs, which writes into a file of its own; it ends also when this process is killed.

        Args:
            name: Of the file.
            command: Program and words.
        """
        with (self._logs / f"{name}.log").open("ab") as log:
            process = processes.start(command, environment=_environment(), stdout=log, stderr=log)
        self._running.append((name, process))

    def check(self) -> None:
        """Refuse to go on without a process that ended.

        Raises:
            CollectorError: With the last line of its file.
        """
        for name, process in self._running:
            if process.poll() is not None:
                lines = (self._logs / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
                raise CollectorError(f"The {name} ended with {process.returncode}.", means=lines[-1] if lines else "")

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        for _name, process in reversed(self._running):
            if process.poll() is None:
                with contextlib.suppress(OSError):
                    process.terminate()
        until = time.monotonic() + STOP_S
        for _name, process in self._running:
            try:
                process.wait(max(0.05, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()


def wait_for(
    what: str, is_there: Callable[[], bool], children: Children, stop: threading.Event, within_s: float
) -> None:
    """Wait until something is there.

    Raises:
        CollectorError: If it does not come in time, or a child ended.
        StoppedError: If somebody asked to end.
    """
    until = time.monotonic() + within_s
    while not is_there():
        children.check()
        if stop.wait(_LOOK_S):
            raise StoppedError
        if time.monotonic() > until:
            raise CollectorError(f"{what} did not come within {within_s:.0f} s.", do="Look into the logs.")


def answers_http(url: str) -> bool:
    """Return whether a web server answers, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_S):  # noqa: S310 -- an address of this computer
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def accepts(port: int) -> bool:
    """Return whether something on this computer accepts connections."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S):
            return True
    except OSError:
        return False


def free_port() -> int:
    """Return a port of this computer that is free for TCP and UDP now.

    Raises:
        CollectorError: If none is found.
    """
    for _ in range(_PORT_TRIES):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, contextlib.suppress(OSError):
                datagrams.bind(("127.0.0.1", port))
                return port
    raise CollectorError("No port of this computer is free.")
