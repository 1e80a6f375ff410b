"""What else goes on at this computer: a test is put off while others use the line, and says so where they did.

A computer sees its own network card only. Others of the school are seen by an idle round trip that is longer than
usual, and kept apart by the collector's lease.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

import msgspec

from agent.errors import EnlaceError
from agent.measure.attempt import Attempt, Outcome
from agent.measure.faults import WorldError
from agent.measure.latency.gateway import Beside
from agent.measure.servers import addresses as servers
from agent.measure.sockets import dial
from agent.measure.wirecost import wire_bytes
from agent.net.loop import Loop
from agent.ports import Host, Ports
from agent.wire.answers import ServerEntry
from agent.wire.details import UsedUp
from agent.wire.records import Direction, Failure, Rtt, Surroundings
from agent.wire.tags import CROSS_TRAFFIC, GATEWAY_SLOWER
from agent.wire.vocabulary import Confidence, FailureCode, Medium, Phase, Status, Trigger

BUSY_BPS = 200_000  # 25 kB/s: what the FCC's and SamKnows' probes wait for
BUSY_SHARE = 0.05  # of the school's usual speed, where that is more
LOOKS, LOOK_AGAIN_S = 4, 15.0  # then the test is skipped, with the reason
CROSS_SHARE = 0.1  # of what the network card moved; the estimate of our own headers is not exact to less
CROSS_LEAST_BYTES = 50_000
LAN_MS = 20.0  # a gateway that is slower by that while the line is loaded: radio or cable is a part of the queue
_HOUSE = {Medium.ETHERNET, Medium.WIFI}  # the gateway is in the same house; a modem's or a tunnel's is far away
IDLE_EVERY_S, IDLE_PROBES = 0.1, 10
LOADED_EVERY_S, LOADED_PROBES = 0.25, 200
_LOWER = {Confidence.HIGH: Confidence.MEDIUM, Confidence.MEDIUM: Confidence.LOW}
_WHY = {
    FailureCode.BUDGET: UsedUp.CAP,
    FailureCode.METERED: "the operating system says that this connection is paid by volume, the configuration does not",
    FailureCode.BUSY_LINE: "other programs of this computer use the line",
}


class Wanted(Protocol):
    """The test that is to be guarded: a `plan.Plan`."""

    @property
    def trigger(self) -> Trigger:
        """What made it due."""

    @property
    def is_metered(self) -> bool:
        """Whether the configuration knows a line that is paid by volume: then the caps are those of such a line."""

    @property
    def is_too_small(self) -> bool:
        """Whether its cap leaves no room for a figure."""

    @property
    def servers(self) -> Sequence[ServerEntry]:
        """The test points."""

    @property
    def prior_download_bps(self) -> float | None:
        """The school's usual speed."""


def status_of(failure: Failure | None) -> Status:
    """Return how a test ended whose record has this failure."""
    if failure is None:
        return Status.OK
    if failure.code in _WHY:
        return Status.SKIPPED
    return Status.INTERRUPTED if failure.code is FailureCode.CANCELLED else Status.FAILED


def before(
    wanted: Wanted, ports: Ports, is_cancelled: Callable[[], bool], say: Callable[[str], None]
) -> tuple[Surroundings, Failure | None]:
    """Return the surroundings, and why there should be no test now.

    A person's test is made whatever else goes on: the person sees it, and the record says it.

    Raises:
        WorldError: cancelled.
    """
    for look in range(1, LOOKS + 1):
        around = ports.host.surroundings()
        if wanted.is_metered:
            around = msgspec.structs.replace(around, metered=True)
        code = FailureCode.BUDGET if wanted.is_too_small else _reason(around, wanted)
        if code is not FailureCode.BUSY_LINE or look == LOOKS:
            failure = Failure(phase=Phase.PREFLIGHT, code=code, detail=_WHY[code]) if code else None
            return around, failure
        _wait(ports, is_cancelled, say)
    raise AssertionError  # the last look returns


def _reason(around: Surroundings, wanted: Wanted) -> FailureCode | None:
    if wanted.trigger is Trigger.MANUAL or _stays_inside(wanted.servers):
        return None
    if around.metered and not wanted.is_metered:
        return FailureCode.METERED
    limit_bps = max(BUSY_BPS, BUSY_SHARE * (wanted.prior_download_bps or 0.0))
    return FailureCode.BUSY_LINE if around.other_bps is not None and around.other_bps > limit_bps else None


def _stays_inside(entries: Sequence[ServerEntry]) -> bool:
    """Return whether all test points are this computer itself, as in a demonstration: its network is not touched."""
    try:
        return bool(entries) and all(dial.is_loopback(servers.parse_target(entry.url).host) for entry in entries)
    except EnlaceError:
        return False


