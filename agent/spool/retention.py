"""How much the spool keeps: ages by the collector's time, and one cap on the size. Every drop is counted."""

import sqlite3

import msgspec

from agent.spool import keyvalues
from agent.spool.moments import Moment
from agent.spool.rows import (
    DAY_MS,
    MAY_COST,
    PAGE_BYTES,
    DropReason,
    Limits,
    as_bytes,
    body_hash,
    has_bins,
    without_bins,
)

_BUDGET_DAYS_KEPT = 400


def tidy(connection: sqlite3.Connection, moment: Moment, limits: Limits, *, looks_at_age: bool = True) -> None:
    """Let go of what is too old or too much."""
    if looks_at_age and moment.server_ms is not None:
        _by_age(connection, moment.server_ms, limits)
    by_size(connection, limits)


def _by_age(connection: sqlite3.Connection, now_ms: int, limits: Limits) -> None:
    """Drop by age; only with the collector's time of this boot, and only rows whose own time is known by it."""
    for state, days in (("acked", limits.acked_days), ("dead", limits.dead_days)):
        connection.execute("DELETE FROM rows WHERE state = ? AND since_ms < ?", (state, now_ms - days * DAY_MS))
    gone = connection.execute(
        "DELETE FROM rows WHERE state = 'ready' AND born_ms < ?", (now_ms - limits.ready_days * DAY_MS,)
    ).rowcount
    if gone:
        keyvalues.count(connection, f"dropped:{DropReason.AGE}", gone)


def size_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of all bodies."""
    found = connection.execute("SELECT coalesce(sum(size_bytes), 0) FROM rows INDEXED BY rows_by_state").fetchone()
    return int(found[0])


def by_size(connection: sqlite3.Connection, limits: Limits) -> None:
    """Bring the spool under its cap: series first, then copies of what arrived, then dead rows, then the oldest."""
    if connection.execute("PRAGMA page_count").fetchone()[0] * PAGE_BYTES <= limits.cap_bytes:
        return  # the whole file is smaller: no need to add up
    excess = size_bytes(connection) - limits.cap_bytes
    if excess > 0:
        excess -= _strip_bins(connection, excess)
    for state in ("acked", "dead", "ready"):
        if excess <= 0:
            return
        excess -= _delete_oldest(connection, state, excess)


def _strip_bins(connection: sqlite3.Connection, excess: int) -> int:
    saved = 0
    for (seq,) in connection.execute(
        "SELECT seq FROM rows WHERE has_bins = 1 AND state <> 'running' ORDER BY seq"
    ).fetchall():
        rid, kind, found_hash, stored = connection.execute(
            "SELECT rid, kind, body_hash, body FROM rows WHERE seq = ?", (seq,)
        ).fetchone()
        body = bare = as_bytes(stored)
        if isinstance(kind, str) and body_hash(rid, kind, body) == found_hash:
            bare = bare_of(body)
            found_hash = body_hash(rid, kind, bare)
        connection.execute(
            "UPDATE rows SET body = ?, body_hash = ?, size_bytes = ?, has_bins = 0 WHERE seq = ?",
            (bare, found_hash, len(bare), seq),
        )
        saved += len(body) - len(bare)
        if saved >= excess:
            break
    return saved


def bare_of(body: bytes) -> bytes:
    """Return a record without its series, or as it is if that does not help."""
    try:
        bare = without_bins(body)
    except (msgspec.MsgspecError, AttributeError):
        return body
    return body if has_bins(bare) or len(bare) > len(body) else bare


def _delete_oldest(connection: sqlite3.Connection, state: str, excess: int) -> int:
    freed = count = 0
    for seq, size in connection.execute(
        "SELECT seq, size_bytes FROM rows WHERE state = ? ORDER BY seq", (state,)
    ).fetchall():
        connection.execute("DELETE FROM rows WHERE seq = ?", (seq,))
        freed, count = freed + size, count + 1
        if freed >= excess:
            break
    if state == "ready" and count:
        keyvalues.count(connection, f"dropped:{DropReason.CAP}", count)
    return freed


# --- bytes spent ----------------------------------------------------------------------------------------------------


def reserve(connection: sqlite3.Connection, rid: str, day: str, reserved_bytes: int) -> None:
    """Count bytes as spent before the first of them is sent."""
    spend(connection, day, reserved_bytes)
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
    spend(connection, day, spent_bytes - reserved_bytes)


def spend(connection: sqlite3.Connection, day: str, spent_bytes: int) -> None:
    """Add to a day's bytes."""
    connection.execute(
        "INSERT INTO budget_days (day, spent_bytes) VALUES (?, max(0, ?))"
        " ON CONFLICT (day) DO UPDATE SET spent_bytes = max(0, spent_bytes + ?)",
        (day, spent_bytes, spent_bytes),
    )
    connection.execute(
        "DELETE FROM budget_days WHERE day NOT IN (SELECT day FROM budget_days ORDER BY rowid DESC LIMIT ?)",
        (_BUDGET_DAYS_KEPT,),
    )


def spent_bytes(connection: sqlite3.Connection, day: str) -> tuple[int, int]:
    """Return the bytes of a day and of its month."""
    today = connection.execute("SELECT spent_bytes FROM budget_days WHERE day = ?", (day,)).fetchone()
    month = connection.execute(
        "SELECT coalesce(sum(spent_bytes), 0) FROM budget_days WHERE substr(day, 1, 7) = ?", (day[:7],)
    ).fetchone()
    return (int(today[0]) if today else 0), int(month[0])
