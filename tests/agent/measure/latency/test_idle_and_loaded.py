"""Probes beside a transfer, and what becomes of those that are still under way."""

import socket

import pytest

from agent.measure.latency.idle_and_loaded import (
    LOADED_FREE_PROBES,
    PROBE_SHARE,
    LoadedProbes,
    measure_idle,
    still_coming_s,
    wait_for_answers,
)
from agent.measure.latency.probes import TcpConnect, WebSocketPing
from agent.measure.latency.rounds import Round
from agent.net import websocket
from agent.net.loop import Loop
from agent.wire.vocabulary import EngineName, RttMethod
from tests.agent.measure.world import job_for
from tests.fakes import scripted_server as scripted
from tests.fakes.scripted_server import ScriptedServer


class SteppedTime:
    """A loop's clock that only its own waiting moves."""

    def __init__(self):
        self.now_s = 100.0

    def sleep(self, seconds):
        self.now_s += seconds


class ScriptedProber:
    """Answers each probe after what the script says; None is never."""

    method = RttMethod.UDP_ECHO
    wire_bytes = 60
    is_dead = False

    def __init__(self, time, answers):
        self._time, self._answers = time, list(answers)
        self._sent = []

    def send(self):
        self._sent.append((self._time.now_s, self._answers.pop(0) if self._answers else None))

    def rounds(self):
        now_s = self._time.now_s
        return [Round(at_s, rtt_s if rtt_s and at_s + rtt_s <= now_s else None) for at_s, rtt_s in self._sent]

    def close(self):
        return


@pytest.fixture
def time():
    return SteppedTime()


@pytest.fixture
def loop(time):
    made = Loop(now=lambda: time.now_s, sleep=time.sleep)
    made.turn = lambda longest_s: (time.sleep(longest_s), made._run_timers())
    yield made
    made.close()


def run(loop, time, seconds):
    for _ in range(round(seconds / 0.02)):
        loop.turn(0.02)


def test_probes_take_a_small_share_of_the_bytes(loop, time):
    prober = ScriptedProber(time, [0.05] * 200)
    probes = LoadedProbes(loop, prober, 0.05)
    probes.start(lambda: (time.now_s - 100) * 4_000)  # 32 kbit/s
    run(loop, time, 10)
    probes.stop()
    sent = len(prober.rounds())
    assert LOADED_FREE_PROBES <= sent <= PROBE_SHARE * 40_000 / prober.wire_bytes
    assert sent > 10


def test_an_answer_that_may_still_come_is_neither_lost_nor_counted(loop, time):
    prober = ScriptedProber(time, [1.0] * 50)
    probes = LoadedProbes(loop, prober, 0.05)
    probes.start(lambda: 1e9)
    run(loop, time, 3)
    probes.stop()
    side = probes.side(3.0, "cubic")
    assert side.rounds
    assert all(each.rtt_s is not None for each in side.rounds)
    wait_for_answers(prober, loop)
    later = probes.side(3.0, "cubic")
    assert len(later.rounds) == len(prober.rounds()) > len(side.rounds)
    assert all(each.rtt_s == 1.0 for each in later.rounds)


def test_what_does_not_come_in_time_is_lost(loop, time):
    prober = ScriptedProber(time, [0.1] * 10 + [None] * 3)
    probes = LoadedProbes(loop, prober, 0.05)
    probes.start(lambda: 1e9)
    run(loop, time, 1.3)
    probes.stop()
    before_s = time.now_s
    wait_for_answers(prober, loop)
    assert time.now_s - before_s < 0.5
    told = [each.rtt_s for each in probes.side(1.3, None).rounds]
    assert told[:10] == pytest.approx([0.1] * 10)
    assert told[10:] == [None] * (len(prober.rounds()) - 10) != []


def test_how_long_an_answer_may_take():
    assert still_coming_s([], 0.6) == pytest.approx(0.95)
    assert still_coming_s([Round(0, 0.1), Round(0, None)]) == pytest.approx(0.325)
    assert still_coming_s([Round(0, 9.0)]) == 2.5


