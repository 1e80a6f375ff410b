"""What test data cost the line: the one place that turns payload into bytes on the wire and back. Pure.

The budget's ledger counts bytes on the wire, engines count payload. Both go by the same estimate, so that a transfer
that keeps to its cap never costs more than the cap.
"""

SEGMENT_FACTOR = 1500 / 1448  # headers of a full IPv4 segment with time stamps
ACK_FACTOR = 1.01  # acknowledgements, which go the other way
OVERHEAD_BYTES = 4_000  # of a cap, set aside for the heads of its connections and what servers say in between


def wire_bytes(payload_bytes: float) -> int:
    """Return the estimated bytes on the wire, in both directions, for bytes above TCP."""
    return round(payload_bytes * SEGMENT_FACTOR * ACK_FACTOR)


def payload_within(cap_bytes: int) -> int:
    """Return the test data that a cap in bytes on the wire leaves room for, at least 1: 0 would mean no cap.

    With the bytes set aside it stays within: `wire_bytes(payload_within(cap) + OVERHEAD_BYTES) <= cap`, unless the cap
    is smaller than what is set aside.
    """
    return max(1, int(cap_bytes / (SEGMENT_FACTOR * ACK_FACTOR)) - OVERHEAD_BYTES)
