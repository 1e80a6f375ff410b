"""How much of what a test is permitted to spend the budget can bear: `schedule.budget`, asked for this computer.

Next on the walk: `agent.daemon.walk.Walk` marks the test as running, with these bytes reserved.
"""

from dataclasses import replace

from agent.config import AgentConfig
from agent.daemon import allowance, history
from agent.daemon.permission import Held, Permission, Wish
from agent.ports import Host
from agent.schedule import budget
from agent.schedule.budget import Allowance, Caps
from agent.spool.rows import Spent
from agent.spool.store import Spool
from agent.wire.details import UsedUp
from agent.wire.vocabulary import LeaseRefusal


class Purse:
    """What one computer may still spend."""

    def __init__(self, config: AgentConfig, host: Host, spool: Spool) -> None:
        """Look after one computer's budget.

        Args:
            config: The technician's caps.
            host: Knows when the day ends here.
            spool: Has what was spent, the collector's last settings and the line's last figures.
        """
        self._config, self._host, self._spool = config, host, spool

    def allow(self, permission: Permission, wish: Wish) -> Allowance | None:
        """Return what the test may spend, no more than the budget leaves unless a person insists; None = too little.

        What came with a lease bounds every test under it, whoever wants it.
        """
        caps, left = self.caps(), self._left_bytes()
        wanted, leased = self._granted(permission), permission.lease_bytes
        if wish.force:
            return budget.insisted(wish.max_bytes, *wanted, left, leased)
        if wish.max_bytes is not None:
            return budget.asked(wish.max_bytes, left, leased)
        return budget.allow(*wanted, left, caps)

    def can_calibrate(self) -> bool:
        """Return whether the full ten seconds are affordable, as far as this computer knows."""
        down_bps, up_bps = history.priors(self._spool)
        wanted = budget.calibration_bytes(down_bps), budget.calibration_bytes(up_bps)
        return self.allow_calibration(Permission((), *wanted)) is not None

    def allow_calibration(self, permission: Permission) -> Allowance | None:
        """Return what a calibration may spend; None = it cannot be had."""
        known_bps = history.priors(self._spool)
        return budget.calibration(known_bps, self._granted(permission), self._left_bytes(), self.caps())

    def of_usual_length(self, permission: Permission) -> Permission:
        """Return a permission that was given for a calibration as one for a test that may stop early."""
        down_bytes, up_bytes = (budget.direction_bytes(prior_bps) for prior_bps in history.priors(self._spool))
        return replace(
            permission,
            max_bytes_download=min(permission.max_bytes_download, down_bytes),
            max_bytes_upload=min(permission.max_bytes_upload, up_bytes),
        )

    def caps(self) -> Caps:
        """Return the budget in force."""
        return allowance.caps(self._config, self._spool)

    def spent(self) -> Spent:
        """Return what the day and the month have cost."""
        return self._spool.spent(self._host.utc_offset_min())

    def used_up(self) -> Held:
        """Return the refusal of a test for which the day or the month leaves too little, and which of the two."""
        caps, spent = self.caps(), self.spent()
        is_day = caps.day_bytes - spent.day_bytes <= caps.month_bytes - spent.month_bytes
        whose = UsedUp.DAY if is_day else UsedUp.MONTH
        return Held(LeaseRefusal.BUDGET, f"the data budget of {whose} is used up", whose=whose)

    def _granted(self, permission: Permission) -> tuple[int, int]:
        """Return what a permission gives each direction, within what a technician allows one."""
        most = self._config.max_bytes_direction
        return min(permission.max_bytes_download, most), min(permission.max_bytes_upload, most)

    def _left_bytes(self) -> int:
        spent = self.spent()
        return budget.left_bytes(self.caps(), spent.day_bytes, spent.month_bytes)
