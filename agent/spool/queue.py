"""The rows' life: in, out, and what becomes of them. Every function works inside the caller's transaction."""

import sqlite3
from collections.abc import Sequence

from agent.outcome import Outcome
from agent.spool import keyvalues
from agent.spool.moments import Moment
from agent.spool.rows import DAY_MS, Row, RowState, as_bytes, body_hash, has_bins

NEWEST_FIRST = 10  # a dashboard is right again at once, then the rest in order
_MARKER_ROOM_BYTES = 20_000  # a marker is as big as a record may get, so that a full disk does not stop its record


def put_marker(connection: sqlite3.Connection, moment: Moment, rid: str, stub: bytes, owner: str) -> None:
    """Note that a test has begun; not a record yet."""
    room = stub + b" " * max(0, _MARKER_ROOM_BYTES - len(stub))
    _insert(connection, moment, rid, "measurement", room, state=RowState.RUNNING, owner=owner)


def put_ready(connection: sqlite3.Connection, moment: Moment, rid: str, kind: str, body: bytes) -> bool:
    """Keep a record that waits to be sent, in the place of its marker if it has one.

    Returns:
        False if a record of that identity is there already; then nothing changes.
    """
    found = connection.execute("SELECT state FROM rows WHERE rid = ?", (rid,)).fetchone()
    if found is not None and found[0] != RowState.RUNNING:
        return False
    if found is None:
        _insert(connection, moment, rid, kind, body, state=RowState.READY, owner=None)
    else:
        connection.execute(
            "UPDATE rows SET state = 'ready', kind = ?, body = ?, body_hash = ?, size_bytes = ?, has_bins = ?,"
            " owner = NULL, position = ?, since_ms = ? WHERE rid = ?",
            (
                kind,
                body,
                body_hash(rid, kind, body),
                len(body),
                has_bins(body),
                _back(connection),
                moment.server_ms,
                rid,
            ),
        )
    keyvalues.count(connection, "created")
    return True


def _insert(
    connection: sqlite3.Connection, moment: Moment, rid: str, kind: str, body: bytes, *, state: str, owner: str | None
) -> None:
    connection.execute(
        "INSERT INTO rows (rid, kind, state, position, boot_id, mono_ms, wall_ms, born_ms, since_ms, owner, has_bins,"
        " size_bytes, body_hash, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            rid, kind, state, _back(connection), moment.boot_id, moment.mono_ms, moment.wall_ms, moment.server_ms,
            moment.server_ms, owner, has_bins(body), len(body), body_hash(rid, kind, body), body,
        ),
    )  # fmt: skip


def _back(connection: sqlite3.Connection) -> int:
    last = connection.execute("SELECT max(position) FROM rows WHERE state = 'ready'").fetchone()[0]
    return int(last or 0) + 1


# --- out ------------------------------------------------------------------------------------------------------------

_OFFERED = "state = 'ready' AND (not_before_ms IS NULL OR not_before_ms <= ?)"
_NEWEST = f"SELECT seq FROM rows WHERE {_OFFERED} AND tries = 0 ORDER BY position DESC LIMIT ?"  # noqa: S608 -- ours
_OLDEST = f"SELECT seq FROM rows WHERE {_OFFERED} ORDER BY position LIMIT ?"  # noqa: S608 -- ours


def has_offer(connection: sqlite3.Connection, now_ms: int | None) -> bool:
    """Return whether `pick` would find a row: one that a newer collector is waited for is none until its time."""
    found = connection.execute(f"SELECT EXISTS (SELECT 1 FROM rows WHERE {_OFFERED})", (now_ms or 0,))  # noqa: S608 -- ours
    return bool(found.fetchone()[0])


