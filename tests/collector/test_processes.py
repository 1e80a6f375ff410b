"""Children that are started again, and that end with their parent: by real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from collector.processes import Child, Family
from collector.real.world import RealClock

WAITING = [sys.executable, "-c", "import signal, threading; signal.signal(15, lambda *a: exit(0)); signal.pause()"]
PARENT = """
import sys, threading
from collector.processes import Child, Family, stop_on_signals
from collector.real.world import RealClock
stop = threading.Event()
stop_on_signals(stop)
child = '''
import threading
from agent.wire import parents
from collector.processes import stop_on_signals
parents.follow()
stop = threading.Event()
stop_on_signals(stop)
stop.wait()
'''
sys.exit(Family([Child(str(n), [sys.executable, "-c", child]) for n in range(2)], RealClock()).run(stop))
"""


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.fixture
def family() -> Family:
    return Family([Child("one", WAITING), Child("two", WAITING)], RealClock())


def test_a_child_that_dies_is_started_again(family: Family) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=family.run, args=[stop])
    thread.start()
    one = family._children[0]
    until(lambda: one.process is not None, "it starts")
    first = one.process
    assert first is not None
    first.kill()
    until(lambda: one.process is not None and one.process.pid != first.pid, "it is started again")
    stop.set()
    thread.join(30)
    assert all(child.process is not None and child.process.poll() is not None for child in family._children)


def test_a_child_that_cannot_begin_ends_all_with_its_code() -> None:
    wrong = Child("wrong", [sys.executable, "-c", "raise SystemExit(3)"])
    family = Family([Child("well", WAITING), wrong], RealClock())
    assert family.run(threading.Event()) == 3
    assert family._children[0].process is not None
    assert family._children[0].process.poll() is not None


def test_a_child_that_ignores_the_word_is_ended_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.processes.STOP_S", 0.2)
    deaf = [sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"]
    family = Family([Child("deaf", deaf)], RealClock())
    stop = threading.Event()
    thread = threading.Thread(target=family.run, args=[stop])
    thread.start()
    until(lambda: family._children[0].process is not None, "it starts")
    stop.set()
    thread.join(30)
    process = family._children[0].process
    assert process is not None
    assert process.poll() is not None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_end_with_their_parent_however_it_goes(number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT])
    watched = psutil.Process(parent.pid)
    until(lambda: len(watched.children()) == 2, "both start")
    children = watched.children()
    os.kill(parent.pid, number)
    parent.wait(30)
    until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), "both end")
