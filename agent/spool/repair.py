"""A damaged spool becomes a new one that holds every row whose hash still fits; the old file is kept beside it.

Order of things, so that a power cut in the middle loses nothing: the new file is complete and synced under another
name before the old one is moved, and `finish` completes a move that was cut short. Called under `write.lock`.
"""

import contextlib
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from agent.spool import files, keyvalues, salvage, schemafile, spending
from agent.spool.rows import PAGE_BYTES, RowState, as_bytes, body_hash, has_bins
from agent.wire import forms, ownfiles

KEPT_ASIDE = 3
SPARE_SEQ = 1_000  # row numbers that may have been lost are not given again


@dataclass(frozen=True)
class Report:
    """What a repair found."""

    moved_to: str
    kept: int  # rows whose hash fits
    set_aside: int  # rows that could be read but are not what was stored: dead


def rebuild(path: Path, lineage: str, now_ms: int, why: str) -> Report:
    """Put a new file in the place of a damaged one, with all that can be saved of it.

    Args:
        path: The spool file.
        lineage: Random id of the new ledger.
        now_ms: This computer's clock, only to say when.
        why: What is wrong with the file.

    Raises:
        OSError, sqlite3.Error: If the new file cannot be written; then the old one lies where it lay.
    """
    new = _new_name(path)
    files.remove(new)
    moved_to = _aside_name(path)
    note = {"at_ms": now_ms, "why": why[:200], "moved_to": moved_to.name}
    kept, set_aside = _write_anew(path, new, lineage, note)
    files.sync(new)
    move_aside(path, moved_to)
    new.replace(path)
    files.sync_directory(path.parent)
    return Report(moved_to.name, kept, set_aside)


def note_lost(connection: sqlite3.Connection, now_ms: int, moved_to: str | None) -> None:
    """Note in a new file that there was one before of which nothing is left.

    Args:
        connection: Inside a transaction.
        now_ms: This computer's clock, only to say when.
        moved_to: What lay in its place, by its new name; None = nothing worth keeping.
    """
    note = {"at_ms": now_ms, "why": "nothing was left in it", "moved_to": moved_to, "kept": 0, "set_aside": 0}
    _put_note(connection, note)


def finish(path: Path) -> None:
    """Complete a repair that a power cut interrupted between the two moves; else clear away what it left."""
    new = _new_name(path)
    if not new.exists():
        return
    if path.exists():
        files.remove(new)
        return
    files.remove_sidecars(path)
    new.replace(path)
    files.sync_directory(path.parent)


def move_aside(path: Path, to: Path | None = None) -> Path:
    """Rename a file that is no use, with what belongs to it, and return its new name; only the last few are kept."""
    to = to or _aside_name(path)
    ownfiles.withhold_database(path)
    path.replace(to)
    for ending in files.SIDECARS:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{ending}").replace(f"{to}{ending}")
    for old in sorted(path.parent.glob(f"{path.stem}.bad-*{path.suffix}"), key=_number)[:-KEPT_ASIDE]:
        files.remove(old)
    return to


# --- names ----------------------------------------------------------------------------------------------------------


def _new_name(path: Path) -> Path:
    return path.with_name(f"{path.stem}.new{path.suffix}")


def _aside_name(path: Path) -> Path:
    taken = [_number(old) for old in path.parent.glob(f"{path.stem}.bad-*{path.suffix}")]
    return path.with_name(f"{path.stem}.bad-{max(taken, default=0) + 1}{path.suffix}")


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


# --- writing it anew ------------------------------------------------------------------------------------------------


def _write_anew(path: Path, new: Path, lineage: str, note: dict[str, Any]) -> tuple[int, int]:
    """Write all that can be saved into a new file; without a journal, for nobody uses it before it is complete."""
    ownfiles.reserve(new)
    connection = sqlite3.connect(new, isolation_level=None)
    counted: Counter[str] = Counter()
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN IMMEDIATE")
        schemafile.create(connection, lineage)
        saved = salvage.read(path, lambda row: _take(connection, counted, row))
        for name in ("created", "acked", "dead"):
            keyvalues.count(connection, name, counted[name])
        _fill_state(connection, saved)
        _fill_budget(connection, saved)
        spending.bring_back(path.parent, connection)
        last = max([saved.last_seq, *saved.seen]) + SPARE_SEQ if saved.seen or saved.last_seq else 0
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'rows'")
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('rows', ?)", (last,))
        note |= {"kept": counted["kept"], "set_aside": counted["set_aside"]}
        _put_note(connection, note)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return counted["kept"], counted["set_aside"]


