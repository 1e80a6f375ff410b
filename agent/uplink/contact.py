"""The daemon's whole contact with its collector: one request in flight, a durable pace, enrolment made good when asked.

It decides when the next batch may go; what goes and what becomes of it, the daemon joins with the spool.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import msgspec

from agent.errors import EnlaceError
from agent.ports import Ports
from agent.uplink import backoff, enrol, identity, lease, post, settings
from agent.uplink.backoff import Pace
from agent.uplink.decide import Effect, Silence
from agent.uplink.enrol import EnrolRefusedError
from agent.uplink.exchange import RATCHET, Exchange, Reply, Transport
from agent.uplink.identity import Identity, IdentityStore
from agent.uplink.post import Posted, Row
from agent.uplink.servertime import ReadState, State
from agent.wire import forms
from agent.wire.answers import LeaseDenied, LeaseGranted, SettingsAnswer
from agent.wire.headers import Ledger
from agent.wire.vocabulary import EngineName, RefusalCode, Tier, Trigger

LOG = logging.getLogger(__name__)

PACE = "pace"  # keys of the durable state
ENROL_TRIED = "enrol_tried"
ENROL_REFUSED = "enrol_refused"  # hash of the token that was refused: only another one is tried

ENROL_AGAIN_MS = 3_600_000
NOT_ENROLLED = "this computer is not enrolled"


@dataclass(frozen=True)
class Options:
    """What the configuration says of the contact."""

    agent_version: str
    url: str = ""  # "" = the one of the enrolment
    retry_base_s: float = 30.0
    retry_cap_s: float = 3_600.0
    start_spread_s: float = 900.0


class Contact:
    """One device's contact with its collector."""

    def __init__(
        self,
        transport: Transport,
        ports: Ports,
        state: State,
        store: IdentityStore,
        *,
        ledger: Callable[[], Ledger],
        options: Options,
    ) -> None:
        """Make a contact; nothing is sent yet.

        Args:
            transport: Moves the bytes.
            ports: Clock, randomness, host.
            state: Small durable values.
            store: Where the identity is kept.
            ledger: Reads the spool's counters.
            options: From the configuration.
        """
        self._transport, self._ports, self._state, self._store = transport, ports, state, store
        self._ledger, self._options = ledger, options
        self._lock = Lock()
        self.identity: Identity | None = store.load()
        self.pace = _stored_pace(state)
        self.last_silence: Silence | None = None
        self.last_good_ms: int | None = None  # by this computer's own clock
        spread_s = ports.randomness.uniform(0, options.start_spread_s) if self.pace.failures else 0.0
        self._blocked_until_ms = ports.clock.mono_ms() + round(spread_s * 1000)  # a failed contact forbids all before
        self._paced_until_ms = 0  # a good one asked to wait with the rest of a backlog

    # --- how it stands ---------------------------------------------------------------------------------------

    @property
    def is_enrolled(self) -> bool:
        """Whether there is a collector to talk to."""
        return self.identity is not None and self.identity.is_enrolled

    @property
    def why(self) -> str:
        """Why things wait, in words; "" when all is well."""
        return self.pace.why if self.is_enrolled else NOT_ENROLLED

    @property
    def kind(self) -> str:
        """The state of the contact in one word."""
        return self.pace.kind if self.is_enrolled else "not_enrolled"

    def wait_s(self, *, fresh: bool = False) -> float:
        """Return how long until a batch may go.

        Args:
            fresh: The batch holds a measurement made just now: its moment is random already, so only a failed contact
                holds it back.
        """
        until_ms = self._blocked_until_ms if fresh else max(self._blocked_until_ms, self._paced_until_ms)
        return (until_ms - self._ports.clock.mono_ms()) / 1000

    # --- requests --------------------------------------------------------------------------------------------

    def ask_lease(
        self, trigger: Trigger, engines: list[EngineName], tier: Tier = Tier.CAPACITY
    ) -> LeaseGranted | LeaseDenied | Reply | None:
        """Return the collector's word on a test now; None = not enrolled, a Reply = it has no word."""
        with self._lock:
            exchange = self._exchange()
            return lease.ask(exchange, trigger, engines, tier) if exchange else None

    def fetch_settings(self) -> SettingsAnswer | None:
        """Ask for the settings, keep them and return them; None = there was no answer to believe."""
        with self._lock:
            exchange = self._exchange()
            told = settings.fetch(exchange) if exchange else None
            if not isinstance(told, SettingsAnswer):
                if told is not None:
                    LOG.warning("settings.none", extra={"why": told.why})
                return None
            settings.keep(self._state, told)
            self._trust_also(told.next_collector_key)
        LOG.info("settings.kept", extra={"version": told.version, "windows": len(told.windows_utc)})
        return told

    def send(self, rows: Sequence[Row]) -> Posted | None:
        """Post one batch and set the pace by its outcome; None = not enrolled."""
        with self._lock:
            exchange = self._exchange()
            if exchange is None:
                return None
            posted = post.send(exchange, rows)
            self._set_pace(posted)
            if posted.answer is not None:
                self._state.set_state(RATCHET, posted.answer.ratchet)
                self.last_good_ms = self._ports.clock.now_ms()
            if posted.decision.effect is Effect.ENROL:
                self._enrol_again(posted.reply.code)
        return posted

    def refresh(self) -> None:
        """Notice that a command beside the daemon has enrolled this computer, or enrolled it anew.

        Never waits: while a request is under way, which may take minutes, the next look is early enough.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            stored = self._store.load_if_changed()
            if stored is not None and stored != self.identity:
                self.identity = stored
                self._blocked_until_ms = 0
                LOG.info("identity.changed", extra={"device": stored.device})
        finally:
            self._lock.release()

    def _exchange(self) -> Exchange | None:
        if self.identity is None or not self.identity.is_enrolled:
            return None
        return Exchange(
            self._transport, self._ports, self._state, self.identity, ledger=self._ledger, url=self._options.url
        )  # fmt: skip

    def _set_pace(self, posted: Posted) -> None:
        answer, reply = posted.answer, posted.reply
        self.last_silence = reply.silence
        told_items = answer.max_items if answer else None
        why = posted.why
        self.pace = backoff.after(self.pace, posted.decision, why=why, told_items=told_items)
        self._state.set_state(PACE, msgspec.json.encode(self.pace).decode())
        wait_s = backoff.wait_s(
            self.pace,
            posted.decision,
            self._ports.randomness,
            told_s=answer.next_after_s if answer else reply.wait_s,
            base_s=self._options.retry_base_s,
            cap_s=self._options.retry_cap_s,
        )
        until_ms = self._ports.clock.mono_ms() + round(wait_s * 1000)
        if posted.decision.effect is Effect.APPLY:
            self._blocked_until_ms, self._paced_until_ms = 0, until_ms
        else:
            self._blocked_until_ms = until_ms
            LOG.warning(
                "post.failed",
                extra={"kind": posted.decision.kind, "why": why, "items": posted.sent_items, "retry_in_s": wait_s},
            )

    # --- identity --------------------------------------------------------------------------------------------

    def enrol_if_asked(self) -> bool:
        """Enrol a computer that has a token and no name yet (a copied image), at most once an hour.

        Returns:
            Whether it is enrolled now.
        """
        with self._lock:
            who = self.identity
            if who is not None and not who.is_enrolled and who.replaces and self._may_enrol(who):
                self._enrol(who)
        return self.is_enrolled

    def _enrol_again(self, code: str | None) -> None:
        """Enrol anew because a signed answer said so; nothing else ever starts this."""
        if self.identity is None or not self._may_enrol(self.identity):
            return
        candidate = self.identity
        if code == RefusalCode.OTHER_MACHINE:
            facts = self._ports.host.machine_facts()
            candidate = identity.successor(self._ports.randomness, facts, self.identity)
        self._enrol(candidate)

    def _may_enrol(self, who: Identity) -> bool:
        """Return whether an hour has passed since the last try, and note this one."""
        if self._state.get_state(ENROL_REFUSED) == forms.sha256hex(who.token.encode()):
            return False
        mono_ms, boot_id = self._ports.clock.mono_ms(), self._ports.host.boot_id()
        tried_boot, _, tried_ms = (self._state.get_state(ENROL_TRIED) or "").partition(" ")
        if tried_boot == boot_id and tried_ms.isdigit() and mono_ms - int(tried_ms) < ENROL_AGAIN_MS:
            return False
        self._state.set_state(ENROL_TRIED, f"{boot_id} {mono_ms}")
        return True

    def _enrol(self, candidate: Identity) -> None:
        try:
            done = enrol.enrol(self._transport, self._ports, candidate, agent_version=self._options.agent_version)
        except EnlaceError as error:
            LOG.warning("enrol.failed", extra={"why": error.sentence})
            if isinstance(error, EnrolRefusedError):
                self._state.set_state(ENROL_REFUSED, forms.sha256hex(candidate.token.encode()))
            self.pace = msgspec.structs.replace(self.pace, why=f"enrolling again failed: {error.what}")
            return
        self.identity = self._store.save(done.identity)
        settings.keep(self._state, done.answer.settings)
        self._state.set_state(RATCHET, done.answer.ratchet)
        self._blocked_until_ms = 0
        LOG.warning("enrol.done", extra={"device": done.identity.device, "state": done.identity.state})

    def _trust_also(self, next_key: str | None) -> None:
        """Pin the key that the collector announced under its old signature; the old one stays trusted."""
        if self.identity is None or next_key is None or next_key in self.identity.collector_keys:
            return
        try:
            keys = [next_key, *self.identity.collector_keys][:3]
            changed = msgspec.structs.replace(self.identity, collector_keys=keys)
            _ = changed.trusted_keys
        except ValueError:
            LOG.warning("settings.bad_key")
            return
        self.identity = self._store.save(changed)
        LOG.info("collector.next_key_pinned")


def _stored_pace(state: ReadState) -> Pace:
    try:
        return msgspec.json.decode(state.get_state(PACE) or "{}", type=Pace)
    except msgspec.MsgspecError:
        return Pace()


def stored_contact(state: ReadState) -> tuple[str, str]:
    """Return kind and words of the last contact, for readers beside the daemon."""
    pace = _stored_pace(state)
    return pace.kind, pace.why
