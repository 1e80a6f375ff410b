"""`status.json`: how the daemon stands, for anyone on this computer to read. No secrets in it."""

import json
import os
from pathlib import Path
from typing import Any

FILE = "status.json"


def write(directory: Path, status: dict[str, Any]) -> bool:
    """Replace the file as a whole, so that a reader never sees half of it.

    Returns:
        Whether it could be written; a full disk must not stop the daemon.
    """
    beside = directory / f"{FILE}.new"
    try:
        beside.write_text(json.dumps(status, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        if os.name == "posix":
            beside.chmod(0o644)
        beside.replace(directory / FILE)
    except OSError:
        return False
    return True


def read(directory: Path) -> dict[str, Any]:
    """Return what the daemon last wrote; {} where there is nothing to read."""
    try:
        told = json.loads((directory / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