def test_the_queue_is_what_the_last_answer_was_slower(loop, time):
    prober = ScriptedProber(time, [0.05, 0.25])
    probes = LoadedProbes(loop, prober, 0.05)
    assert probes.queue_s() == 0.0
    probes.start(lambda: 1e9)
    run(loop, time, 0.6)
    probes.stop()
    assert probes.queue_s() == pytest.approx(0.2)


def test_without_an_echo_the_next_method_answers():
    with ScriptedServer(scripted.foreign_librespeed()) as server, job_for(server.url) as job:
        idle = measure_idle(job, EngineName.LIBRESPEED, None, lambda low, high: (low + high) / 2, 5)
        idle.prober.close()
    assert idle.rtt.method is RttMethod.TCP_CONNECT
    assert (idle.rtt.n, idle.rtt.loss_pct) == (5, 0.0)


def test_nobody_there_is_no_round_trip():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with job_for(f"http://127.0.0.1:{taken.getsockname()[1]}") as job:
            idle = measure_idle(job, EngineName.LIBRESPEED, None, lambda low, high: low, 5)
    assert (idle.rtt, idle.prober) == (None, None)


def test_a_connection_that_had_to_knock_twice_is_a_loss(monkeypatch):
    with ScriptedServer(scripted.foreign_librespeed()) as server, job_for(server.url) as job:
        prober = TcpConnect(job.loop, job.address)
        monkeypatch.setattr(TcpConnect, "_is_first", lambda *_: False)
        prober.send()
        while prober.is_waiting:
            job.loop.turn(0.05)
        assert [each.rtt_s for each in prober.rounds()] == [None]


def test_a_prober_that_nobody_answers_any_more_makes_no_losses(loop, time):
    prober = ScriptedProber(time, [0.05] * 500)
    probes = LoadedProbes(loop, prober, 0.05)
    probes.start(lambda: 1e9)
    run(loop, time, 3)
    prober.is_dead = True  # a test point ends a connection after its time
    sent = len(prober.rounds())
    run(loop, time, 3)
    probes.stop()
    assert len(prober.rounds()) == sent
    assert all(each.rtt_s == 0.05 for each in probes.side(6.0, "cubic").rounds[:-1])


def ends_after(pings):
    """An ndt7 server that says Close after so many pings on a connection, and then answers none."""

    def script(visit):
        accept = websocket.check_upgrade(visit.head, "net.measurementlab.ndt.v7")
        visit.sock.sendall(websocket.server_handshake(accept, "net.measurementlab.ndt.v7"))
        receiver, answered, data = websocket.Receiver(expects_mask=True), 0, visit.rest
        while True:
            for message in receiver.feed(memoryview(data)):
                if answered == pings:
                    visit.sock.sendall(websocket.close_frame(websocket.CloseCode.NORMAL))
                    return scripted.silent(visit)
                visit.sock.sendall(websocket.frame(websocket.Opcode.PONG, message.payload))
                answered += 1
            data = visit.sock.recv(1 << 16)

    return script


def test_each_series_has_a_connection_of_its_own_and_what_a_close_leaves_unanswered_is_no_loss():
    with ScriptedServer(ends_after(3)) as server, job_for(server.url) as job:
        prober = WebSocketPing(job)
        prober.open()
        sides = []
        for _ in range(2):
            probes = LoadedProbes(job.loop, prober, 0.001)
            probes.prepare()
            probes.start(lambda: 1e9)
            while not prober.is_dead:
                job.loop.turn(0.05)
            probes.stop()
            sides.append(probes)
        told = [each.side(1.0, None).rounds for each in sides]
        wait_for_answers(prober, job.loop)  # there is nothing to wait for
        prober.close()
    assert [len(rounds) for rounds in told] == [3, 3]
    assert all(each.rtt_s is not None for rounds in told for each in rounds)
    assert [each.is_void for each in prober.rounds()] == [False, False, False, True] * 2


def test_a_server_that_is_gone_makes_no_losses_either():
    with ScriptedServer(ends_after(3)) as server, job_for(server.url) as job:
        prober = WebSocketPing(job)
        prober.open()
        server.vanish()
        probes = LoadedProbes(job.loop, prober, 0.001)
        probes.prepare()
        probes.start(lambda: 1e9)
        probes.stop()
    assert prober.is_dead
    assert probes.side(1.0, None).rounds == ()
