"""Commands and processes of the demonstration, and their end."""

import sys
import threading
from pathlib import Path

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
        family.start("ours", [*PYTHON, FOREVER], is_ours=True)
        family.check()
        processes = [process for _name, process in family._running]
    assert all(process.returncode is not None for process in processes)
    with Children(tmp_path) as family, pytest.raises(CollectorError, match=r"The brief ended with 1\. Gone\."):
        family.start("brief", [*PYTHON, "print('Gone.'); raise SystemExit(1)"])
        wait_for("Nothing", lambda: False, family, threading.Event(), 60)


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
