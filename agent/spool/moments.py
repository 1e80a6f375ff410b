"""Which time it is, in spite of clocks that are years off.

Ages go by the collector's time, carried on by the monotonic clock, and are lower bounds: nothing is dropped because a
clock jumped. Budget days go by the best clock there is, which never jumps within one boot.
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agent import reading
from agent.ports import Clock
from agent.reading import LAST_ANSWER, Reading
from agent.spool import keyvalues
from agent.spool.rows import DAY_MS

_BOOT_WALL = "boot_wall"  # state key: the reading that the wall clock gave first in this boot
_YEAR_2200_MS = 7_258_118_400_000


@dataclass(frozen=True)
class Moment:
    """Now, by every clock there is."""

    wall_ms: int
    mono_ms: int
    boot_id: str
    server_ms: int | None  # exact, None = the collector has not spoken in this boot
    floor_ms: int | None  # it is at least this late by the collector's clock; None = it has never spoken
    steady_ms: int  # the best there is, without jumps within a boot


def now(connection: sqlite3.Connection, clock: Clock, boot_id: str, *, note: bool = True) -> Moment:
    """Return the present moment.

    Args:
        connection: Inside a transaction.
        clock: Wall and monotonic time.
        boot_id: Of the computer now.
        note: Keep this boot's first wall-clock reading; only inside a write.
    """
    wall_ms, mono_ms = clock.now_ms(), clock.mono_ms()
    answer = reading.read(keyvalues.get(connection, LAST_ANSWER))
    server_ms = answer.at(mono_ms, boot_id) if answer is not None else None
    floor_ms = server_ms if server_ms is not None or answer is None else answer.server_time_ms
    steady_ms = server_ms
    if steady_ms is None:
        first = _first_of_boot(connection, Reading(max(wall_ms, floor_ms or 0), mono_ms, boot_id), note)
        steady_ms = max(first.server_time_ms + max(0, mono_ms - first.mono_ms), floor_ms or 0)
    return Moment(wall_ms, mono_ms, boot_id, server_ms, floor_ms, steady_ms)


def _first_of_boot(connection: sqlite3.Connection, seen: Reading, note: bool) -> Reading:
    kept = reading.read(keyvalues.get(connection, _BOOT_WALL))
    if kept is not None and kept.boot_id == seen.boot_id:
        return kept
    if note:
        keyvalues.put(connection, _BOOT_WALL, reading.write(seen))
    return seen


def local_day(moment: Moment, utc_offset_min: int) -> str:
    """Return the local date as 2026-11-24."""
    ms = min(max(moment.steady_ms, 0), _YEAR_2200_MS)
    return f"{datetime.fromtimestamp(ms / 1000, UTC) + timedelta(minutes=utc_offset_min):%Y-%m-%d}"


def learn(connection: sqlite3.Connection, before: Moment, told: Reading) -> None:
    """Give rows the collector's time that had none, now that it has spoken.

    A row of this boot gets its exact time; one of an earlier boot is at most as young as this answer, so it gets the
    answer's time and is kept rather too long than too short. If the collector's clock itself was stepped by more than
    a day, all ages begin anew: one wrong answer must not make a spool old.
    """
    if before.floor_ms is not None and _is_step(before, told):
        connection.execute("UPDATE rows SET born_ms = NULL, since_ms = NULL, not_before_ms = NULL")
    connection.execute(
        "UPDATE rows SET born_ms = CASE WHEN boot_id = ? THEN min(?, ? - max(0, ? - mono_ms)) ELSE ? END"
        " WHERE born_ms IS NULL",
        (told.boot_id, told.server_time_ms, told.server_time_ms, told.mono_ms, told.server_time_ms),
    )
    connection.execute("UPDATE rows SET since_ms = ? WHERE since_ms IS NULL", (told.server_time_ms,))


def _is_step(before: Moment, told: Reading) -> bool:
    if before.server_ms is not None:
        return abs(told.server_time_ms - before.server_ms) > DAY_MS
    return before.floor_ms is not None and told.server_time_ms < before.floor_ms - DAY_MS
