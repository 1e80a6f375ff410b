"""What a measurement has found so far, and the record that it comes to."""

from dataclasses import dataclass, field

from agent.measure import busy, receipt
from agent.measure.attempt import Outcome
from agent.measure.beside import guard
from agent.measure.engines.engine import Job
from agent.measure.latency.idle_and_loaded import Idle
from agent.measure.latency.rounds import loaded
from agent.measure.plan import Plan
from agent.measure.servers import named
from agent.measure.sockets import dial
from agent.ports import Host
from agent.wire import forms, limits, records
from agent.wire.answers import ServerEntry
from agent.wire.records import Failure, Measurement, Rtt, Surroundings
from agent.wire.vocabulary import EngineName, FailureCode


@dataclass(frozen=True)
class Begun:
    """When a measurement began, by the two clocks of the computer."""

    at_ms: int
    mono_ms: int


@dataclass(frozen=True)
class Around:
    """What was seen of the computer and its house meanwhile."""

    surroundings: Surroundings
    gateway: Rtt | None


@dataclass
class Findings:
    """What there is so far."""

    engine: records.Engine | None = None  # that measured, as the record names it
    server: ServerEntry | None = None
    address: dial.Address | None = None
    job: Job | None = None
    idle: Idle = field(default_factory=lambda: Idle(None, None))
    download: Outcome | None = None
    upload: Outcome | None = None
    upload_engine: EngineName | None = None
    confirmed: receipt.Asked | None = None
    failure: Failure | None = None
    remarks: list[str] = field(default_factory=list)
    tls_intercepted: bool | None = None
    come_back_s: float | None = None  # when a busy server wants to be asked again, where one has said so

    @property
    def has_proxy(self) -> bool:
        """Whether the way to the test point led through a web proxy."""
        return bool(self.address and self.address.proxy)

    def tags(self) -> list[str]:
        """Return what is to be said beside the figures, each once."""
        sides = [outcome.remarks for outcome in (self.download, self.upload) if outcome]
        told = [*self.remarks, *(remark for side in sides for remark in side)]
        if self.failure and self.failure.code is FailureCode.SERVER_BUSY:
            told.insert(0, busy.tag(self.come_back_s or busy.UNTOLD_S))
        if self.upload_engine and self.server and self.upload_engine is not self.server.engine:
            told.append(f"upload_engine={self.upload_engine}")
        return list(dict.fromkeys(told))

    def record(self, plan: Plan, begun: Begun, host: Host, around: Around) -> Measurement:
        """Return the record.

        Args:
            plan: What was to be measured.
            begun: When it began.
            host: The computer.
            around: What else was seen there.
        """
        down, up, prober = self.download, self.upload, self.idle.prober
        sides = (down.side() if down else None, up.side() if up else None)
        return Measurement(
            rid=plan.rid,
            status=guard.status_of(self.failure),
            failure=self.failure,
            tier=plan.tier,
            trigger=plan.trigger,
            started_at=forms.format_time(begun.at_ms),
            utc_offset_min=host.utc_offset_min(),
            boot_id=host.boot_id(),
            started_mono_ms=begun.mono_ms,
            engine=self.engine,
            server=named.server_of(self.server, self.address),
            lease_id=plan.lease_id,
            receipt=self.confirmed.text if self.confirmed else None,
            download=down.direction if down else None,
            upload=receipt.with_cost(up.direction if up else None, self.confirmed),
            idle=self.idle.rtt,
            gateway=around.gateway,
            loaded=loaded(*sides, self.idle.rtt, prober.method) if prober else None,
            surroundings=around.surroundings,
            budget=plan.budget,
            tags=[*plan.tags, *self.tags()][: limits.TAGS] or None,
        )
