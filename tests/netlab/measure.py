"""Runs a measuring tool on an emulated line and keeps what it said, what was true, and what it cost.

with Lab(profiles.ALL["dsl"]) as lab, our_test_point(lab) as url:
    measured = our_test(lab, url)
    measured.record["download"]["bps"] / measured.ran.truth_bps["download"] - 1
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.netlab.account import Totals
from tests.netlab.lab import Lab, Word
from tests.netlab.links import NUMBERS, Direction

BIN = Path(sys.executable).parent
PORT = 8801  # in a namespace of its own, nobody else has it
_LOOK_EVERY_S = 0.02
_READY_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a tool on the client's side.

    Attributes:
        code: Exit code; negative after a signal.
        stdout: What it printed.
        stderr: What it complained about.
        began_s: `time.monotonic()` before it started.
        ended_s: The same when it had ended.
        cpu_s: Processor time of the client and of its children, all of it.
        peak_mb: Largest resident memory of the client, without children.
        counted: What each direction of the line saw of it.
        truth_bps: What TCP could carry while the line was kept busy (`Account.truth`); None without a transfer.
        busy_s: For how long it was kept busy.
        queue_ms: Mean wait in the queue meanwhile.
    """

    code: int
    stdout: str
    stderr: str
    began_s: float
    ended_s: float
    cpu_s: float
    peak_mb: float
    counted: dict[Direction, Totals]
    truth_bps: dict[Direction, float | None]
    busy_s: dict[Direction, float]
    queue_ms: dict[Direction, float | None]

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return self.ended_s - self.began_s

    @property
    def line_bytes(self) -> int:
        """Return what it sent over the line in both directions, at layer 3, losses included."""
        return sum(self.bytes_of(direction) for direction in NUMBERS)

    def bytes_of(self, direction: Direction) -> int:
        """Return what it sent over the line in one direction, at layer 3, losses included."""
        return self.counted[direction].offered_bytes - self.counted[direction].dropped_bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """A run of ours with its record as the wire carries it; None if it printed none."""

    ran: Ran
    record: dict[str, Any] | None

    def error(self, direction: Direction) -> float | None:
        """Return the relative error of a figure against the truth; None without a figure or a truth."""
        figure = (self.record or {}).get(direction)
        truth_bps = self.ran.truth_bps[direction]
        return figure["bps"] / truth_bps - 1 if figure and truth_bps else None


def run_tool(lab: Lab, words: Sequence[Word], *, timeout_s: float = 180, **more: Any) -> Ran:
    """Run any client on the client's side and keep what it cost and what was true."""
    before = lab.counters()
    began_s = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = lab.popen_client(words, stdout=out, stderr=err, **more)
        peak_kb, usage, status = 0, None, 0
        while usage is None:
            time.sleep(_LOOK_EVERY_S)
            peak_kb = max(peak_kb, _peak_kb(child.pid))
            if time.monotonic() - began_s > timeout_s:
                os.kill(child.pid, signal.SIGKILL)  # Popen's own way would take the status that is waited for here
            pid, status, found = os.wait4(child.pid, os.WNOHANG)
            usage = found if pid else None
        ended_s = time.monotonic()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        told, complained = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    account, after = lab.account, lab.counters()
    return Ran(
        code=child.returncode,
        stdout=told,
        stderr=complained,
        began_s=began_s,
        ended_s=ended_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=peak_kb / 1000,
        counted={direction: _difference(after[direction], before[direction]) for direction in NUMBERS},
        truth_bps={direction: account.truth(direction, began_s, ended_s) for direction in NUMBERS},
        busy_s={
            direction: len(account.busy_slots(direction, began_s, ended_s)) * account.slot_s for direction in NUMBERS
        },
        queue_ms={direction: account.queue_ms(direction, began_s, ended_s) for direction in NUMBERS},
    )


@contextmanager
def serving(lab: Lab, words: Sequence[Word], ready: str, **more: Any) -> Iterator[None]:
    """Run a server on the server's side, from when it has said a word that means ready to the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("wb") as out:
            child = lab.popen_server(words, stdout=out, stderr=out, **more)
        try:
            _wait_until(lambda: ready in said.read_text(), child, said)
            yield
        finally:
            child.terminate()
            child.wait(20)


@contextmanager
def our_test_point(lab: Lab, *more: Word) -> Iterator[str]:
    """Run our own test point on the server's side; yields its URL as the client sees it."""
    words = [BIN / "enlace-collector", "testpoint", "--host", lab.server_address, "--port", str(PORT), *more]
    with tempfile.TemporaryDirectory() as folder, serving(lab, words, "Test point", cwd=folder):
        yield f"http://{lab.server_address}:{PORT}"


def our_test(
    lab: Lab,
    url: str,
    *words: Word,
    max_bytes: int | None = 0,
    settings: str = "[agent]\n",
    timeout_s: float = 120,
) -> Measured:
    """Run `enlace-agent test` once, not enrolled, in an empty directory.

    Args:
        lab: The line.
        url: Of the test point.
        words: More words for the command, such as "--engine", "librespeed".
        max_bytes: Cap of the whole test; 0 is none, None leaves the default caps.
        settings: Its configuration file.
        timeout_s: After this it is ended.

    Returns:
        The record beside the truth.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(settings)
        cap: list[Word] = [] if max_bytes is None else ["--max-bytes", str(max_bytes)]
        command: list[Word] = [
            BIN / "enlace-agent",
            "test",
            "--server",
            url,
            "--json",
            "--config",
            config,
            "--data",
            folder,
        ]
        ran = run_tool(lab, [*command, *cap, *words], timeout_s=timeout_s)
    last = ran.stdout.strip().rpartition("\n")[2]
    return Measured(ran, json.loads(last) if last.startswith("{") else None)


@contextmanager
def iperf3_server(lab: Lab) -> Iterator[None]:
    """Run `iperf3 -s` on the server's side."""
    with serving(lab, ["iperf3", "-s", "--forceflush"], "listening"):
        yield


def iperf3(
    lab: Lab, direction: Direction, *, seconds: int = 30, congestion: str = "cubic", streams: int = 1, omit_s: int = 0
) -> tuple[float, Ran]:
    """Return what the receiver of an iperf3 run got, in bit/s, and the run; needs `iperf3_server`.

    Raises:
        RuntimeError: If iperf3 says that it failed.
    """
    words = ["iperf3", "-c", lab.server_address, "-J", "-t", str(seconds), "-P", str(streams), "-C", congestion]
    words += ["-O", str(omit_s)] if omit_s else []
    words += ["-R"] if direction == "download" else []
    ran = run_tool(lab, words, timeout_s=seconds + omit_s + 60)
    told: dict[str, Any] = json.loads(ran.stdout) if ran.stdout.strip() else {"error": ran.stderr}
    if "error" in told:
        raise RuntimeError(f"iperf3 failed on {lab.profile.name}: {told['error']}")
    return float(told["end"]["sum_received"]["bits_per_second"]), ran


def _difference(after: Totals, before: Totals) -> Totals:
    return Totals(*(getattr(after, one.name) - getattr(before, one.name) for one in fields(Totals)))


def _peak_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _wait_until(holds: Any, child: Any, said: Path) -> None:
    end_s = time.monotonic() + _READY_WITHIN_S
    while not holds():
        if child.poll() is not None or time.monotonic() > end_s:
            raise RuntimeError(f"it did not start: {said.read_text()[:1000]}")
        time.sleep(0.05)
