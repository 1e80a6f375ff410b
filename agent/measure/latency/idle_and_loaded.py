"""Idle and loaded latency: which probe, how many, when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from agent.measure.engines.engine import Job
from agent.measure.faults import WorldError
from agent.measure.latency.probes import Prober, TcpConnect, UdpEcho, WebSocketPing
from agent.measure.latency.rounds import LoadedSide, Round, summary
from agent.net.loop import Loop, Timer
from agent.wire.records import Rtt
from agent.wire.vocabulary import EngineName, FailureCode

IDLE_PROBES = 20
GAP_MEAN_S, GAP_LEAST_S, GAP_MOST_S = 0.06, 0.02, 0.2  # exponential: cannot fall into step with anything periodic
ANSWER_S = 1.5  # after the last probe: later answers count as lost
SILENT_PROBES, SILENT_S = 4, 1.2  # so many unanswered for so long: this method does not work here
LOADED_EVERY_S = 0.1
LOADED_FREE_PROBES = 3
PROBE_SHARE = 0.02  # of the bytes of a direction: what probes take is missing in the figure of a narrow line
STILL_COMING, STILL_COMING_S = 1.25, 0.2  # times the slowest answer, and a bit: only then a probe is lost
LONGEST_WAIT_S = 2.5
LATEST = 100  # probes that are looked at in the end


@dataclass(frozen=True)
class Idle:
    """The idle series, and the prober that it was made with (still open), None if nothing answered."""

    rtt: Rtt | None
    prober: Prober | None


def measure_idle(
    job: Job,
    engine: EngineName,
    udp_port: int | None,
    uniform: Callable[[float, float], float],
    count: int = IDLE_PROBES,
) -> Idle:
    """Time round trips while nothing else is sent.

    Args:
        job: The server.
        engine: Tells whether WebSocket pings can be had.
        udp_port: Where the test point echoes; None = the port that it listens on.
        uniform: Randomness for the gaps.
        count: Probes.

    Returns:
        The first of UDP echo, WebSocket ping and TCP connect that is answered.
    """
    for make in _methods(job, engine, udp_port):
        prober = make()
        if prober is None:
            continue
        try:
            rounds = _series(job, prober, uniform, count)
        except BaseException:
            prober.close()
            raise
        rtt = summary(rounds, prober.method)
        if rtt is not None:
            return Idle(rtt, prober)
        prober.close()
    return Idle(None, None)


def _methods(job: Job, engine: EngineName, udp_port: int | None) -> list[Callable[[], Prober | None]]:
    target = job.address.target
    methods: list[Callable[[], Prober | None]] = []
    if job.address.proxy is None:  # a web proxy carries no datagrams, and answers connects itself
        methods.append(lambda: UdpEcho(job.loop, job.address, udp_port or target.port, job.random_bytes(16)))
    if engine is EngineName.NDT7 and not job.resources:  # to M-Lab an open WebSocket is a test
        methods.append(lambda: _opened(job))
    if job.address.proxy is None:
        methods.append(lambda: TcpConnect(job.loop, job.address))
    return methods


def _opened(job: Job) -> Prober | None:
    """Return a WebSocket that can be pinged, None if the server does not agree."""
    prober = WebSocketPing(job)
    try:
        prober.open()
    except WorldError as fault:
        if fault.code is FailureCode.CANCELLED:
            raise
    if prober.is_open:
        return prober
    prober.close()
    return None


def _check(job: Job) -> None:
    if job.is_cancelled():
        raise WorldError.cancelled()


def _series(job: Job, prober: Prober, uniform: Callable[[float, float], float], count: int) -> list[Round]:
    loop = job.loop
    start_s = due_s = loop.now()
    sent = 0
    while sent < count:
        _check(job)
        now_s = loop.now()
        if now_s >= due_s:
            prober.send()
            sent += 1
            due_s = now_s + min(max(-GAP_MEAN_S * log(1 - uniform(0, 0.999)), GAP_LEAST_S), GAP_MOST_S)
        loop.turn(max(0.0, due_s - loop.now()))
        is_silent = sent >= SILENT_PROBES and loop.now() - start_s > SILENT_S
        if (is_silent or prober.is_dead) and _answers(prober) == 0:
            return prober.rounds()
    until_s = loop.now() + ANSWER_S
    while _answers(prober) < count and loop.now() < until_s:
        _check(job)
        loop.turn(0.02)
    return prober.rounds()


def _answers(prober: Prober) -> int:
    return sum(each.rtt_s is not None for each in prober.rounds())


def still_coming_s(rounds: Sequence[Round], idle_s: float = 0.0) -> float:
    """Return how long after its sending an answer may still come, going by the slowest one so far."""
    slowest_s = max([each.rtt_s for each in rounds if each.rtt_s is not None], default=idle_s)
    return min(STILL_COMING * slowest_s + STILL_COMING_S, LONGEST_WAIT_S)


def wait_for_answers(prober: Prober, loop: Loop) -> None:
    """Wait for the probes that are under way, as long as their answers may still come."""
    while any(
        each.rtt_s is None and not each.is_void and loop.now() - each.sent_s < still_coming_s(prober.rounds()[-LATEST:])
        for each in prober.rounds()[-LATEST:]
    ):
        loop.turn(0.02)


class LoadedProbes:
    """Probes that run beside a transfer in the same loop; they take at most a fiftieth of its bytes."""

    def __init__(self, loop: Loop, prober: Prober, idle_s: float) -> None:
        """Make them; `idle_s` is the idle median."""
        self._loop = loop
        self._prober = prober
        self._idle_s = idle_s
        self._first = len(prober.rounds())
        self._start_s = 0.0
        self._timer: Timer | None = None
        self._count = 0
        self._bytes: Callable[[], float] = lambda: 0.0

    def prepare(self) -> None:
        """Make sure that somebody answers; to be called before the line is loaded, because it may take round trips."""
        if isinstance(self._prober, WebSocketPing):  # the others have no end
            self._prober.renew()

    def start(self, moved_bytes: Callable[[], float]) -> None:
        """Begin; `moved_bytes` tells how many bytes the transfer has moved."""
        self._bytes = moved_bytes
        self._start_s = self._loop.now()
        self._tick()

    def stop(self) -> None:
        """Send no more; answers may still come."""
        if self._timer is not None:
            self._timer.cancel()

    def queue_s(self) -> float:
        """Return by how much the last answered probe was slower than when idle."""
        for each in reversed(self._prober.rounds()[self._first :]):
            if each.rtt_s is not None:
                return max(0.0, each.rtt_s - self._idle_s)
        return 0.0

    def side(self, load_s: float, congestion_control: str | None) -> LoadedSide:
        """Return this direction's probes, timed from its start; those left out whose answer may still be on its way."""
        mine, now_s = [each for each in self._mine() if not each.is_void], self._loop.now()
        patience_s = still_coming_s(mine, self._idle_s)
        decided = [each for each in mine if each.rtt_s is not None or now_s - each.sent_s >= patience_s]
        rounds = tuple(Round(each.sent_s - self._start_s, each.rtt_s) for each in decided)
        return LoadedSide(rounds, load_s, congestion_control)

    def _mine(self) -> list[Round]:
        return self._prober.rounds()[self._first : self._first + self._count]

    def _tick(self) -> None:
        if self._prober.is_dead:
            return  # probes that nobody can answer are not lost on the line
        spent = (self._count + 1) * self._prober.wire_bytes
        if self._count < LOADED_FREE_PROBES or spent <= PROBE_SHARE * self._bytes():
            self._prober.send()
            self._count += 1
        self._timer = self._loop.call_at(self._loop.now() + LOADED_EVERY_S, self._tick)
