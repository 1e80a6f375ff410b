"""The agent's log: one JSON object a line, UTC, bounded, without secrets.

The message is a constant name of an event; everything else is a field. A full disk costs log lines, never the agent.
"""

import json
import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.wire.logfiles import LogFiles

FILE = "agent.log"
FILE_BYTES = 1_000_000
FILES = 5
_FIELD_CHARS = 2_000

_KNOWN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}
_SECRET_FIELDS = re.compile(r"token|secret|password|passwd|signature|^key$|_key$|proxy$", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=//)[^/\s'\"]*@")
_TOKEN = re.compile(r"ENL1-[A-Za-z0-9-]+|(?<=access_token=)[^&\s'\"]+")
_FOREIGN = ("apscheduler", "urllib3", "requests", "charset_normalizer")


def scrub(text: str) -> str:
    """Return the text without logins in addresses and without tokens."""
    return _TOKEN.sub("***", _LOGIN.sub("***@", text))


class JsonLines(logging.Formatter):
    """One JSON object a line; control characters are escaped by JSON itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one event."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "at": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": scrub(record.getMessage())[:_FIELD_CHARS],
            "from": record.name,
        }
        line |= {name: _field(name, value) for name, value in vars(record).items() if name not in _KNOWN}
        if record.exc_info:
            line["traceback"] = scrub(self.formatException(record.exc_info))[-4 * _FIELD_CHARS :]
        return json.dumps(line, ensure_ascii=True)


def _field(name: str, value: Any) -> Any:
    if _SECRET_FIELDS.search(name):
        return "***"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _field(str(key), one) for key, one in value.items()}
    return scrub(str(value))[:_FIELD_CHARS]


def start(directory: Path, level: str) -> None:
    """Write events of this level and above to `agent.log` in the data directory, at most 5 files of 1 MB.

    Args:
        directory: The data directory.
        level: debug, info, warning or error.
    """
    logging.raiseExceptions = False  # a line that cannot be written is no reason to stop
    root = logging.getLogger()
    stop()
    try:
        keeper: logging.Handler = LogFiles(directory / FILE, file_bytes=FILE_BYTES, files=FILES, delay=True)
    except OSError:
        keeper = logging.NullHandler()
    keeper.setFormatter(JsonLines())
    keeper.set_name("enlace")
    root.addHandler(keeper)
    root.setLevel(level.upper())
    for name in _FOREIGN:
        logging.getLogger(name).setLevel(logging.ERROR)


def silence() -> None:
    """Keep events off the terminal: commands speak in sentences."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    for name in _FOREIGN:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def stop() -> None:
    """Close the log."""
    root = logging.getLogger()
    for one in [one for one in root.handlers if one.get_name() == "enlace"]:
        root.removeHandler(one)
        one.close()
