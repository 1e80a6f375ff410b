"""Two agents at a test point with a place for one: who comes second is told when to come back, and is measured then."""

import threading

import pytest

from agent.measure import busy, session
from agent.net.loop import Loop
from agent.ports import Ports
from agent.real.clock import RealClock
from agent.real.host import make_host
from agent.real.randomness import SystemRandomness
from agent.wire.vocabulary import EngineName, FailureCode, Phase, Status, Trigger
from tests.agent.measure import world
from tests.agent.measure.world import plan

ENGINES = [EngineName.NDT7, EngineName.LIBRESPEED]
ONE_PLACE = {"max_tests": 1, "retry_after_s": 1, "place_hold_s": 60.0}  # held while the first agent stands still
CAPS = {"max_bytes_download": 5_000_000, "max_bytes_upload": 5_000_000}


def measure(port, engine, trigger, note):
    """Measure as an agent does: with the real clock, chance and computer."""
    clock = RealClock()
    wish = plan(f"http://127.0.0.1:{port}", engine, trigger=trigger, **CAPS)
    return session.run(wish, Ports(clock, SystemRandomness(), make_host(clock)), on_progress=note)


class First:
    """An agent that has its place, and stands still between its two directions until it may go on."""

    def __init__(self, port, engine):
        self.may_go_on, self.records = threading.Event(), []
        self._has_place = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, engine), daemon=True)

    def _run(self, port, engine):
        self.records.append(measure(port, engine, Trigger.MANUAL, self._note))

    def _note(self, progress):
        if progress.phase is Phase.UPLOAD and not self._has_place.is_set():
            self._has_place.set()
            self.may_go_on.wait(60)

    def __enter__(self):
        self._thread.start()
        assert self._has_place.wait(60)
        return self

    def __exit__(self, *_):
        self.may_go_on.set()
        self._thread.join(60)


def is_whole(record):
    return (record.status, record.failure) == (Status.OK, None) and record.download.bytes and record.upload.bytes


@pytest.mark.parametrize("engine", ENGINES)
def test_a_person_s_test_waits_as_long_as_it_is_told_and_is_then_measured(engine):
    notes = []

    def note(progress):
        notes.append(progress.note)
        if "busy" in progress.note:
            first.may_go_on.set()

    with world.testpoint(**ONE_PLACE) as port, First(port, engine) as first:
        second = measure(port, engine, Trigger.MANUAL, note)
    assert is_whole(first.records[0])
    assert is_whole(second)
    assert "the test point is busy: waiting 1 s" in notes


@pytest.mark.parametrize("engine", ENGINES)
def test_a_test_by_itself_ends_with_the_time_and_is_measured_when_it_comes_back_then(engine):
    loop = Loop()
    with world.testpoint(**ONE_PLACE) as port:
        with First(port, engine) as first:
            told = measure(port, engine, Trigger.WINDOW, None)
        assert (told.status, told.failure.code) == (Status.FAILED, FailureCode.SERVER_BUSY)
        assert (told.download, told.upload) == (None, None)
        assert is_whole(first.records[0])
        loop.turn(busy.come_back_s(told))
        assert busy.come_back_s(told) == 1.0
        assert is_whole(measure(port, engine, Trigger.WINDOW, None))
    loop.close()
