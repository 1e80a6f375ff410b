"""What else goes on at a computer: before a test and beside it."""

import threading
from dataclasses import replace

import pytest

from agent.measure import session
from agent.measure.attempt import Attempt, Outcome
from agent.measure.beside import guard
from agent.measure.faults import WorldError
from agent.measure.latency.gateway import Beside
from agent.ports import Octets
from agent.wire.records import Direction, Failure, Surroundings
from agent.wire.vocabulary import Confidence, EngineName, FailureCode, Medium, Phase, Status, Trigger
from tests.agent.measure.world import job_for, plan, ports
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer

CAP = {"max_bytes_download": 3_000_000, "max_bytes_upload": 1_000_000}
QUIET, BUSY = Surroundings(other_bps=20_000), Surroundings(other_bps=3_000_000)


class Looks:
    """A host that looks different from look to look."""

    def __init__(self, host, arounds):
        self.host, self.arounds, self.count = host, list(arounds), 0

    def surroundings(self):
        self.count += 1
        return self.arounds.pop(0) if len(self.arounds) > 1 else self.arounds[0]

    def __getattr__(self, name):
        return getattr(self.host, name)


def world(*arounds):
    made = ports()
    return replace(made, host=Looks(made.host, arounds))


def measure(url, made, **more):
    return session.run(plan(url, EngineName.NDT7, **{**CAP, "trigger": Trigger.WINDOW, **more}), made)


FAR = "http://192.0.2.7:9"  # nobody is there: what is skipped never asks


def before(made, url=FAR, *, stop=False, **more):
    return guard.before(
        plan(url, EngineName.NDT7, **{"trigger": Trigger.WINDOW, **more}), made, lambda: stop, lambda _: None
    )


def test_a_line_that_others_use_all_the_time_is_not_measured():
    made = world(BUSY)
    record = measure(FAR, made)
    assert record.status is Status.SKIPPED
    assert record.failure.code is FailureCode.BUSY_LINE
    assert record.failure.detail
    assert record.surroundings.other_bps == 3_000_000
    assert made.host.count == guard.LOOKS
    assert (record.download, record.server) == (None, None)


def test_a_line_that_gets_quiet_is_measured():
    made = world(BUSY, BUSY, QUIET)
    assert before(made) == (QUIET, None)
    assert made.host.count == 3


def test_what_is_busy_is_a_share_of_the_usual_speed():
    assert before(world(BUSY), prior_download_bps=100e6) == (BUSY, None)
    assert before(world(BUSY), prior_download_bps=10e6)[1].code is FailureCode.BUSY_LINE


def test_a_persons_test_is_made_whatever_goes_on():
    around = Surroundings(other_bps=9_000_000, metered=True)
    with ScriptedServer(scripted.foreign_ndt7) as server:
        record = measure(server.url, world(around), trigger=Trigger.MANUAL)
    assert record.status is Status.OK
    assert (record.surroundings.other_bps, record.surroundings.metered) == (9_000_000, True)
    assert before(world(around), trigger=Trigger.MANUAL) == (around, None)


def test_a_connection_paid_by_volume_that_nobody_has_thought_of():
    metered = Surroundings(metered=True)
    record = measure(FAR, world(metered))
    assert (record.status, record.failure.code) == (Status.SKIPPED, FailureCode.METERED)
    assert before(world(metered), is_metered=True) == (metered, None)
    around, failure = before(world(QUIET), is_metered=True)
    assert (around.metered, failure) == (True, None)


def test_a_demonstration_on_one_computer_does_not_touch_its_network():
    for url in ("http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"):
        assert before(world(BUSY), url) == (BUSY, None)


def test_waiting_for_a_quiet_line_can_be_ended():
    stop = threading.Event()
    stop.set()
    record = session.run(plan(FAR, EngineName.NDT7, trigger=Trigger.WINDOW), world(BUSY), cancelled=stop)
    assert (record.status, record.failure.code) == (Status.INTERRUPTED, FailureCode.CANCELLED)


def test_how_a_test_ended():
    def status(code):
        return guard.status_of(Failure(phase=Phase.PREFLIGHT, code=code))

    assert guard.status_of(None) is Status.OK
    assert status(FailureCode.DNS) is Status.FAILED
    assert status(FailureCode.CANCELLED) is Status.INTERRUPTED
    assert status(FailureCode.BUSY_LINE) is Status.SKIPPED


