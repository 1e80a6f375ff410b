"""What goes into the spool and comes out of it: small frozen values, no connection behind them."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

DAY_MS = 86_400_000
PAGE_BYTES = 4096  # of the file


class RowState(StrEnum):
    """Where a row is in its life; a dropped row is gone and only counted."""

    RUNNING = "running"
    READY = "ready"
    ACKED = "acked"
    DEAD = "dead"


class DropReason(StrEnum):
    """Why a row is gone without having been acknowledged."""

    CAP = "cap"  # the spool was full
    AGE = "age"  # older than it may get
    CLONE = "clone"  # the computer was copied; the original still has the row


@dataclass(frozen=True)
class Limits:
    """How much the spool keeps, and for how long (CONTRACTS 4)."""

    cap_bytes: int = 50_000_000
    ready_days: int = 400
    acked_days: int = 14
    dead_days: int = 90


@dataclass(frozen=True)
class Row:
    """One record to send, exactly as it was stored."""

    seq: int
    rid: str
    kind: str
    body: bytes
    tries: int = 0


@dataclass(frozen=True)
class RowView:
    """One row as `spool list` shows it."""

    seq: int
    rid: str
    kind: str
    state: RowState
    tries: int
    reason: str | None
    size_bytes: int
    stored_at_ms: int  # by this computer's own clock


@dataclass(frozen=True)
class SpoolSummary:
    """How the spool stands, in numbers that add up."""

    lineage: str  # "" where there is no spool yet
    created: int
    waiting: int
    acked: int
    dead: int
    dropped: dict[str, int]  # by reason
    running: int
    deferred: int  # of the waiting, those that wait for a newer collector
    oldest_ms: int | None  # when the oldest waiting row was stored, by this computer's own clock
    size_bytes: int
    repaired: str | None  # one sentence about the last repair, None where there was none


@dataclass(frozen=True)
class Spent:
    """Bytes spent and reserved on one local day, and in its month."""

    day: str  # 2026-11-24
    day_bytes: int
    month_bytes: int


def body_hash(rid: str, kind: str, body: bytes) -> str:
    """Return the hash that tells whether a row is still what was stored."""
    return hashlib.sha256(b"\n".join((rid.encode(), kind.encode(), body))).hexdigest()


def as_bytes(value: object) -> bytes:
    """Return a body as bytes, whatever type a damaged or edited file gives it."""
    match value:
        case bytes():
            return value
        case str():
            return value.encode("utf-8", "surrogateescape")
    return b""


def has_bins(body: bytes) -> bool:
    """Return whether a record still carries its series of bytes over time."""
    return b'"bins":[' in body


def without_bins(body: bytes) -> bytes:
    """Return a record without its series of bytes over time; other content, and so its identity, stays."""
    record: dict[str, Any] = msgspec.json.decode(body)
    for name in ("download", "upload"):
        part = record.get(name)
        if isinstance(part, dict) and part.get("bins") is not None:
            part["bins"] = None
    return msgspec.json.encode(record)
