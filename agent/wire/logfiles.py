"""Log files of both programs: of bounded size, and not for others."""

from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from agent.wire import ownfiles


class LogFiles(RotatingFileHandler):
    """A file that turns over, with those before it."""

    def __init__(self, path: Path, *, file_bytes: int, files: int, delay: bool = False) -> None:
        """Begin at the end of the file.

        Args:
            path: The newest file.
            file_bytes: How large it grows.
            files: How many are kept.
            delay: Open it with the first event, and each time again that it could not be opened.

        Raises:
            OSError: If it cannot be opened.
        """
        for old in path.parent.glob(f"{path.name}*"):
            ownfiles.withhold(old)
        super().__init__(path, maxBytes=file_bytes, backupCount=files - 1, encoding="utf-8", delay=delay)

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=ownfiles.opener)
