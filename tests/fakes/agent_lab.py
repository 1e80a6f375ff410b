"""One school computer with its daemon, on a clock that the test moves and with a collector that it spoils."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.config import AgentConfig
from agent.measure.session import Plan
from agent.ports import Ports
from agent.service import Daemon, mend_clone
from agent.spool.store import Spool
from agent.uplink import enrol
from agent.uplink.contact import Contact, Options
from agent.uplink.identity import IdentityStore
from agent.wire import forms
from agent.wire.records import Direction, Measurement, Rtt
from agent.wire.vocabulary import Status, Tier, Trigger
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness
from tests.fakes.collector import URL, FakeCollector, token_text

DAY_S = 86_400


QUICK = AgentConfig(
    first_test_within_s=10, test_interval_s=600, light_interval_s=900, alone_spread_s=60, min_free_disk_bytes=0
)


@dataclass
class FakeMeasure:
    """Stands in for the session: takes a minute and finds 20 Mbit/s."""

    plans: list[Plan] = field(default_factory=list)
    during: Any = None
    lasts_s: float = 20.0

    def __call__(self, plan: Plan, ports: Ports, *, on_progress: Any = None, cancelled: Any = None) -> Measurement:
        self.plans.append(plan)
        started_ms, mono_ms = ports.clock.now_ms(), ports.clock.mono_ms()
        if self.during is not None:
            self.during()
        ports.clock.sleep(self.lasts_s)
        return Measurement(
            rid=plan.rid, status=Status.OK, tier=plan.tier, trigger=plan.trigger,
            started_at=forms.format_time(started_ms), boot_id=ports.host.boot_id(), started_mono_ms=mono_ms,
            lease_id=plan.lease_id, budget=plan.budget, idle=Rtt(rtt_ms=40.0),
            download=Direction(bps=20_000_000, bytes=5_000_000, wire_bytes_est=5_200_000),
            upload=Direction(bps=5_000_000, bytes=1_000_000),
        )  # fmt: skip


class Lab:
    """One school computer with its daemon, driven by hand."""

    def __init__(self, folder: Path, config: AgentConfig = QUICK, *, enrolled: bool = True, seed: int = 1) -> None:
        self.folder, self.config = folder, config
        self.clock, self.host, self.collector = FakeClock(), FakeHost(), FakeCollector()
        self.collector.servers = []  # no test point to look at: these tests open no socket
        self.ports = Ports(clock=self.clock, randomness=SeededRandomness(seed), host=self.host)
        self.measure = FakeMeasure()
        self.store = IdentityStore(folder)
        self.stop = threading.Event()
        if enrolled:
            self.enrol()
        self.start()

    def enrol(self) -> None:
        token = enrol.read_token(token_text())
        candidate = enrol.begin(self.ports, self.host.machine_facts(), token, URL, None)
        IdentityStore(self.folder).save(enrol.enrol(self.collector, self.ports, candidate, agent_version="0").identity)

    def start(self) -> None:
        self.spool = Spool.open(
            self.folder, clock=self.clock, randomness=self.ports.randomness, boot_id=self.host.boot_id()
        )
        self.spool.recover()
        mend_clone(self.store, self.ports, self.spool)
        options = Options(agent_version="0")
        contact = Contact(self.collector, self.ports, self.spool, self.store, ledger=self.spool.ledger, options=options)
        self.daemon = Daemon(
            self.config, self.folder, self.ports, self.spool, contact, measure=self.measure, cancelled=self.stop
        )

    def restart(self) -> None:
        self.spool.close()
        self.start()

    def drive(self, seconds: float, *, look_s: float = 30.0) -> None:
        """Let time pass as the scheduler does: a look at least every half minute, jobs when they are due."""
        until_ms = self.clock.mono_ms() + seconds * 1000
        while self.clock.mono_ms() < until_ms:
            self.daemon.every_round()
            for job in self.daemon.jobs:
                if job.due_in_s() <= 0:
                    job.run()
            self.collector.now_ms = self.true_ms
            nearest_s = min(max(job.due_in_s(), 0.2) for job in self.daemon.jobs)
            self.clock.advance_s(min(nearest_s, look_s))

    @property
    def true_ms(self) -> int:
        """What the collector's clock says: the monotonic one from a known start."""
        return 1_795_525_509_123 + self.clock.mono_ms() - 86_400_000

    def measurements(self) -> list[dict[str, Any]]:
        return [item for item in self.collector.stored.values() if item["kind"] == "measurement"]


def servers(lab: Lab) -> None:
    """Give the collector a test point to hand out with its leases only."""
    lab.collector.servers = [{"id": "tp", "engine": "ndt7", "url": "ws://tp.test:1", "udp_port": None}]


def a_plan(number: int) -> Plan:
    return Plan(
        rid=forms.uuid7(1_795_525_509_123, number.to_bytes(10, "big")), tier=Tier.CAPACITY, trigger=Trigger.WINDOW,
        engine=None, servers=(), max_bytes_download=1, max_bytes_upload=1, lease_id=None, access_token=None,
        prior_download_bps=None, prior_upload_bps=None, budget=None,
    )  # fmt: skip
