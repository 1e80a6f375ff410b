"""The walk of one measurement, the whole of it: due -> lease -> running marker -> measure -> spool -> post.

`agent.jobs` says when; the areas that each do one hop do not know each other and are joined here. A manual `test` walks
the same way. Next on the walk: `agent.uplink.lease`, `agent.measure.session`, `agent.spool.store`, `agent.uplink.post`.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from agent import allowance
from agent.config import AgentConfig
from agent.errors import EnlaceError
from agent.measure import servers as addresses
from agent.measure.session import Plan, Progress
from agent.ports import Ports
from agent.schedule import budget
from agent.schedule.budget import Allowance, Caps
from agent.spool.rows import Outcome, Spent
from agent.spool.store import SETTINGS_VERSION, STORE_EPOCH, Spool
from agent.uplink import settings
from agent.uplink.contact import Contact
from agent.uplink.decide import Effect
from agent.uplink.post import Posted
from agent.wire import codec, forms, limits
from agent.wire.answers import LeaseDenied, LeaseGranted, ServerEntry
from agent.wire.records import Budget, Failure, Measurement
from agent.wire.vocabulary import EngineName, FailureCode, LeaseRefusal, Phase, Status, Tier, Trigger

LOG = logging.getLogger(__name__)

PRIORS = "priors"  # key of the durable state: the last figures, for the byte cap and the estimator
PRIORS_KEPT = 5
OFFER_AGAIN_MS = 3_600_000  # what was handed over is offered again at most so often, whatever the answers say
ROOM_IN_BATCH_BYTES = limits.BATCH_INFLATED_BYTES - 1_000

Measure = Callable[..., Measurement]  # `measure.session.run` or a test's stand-in

_SKIPS = {
    LeaseRefusal.BUDGET: FailureCode.BUDGET,
    LeaseRefusal.PAUSED: FailureCode.PAUSED,
    LeaseRefusal.BUSY: FailureCode.LEASE_BUSY,
}  # `enough`, `closed` and `pending` make no record


@dataclass(frozen=True)
class Wish:
    """What a person asked of a manual test; the daemon asks nothing special."""

    servers: tuple[ServerEntry, ...] = ()  # () = as the collector or the configuration says
    engine: EngineName | None = None
    max_bytes: int | None = None  # of the whole test; None = as usual, 0 = what the budget leaves
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


@dataclass(frozen=True)
class Held:
    """No test now."""

    reason: str  # a LeaseRefusal, "no_server" or "no_word"
    why: str  # in words
    retry_after_s: float | None = None


class Walk:
    """Every hop of a measurement for one computer."""

    def __init__(
        self,
        config: AgentConfig,
        ports: Ports,
        spool: Spool,
        contact: Contact,
        *,
        measure: Measure,
        cancelled: threading.Event,
    ) -> None:
        """Join the areas.

        Args:
            config: Of this computer.
            ports: Clock, randomness, host.
            spool: Where measurements are kept.
            contact: With the collector.
            measure: Does the measuring: `measure.session.run`.
            cancelled: Set = end the running test now.
        """
        self._config, self._ports, self._spool, self._contact = config, ports, spool, contact
        self._measure, self._cancelled = measure, cancelled
        self._posting = threading.Lock()
        self._offered_ms: dict[str, int] = {}  # what was offered again last, by cause; monotonic
        self.settings_are_old = False
        self.posts = True  # False: a daemon beside this process hands over what is stored

    # --- the walk --------------------------------------------------------------------------------------------

    def once(
        self, trigger: Trigger, wish: Wish | None = None, *, alone: bool = False, tier: Tier = Tier.CAPACITY
    ) -> Measurement | Held:
        """Make one measurement and hand it over.

        Args:
            trigger: What made it due.
            wish: Of a person.
            alone: The collector had no word a moment ago: test without asking it again.
            tier: What is wanted; where the lease or the budget is too small for a calibration, capacity is measured.

        Returns:
            The stored record, or why there was no test.

        Raises:
            EnlaceError: If there is no room to store one: before it costs data.
        """
        wish = wish or Wish()
        self._spool.check_room()
        self._spool.recover()  # what processes that are gone did not spend is there for this test
        permission = self.ask(trigger, wish, alone=alone, tier=tier)
        if isinstance(permission, Held):
            return permission
        calibration = self._calibration(permission) if tier is Tier.CALIBRATION else None
        if tier is Tier.CALIBRATION and calibration is None:
            permission = self._of_usual_length(permission)
        allowed = calibration or self._allow(permission, wish)
        if allowed is None:
            return self.skip(trigger, FailureCode.BUDGET) if trigger is not Trigger.MANUAL else _NO_BUDGET
        plan = self.plan(trigger, permission, wish, allowed, Tier.CALIBRATION if calibration else Tier.CAPACITY)
        stub, offset_min = codec.encode(self._stub(plan)), self._ports.host.utc_offset_min()
        before = allowance.before_bytes(plan.engine)
        self._spool.mark_running(
            stub, plan.rid, allowed.reserved_bytes, utc_offset_min=offset_min, may_cost_bytes=before
        )
        carried = allowance.Carried(
            wish.on_progress, lambda phase: self._note_cost(plan.rid, allowance.may_cost(allowed, carried, phase))
        )
        record = self.measure(plan, carried)
        self._spool.add_ready(record, spent_bytes=allowance.spent_bytes(record, carried))
        self._remember_figures(record)
        self.post(fresh=True)
        return record

    def _note_cost(self, rid: str, cost_bytes: int | None) -> None:
        """Note what a test under way may cost; a full disk must not take what was measured: the reservation stays."""
        try:
            self._spool.note_cost(rid, cost_bytes)
        except EnlaceError as error:
            LOG.warning("budget.not_noted", extra={"why": error.sentence})

    # --- may it test -----------------------------------------------------------------------------------------

    def ask(self, trigger: Trigger, wish: Wish, *, alone: bool, tier: Tier = Tier.CAPACITY) -> Permission | Held:
        """Return what the collector allows; without its word, what this computer knows itself."""
        engine = wish.engine or self._own_engine()
        engines = [engine] if engine else list(addresses.ENGINE_ORDER)
        word = None if alone else self._contact.ask_lease(trigger, engines, tier)
        if isinstance(word, LeaseDenied) and not wish.force:
            return Held(word.reason, f"the collector says no: {word.reason}", word.retry_after_s)
        if isinstance(word, LeaseGranted):
            servers = wish.servers or tuple(word.servers)
            caps = word.max_bytes_download, word.max_bytes_upload
            return Permission(servers, *caps, lease_id=word.lease_id, access_token=word.access_token)
        if word is not None and trigger is not Trigger.MANUAL and not isinstance(word, LeaseDenied):
            return Held("no_word", word.why or "the collector has no word")
        servers = wish.servers or self.known_servers(engine)
        if not servers:
            return Held("no_server", "no test point is known: enrol this computer, or name one with --server")
        cap_of = budget.calibration_bytes if tier is Tier.CALIBRATION else budget.direction_bytes
        down_bps, up_bps = self._priors()
        return Permission(servers, cap_of(down_bps), cap_of(up_bps))

    def known_servers(self, engine: EngineName | None) -> tuple[ServerEntry, ...]:
        """Return the test points of the last settings, then those of the configuration."""
        told = settings.stored(self._spool)
        listed = list(told.servers) if told else []
        for url in () if engine is EngineName.OOKLA else self._config.servers:
            listed += addresses.servers_from_url(url, engine)
        return addresses.given_or_home(listed, engine)

    def _own_engine(self) -> EngineName | None:
        return None if self._config.engine == "auto" else EngineName(self._config.engine)

    # --- what may it cost ------------------------------------------------------------------------------------

    def plan(self, trigger: Trigger, permission: Permission, wish: Wish, allowed: Allowance, tier: Tier) -> Plan:
        """Return the plan of a test within what it may spend."""
        caps = self.caps()
        down_bps, up_bps = self._priors()
        return Plan(
            rid=forms.uuid7(self._ports.clock.now_ms(), self._ports.randomness.token_bytes(10)),
            tier=tier,
            trigger=trigger,
            engine=wish.engine or self._own_engine(),
            servers=permission.servers,
            max_bytes_download=allowed.max_bytes_download,
            max_bytes_upload=allowed.max_bytes_upload,
            lease_id=permission.lease_id,
            access_token=permission.access_token,
            prior_download_bps=down_bps,
            prior_upload_bps=up_bps,
            is_metered=self._config.metered,
            budget=Budget(max_bytes=allowed.max_bytes, day_bytes=caps.day_bytes, month_bytes=caps.month_bytes),
        )

    def _allow(self, permission: Permission, wish: Wish) -> Allowance | None:
        """Return what the test may spend, no more than the budget leaves unless a person insists; None = too little."""
        caps, left = self.caps(), self._left_bytes()
        wanted = self._granted(permission)
        if wish.force:
            return budget.insisted(wish.max_bytes, *wanted, left)
        if wish.max_bytes is not None:
            return budget.asked(wish.max_bytes, left)
        return budget.allow(*wanted, left, caps)

    def can_calibrate(self) -> bool:
        """Return whether the full ten seconds are affordable, as far as this computer knows."""
        down_bps, up_bps = self._priors()
        wanted = budget.calibration_bytes(down_bps), budget.calibration_bytes(up_bps)
        return self._calibration(Permission((), *wanted)) is not None

    def _calibration(self, permission: Permission) -> Allowance | None:
        return budget.calibration(self._priors(), self._granted(permission), self._left_bytes(), self.caps())

    def _of_usual_length(self, permission: Permission) -> Permission:
        """Return a permission that was given for a calibration as one for a test that may stop early."""
        down_bytes, up_bytes = (budget.direction_bytes(prior_bps) for prior_bps in self._priors())
        return replace(
            permission,
            max_bytes_download=min(permission.max_bytes_download, down_bytes),
            max_bytes_upload=min(permission.max_bytes_upload, up_bytes),
        )

    def _granted(self, permission: Permission) -> tuple[int, int]:
        """Return what a permission gives each direction, within what a technician allows one."""
        most = self._config.max_bytes_direction
        return min(permission.max_bytes_download, most), min(permission.max_bytes_upload, most)

    def _left_bytes(self) -> int:
        spent = self.spent()
        return budget.left_bytes(self.caps(), spent.day_bytes, spent.month_bytes)

    def caps(self) -> Caps:
        """Return the budget in force."""
        return allowance.caps(self._config, self._spool)

    def spent(self) -> Spent:
        """Return what the day and the month have cost."""
        return self._spool.spent(self._ports.host.utc_offset_min())

    # --- measure ---------------------------------------------------------------------------------------------

    def measure(self, plan: Plan, on_progress: Callable[[Progress], None]) -> Measurement:
        """Measure; a fault of ours costs this measurement, not the daemon."""
        LOG.info("test.started", extra={"rid": plan.rid, "trigger": plan.trigger, "lease": plan.lease_id})
        try:
            record = self._measure(plan, self._ports, on_progress=on_progress, cancelled=self._cancelled)
        except Exception as error:  # the edge of the test: whatever broke, the record says so
            LOG.exception("test.broke", extra={"rid": plan.rid})
            broke = Failure(phase=Phase.PREFLIGHT, code=FailureCode.CLIENT_LIMITED, detail=type(error).__name__)
            return msgspec.structs.replace(self._stub(plan), status=Status.FAILED, failure=broke)
        LOG.info(
            "test.done",
            extra={
                "rid": record.rid,
                "status": record.status,
                "failure": record.failure.code if record.failure else None,
                "download_bps": record.download.bps if record.download else None,
                "upload_bps": record.upload.bps if record.upload else None,
            },
        )
        return record

    def skip(self, trigger: Trigger, code: FailureCode) -> Measurement:
        """Store that a due test was not made, and why."""
        ports = self._ports
        record = self._bare(
            forms.uuid7(ports.clock.now_ms(), ports.randomness.token_bytes(10)),
            trigger,
            Status.SKIPPED,
            Failure(phase=Phase.PREFLIGHT, code=code),
        )
        self._spool.add_ready(record)
        LOG.info("test.skipped", extra={"rid": record.rid, "why": code})
        self.post(fresh=True)
        return record

    def skip_for(self, trigger: Trigger, held: Held) -> Measurement | None:
        """Store a refused test where the refusal says something about the school's line; else None."""
        code = _SKIPS.get(LeaseRefusal(held.reason)) if held.reason in set(LeaseRefusal) else None
        return self.skip(trigger, code) if code else None

    def _stub(self, plan: Plan) -> Measurement:
        """Return what a test becomes if the power goes while it runs."""
        cut = Failure(phase=Phase.PREFLIGHT, code=FailureCode.POWER_CUT)
        bare = self._bare(plan.rid, plan.trigger, Status.INTERRUPTED, cut)
        return msgspec.structs.replace(bare, tier=plan.tier, lease_id=plan.lease_id, budget=plan.budget)

    def _bare(self, rid: str, trigger: Trigger, status: Status, failure: Failure) -> Measurement:
        clock, host = self._ports.clock, self._ports.host
        return Measurement(
            rid=rid,
            status=status,
            failure=failure,
            tier=Tier.CAPACITY,
            trigger=trigger,
            started_at=forms.format_time(clock.now_ms()),
            utc_offset_min=host.utc_offset_min(),
            boot_id=host.boot_id(),
            started_mono_ms=clock.mono_ms(),
        )

    def _priors(self) -> tuple[float | None, float | None]:
        """Return the medians of the last figures, bit/s."""
        figures = _figures(self._spool.get_state(PRIORS))
        return _median([one[0] for one in figures]), _median([one[1] for one in figures])

    def _remember_figures(self, record: Measurement) -> None:
        if record.status is Status.OK and record.download is not None and record.upload is not None:
            figures = [*_figures(self._spool.get_state(PRIORS)), (record.download.bps, record.upload.bps)]
            self._spool.set_state(PRIORS, msgspec.json.encode(figures[-PRIORS_KEPT:]).decode())

    # --- hand it over ----------------------------------------------------------------------------------------

    def post(self, *, fresh: bool = False, heartbeat: bool = False) -> None:
        """Post what waits, batch by batch, as long as the contact is good and does not ask to wait.

        Args:
            fresh: Something was measured just now; only a failed contact holds it back, not the pace of a backlog.
            heartbeat: Post even if nothing waits.
        """
        with self._posting:
            while self.posts and self._contact.wait_s(fresh=fresh) <= 0 and not self._cancelled.is_set():
                rows = self._spool.next_batch(self._contact.pace.max_items, ROOM_IN_BATCH_BYTES).rows
                if not rows and not heartbeat:
                    return
                posted = self._contact.send(rows)
                if posted is None:
                    return
                outcomes = [Outcome(one.seq, one.action, one.reason) for one in posted.decided]
                if outcomes:
                    self._spool.apply(outcomes)
                self._heed(posted)
                if posted.decision.effect is not Effect.APPLY or not outcomes:
                    return
                fresh = heartbeat = False

    def _heed(self, posted: Posted) -> None:
        """Act on what a good answer says beside its items."""
        answer = posted.answer
        if answer is None:
            return
        LOG.info("post.done", extra={"items": posted.sent_items, "decided": len(posted.decided)})
        if self._may_offer(STORE_EPOCH, answer.store_epoch):
            self._spool.offer_again(answer.store_epoch)
        told = settings.stored(self._spool)
        if told is None or told.version != answer.settings_version:
            if self._may_offer(SETTINGS_VERSION, answer.settings_version):
                self._spool.offer_deferred(answer.settings_version)
            self.settings_are_old = True

    def _may_offer(self, key: str, told: str) -> bool:
        """Return whether a value is news that rows are offered again for.

        Not twice within an hour: two collectors that take turns at one address would ask for it with every answer.
        """
        before = self._spool.get_state(key)
        mono_ms, last_ms = self._ports.clock.mono_ms(), self._offered_ms.get(key)
        if before == told or (last_ms is not None and mono_ms - last_ms < OFFER_AGAIN_MS):
            return False
        if before is not None:
            self._offered_ms[key] = mono_ms
        return True


_NO_BUDGET = Held(LeaseRefusal.BUDGET, "the day's or the month's data budget is used up")


def _figures(text: str | None) -> list[tuple[int, int]]:
    try:
        return msgspec.json.decode(text or "[]", type=list[tuple[int, int]])
    except msgspec.MsgspecError:
        return []


def _median(values: list[int]) -> float | None:
    return float(sorted(values)[len(values) // 2]) if values else None
