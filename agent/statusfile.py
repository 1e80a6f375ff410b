"""`status.json`: how the daemon stands, for anyone on this computer to read. No secrets in it."""

import json
import os
from pathlib import Path
from typing import Any, Final, TypedDict

import msgspec

from agent.wire import infile, ownfiles

FILE = "status.json"
_MOST_BYTES = 1_000_000
_FOR_ALL = 0o644


class _LastTest(TypedDict, total=False):
    started_at: str | None
    status: str | None
    failure: str | None
    download_bps: float | None
    upload_bps: float | None


class _ClockChange(TypedDict):
    by_s: float
    noticed_at: str


# What readers take apart. A daemon of another version may have written the file, or somebody's editor.
_SHAPES: Final = {
    "school": dict[str, Any] | None,
    "last_test": _LastTest | None,
    "clock_change": _ClockChange | None,
    "waiting": int,
    "dead": int,
    "kind": str,
    "why": str,
}


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
    """Return what the daemon last wrote; {} where there is nothing to read, without members of another shape."""
    try:
        told = json.loads(infile.read(directory / FILE, _MOST_BYTES))
    except (OSError, ValueError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: value for name, value in told.items() if _is_as_written(name, value)}


def _is_as_written(name: str, value: object) -> bool:
    if name not in _SHAPES:
        return True
    try:
        msgspec.convert(value, _SHAPES[name])
    except msgspec.ValidationError:
        return False
    return True
