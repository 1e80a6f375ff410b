"""What a test of this computer may spend and has spent: configuration, the collector's settings and the ledger joined.

The daemon's walk and the commands that only look ask the same questions here, so that they give the same answers.
"""

from collections.abc import Callable

from agent.config import AgentConfig
from agent.measure.attempt import Progress
from agent.measure.beside.aside import TLS_BYTES
from agent.measure.plan import Plan
from agent.measure.servers.directory import is_directory
from agent.measure.wirecost import OVERHEAD_BYTES, wire_bytes
from agent.schedule import budget
from agent.schedule.budget import Allowance, Caps
from agent.spool.rows import Spent
from agent.uplink import settings
from agent.uplink.servertime import ReadState
from agent.wire.records import Measurement
from agent.wire.vocabulary import EngineName, Phase

HANDSHAKES = 3  # with each server: the first connection, the look for opened TLS, whether it speaks the protocol


def caps(config: AgentConfig, state: ReadState) -> Caps:
    """Return the budget in force: the tightest of ours and the collector's.

    Args:
        config: Of this computer.
        state: Has the collector's last settings.
    """
    own = Caps(config.day_cap_bytes, config.month_cap_bytes)
    told = settings.stored(state)
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

    def __init__(self, tell: Callable[[Progress], None] | None, begins: Callable[[Phase], None] | None = None) -> None:
        """Begin.

        Args:
            tell: Who watches, if anybody does.
            begins: Called before the first byte of every transfer, with its direction.
        """
        self._before: dict[Phase, int] = {}  # of transfers that were tried again
        self._now: dict[Phase, int] = {}
        self.aside_bytes = 0  # on the wire, beside the transfers
        self._tell, self._begins = tell, begins

    @property
    def bytes(self) -> dict[Phase, int]:
        """What the transfers of each direction have carried, those that broke off included."""
        return {phase: self._before.get(phase, 0) + size_bytes for phase, size_bytes in self._now.items()}

    def __call__(self, progress: Progress) -> None:
        """Note it, and pass it on to whoever watches."""
        phase = progress.phase
        self.aside_bytes = max(self.aside_bytes, progress.aside_bytes)
        if progress.begins:
            self._before[phase], self._now[phase] = self.bytes.get(phase, 0), 0
            if self._begins is not None:
                self._begins(phase)
        self._now[phase] = max(progress.bytes, self._now.get(phase, 0))
        if self._tell is not None:
            self._tell(progress)

    def wire_bytes(self) -> int:
        """Return what the test has cost the line so far."""
        transfers = sum(wire_bytes(self.bytes.get(phase, 0)) for phase in (Phase.DOWNLOAD, Phase.UPLOAD))
        return transfers + self.aside_bytes


def before_bytes(plan: Plan) -> int | None:
    """Return what a test costs at most until its first transfer; None = nobody knows, so all that is reserved.

    A test point is found and idle latency measured for what a cap sets aside, and the handshakes of TLS. Of a foreign
    tool nobody knows when it begins what, nor how long the list of a server is that stands for others.
    """
    if plan.engine is EngineName.OOKLA or any(is_directory(entry) for entry in plan.servers):
        return None
    secure = sum(entry.url.startswith(("https:", "wss:")) for entry in plan.servers)
    return OVERHEAD_BYTES + HANDSHAKES * TLS_BYTES * secure


def may_cost(allowed: Allowance, carried: Carried, phase: Phase) -> int | None:
    """Return what a test costs at most until its next transfer; None = nobody knows, so all that is reserved.

    Args:
        allowed: What the test may spend.
        carried: What it has spent.
        phase: The direction that begins.
    """
    cap_bytes = allowed.max_bytes_download if phase is Phase.DOWNLOAD else allowed.max_bytes_upload
    if not cap_bytes:
        return None
    in_the_cap = min(carried.aside_bytes, OVERHEAD_BYTES)  # every cap sets as much aside: it is not counted twice
    return carried.wire_bytes() - in_the_cap + cap_bytes


def spent_bytes(record: Measurement, carried: Carried) -> int:
    """Return what a measurement cost on the wire: as the record says, else as far as it was seen to get."""
    sides = {Phase.DOWNLOAD: record.download, Phase.UPLOAD: record.upload}
    told = ((side.wire_bytes_est or wire_bytes(side.bytes or 0) if side else 0, phase) for phase, side in sides.items())
    transfers = sum(max(size_bytes, wire_bytes(carried.bytes.get(phase, 0))) for size_bytes, phase in told)
    return transfers + carried.aside_bytes
