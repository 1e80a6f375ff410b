"""How a download keeps to its byte cap, whatever the server does."""

from agent.measure.sockets.transfer import READ_BYTES, BaseTransfer
from agent.wire.vocabulary import StopReason

LAST_BYTES = 8_192  # of a connection's share: what may be left when a server stops at the cap by itself


def room_to_cap(transfer: BaseTransfer) -> int:
    """Return how many bytes may be read at once without reading past the cap."""
    cap = transfer.job.payload_cap
    return max(1, min(READ_BYTES, cap - transfer.moved_bytes)) if cap else READ_BYTES


def reached_cap(transfer: BaseTransfer) -> bool:
    """Return whether (nearly) all that the cap leaves room for has come: one frame may be left."""
    cap = transfer.job.payload_cap
    return bool(cap) and transfer.moved_bytes >= cap - transfer.streams * LAST_BYTES


def stop_at_cap(transfer: BaseTransfer) -> None:
    """End the download when the rest of the cap is on its way to us already."""
    cap = transfer.job.payload_cap
    if not cap or transfer.ended is not None:
        return
    elapsed_s = transfer.job.loop.now() - transfer.start_s
    queued = 0.0
    if elapsed_s > 0 and not transfer.is_bounded_by_peer:
        queued = transfer.moved_bytes / elapsed_s * transfer.job.queue_s()
    if transfer.moved_bytes + min(queued, cap / 2) >= cap:
        transfer.ended = StopReason.BUDGET
