"""What the receipts in a batch are worth: signatures are checked without the write lock, the rest with the times."""

from pathlib import Path
from threading import Lock

from agent.wire import infile, receipts, signing
from agent.wire.receipts import Claimed, Receipt, Verdict
from agent.wire.records import Direction, Measurement
from collector.ports import Clock

READ_AGAIN_MS = 1_000  # a receipt of an unknown key makes the file be read, but not more often
_MOST_BYTES = 100_000  # of the file


class ReceiptBook:
    """The public keys of the test points whose receipts are believed, kept in memory."""

    def __init__(self, file: Path | None = None, given: tuple[bytes, ...] = (), clock: Clock | None = None) -> None:
        """Make the book; nothing is read yet.

        Args:
            file: Where the test point beside this collector leaves its public key, one to a line.
            given: Raw keys of test points elsewhere.
            clock: Needed with a file.
        """
        self._file, self._given, self._clock = file, given, clock
        self._lock = Lock()
        self._keys = list(given)
        self._read_ms: int | None = None

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
        """Return whether there are other keys than those tried; look into the file, at most once a second."""
        if self._file is None or self._clock is None:
            return False
        with self._lock:
            if self._keys != tried:  # another thread has read the file meanwhile
                return True
            now_ms = self._clock.mono_ms()
            if self._read_ms is not None and now_ms - self._read_ms < READ_AGAIN_MS:
                return False
            self._read_ms = now_ms
            try:
                near = signing.public_keys_in(infile.read_text(self._file, _MOST_BYTES, "ascii"))
            except (OSError, UnicodeDecodeError):  # not there yet: the keys that were known stay
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