def _wait(ports: Ports, is_cancelled: Callable[[], bool], say: Callable[[str], None]) -> None:
    for left_s in range(round(LOOK_AGAIN_S), 0, -1):
        if is_cancelled():
            raise WorldError.cancelled()
        say(f"other programs use the line: looking again in {left_s} s")
        ports.clock.sleep(1.0)


class CrossTraffic:
    """What the network card moves beside a test, in the test's own direction.

    Only in that one: of a download that was cut, what is under way still comes while the upload runs.
    """

    def __init__(self, host: Host) -> None:
        """Watch a computer."""
        self._host = host
        self._other_bps: int | None = None

    def during(self, phase: Phase, work: Callable[[], Outcome]) -> Outcome:
        """Return what the work returns, with a remark and less confidence where others were on the line as well."""
        before_bytes = self._octets(phase)
        outcome = work()
        after_bytes = self._octets(phase)
        direction = outcome.direction
        if before_bytes is None or after_bytes is None or direction is None or after_bytes < before_bytes:
            return outcome
        moved_bytes = after_bytes - before_bytes
        other_bytes = moved_bytes - _own_bytes(phase, direction)
        share = other_bytes / moved_bytes if moved_bytes else 0.0
        if other_bytes < CROSS_LEAST_BYTES or share <= CROSS_SHARE:
            return outcome
        if outcome.load_s > 0:
            self._other_bps = max(self._other_bps or 0, round(8 * other_bytes / outcome.load_s))
        lower = _LOWER.get(direction.confidence, Confidence.LOW) if direction.confidence else Confidence.LOW
        remark = f"{phase}{CROSS_TRAFFIC}{100 * share:.0f}%"
        doubted = msgspec.structs.replace(direction, confidence=lower)
        return replace(outcome, direction=doubted, remarks=(*outcome.remarks, remark))

    def told(self, around: Surroundings) -> Surroundings:
        """Return the surroundings with the most that others were seen to move, before or during the test."""
        if self._other_bps is None:
            return around
        return msgspec.structs.replace(around, other_bps=max(self._other_bps, around.other_bps or 0))

    def _octets(self, phase: Phase) -> int | None:
        told = self._host.octets()
        return None if told is None else told.received if phase is Phase.DOWNLOAD else told.sent


def _own_bytes(phase: Phase, direction: Direction) -> int:
    """Return what of a direction has passed the card by its end: an estimate that is not too small."""
    arrived_bytes = wire_bytes(direction.bytes or 0)
    if phase is Phase.DOWNLOAD:
        return arrived_bytes
    return max(arrived_bytes, direction.wire_bytes_est or 0)  # an upload's retransmissions have passed as well


class Company:
    """What is looked at beside a test: the gateway, and the network card."""

    def __init__(self, ports: Ports, loop: Loop) -> None:
        """Watch a computer, in the loop of its test."""
        self._ports = ports
        self._cross = CrossTraffic(ports.host)
        self._gateway = Beside(ports.host.way_out().gateway, loop)
        self._around = Surroundings()

    def before(self, wanted: Wanted, is_cancelled: Callable[[], bool], say: Callable[[str], None]) -> Failure | None:
        """Look at the surroundings; return why there should be no test now.

        Raises:
            WorldError: cancelled.
        """
        self._around, failure = before(wanted, self._ports, is_cancelled, say)
        return failure

    @property
    def gateway(self) -> Rtt | None:
        """Round trips to the gateway while nothing was sent."""
        return self._gateway.idle

    def idle(self) -> AbstractContextManager[None]:
        """Ask the gateway while the test point is asked."""
        return self._gateway.watching(IDLE_EVERY_S, IDLE_PROBES, is_loaded=False)

    def watched(self, attempt: Attempt) -> Outcome:
        """Return what comes of an attempt, with remarks on what else was seen at this computer meanwhile."""
        with self._gateway.watching(LOADED_EVERY_S, LOADED_PROBES, is_loaded=True):
            is_inside = dial.is_loopback(attempt.job.address.target.host)  # the card does not see it
            outcome = attempt.run() if is_inside else self._cross.during(attempt.phase, attempt.run)
        slower_ms = self._gateway.increase_ms()
        if slower_ms is None or slower_ms < LAN_MS or self._around.medium not in _HOUSE:
            return outcome
        return replace(outcome, remarks=(*outcome.remarks, f"{attempt.phase}{GATEWAY_SLOWER}{slower_ms:.0f}"))

    def told(self, *, tls_intercepted: bool | None, has_proxy: bool) -> Surroundings:
        """Return the surroundings with what became known while measuring."""
        around = self._cross.told(self._around)
        return msgspec.structs.replace(around, tls_intercepted=tls_intercepted, proxy=has_proxy or around.proxy)
