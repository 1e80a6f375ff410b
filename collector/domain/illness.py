"""What is wrong with Enlace itself, worked out from stored facts: it says so before people wonder.

A word stays until the figure is well on the good side (`before` has those that are said already), so that nothing
flickers around a limit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Final

_MIN_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MIN_MS
GB: Final = 1_000_000_000

SILENT_MS: Final = 60 * _MIN_MS  # four heartbeats in school hours
FEWEST_DEVICES: Final = 10  # heard in the last week; fewer can all be off at once
LATE_TURNS: Final = 4  # evaluations that did not come
LATE_LEAST_MS: Final = _HOUR_MS
DISK_LEAST_BYTES: Final = GB
DISK_LEAST_SHARE: Final = 0.05
DISK_ENOUGH_BYTES: Final = 20 * GB  # the share counts only below it
CLOCK_MS: Final = 5 * _MIN_MS
CLOCK_DEVICES: Final = 10  # that agree that our clock is another
QUEUE_MS: Final = _HOUR_MS
AWAY_MS: Final = 12 * _MIN_MS  # two looks and a bit
JOBS_SILENT_MS: Final = 15 * _MIN_MS
_EASE: Final = 0.8  # a limit that was crossed is well again at this part of it


class Illness(StrEnum):
    """What can be wrong, in the order in which it is said."""

    JOBS_SILENT = "jobs_silent"  # nobody looks any more; said by the pages
    INGEST_SILENT = "ingest_silent"
    SILENT_WITH_US = "silent_with_us"
    EVALUATION_LATE = "evaluation_late"
    DISK_LOW = "disk_low"
    BACKUP_OLD = "backup_old"
    CLOCK_WRONG = "clock_wrong"
    NOTICES_WAITING = "notices_waiting"
    NOTICES_FAILED = "notices_failed"
    TESTPOINT_AWAY = "testpoint_away"


UNTOLD: Final = frozenset({Illness.JOBS_SILENT, Illness.NOTICES_FAILED})
"""What pages and `/healthz` say and no message tells: one dead mailbox is no reason to write to everybody."""


@dataclass(frozen=True)
class Vitals:
    """The stored facts at one moment; None: not known, or not looked at."""

    now_ms: int
    watching_since_ms: int  # since when we were there without a gap
    open_since_ms: int | None = None  # school hours of most schools began; None: there is no school now
    devices: int = 0  # heard within a week
    last_contact_ms: int | None = None
    last_evaluation_ms: int | None = None
    evaluate_every_ms: int = 15 * _MIN_MS
    free_bytes: int | None = None
    total_bytes: int | None = None
    is_backup_watched: bool = False
    backup_ms: int | None = None  # of the newest backup; None: there is none
    backup_max_ms: int = 48 * _HOUR_MS
    clock_offsets_ms: tuple[int, ...] = field(default=())  # of PCs heard lately, against our clock
    waiting_since_ms: int | None = None  # when the oldest notice that waits was first to be sent
    waiting: int = 0
    failed: int = 0  # notices that nobody tries to send any more
    silent_with_us: int | None = None  # schools of an outage that is put down to us
    testpoint_seen_ms: int | None = None  # None: never, so that nothing is missed


def diagnose(vitals: Vitals, before: Collection[str] = ()) -> dict[Illness, Mapping[str, object]]:
    """Return what is wrong, each with its numbers.

    Args:
        vitals: The facts.
        before: The words that were said when it was last looked.
    """
    found = {
        Illness.INGEST_SILENT: _silence(vitals) if vitals.silent_with_us is None else None,  # the same, said sooner
        Illness.SILENT_WITH_US: None if vitals.silent_with_us is None else {"schools": vitals.silent_with_us},
        Illness.EVALUATION_LATE: _lateness(vitals),
        Illness.DISK_LOW: _disk(vitals, Illness.DISK_LOW in before),
        Illness.BACKUP_OLD: _backup(vitals),
        Illness.CLOCK_WRONG: _clock(vitals, Illness.CLOCK_WRONG in before),
        Illness.NOTICES_WAITING: _queue(vitals),
        Illness.NOTICES_FAILED: {"failed": vitals.failed} if vitals.failed else None,
        Illness.TESTPOINT_AWAY: _away(vitals),
    }
    return {word: numbers for word, numbers in found.items() if numbers is not None}


def _silence(vitals: Vitals) -> dict[str, object] | None:
    """Nothing came for an hour of school hours in which we were there to hear it."""
    if vitals.devices < FEWEST_DEVICES or vitals.open_since_ms is None:
        return None
    since_ms = max(vitals.last_contact_ms or 0, vitals.watching_since_ms, vitals.open_since_ms)
    silent_ms = vitals.now_ms - since_ms
    return {"minutes": silent_ms // _MIN_MS, "devices": vitals.devices} if silent_ms >= SILENT_MS else None


def _lateness(vitals: Vitals) -> dict[str, object] | None:
    since_ms = max(vitals.last_evaluation_ms or 0, vitals.watching_since_ms)
    late_ms = vitals.now_ms - since_ms
    if late_ms < max(LATE_TURNS * vitals.evaluate_every_ms, LATE_LEAST_MS):
        return None
    return {"minutes": late_ms // _MIN_MS}


def _disk(vitals: Vitals, is_said: bool) -> dict[str, object] | None:
    if vitals.free_bytes is None or not vitals.total_bytes:
        return None
    least = max(DISK_LEAST_BYTES, min(DISK_LEAST_SHARE * vitals.total_bytes, DISK_ENOUGH_BYTES))
    if vitals.free_bytes >= (least / _EASE if is_said else least):
        return None
    return {"free_mb": vitals.free_bytes // 1_000_000}


def _backup(vitals: Vitals) -> dict[str, object] | None:
    if not vitals.is_backup_watched:
        return None
    if vitals.backup_ms is None:
        return {"hours": None}
    age_ms = vitals.now_ms - vitals.backup_ms
    return {"hours": age_ms // _HOUR_MS} if age_ms > vitals.backup_max_ms else None


def _clock(vitals: Vitals, is_said: bool) -> dict[str, object] | None:
    """Many PCs with clocks of their own do not err alike: where most differ from ours, ours is wrong."""
    if len(vitals.clock_offsets_ms) < CLOCK_DEVICES:
        return None
    offset_ms = round(median(vitals.clock_offsets_ms))
    limit = CLOCK_MS * _EASE if is_said else CLOCK_MS
    return {"seconds": abs(offset_ms) // 1000} if abs(offset_ms) >= limit else None


def _queue(vitals: Vitals) -> dict[str, object] | None:
    if vitals.waiting_since_ms is None or vitals.now_ms - vitals.waiting_since_ms < QUEUE_MS:
        return None
    return {"waiting": vitals.waiting, "minutes": (vitals.now_ms - vitals.waiting_since_ms) // _MIN_MS}


def _away(vitals: Vitals) -> dict[str, object] | None:
    if vitals.testpoint_seen_ms is None:
        return None
    away_ms = vitals.now_ms - max(vitals.testpoint_seen_ms, vitals.watching_since_ms)
    return {"minutes": away_ms // _MIN_MS} if away_ms >= AWAY_MS else None


def are_jobs_silent(looked_ms: int, now_ms: int) -> bool:
    """Return whether the jobs have not looked for so long that somebody has to."""
    return now_ms - looked_ms >= JOBS_SILENT_MS
