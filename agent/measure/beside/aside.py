"""What a test costs the line beside its two transfers, so that the budget knows of it.

Lists of servers, the choice of the nearest, the first connection, the look for opened TLS, probes, a receipt where
there is no upload to carry its cost. Estimates in bytes on the wire, both ways.
"""

from agent.measure.servers.addresses import Target
from agent.measure.wirecost import OVERHEAD_BYTES, wire_bytes

CONNECTION_BYTES = 500  # packets that open and close one, both ways
TLS_BYTES = 5_000  # certificates, mostly
MOST_SHARE = 0.5  # of a cap, at most: a long list must not take the test's place


class Aside:
    """The sum so far."""

    def __init__(self) -> None:
        self.bytes = 0

    def connected(self, target: Target, count: int = 1) -> None:
        """Count connections to a server, with TLS where it wants that."""
        self.bytes += count * (CONNECTION_BYTES + (TLS_BYTES if target.is_secure else 0))

    def probed(self, probes: int, probe_bytes: int) -> None:
        """Count probes, each with its answer.

        Args:
            probes: Sent.
            probe_bytes: On the wire, of one in one direction.
        """
        self.bytes += 2 * probes * probe_bytes

    def moved(self, payload_bytes: int) -> None:
        """Count bytes above TCP."""
        self.bytes += wire_bytes(payload_bytes)

    def room(self, cap_bytes: int) -> int:
        """Return what is left of a cap for its transfer: what is set aside of every cap pays for a usual beginning.

        Args:
            cap_bytes: Of a direction; 0 stays no cap.
        """
        return cap_bytes - min(max(0, self.bytes - OVERHEAD_BYTES), int(cap_bytes * MOST_SHARE))
