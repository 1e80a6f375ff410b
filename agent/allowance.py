"""What a test of this computer may spend: the configuration, the collector's settings and the spool's ledger joined.

The daemon's walk and the commands that only look ask the same questions here, so that they give the same answers.
"""

from typing import Protocol

from agent.config import AgentConfig
from agent.schedule import budget
from agent.schedule.budget import Caps
from agent.spool.rows import Spent
from agent.uplink import settings


class Stored(Protocol):
    """The durable state: `spool.Spool`, or a view of it."""

    def get_state(self, key: str) -> str | None:
        """Return a small durable value."""


def caps(config: AgentConfig, stored: Stored) -> Caps:
    """Return the budget in force: the tightest of ours and the collector's.

    Args:
        config: Of this computer.
        stored: Has the collector's last settings.
    """
    own = Caps(config.day_cap_bytes, config.month_cap_bytes)
    told = settings.stored(stored)
    if told is None:
        return own
    return budget.tightest(own, Caps(told.budget.day_bytes, told.budget.month_bytes, told.budget.test_bytes))


def shown(spent: Spent, in_force: Caps) -> dict[str, int]:
    """Return the budget in the words of `status`."""
    return {
        "day_bytes": spent.day_bytes,
        "day_cap_bytes": in_force.day_bytes,
        "month_bytes": spent.month_bytes,
        "month_cap_bytes": in_force.month_bytes,
    }
