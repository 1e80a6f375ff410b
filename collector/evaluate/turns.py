"""Whose turn it is to be worked out again from the rows, whatever is new: each school once in a week.

What a checksum or a comparison finds wrong is right after the next run. The rest, what nothing would tell of without
reading all rows there are, has its turn: so no row that somebody altered, planted or deleted stays for longer.
"""

import zlib
from collections.abc import Iterable
from typing import Final

from collector.store.queries import facts
from collector.store.unit import Snapshot, UnitOfWork

TURN_MS: Final = 15 * 60_000
TURNS: Final = 7 * 96  # a week of quarters of an hour
BACK_DAYS: Final = 40  # so far back a turn, conditions and outages are worked out again (decision 132)


def in_turn(snapshot: Snapshot, names: Iterable[str], now_ms: int, turns: int = TURNS) -> set[str]:
    """Return the names whose turn has come since the last run; nobody's comes twice in the same quarter of an hour.

    Args:
        snapshot: The database: it says when the last run was.
        names: Codes of schools, or days.
        now_ms: The collector's time.
        turns: After so many quarters of an hour it is everybody's turn again.
    """
    last = facts.find_fact(snapshot, facts.TURNS_UNTIL)
    now = now_ms // TURN_MS
    first = now if last is None else max(int(last) + 1, now - turns + 1)
    due = {turn % turns for turn in range(first, now + 1)}
    return {name for name in names if zlib.crc32(name.encode()) % turns in due} if due else set()


def note(unit: UnitOfWork, now_ms: int) -> None:
    """Say that everybody whose turn it was has been worked out."""
    facts.set_fact(unit, facts.TURNS_UNTIL, str(now_ms // TURN_MS))
