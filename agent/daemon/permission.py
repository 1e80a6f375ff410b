"""May it test: the collector's word, and where it has none, what this computer knows itself.

Next on the walk: `agent.daemon.purse` says how much of what is allowed the budget can bear.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.config import AgentConfig
from agent.daemon import history
from agent.measure.servers import addresses
from agent.measure.session import Progress
from agent.schedule import budget
from agent.spool.store import Spool
from agent.uplink import settings
from agent.uplink.contact import Contact
from agent.wire.answers import LeaseDenied, LeaseGranted, ServerEntry
from agent.wire.details import UsedUp
from agent.wire.vocabulary import EngineName, LeaseRefusal, Tier, Trigger


@dataclass(frozen=True)
class Wish:
    """What a person asked of a manual test; the daemon asks nothing special."""

    servers: tuple[ServerEntry, ...] = ()  # () = as the collector or the configuration says
    engine: EngineName | None = None
    max_bytes: int | None = None  # of the whole test; None = as usual, 0 = what budget and lease leave
    force: bool = False
    on_progress: Callable[[Progress], None] | None = None


@dataclass(frozen=True)
class Permission:
    """What a test may use."""

    servers: tuple[ServerEntry, ...]
    max_bytes_download: int
    max_bytes_upload: int
    lease_id: str | None = None
    access_token: str | None = None

    @property
    def lease_bytes(self) -> tuple[int, int] | None:
        """What the lease gives download and upload, None = there is none: then nobody but the budget sets a limit."""
        return None if self.lease_id is None else (self.max_bytes_download, self.max_bytes_upload)


@dataclass(frozen=True)
class Held:
    """No test now."""

    reason: str  # a LeaseRefusal, "no_server" or "no_word"
    why: str  # in words
    retry_after_s: float | None = None
    whose: str = ""  # budget is used up, a `wire.details.UsedUp`, as the record's detail says it


class Asker:
    """Asks on behalf of one computer."""

    def __init__(self, config: AgentConfig, spool: Spool, contact: Contact) -> None:
        """Ask for one computer.

        Args:
            config: Names test points and an engine, where the collector does not.
            spool: Has the collector's last settings and the line's last figures.
            contact: With the collector.
        """
        self._config, self._spool, self._contact = config, spool, contact

    def ask(self, trigger: Trigger, wish: Wish, *, alone: bool, tier: Tier = Tier.CAPACITY) -> Permission | Held:
        """Return what the collector allows; without its word, what this computer knows itself.

        Args:
            trigger: What made the test due.
            wish: Of a person.
            alone: The collector had no word a moment ago: it is not asked again.
            tier: What is wanted.
        """
        engine = self.engine_of(wish)
        engines = [engine] if engine else list(addresses.ENGINE_ORDER)
        word = None if alone else self._contact.ask_lease(trigger, engines, tier)
        if isinstance(word, LeaseDenied) and not wish.force:
            whose = UsedUp.SCHOOL if word.reason is LeaseRefusal.BUDGET else ""
            return Held(word.reason, f"the collector says no: {word.reason}", word.retry_after_s, whose)
        if isinstance(word, LeaseGranted):
            servers = wish.servers or tuple(word.servers)
            caps = max(1, word.max_bytes_download), max(1, word.max_bytes_upload)  # 0 would be none
            return Permission(servers, *caps, lease_id=word.lease_id, access_token=word.access_token)
        if word is not None and trigger is not Trigger.MANUAL and not isinstance(word, LeaseDenied):
            return Held("no_word", word.why or "the collector has no word")
        servers = wish.servers or self.known_servers(engine)
        if not servers:
            return Held("no_server", "no test point is known: enrol this computer, or name one with --server")
        cap_of = budget.calibration_bytes if tier is Tier.CALIBRATION else budget.direction_bytes
        down_bps, up_bps = history.priors(self._spool)
        return Permission(servers, cap_of(down_bps), cap_of(up_bps))

    def known_servers(self, engine: EngineName | None) -> tuple[ServerEntry, ...]:
        """Return the test points of the last settings, then those of the configuration."""
        told = settings.stored(self._spool)
        listed = list(told.servers) if told else []
        for url in () if engine is EngineName.OOKLA else self._config.servers:
            listed += addresses.servers_from_url(url, engine)
        return addresses.given_or_home(listed, engine)

    def engine_of(self, wish: Wish) -> EngineName | None:
        """Return the engine that a person or the configuration insists on; None = whichever fits the test point."""
        own = None if self._config.engine == "auto" else EngineName(self._config.engine)
        return wish.engine or own
