"""The light probe and the diary: every 15 minutes a heartbeat, a few packets, and a line about what was reached."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from agent.config import AgentConfig
from agent.diary import runs
from agent.diary.runs import Book, Look, Run
from agent.handover import Handover
from agent.jobs import ERRAND_LANE, Timed
from agent.measure import light
from agent.measure.light import Sight
from agent.permission import Asker
from agent.ports import Ports, WayOut
from agent.spool.store import Spool
from agent.uplink.contact import Contact
from agent.uplink.decide import Kind, Silence
from agent.wire import forms
from agent.wire.vocabulary import DiaryState, FailureCode

LOG = logging.getLogger(__name__)

BOOK = "diary"  # key of the durable state
ADDRESSES = "light_addresses"  # the same: where the test point was, for days without a name server
ADDRESSES_KEPT = 4
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
_FALSE_FACES = {FailureCode.PORTAL, FailureCode.TLS_UNTRUSTED}  # somebody answers in the test point's name


@dataclass(frozen=True)
class Word:
    """What the contact with the collector says."""

    kind: str = ""  # a Kind, "" = no contact yet
    silence: Silence | None = None
    is_enrolled: bool = False
    is_fresh: bool = True  # asked just now; else it is what the last try said, up to an hour ago


def word_of(contact: Contact, *, is_fresh: bool) -> Word:
    """Return what a contact says."""
    return Word(contact.kind, contact.last_silence, contact.is_enrolled, is_fresh)


def judge(sight: Sight, word: Word, way: WayOut) -> DiaryState:
    """Return in one word what can be reached.

    Args:
        sight: What a look around saw.
        word: The collector's.
        way: The computer's way out.
    """
    has_word = word.is_enrolled and bool(word.kind)
    is_looked_at = sight.server is not None or sight.fault is not None
    if word.kind in _ANSWERED and (word.is_fresh or not is_looked_at):
        return DiaryState.OK
    if sight.fault in _FALSE_FACES:
        return DiaryState.PORTAL
    if word.kind == Kind.PORTAL and word.silence is not Silence.PROXY_LOGIN and (word.is_fresh or not sight.is_open):
        return DiaryState.PORTAL
    if sight.is_open:
        return _of_open_line(sight, word)
    if has_word and word.is_fresh and (word.silence is None or word.silence in _REACHED):
        return DiaryState.COLLECTOR_DOWN
    return _of_closed_line(sight, word, way)


def _of_open_line(sight: Sight, word: Word) -> DiaryState:
    """Return what is wrong where the test point was reached."""
    no_name = word.silence is Silence.DNS and word.is_fresh
    if sight.fault is FailureCode.DNS or (no_name and sight.dns_ms is None):
        return DiaryState.DNS_FAIL  # the test point has an address without a name, or a remembered one
    is_down = word.is_enrolled and word.kind in (Kind.COLLECTOR_DOWN, Kind.PORTAL)
    return (
        DiaryState.COLLECTOR_DOWN if is_down and (word.is_fresh or word.kind == Kind.COLLECTOR_DOWN) else DiaryState.OK
    )


def _of_closed_line(sight: Sight, word: Word, way: WayOut) -> DiaryState:
    """Return where the way ends, from the computer outwards."""
    if way.has_link is False:
        return DiaryState.LINK_DOWN
    if way.has_route is False or sight.gateway_is_absent:
        return DiaryState.NO_GATEWAY
    # Without a line no name server answers either; only where no known address could be tried is the name to blame.
    has_no_name = sight.fault is FailureCode.DNS or (word.silence is Silence.DNS and word.is_fresh)
    if has_no_name and not sight.by_memory and sight.dns_ms is None and not _tried_an_address(sight):
        return DiaryState.DNS_FAIL
    return DiaryState.NO_INTERNET


def _tried_an_address(sight: Sight) -> bool:
    return sight.fault not in (None, FailureCode.DNS)


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
        book, closed = runs.add(book, self._look(sight, state))
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
