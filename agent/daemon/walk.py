"""The walk of one measurement, the whole of it: due -> lease -> running marker -> measure -> spool -> post.

`jobs` says when; the areas that each do one hop do not know each other and are joined here. A manual `test` walks
the same way. The hops that ask more than one area are modules beside this one: `agent.daemon.permission` (may it test),
`agent.daemon.purse` (what may it cost), `agent.daemon.handover` (it goes to the collector). Between them on the walk:
`agent.measure.session`, `agent.spool.store`.
"""

import logging
import threading
from collections.abc import Callable

import msgspec

from agent.config import AgentConfig
from agent.daemon import allowance, history
from agent.daemon.handover import Handover
from agent.daemon.permission import Asker, Held, Permission, Wish
from agent.daemon.purse import Purse
from agent.errors import EnlaceError
from agent.measure.session import Plan, Progress
from agent.ports import Ports
from agent.schedule.budget import Allowance
from agent.spool.store import Spool
from agent.uplink.contact import Contact
from agent.wire import codec, forms
from agent.wire.records import Budget, Failure, Measurement
from agent.wire.vocabulary import FailureCode, LeaseRefusal, Phase, Status, Tier, Trigger

LOG = logging.getLogger(__name__)

Measure = Callable[..., Measurement]  # `measure.session.run` or a test's stand-in

_SKIPS = {
    LeaseRefusal.BUDGET: FailureCode.BUDGET,
    LeaseRefusal.PAUSED: FailureCode.PAUSED,
    LeaseRefusal.BUSY: FailureCode.LEASE_BUSY,
}  # `enough`, `closed` and `pending` make no record


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
        self._config, self._ports, self._spool = config, ports, spool
        self._measure, self._cancelled = measure, cancelled
        self.asker = Asker(config, spool, contact)
        self.purse = Purse(config, ports.host, spool)
        self.handover = Handover(ports.clock, spool, contact, cancelled)

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
        permission = self.asker.ask(trigger, wish, alone=alone, tier=tier)
        if isinstance(permission, Held):
            return permission
        calibration = self.purse.allow_calibration(permission) if tier is Tier.CALIBRATION else None
        if tier is Tier.CALIBRATION and calibration is None:
            permission = self.purse.of_usual_length(permission)
        allowed = calibration or self.purse.allow(permission, wish)
        if allowed is None:
            held = self.purse.used_up()
            return held if trigger is Trigger.MANUAL else self.skip(trigger, FailureCode.BUDGET, held.whose)
        plan = self.plan(trigger, permission, wish, allowed, Tier.CALIBRATION if calibration else Tier.CAPACITY)
        stub, offset_min = codec.encode(self._stub(plan)), self._ports.host.utc_offset_min()
        before = allowance.before_bytes(plan)
        self._spool.mark_running(
            stub, plan.rid, allowed.reserved_bytes, utc_offset_min=offset_min, may_cost_bytes=before
        )
        carried = allowance.Carried(
            wish.on_progress, lambda phase: self._note_cost(plan.rid, allowance.may_cost(allowed, carried, phase))
        )
        record = self.measure(plan, carried)
        self._spool.add_ready(record, spent_bytes=allowance.spent_bytes(record, carried))
        history.remember(self._spool, record)
        self.handover.post(fresh=True)
        if trigger is Trigger.MANUAL:
            self.handover.renew_settings()
        return record

    def _note_cost(self, rid: str, cost_bytes: int | None) -> None:
        """Note what a test under way may cost; a full disk must not take what was measured: the reservation stays."""
        try:
            self._spool.note_cost(rid, cost_bytes)
        except EnlaceError as error:
            LOG.warning("budget.not_noted", extra={"why": error.sentence})

    def plan(self, trigger: Trigger, permission: Permission, wish: Wish, allowed: Allowance, tier: Tier) -> Plan:
        """Return the plan of a test within what it may spend."""
        caps = self.purse.caps()
        down_bps, up_bps = history.priors(self._spool)
        down_wanders, up_wanders = history.wandering(self._spool)
        return Plan(
            rid=forms.uuid7(self._ports.clock.now_ms(), self._ports.randomness.token_bytes(10)),
            tier=tier,
            trigger=trigger,
            engine=self.asker.engine_of(wish),
            servers=permission.servers,
            max_bytes_download=allowed.max_bytes_download,
            max_bytes_upload=allowed.max_bytes_upload,
            lease_id=permission.lease_id,
            access_token=permission.access_token,
            prior_download_bps=down_bps,
            prior_upload_bps=up_bps,
            download_wanders=down_wanders,
            upload_wanders=up_wanders,
            is_metered=self._config.metered,
            budget=Budget(max_bytes=allowed.max_bytes, day_bytes=caps.day_bytes, month_bytes=caps.month_bytes),
        )

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

    def skip(self, trigger: Trigger, code: FailureCode, detail: str = "") -> Measurement:
        """Store that a due test was not made, and why."""
        record = self._unmade(trigger, Status.SKIPPED, code, detail)
        self.store(record)
        self.handover.post(fresh=True)
        return record

    def without_room(self, trigger: Trigger) -> Measurement:
        """Return what is to be stored of a due test whose result could not have been, once there is room again."""
        detail = "a test was due, and there was no room on the disk for its result"
        return self._unmade(trigger, Status.FAILED, FailureCode.DISK, detail)

    def store(self, record: Measurement) -> None:
        """Store a record of a test that was not made; the next contact brings it."""
        self._spool.add_ready(record)
        LOG.info("test.not_made", extra={"rid": record.rid, "why": record.failure.code if record.failure else None})

    def skip_for(self, trigger: Trigger, held: Held) -> Measurement | None:
        """Store a refused test where the refusal says something about the school's line; else None."""
        code = _SKIPS.get(LeaseRefusal(held.reason)) if held.reason in set(LeaseRefusal) else None
        return self.skip(trigger, code, held.whose) if code else None

    def _unmade(self, trigger: Trigger, status: Status, code: FailureCode, detail: str) -> Measurement:
        rid = forms.uuid7(self._ports.clock.now_ms(), self._ports.randomness.token_bytes(10))
        return self._bare(rid, trigger, status, Failure(phase=Phase.PREFLIGHT, code=code, detail=detail))

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
