"""`status.json`: how the daemon stands, for anyone on this computer to read. No secrets in it."""

import json
import os
from pathlib import Path
from typing import Any

from agent.wire import infile, ownfiles

FILE = "status.json"
_MOST_BYTES = 1_000_000
_FOR_ALL = 0o644


def write(directory: Path, status: dict[str, Any]) -> bool:
    """Replace the file as a whole, so that a reader never sees half of it.

    Returns:
        Whether it could be written; a full disk must not stop the daemon.
    """
    content = json.dumps(status, ensure_ascii=False, indent=1) + "\n"
    try:
        ownfiles.replace(directory / FILE, content.encode(), _FOR_ALL, is_durable=False)
        if os.name == "posix":  # whatever the umask
            (directory / FILE).chmod(_FOR_ALL)
    except OSError:
        return False
    return True


def read(directory: Path) -> dict[str, Any]:
    """Return what the daemon last wrote; {} where there is nothing to read."""
    try:
        told = json.loads(infile.read(directory / FILE, _MOST_BYTES))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
