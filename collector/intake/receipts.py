"""What the receipts in a batch are worth: signatures are checked without the write lock, the rest with the times."""

from pathlib import Path
from threading import Lock

from agent.wire import receipts
from agent.wire.receipts import Claimed, Receipt, Verdict
from agent.wire.records import Direction, Measurement
from collector.keysfile import KeysFile


class ReceiptBook:
    """The public keys of the test points whose receipts are believed, kept in memory."""

    def __init__(self, file: Path | None = None, given: tuple[bytes, ...] = ()) -> None:
        """Make the book; nothing is read yet.

        Args:
            file: Where the test point beside this collector leaves its public key, one to a line.
            given: Raw keys of test points elsewhere.
        """
        self._file, self._given = KeysFile(file), given
        self._lock = Lock()
        self._keys = list(given)

    def read(self, text: str) -> Receipt | Verdict:
        """Return a receipt whose signature is right, else what it is instead."""
        tried = self._keys
        found = self._try(text, tried)
        if isinstance(found, Verdict) and self._has_news(tried):
            found = self._try(text, self._keys)
        return found

    @staticmethod
    def _try(text: str, keys: list[bytes]) -> Receipt | Verdict:
        if not keys:
            return Verdict.UNCHECKED
        try:
            return receipts.read(text, keys)
        except ValueError:
            return Verdict.FORGED

    def _has_news(self, tried: list[bytes]) -> bool:
        """Return whether there are other keys than those tried; look into the file, if it has changed."""
        with self._lock:
            if self._keys != tried:  # another thread has read the file meanwhile
                return True
            near = self._file.news()
            if near is None:  # the keys that were known stay
                return False
            self._keys = [*near, *self._given]
            return self._keys != tried


def verdict(read: Receipt | Verdict, record: Measurement, at_ms: int, width_ms: int, received_ms: int) -> Verdict:
    """Return what a record's receipt is worth.

    Args:
        read: As the book returned it; NONE where the record carries none.
        record: What it is held against.
        at_ms: Corrected start.
        width_ms: By how much the start may be off; within it the test point's clock is believed.
        received_ms: When the record came.
    """
    if isinstance(read, Verdict):
        return read
    claimed = Claimed(
        rid=record.rid,
        lease_id=record.lease_id,
        started_ms=min(max(read.issued_ms, at_ms - width_ms), at_ms + width_ms),
        received_ms=received_ms,
        download_bytes=_bytes(record.download),
        upload_bytes=_bytes(record.upload),
    )
    return receipts.compare(read, claimed)


def _bytes(direction: Direction | None) -> int:
    return (direction.bytes or 0) if direction else 0
