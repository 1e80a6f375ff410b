"""The light probe and the diary: every 15 minutes a heartbeat, a few packets, and a line about what was reached."""

import logging
from collections.abc import Callable
from typing import Any

from agent.config import AgentConfig
from agent.daemon import Walk
from agent.diary import runs
from agent.diary.runs import Book, Look, Run
from agent.jobs import ERRAND_LANE, Timed
from agent.measure import light
from agent.measure.light import Sight
from agent.ports import Ports
from agent.spool.store import Spool
from agent.uplink.contact import Contact
from agent.uplink.decide import Kind, Silence
from agent.wire import forms
from agent.wire.vocabulary import DiaryState, FailureCode

LOG = logging.getLogger(__name__)

BOOK = "diary"  # key of the durable state
LONGEST_RUN_SLOTS = 48  # four hours: an open run is rewritten with every look

# The collector's computer was there, whatever it said: the way to it is fine.
_REACHED = {
    Silence.REFUSED,
    Silence.TOO_SLOW,
    Silence.CUT,
    Silence.PROTOCOL,
    Silence.TOO_LONG,
    Silence.TLS_CLOCK,
}
_ANSWERED = {Kind.GOOD, Kind.OVERLOAD, Kind.REFUSED, Kind.UNKNOWN, Kind.ENVELOPE}

Looking = Callable[[], Sight]


def judge(sight: Sight, contact: Contact, *, has_gateway: bool) -> DiaryState:
    """Return in one word what can be reached.

    Args:
        sight: What a look around saw.
        contact: With the collector, after a heartbeat was tried.
        has_gateway: Whether the computer has a way out at all.
    """
    kind, silence = contact.kind, contact.last_silence
    if kind in _ANSWERED:
        return DiaryState.OK
    if kind == Kind.PORTAL and silence is not Silence.PROXY_LOGIN:
        return DiaryState.PORTAL
    if sight.server is not None:
        return DiaryState.COLLECTOR_DOWN if contact.is_enrolled and kind else DiaryState.OK
    if contact.is_enrolled and kind and (silence is None or silence in _REACHED):
        return DiaryState.COLLECTOR_DOWN
    if not has_gateway:
        return DiaryState.NO_GATEWAY
    if FailureCode.DNS is sight.fault or silence is Silence.DNS:
        return DiaryState.DNS_FAIL
    return DiaryState.NO_INTERNET


class LightJob(Timed):
    """A look around, the diary and the heartbeat."""

    def __init__(
        self,
        config: AgentConfig,
        ports: Ports,
        walk: Walk,
        contact: Contact,
        spool: Spool,
        *,
        gateway: Callable[[], str | None],
        is_testing: Callable[[], bool],
    ) -> None:
        """Make the job; the first look comes soon after the start.

        Args:
            config: Intervals.
            ports: Clocks, chance.
            walk: Knows the test points and posts.
            contact: With the collector.
            spool: Where closed runs go.
            gateway: Address of the default gateway; None = there is none, or nobody knows.
            is_testing: Whether a test loads the line now: then round trips say nothing.
        """
        super().__init__("light", ERRAND_LANE, ports.clock, min(5.0, config.light_interval_s))
        self._every_s, self._ports = config.light_interval_s, ports
        self._walk, self._contact, self._spool = walk, contact, spool
        self._gateway, self._is_testing = gateway, is_testing
        self.last: dict[str, Any] | None = None  # for `status`

    def run(self) -> None:
        """Post the last runs as the heartbeat, look around, write it down."""
        self.set_due_in(self._every_s * self._ports.randomness.uniform(0.9, 1.1))
        book = runs.read_book(self._spool.get_state(BOOK))
        is_long = book.run is not None and book.run.slots >= LONGEST_RUN_SLOTS
        if book.run is not None and (self._contact.wait_s(fresh=True) <= 0 or is_long):
            book, closed = runs.close(book)
            self._keep(book, closed)
        self._walk.post(heartbeat=True)
        servers = self._walk.known_servers(None)
        if self._is_testing() or not (servers or self._contact.is_enrolled):
            return
        gateway = self._gateway()
        sight = light.look(servers, self._ports, gateway)
        state = judge(sight, self._contact, has_gateway=gateway is not None)
        book, closed = runs.add(book, self._look(sight, state))
        self._keep(book, closed)
        self._show(sight, state)

    def _look(self, sight: Sight, state: DiaryState) -> Look:
        clock, rtt = self._ports.clock, sight.server
        sent = rtt.n if rtt else (light.PROBES if sight.fault else None)
        lost = None if sent is None else round(sent * ((rtt.loss_pct or 0) if rtt else 100) / 100)
        return Look(
            state=state,
            wall_ms=clock.now_ms(),
            mono_ms=clock.mono_ms(),
            boot_id=self._ports.host.boot_id(),
            server_rtt_ms=rtt.rtt_ms if rtt else None,
            gateway_rtt_ms=sight.gateway_rtt_ms,
            sent=sent,
            lost=lost,
            dns_ms=sight.dns_ms,
        )

    def _keep(self, book: Book, closed: list[Run]) -> None:
        """Store closed runs and the open end in one commit."""

        def keep() -> None:
            for run in closed:
                rid = forms.uuid7(self._ports.clock.now_ms(), self._ports.randomness.token_bytes(10))
                self._spool.add_ready(runs.record(run, rid))
            self._spool.set_state(BOOK, runs.write_book(book))

        self._spool.atomically(keep)

    def _show(self, sight: Sight, state: DiaryState) -> None:
        self.last = {
            "at": forms.format_time(self._ports.clock.now_ms()),
            "state": state,
            "server_rtt_ms": sight.server.rtt_ms if sight.server else None,
            "gateway_rtt_ms": sight.gateway_rtt_ms,
            "dns_ms": sight.dns_ms,
        }
