"""Whether this computer keeps up with the line."""

import time

import pytest

from agent.measure.beside.keepup import FEWEST_LOOKS, KeepUp
from agent.measure.engines.ndt7 import Ndt7
from tests.agent.measure.world import job_for
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer


def test_a_quick_computer_keeps_up():
    keep_up = KeepUp()
    for _ in range(1000):
        keep_up.turned(0.02, 0.022)
        keep_up.look([0.1, 0.0, 0.3, 0.69])
    assert keep_up.hindrance(20.0, 0.3) == ""


def test_a_used_up_processor():
    assert "processor" in KeepUp().hindrance(1.0, 0.95)


@pytest.mark.parametrize(
    ("ran", "waited", "is_starved"),
    [
        (0.05, 0.80, True),  # a gigabit beside four busy programs: the figure was half of the line's
        (0.06, 0.90, True),
        (0.10, 0.22, False),  # a slow line beside nine: it slept most of the time, nothing was late
        (0.14, 0.40, False),  # 300 Mbit/s beside nine: the figure was right
        (0.60, 0.30, False),
        (0.10, 0.60, False),
    ],
)
def test_a_thread_that_others_keep_from_the_processor(ran, waited, is_starved):
    told = KeepUp().hindrance(2.0, ran, waited)
    assert told == ("other programs have the processor" if is_starved else "")


def test_turns_that_come_late():
    keep_up = KeepUp()
    for _ in range(5):
        keep_up.turned(0.4, 0.022)
        keep_up.turned(0.1, 0.022)  # a little late is nothing
    assert keep_up.hindrance(2.5, 0.1) == "other programs have the processor"
    assert keep_up.hindrance(10.0, 0.1) == ""


def test_full_receive_buffers():
    keep_up = KeepUp()
    for _ in range(FEWEST_LOOKS):
        keep_up.look([0.1, 0.9])
    assert keep_up.hindrance(1.0, 0.1) == "the receive buffers are full"
    for _ in range(FEWEST_LOOKS):
        keep_up.look([0.1, 0.2])
    assert keep_up.hindrance(2.0, 0.1) == ""
    few = KeepUp()
    few.look([1.0])
    assert few.hindrance(1.0, 0.1) == ""


def spin(seconds: float) -> None:
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        pass


def test_a_reader_that_is_kept_busy_is_found_out():
    with ScriptedServer(scripted.foreign_ndt7) as server, job_for(server.url, max_s=1.0) as job:
        under_way = Ndt7().download(job)
        for _ in under_way.samples():
            spin(0.15)
        assert under_way.keep_up.hindrance(1.0, 0.5)
        assert under_way.carried_bytes > under_way.moved_bytes  # what lay unread in the kernel has crossed the line
