"""What a test of this computer may spend and has spent: configuration, the collector's settings and the ledger joined.

The daemon's walk and the commands that only look ask the same questions here, so that they give the same answers.
"""

from collections.abc import Callable
from typing import Protocol

from agent.config import AgentConfig
from agent.measure.session import Progress
from agent.measure.wirecost import wire_bytes
from agent.schedule import budget
from agent.schedule.budget import Caps
from agent.spool.rows import Spent
from agent.uplink import settings
from agent.wire.records import Measurement
from agent.wire.vocabulary import Phase


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


class Carried:
    """How far each direction got: a test that broke off has no figure for what it cost."""

    def __init__(self, tell: Callable[[Progress], None] | None) -> None:
        """Begin; `tell` is who watches, if anybody does."""
        self.bytes: dict[Phase, int] = {}
        self._tell = tell

    def __call__(self, progress: Progress) -> None:
        """Note it, and pass it on to whoever watches."""
        self.bytes[progress.phase] = max(progress.bytes, self.bytes.get(progress.phase, 0))
        if self._tell is not None:
            self._tell(progress)


def spent_bytes(record: Measurement, carried: Carried) -> int:
    """Return what a measurement cost on the wire: as the record says, else as far as it was seen to get."""
    sides = {Phase.DOWNLOAD: record.download, Phase.UPLOAD: record.upload}
    told = ((side.wire_bytes_est or wire_bytes(side.bytes or 0) if side else 0, phase) for phase, side in sides.items())
    return sum(max(size_bytes, wire_bytes(carried.bytes.get(phase, 0))) for size_bytes, phase in told)
