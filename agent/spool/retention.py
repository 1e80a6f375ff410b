"""How much the spool keeps: ages by the collector's time, and one cap on the size. Every drop is counted."""

import sqlite3

import msgspec

from agent.spool import keyvalues
from agent.spool.moments import Moment
from agent.spool.rows import DAY_MS, PAGE_BYTES, DropReason, Limits, as_bytes, body_hash, has_bins, without_bins


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