def _put_note(connection: sqlite3.Connection, note: dict[str, Any]) -> None:
    """Note what became of the file; `views.summary` says it."""
    keyvalues.put_meta(connection, "repaired", msgspec.json.encode(note).decode())


def _take(connection: sqlite3.Connection, counted: Counter[str], found: dict[str, Any]) -> None:
    row = _mended(found)
    if row is None or not connection.execute(_INSERT, row).rowcount:
        return
    counted["set_aside" if row["state"] == RowState.DEAD and row["reason"] == "damaged" else "kept"] += 1
    if row["state"] != RowState.RUNNING:
        counted["created"] += 1
        counted[row["state"]] += 1


def _fill_state(connection: sqlite3.Connection, saved: salvage.Saved) -> None:
    for key, value, value_hash in saved.state:
        is_whole = isinstance(key, str) and isinstance(value, str) and keyvalues.value_hash(key, value) == value_hash
        if is_whole and key != spending.MAY_COST:  # it may be one step old: then all that was reserved counts
            keyvalues.put(connection, key, value)


_INSERT = (
    "INSERT OR IGNORE INTO rows (seq, rid, kind, state, position, tries, reason, not_before_ms, boot_id, mono_ms,"
    " wall_ms, born_ms, since_ms, owner, has_bins, size_bytes, body_hash, body) VALUES (:seq, :rid, :kind, :state,"
    " :position, :tries, :reason, :not_before_ms, :boot_id, :mono_ms, :wall_ms, :born_ms, :since_ms, :owner,"
    " :has_bins, :size_bytes, :body_hash, :body)"
)


def _mended(row: dict[str, Any]) -> dict[str, Any] | None:
    """Return a row with every column of its right type; a body that is not what was stored makes it dead."""
    rid, kind, body = row["rid"], row["kind"], as_bytes(row["body"])
    if not isinstance(rid, str) or not forms.is_rid(rid):
        return None
    is_whole = isinstance(kind, str) and body_hash(rid, kind, body) == row["body_hash"]
    state = row["state"] if row["state"] in tuple(RowState) else RowState.READY
    if not is_whole and state != RowState.ACKED:
        state = RowState.DEAD
    if not is_whole and state == RowState.ACKED:
        return None  # the collector has the right one
    return {
        "seq": row["seq"], "rid": rid, "kind": kind if isinstance(kind, str) else "", "state": str(state),
        "position": _integer(row["position"], row["seq"]), "tries": _integer(row["tries"], 0),
        "reason": row["reason"] if is_whole and isinstance(row["reason"], str) else None if is_whole else "damaged",
        "not_before_ms": _integer(row["not_before_ms"], None), "boot_id": _text(row["boot_id"]),
        "mono_ms": _integer(row["mono_ms"], 0), "wall_ms": _integer(row["wall_ms"], 0),
        "born_ms": _integer(row["born_ms"], None), "since_ms": _integer(row["since_ms"], None),
        "owner": row["owner"] if isinstance(row["owner"], str) else None, "has_bins": has_bins(body),
        "size_bytes": len(body), "body_hash": _text(row["body_hash"]), "body": body,
    }  # fmt: skip


def _integer(value: Any, otherwise: int | None) -> int | None:
    return value if isinstance(value, int) and 0 <= value < salvage.MAX_INTEGER else otherwise


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _fill_budget(connection: sqlite3.Connection, saved: salvage.Saved) -> None:
    for day, spent_bytes in saved.days:
        if isinstance(day, str) and isinstance(spent_bytes, int) and 0 <= spent_bytes < salvage.MAX_INTEGER:
            connection.execute("INSERT OR IGNORE INTO budget_days (day, spent_bytes) VALUES (?, ?)", (day, spent_bytes))
    for rid, day, reserved_bytes in saved.reservations:
        if isinstance(rid, str) and isinstance(day, str) and isinstance(reserved_bytes, int) and reserved_bytes >= 0:
            connection.execute(
                "INSERT OR IGNORE INTO reservations (rid, day, reserved_bytes) VALUES (?, ?, ?)",
                (rid, day, min(reserved_bytes, salvage.MAX_INTEGER)),
            )
