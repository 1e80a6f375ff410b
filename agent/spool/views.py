"""Looking at a spool, for the ledger header, `status` and `spool list`; changes nothing."""

import re
import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from agent.spool import keyvalues, moments, retention, spending
from agent.spool.rows import RowState, RowView, Spent, SpoolSummary, as_bytes, body_hash
from agent.wire.headers import Ledger

Read = Callable[[Callable[[sqlite3.Connection], list[tuple[object, ...]]]], list[tuple[object, ...]]]

_OWNER = re.compile(r"running-[0-9a-f]{16}\.lock", re.ASCII)
_EXPORT_ROWS = 200


def is_owner_name(name: str) -> bool:
    """Return whether a marker's owner has the form of a lock file of ours: a damaged row names no other file."""
    return _OWNER.fullmatch(name) is not None


def ledger(connection: sqlite3.Connection) -> Ledger:
    """Return the counters; inside one transaction they obey the ledger law."""
    counted = keyvalues.counters(connection)
    return Ledger(
        lineage=keyvalues.meta(connection, "lineage") or "",
        created=counted.get("created", 0),
        acked=counted.get("acked", 0),
        ready=_count(connection, RowState.READY),
        dead=counted.get("dead", 0),
        dropped=sum(_dropped(counted).values()),
    )


def summary(connection: sqlite3.Connection) -> SpoolSummary:
    """Return how the spool stands."""
    stands = ledger(connection)
    oldest = connection.execute(
        "SELECT wall_ms FROM rows NOT INDEXED WHERE state = 'ready' ORDER BY seq LIMIT 1"
    ).fetchone()
    deferred = connection.execute(
        "SELECT count(*) FROM rows INDEXED BY rows_deferred WHERE not_before_ms IS NOT NULL AND state = 'ready'"
    ).fetchone()
    return SpoolSummary(
        lineage=stands.lineage,
        created=stands.created,
        waiting=stands.ready,
        acked=stands.acked,
        dead=stands.dead,
        dropped=_dropped(keyvalues.counters(connection)),
        running=_count(connection, RowState.RUNNING),
        deferred=int(deferred[0]),
        oldest_ms=int(oldest[0]) if oldest else None,
        size_bytes=retention.size_bytes(connection),
        repaired=_repaired(connection),
    )


def spent(connection: sqlite3.Connection, moment: moments.Moment, utc_offset_min: int) -> Spent:
    """Return the bytes spent and reserved on the moment's local day and in its month."""
    day = moments.local_day(moment, utc_offset_min)
    return Spent(day, *spending.spent_bytes(connection, day))


def list_rows(connection: sqlite3.Connection, limit: int) -> list[RowView]:
    """Return the newest rows, newest first."""
    found = connection.execute(
        "SELECT seq, rid, kind, state, tries, reason, size_bytes, wall_ms FROM rows ORDER BY seq DESC LIMIT ?", (limit,)
    )
    return [
        RowView(seq, rid, kind, RowState(state), tries, reason, size, wall_ms)
        for seq, rid, kind, state, tries, reason, size, wall_ms in found
    ]


def export(read: Read) -> Iterator[bytes]:
    """Yield every record as one line of JSON, a few hundred rows at a time; a damaged body has no `record`."""
    after = 0
    while True:

        def some(connection: sqlite3.Connection, after: int = after) -> list[tuple[object, ...]]:
            return connection.execute(
                "SELECT seq, rid, kind, state, tries, reason, body_hash, body FROM rows"
                " WHERE seq > ? AND state <> 'running' ORDER BY seq LIMIT ?",
                (after, _EXPORT_ROWS),
            ).fetchall()

        rows = read(some)
        if not rows:
            return
        for seq, rid, kind, state, tries, reason, found_hash, stored in rows:
            body = as_bytes(stored)
            is_whole = body_hash(str(rid), str(kind), body) == found_hash
            line: dict[str, object] = {"rid": rid, "kind": kind, "state": state, "tries": tries, "reason": reason}
            line["record"] = msgspec.Raw(body) if is_whole else None
            yield msgspec.json.encode(line)
            after = int(str(seq))


def _count(connection: sqlite3.Connection, state: RowState) -> int:
    return int(connection.execute("SELECT count(*) FROM rows WHERE state = ?", (str(state),)).fetchone()[0])


def _dropped(counted: dict[str, int]) -> dict[str, int]:
    return {name.partition(":")[2]: value for name, value in sorted(counted.items()) if name.startswith("dropped:")}


class _Repair(msgspec.Struct):
    """What a repair noted of itself."""

    why: str
    kept: int
    set_aside: int
    moved_to: str | None = None


def _repaired(connection: sqlite3.Connection) -> str | None:
    note = keyvalues.meta(connection, "repaired")
    if note is None:
        return None
    try:
        told = msgspec.json.decode(note, type=_Repair)
    except msgspec.MsgspecError:  # damaged since: what it was about is over, and the rows are what matters
        return None
    old = f", the old file is {told.moved_to}" if told.moved_to else ""
    return (
        f"The spool file was damaged ({told.why}) and has been made anew: {told.kept} rows were saved,"
        f" {told.set_aside} are set aside{old}."
    )
