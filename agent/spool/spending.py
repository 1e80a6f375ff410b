"""What was spent, once more beside the spool: its loss is noticed, and does not begin the budget anew.

A small file, replaced as a whole whenever a test begins or ends. Where both are gone nobody knows, and the day begins
at nothing: a school must not stop measuring for ever.
"""

import logging
import sqlite3
from pathlib import Path

import msgspec

from agent.wire import forms, infile, ownfiles

LOG = logging.getLogger(__name__)

FILE = "spending.json"
_MOST_BYTES = 2**53
_MOST_FILE_BYTES = 1_000_000


class _Kept(msgspec.Struct, frozen=True):
    days: dict[str, int]
    hash: str


def keep(directory: Path, connection: sqlite3.Connection) -> None:
    """Write down the days' bytes as they stand in the open transaction; a full disk costs only this copy."""
    days = {str(day): int(spent) for day, spent in connection.execute("SELECT day, spent_bytes FROM budget_days")}
    try:
        ownfiles.replace(directory / FILE, msgspec.json.encode(_Kept(days, _hash(days))))
    except OSError as error:
        LOG.warning("spending.not_kept", extra={"why": str(error)})


def is_kept(directory: Path) -> bool:
    """Return whether there has been a spool here, whatever has become of it."""
    return (directory / FILE).is_file()


def bring_back(directory: Path, connection: sqlite3.Connection) -> None:
    """Give a new spool the days' bytes that were written down, unless it knows of more."""
    for day, spent_bytes in _read(directory).items():
        connection.execute(
            "INSERT INTO budget_days (day, spent_bytes) VALUES (?, ?)"
            " ON CONFLICT (day) DO UPDATE SET spent_bytes = max(spent_bytes, excluded.spent_bytes)",
            (day, spent_bytes),
        )


def _read(directory: Path) -> dict[str, int]:
    try:
        kept = msgspec.json.decode(infile.read(directory / FILE, _MOST_FILE_BYTES), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return {}
    sound = kept.hash == _hash(kept.days) and all(0 <= spent < _MOST_BYTES for spent in kept.days.values())
    return dict(sorted(kept.days.items())) if sound else {}


def _hash(days: dict[str, int]) -> str:
    return forms.sha256hex(msgspec.json.encode(sorted(days.items())))
