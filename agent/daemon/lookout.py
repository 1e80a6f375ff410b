"""The light probe and the diary: every 15 minutes a heartbeat, a few packets, and a line about what was reached."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from agent.config import AgentConfig
from agent.daemon.handover import Handover
from agent.daemon.jobs import ERRAND_LANE, Timed
from agent.daemon.permission import Asker
from agent.daemon.reach import judge, word_of
from agent.daemon.sites import SiteWatch
from agent.diary import runs
from agent.diary.runs import Book, Look, Run
from agent.measure import light
from agent.measure.light import Sight
from agent.ports import Ports
from agent.spool.store import Spool
from agent.uplink.contact import Contact
from agent.wire import forms
from agent.wire.vocabulary import DiaryState

LOG = logging.getLogger(__name__)

BOOK = "diary"  # key of the durable state
ADDRESSES = "light_addresses"  # the same: where the test point was, for days without a name server
ADDRESSES_KEPT = 4
LONGEST_RUN_SLOTS = 48  # four hours: an open run is rewritten with every look


class LightJob(Timed):
    """A look around, the diary and the heartbeat."""

    def __init__(
        self,
        config: AgentConfig,
        ports: Ports,
        asker: Asker,
        handover: Handover,
        contact: Contact,
        spool: Spool,
        *,
        is_testing: Callable[[], bool],
    ) -> None:
        """Make the job; the first look comes soon after the start.

        Args:
            config: Intervals.
            ports: Clocks, chance.
            asker: Knows the test points.
            handover: Posts the heartbeat.
            contact: With the collector.
            spool: Where closed runs go.
            is_testing: Whether a test loads the line now: then round trips say nothing.
        """
        super().__init__("light", ERRAND_LANE, ports.clock, min(5.0, config.light_interval_s))
        self._every_s, self._ports = config.light_interval_s, ports
        self._asker, self._handover, self._contact, self._spool = asker, handover, contact, spool
        self._is_testing = is_testing
        self.sites: SiteWatch | None = None  # looks at the operator's learning sites; None: nobody does
        self.last: dict[str, Any] | None = None  # for `status`

    def run(self) -> None:
        """Post the last runs as the heartbeat, look around, write it down."""
        self.set_due_in(self._every_s * self._ports.randomness.uniform(0.9, 1.1))
        book = runs.read_book(self._spool.get_state(BOOK))
        is_long = book.run is not None and book.run.slots >= LONGEST_RUN_SLOTS
        if book.run is not None and (self._contact.wait_s(fresh=True) <= 0 or is_long):
            book, closed = runs.close(book)
            self._keep(book, closed)
        before = self._contact.pace
        self._handover.post(heartbeat=True)
        is_fresh = self._contact.pace is not before  # every try leaves another one
        servers = self._asker.known_servers(None)
        if self._is_testing() or not (servers or self._contact.is_enrolled):
            return
        way, known = self._ports.host.way_out(), self._addresses()
        sight = light.look(servers, self._ports, way.gateway, known)
        state = judge(sight, word_of(self._contact, is_fresh=is_fresh), way)
        self._remember(sight, known)
        look = self._look(sight, state)  # its moment is now, however long the sites take
        if self.sites is not None:
            look = msgspec.structs.replace(look, probes=self.sites.look(state))
        book, closed = runs.add(book, look)
        self._keep(book, closed)
        self._show(sight, state)

    def _addresses(self) -> dict[str, list[str]]:
        """Return the last known addresses of test points, by name."""
        try:
            return msgspec.json.decode(self._spool.get_state(ADDRESSES) or "{}", type=dict[str, list[str]])
        except msgspec.MsgspecError:
            return {}

    def _remember(self, sight: Sight, known: dict[str, list[str]]) -> None:
        """Keep the addresses of the name that was found: of one only, the disk is not a name server."""
        ips = list(sight.ips[:ADDRESSES_KEPT])
        if ips and known != {sight.host: ips}:
            self._spool.set_state(ADDRESSES, msgspec.json.encode({sight.host: ips}).decode())

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