def pick(
    connection: sqlite3.Connection, now_ms: int | None, max_items: int, max_bytes: int
) -> tuple[list[Row], list[int]]:
    """Return the rows to send next, and the numbers of rows that are no longer what was stored.

    A few of the newest come first, then the rest in the order in which it waits. One row is returned however small
    `max_bytes` is: nothing may block the queue.

    Args:
        connection: Inside a transaction.
        now_ms: By the collector's clock, at the earliest; None = unknown, then deferred rows wait.
        max_items: Of the batch.
        max_bytes: Of all bodies together with their commas.
    """
    numbers: dict[int, None] = {}
    newest = min(NEWEST_FIRST, (max_items + 1) // 2)
    for statement, count in ((_NEWEST, newest), (_OLDEST, max_items)):
        numbers.update((seq, None) for (seq,) in connection.execute(statement, (now_ms or 0, count)))
    rows: list[Row] = []
    damaged: list[int] = []
    room_bytes = max_bytes
    for seq in numbers:
        if len(rows) >= max_items:
            break
        row = _whole_row(connection, seq)
        if row is None:
            damaged.append(seq)
        elif not rows or len(row.body) + 1 <= room_bytes:
            rows.append(row)
            room_bytes -= len(row.body) + 1
    return rows, damaged


def _whole_row(connection: sqlite3.Connection, seq: int) -> Row | None:
    rid, kind, tries, found_hash, stored = connection.execute(
        "SELECT rid, kind, tries, body_hash, body FROM rows WHERE seq = ?", (seq,)
    ).fetchone()
    body = as_bytes(stored)
    if not isinstance(kind, str) or body_hash(rid, kind, body) != found_hash:
        return None
    return Row(seq, rid, kind, body, tries)


# --- what becomes of them -------------------------------------------------------------------------------------------


def set_outcomes(connection: sqlite3.Connection, moment: Moment, outcomes: Sequence[Outcome]) -> int:
    """Do with each row what was decided and return how many were still waiting; a row decided already stays so."""
    changed = 0
    for one in outcomes:
        match one.action:
            case "acked":
                done = _leave(connection, moment, one.seq, RowState.ACKED, None)
            case "dead":
                done = bury(connection, moment, one.seq, one.reason or "rejected")
            case "deferred":
                done = _to_back(connection, one.seq, one.reason, (moment.floor_ms or 0) + DAY_MS)
            case "retry":
                done = _to_back(connection, one.seq, one.reason, None)
        changed += done
    return changed


def bury(connection: sqlite3.Connection, moment: Moment, seq: int, reason: str) -> int:
    """Set a waiting row aside for good, with the reason."""
    return _leave(connection, moment, seq, RowState.DEAD, reason)


def _leave(connection: sqlite3.Connection, moment: Moment, seq: int, state: RowState, reason: str | None) -> int:
    changed = connection.execute(
        "UPDATE rows SET state = ?, reason = ?, since_ms = ?, not_before_ms = NULL WHERE seq = ? AND state = 'ready'",
        (str(state), reason, moment.server_ms, seq),
    ).rowcount
    if changed:
        keyvalues.count(connection, state)
    return changed


def _to_back(connection: sqlite3.Connection, seq: int, reason: str | None, not_before_ms: int | None) -> int:
    return connection.execute(
        "UPDATE rows SET tries = tries + 1, reason = ?, not_before_ms = ?, position = ?"
        " WHERE seq = ? AND state = 'ready'",
        (reason, not_before_ms, _back(connection), seq),
    ).rowcount


def offer_acked(connection: sqlite3.Connection) -> int:
    """Put what was acknowledged back into the queue, oldest first: the collector may have lost it."""
    numbers = connection.execute("SELECT seq FROM rows WHERE state = 'acked' ORDER BY position").fetchall()
    position = _back(connection)
    for offset, (seq,) in enumerate(numbers):
        connection.execute(
            "UPDATE rows SET state = 'ready', tries = 0, since_ms = NULL, position = ? WHERE seq = ?",
            (position + offset, seq),
        )
    if numbers:
        keyvalues.count(connection, "acked", -len(numbers))
    return len(numbers)


def offer_deferred(connection: sqlite3.Connection) -> int:
    """Offer at once what waits for a newer collector."""
    return connection.execute(
        "UPDATE rows SET not_before_ms = NULL WHERE state = 'ready' AND not_before_ms IS NOT NULL"
    ).rowcount
