"""What the receipts in a batch are worth: signatures are checked without the write lock, the rest with the times."""

from pathlib import Path
from threading import Lock

from agent.wire import infile, receipts, signing
from agent.wire.receipts import Claimed, Receipt, Verdict
from agent.wire.records import Direction, Measurement

_MOST_BYTES = 100_000  # of the file


class ReceiptBook:
    """The public keys of the test points whose receipts are believed, kept in memory."""

    def __init__(self, file: Path | None = None, given: tuple[bytes, ...] = ()) -> None:
        """Make the book; nothing is read yet.

        Args:
            file: Where the test point beside this collector leaves its public key, one to a line.
            given: Raw keys of test points elsewhere.
        """
        self._file, self._given = file, given
        self._lock = Lock()
        self._keys = list(given)
        self._mark: tuple[int, ...] | None = None  # of the file as it was read

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
        if self._file is None:
            return False
        with self._lock:
            if self._keys != tried:  # another thread has read the file meanwhile
                return True
            now = infile.mark(self._file)
            was, self._mark = self._mark, now  # of before the reading: a change meanwhile is seen at the next look
            if now is None or now == was:
                return False
            try:
                near = signing.public_keys_in(infile.read_text(self._file, _MOST_BYTES, "ascii"))
            except (OSError, UnicodeDecodeError):  # not just now: the keys that were known stay
                self._mark = None
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
