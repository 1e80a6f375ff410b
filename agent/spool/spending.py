"""What tests may cost and have cost: by day in the spool, and once more beside it.

The copy is a small file, replaced as a whole whenever a test begins or ends: the spool's loss is noticed, and does not
begin the budget anew. Where both are gone nobody knows, and the day begins at nothing: a school must not stop measuring
for ever.
"""

import logging
import sqlite3
from pathlib import Path

import msgspec

from agent.spool import keyvalues
from agent.wire import forms, infile, ownfiles

LOG = logging.getLogger(__name__)

FILE = "spending.json"
MAY_COST = "may_cost"  # state key: what the running test can have cost by now, should nobody finish it
_DAYS_KEPT = 400
_MOST_BYTES = 2**53
_MOST_FILE_BYTES = 1_000_000


def reserve(connection: sqlite3.Connection, rid: str, day: str, reserved_bytes: int) -> None:
    """Count bytes as spent before the first of them is sent."""
    _spend(connection, day, reserved_bytes)
    connection.execute(
        "INSERT OR REPLACE INTO reservations (rid, day, reserved_bytes) VALUES (?, ?, ?)", (rid, day, reserved_bytes)
    )


def note_cost(connection: sqlite3.Connection, rid: str, at_most_bytes: int | None) -> None:
    """Note what a test can have cost if it is never finished; None = all that it has reserved."""
    note = None if at_most_bytes is None else msgspec.json.encode((rid, at_most_bytes)).decode()
    keyvalues.put(connection, MAY_COST, note)


def noted_cost(connection: sqlite3.Connection, rid: str) -> int | None:
    """Return what an unfinished test can have cost; None = nothing is noted of it, or nothing readable."""
    try:
        noted = msgspec.json.decode(keyvalues.get(connection, MAY_COST) or "null", type=tuple[str, int] | None)
    except msgspec.MsgspecError:
        return None
    return noted[1] if noted is not None and noted[0] == rid and noted[1] >= 0 else None


def reconcile(connection: sqlite3.Connection, rid: str, today: str, spent_bytes: int | None) -> None:
    """Put what was really spent in the place of the reservation; None = unknown, the reservation stays counted."""
    found = connection.execute("SELECT day, reserved_bytes FROM reservations WHERE rid = ?", (rid,)).fetchone()
    connection.execute("DELETE FROM reservations WHERE rid = ?", (rid,))
    if spent_bytes is None:
        return
    day, reserved_bytes = found or (today, 0)
    _spend(connection, day, spent_bytes - reserved_bytes)


def _spend(connection: sqlite3.Connection, day: str, spent_bytes: int) -> None:
    """Add to a day's bytes."""
    connection.execute(
        "INSERT INTO budget_days (day, spent_bytes) VALUES (?, max(0, ?))"
        " ON CONFLICT (day) DO UPDATE SET spent_bytes = max(0, spent_bytes + ?)",
        (day, spent_bytes, spent_bytes),
    )
    connection.execute(
        "DELETE FROM budget_days WHERE day NOT IN (SELECT day FROM budget_days ORDER BY rowid DESC LIMIT ?)",
        (_DAYS_KEPT,),
    )


def spent_bytes(connection: sqlite3.Connection, day: str) -> tuple[int, int]:
    """Return the bytes of a day and of its month."""
    today = connection.execute("SELECT spent_bytes FROM budget_days WHERE day = ?", (day,)).fetchone()
    month = connection.execute(
        "SELECT coalesce(sum(spent_bytes), 0) FROM budget_days WHERE substr(day, 1, 7) = ?", (day[:7],)
    ).fetchone()
    return (int(today[0]) if today else 0), int(month[0])


# --- the copy beside the spool ----------------------------------------------------------------------------------------


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
