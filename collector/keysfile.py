"""A file of public keys that another process may replace at any moment: read where it has changed, and only then."""

from pathlib import Path
from typing import Final

from agent.wire import infile, signing

_MOST_BYTES: Final = 100_000


class KeysFile:
    """One such file; whoever shares it between threads holds a lock of their own."""

    def __init__(self, path: Path | None) -> None:
        """Take the place of the file, None where there is none; nothing is read yet."""
        self._path = path
        self._mark: tuple[int, ...] | None = None  # of the file as it was read

    def news(self) -> tuple[bytes, ...] | None:
        """Return the raw keys of the file; None where it is as it was read last, or cannot be read just now."""
        if self._path is None:
            return None
        # Marked before it is read: a change meanwhile is seen at the next look.
        was, self._mark = self._mark, infile.mark(self._path)
        if self._mark is None or self._mark == was:
            return None
        try:
            return signing.public_keys_in(infile.read_text(self._path, _MOST_BYTES, "ascii"))
        except (OSError, UnicodeDecodeError):
            self._mark = None
            return None
