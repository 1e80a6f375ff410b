"""Commands and processes of the demonstration, and their end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from collector.demo import children
from collector.demo.children import Children, StoppedError, ask, wait_for
from collector.demo.run import run_demo
from collector.errors import CollectorError
from tests.fakes.collector_world import fake_ports

PYTHON = [sys.executable, "-c"]
FOREVER = "import threading; print('begun', flush=True); threading.Event().wait(60)"


def test_a_command_gives_what_it_prints_or_its_last_words() -> None:
    stop = threading.Event()
    assert ask([*PYTHON, "import os; print(os.environ['WORD'])"], stop, secret={"WORD": "hush"}) == "hush\n"
    with pytest.raises(CollectorError, match=r"ended with 3\. Not today\."):
        ask([*PYTHON, "import sys; sys.stderr.write('line\\nNot today.\\n'); sys.exit(3)"], stop)


def test_a_command_ends_when_somebody_asks() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        ask([*PYTHON, FOREVER], stop)


def test_a_secret_word_is_not_repeated() -> None:
    shown = children._shown([*children.AGENT, "enrol", "--token", "ENL1-AAAA-BBBB"])
    assert shown == ["enlace-agent", "enrol", "--token", "…"]


def test_children_end_with_the_block_and_are_missed_when_they_end_before(tmp_path: Path) -> None:
    with Children(tmp_path) as family:
        family.start("steady", [*PYTHON, FOREVER])
        family.start("ours", [*PYTHON, FOREVER])
        family.check()
        processes = [process for _name, process in family._running]
    assert all(process.returncode is not None for process in processes)
    with Children(tmp_path) as family, pytest.raises(CollectorError, match=r"The brief ended with 1\. Gone\."):
        family.start("brief", [*PYTHON, "print('Gone.'); raise SystemExit(1)"])
        wait_for("Nothing", lambda: False, family, threading.Event(), 60)


# What the demonstration does at once and one after the other: it holds a daemon, and asks a command that takes long.
DEMONSTRATION = """
import sys, threading
from pathlib import Path
from collector.demo.children import AGENT, COLLECTOR, Children, ask
place = Path(sys.argv[1])
with Children(place / "logs") as children:
    children.start("agent", [*AGENT, "run", "--data", str(place / "agent")])
    ask([*COLLECTOR, "testpoint", "--port", "0", "--data", str(place)], threading.Event())
"""


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)  # dead, and only its foster parent has not looked
    except psutil.NoSuchProcess:
        return False


def _listens(process: psutil.Process) -> bool:
    return any(one.status == psutil.CONN_LISTEN for one in process.net_connections())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_children_end_also_when_the_demonstration_is_killed(tmp_path: Path) -> None:
    demonstration = subprocess.Popen([*PYTHON, DEMONSTRATION, str(tmp_path)])
    watched = psutil.Process(demonstration.pid)
    family: list[psutil.Process] = []
    try:
        until((tmp_path / "agent" / "status.json").exists, "the agent runs")
        until(lambda: any(_listens(one) for one in watched.children()), "the test point listens")
        family = watched.children(recursive=True)
        assert len(family) == 2
        os.kill(demonstration.pid, signal.SIGKILL)
        demonstration.wait(30)
        until(lambda: not any(_lives(one) for one in family), "both end")
    finally:
        for process in (one for one in [*family, watched] if _lives(one)):
            process.kill()


def test_waiting_ends_in_time_or_when_asked(tmp_path: Path) -> None:
    stop = threading.Event()
    with Children(tmp_path) as family:
        with pytest.raises(CollectorError, match="The moon did not come within 0 s"):
            wait_for("The moon", lambda: False, family, stop, 0)
        stop.set()
        with pytest.raises(StoppedError):
            wait_for("The moon", lambda: False, family, stop, 60)


def test_a_port_that_is_free_accepts_nobody() -> None:
    port = children.free_port()
    assert not children.accepts(port)
    assert not children.answers_http(f"http://127.0.0.1:{port}/")


def test_a_line_that_cannot_be_and_a_place_that_is_taken_are_refused(tmp_path: Path) -> None:
    (tmp_path / "collector.sqlite3").touch()
    ports = fake_ports()
    with pytest.raises(CollectorError, match="is not a line"):
        run_demo(None, once=True, line="fast", port=None, ports=ports)
    with pytest.raises(CollectorError, match="has a deployment already"):
        run_demo(tmp_path, once=True, line=None, port=None, ports=ports)
