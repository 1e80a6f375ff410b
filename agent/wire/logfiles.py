"""Log files of both programs: one JSON object a line, UTC, without secrets, of bounded size, and not for others.

The message is a constant name of an event; everything else is a field.
"""

import json
import logging
import re
import time
from collections.abc import Mapping
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from agent.wire import ownfiles

_FIELD_CHARS = 2_000
_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET_FIELDS = re.compile(r"token|secret|password|passwd|signature|^key$|_key$|proxy$", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=//)[^/\s'\"]*@")
_TOKEN = re.compile(r"ENL1-[A-Za-z0-9-]+|(?<=access_token=)[^&\s'\"]+")


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
        self.setFormatter(JsonLines())

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=ownfiles.opener)


class JsonLines(logging.Formatter):
    """One JSON object a line; what `extra` brings are fields of their own, control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one event."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "at": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": _scrub(record.getMessage())[:_FIELD_CHARS],
            "from": record.name,
        }
        line |= {name: _field(name, value) for name, value in vars(record).items() if name not in _KNOWN}
        if record.exc_info:
            line["traceback"] = _scrub(self.formatException(record.exc_info))[-4 * _FIELD_CHARS :]
        return json.dumps(line, ensure_ascii=True)


def _scrub(text: str) -> str:
    """Return the text without logins in addresses and without tokens."""
    return _TOKEN.sub("***", _LOGIN.sub("***@", text))


def _field(name: str, value: Any) -> Any:
    if _SECRET_FIELDS.search(name):
        return "***"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _field(str(key), one) for key, one in value.items()}
    return _scrub(str(value))[:_FIELD_CHARS]