# --- beside a test --------------------------------------------------------------------------------------------------


class Card:
    """A network card whose counters a test moves."""

    def __init__(self):
        self.moved = Octets(1_000, 1_000)

    def octets(self):
        return self.moved


def outcome(confidence=Confidence.HIGH):
    direction = Direction(bps=8_000_000, bytes=1_000_000, wire_bytes_est=1_300_000, confidence=confidence)
    return Outcome(direction, None, 1.0, "cubic", None, ("streams=2",))


def during(phase, moved, made):
    card = Card()
    cross = guard.CrossTraffic(card)

    def work():
        received, sent = moved or (0, 0)
        card.moved = Octets(1_000 + received, 1_000 + sent) if moved else None
        return made

    return cross.during(phase, work), cross


DOWN, UP = Phase.DOWNLOAD, Phase.UPLOAD


@pytest.mark.parametrize(
    ("phase", "moved"),
    [
        (DOWN, (1_060_000, 30_000)),
        (DOWN, (1_150_000, 30_000)),
        (DOWN, (900_000, 9_000_000)),  # the other direction is the other one's question
        (DOWN, None),
        (DOWN, (-500, 0)),
        (UP, (9_000_000, 1_060_000)),  # what a download that was cut still brings
        (UP, (30_000, 1_300_000)),  # sent again and again
    ],
)
def test_our_own_bytes_are_nobody_elses(phase, moved):
    made = outcome()
    told, cross = during(phase, moved, made)
    assert told == made
    assert cross.told(QUIET) == QUIET


@pytest.mark.parametrize(("phase", "moved"), [(DOWN, (2_400_000, 30_000)), (UP, (30_000, 2_600_000))])
def test_bytes_of_others_are_told_and_doubted(phase, moved):
    told, cross = during(phase, moved, outcome())
    assert told.remarks[0] == "streams=2"
    assert told.remarks[1].startswith(f"{phase}_cross_traffic=5")
    assert told.direction.confidence is Confidence.MEDIUM
    assert told.direction.bps == 8_000_000
    assert cross.told(QUIET).other_bps > 8_000_000
    assert cross.told(Surroundings(other_bps=10**9)).other_bps == 10**9
    assert during(phase, moved, outcome(Confidence.LOW))[0].direction.confidence is Confidence.LOW
    assert during(phase, moved, outcome(None))[0].direction.confidence is Confidence.LOW


def test_without_a_figure_there_is_nothing_to_doubt():
    made = Outcome(None, None, 1.0, None, None)
    assert during(DOWN, (5_000_000, 0), made)[0] == made


def test_a_fault_in_the_middle_goes_through():
    def work():
        raise WorldError(FailureCode.RESET, "cut")

    with pytest.raises(WorldError):
        guard.CrossTraffic(Card()).during(DOWN, work)


def company(medium, slower_ms, monkeypatch):
    """What is said of a download during which the gateway was slower."""
    made = world(Surroundings(medium=medium))
    with job_for("http://127.0.0.1:9") as job:
        beside = guard.Company(made, job.loop)
        beside.before(plan("http://127.0.0.1:9"), lambda: False, lambda _: None)
        monkeypatch.setattr(Beside, "increase_ms", lambda _: slower_ms)
        attempt = Attempt(DOWN, None, job, None, None, False, 0.0, lambda _: None)
        monkeypatch.setattr(attempt, "run", outcome)
        return beside.watched(attempt).remarks


def test_a_gateway_that_gets_slow_is_the_houses_own_queue(monkeypatch):
    slow = ("streams=2", "download_gateway_slower_ms=62")
    assert company(Medium.WIFI, 62.0, monkeypatch) == slow
    assert company(Medium.ETHERNET, 62.0, monkeypatch) == slow
    for medium, slower_ms in ((Medium.WIFI, 3.0), (Medium.WIFI, None), (Medium.CELLULAR, 62.0), (Medium.VPN, 62.0)):
        assert company(medium, slower_ms, monkeypatch) == ("streams=2",)
