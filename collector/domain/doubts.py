"""Which things make the data of a PC doubtful, from stored facts alone; the days of the flag `data_quality`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SETTLED_MAX: Final = 100  # what one batch settles is no longer counted as waiting, and not yet as sent
CLOCK_OFF_MS: Final = 5 * 60_000  # as much as a test's time may be off and still count


class Doubt(StrEnum):
    """What is doubtful, the gravest first."""

    COPIED_IDENTITY = "copied_identity"  # two PCs use one identity
    LEDGER_BROKEN = "ledger_broken"  # records neither sent, waiting nor refused
    LOST_RECORDS = "lost_records"  # its store is another than before, or it dropped records
    WRONG_CLOCK = "wrong_clock"
    VOLATILE = "volatile"


@dataclass(frozen=True)
class Reported:
    """What a PC said of itself at its last contact, and what was seen of it on that day."""

    clock_offset_ms: int | None
    is_volatile: bool
    has_conflicts: bool  # two records of one name came from it on that day
    lineages: int  # stores it has had
    created: int | None  # of its ledger, as are the others
    acked: int | None
    ready: int | None
    dead: int | None
    dropped: int | None


def doubts(found: Reported) -> tuple[Doubt, ...]:
    """Return what is doubtful about a PC; nothing for one that reports as it should."""
    said = []
    if found.has_conflicts:
        said.append(Doubt.COPIED_IDENTITY)
    if _is_broken(found):
        said.append(Doubt.LEDGER_BROKEN)
    if (found.lineages > 1 and not found.is_volatile) or (found.dropped or 0) > 0:
        said.append(Doubt.LOST_RECORDS)
    if found.clock_offset_ms is not None and abs(found.clock_offset_ms) > CLOCK_OFF_MS:
        said.append(Doubt.WRONG_CLOCK)
    if found.is_volatile:
        said.append(Doubt.VOLATILE)
    return tuple(said)


def _is_broken(found: Reported) -> bool:
    """Return whether the law of the ledger does not hold: what was made is sent, waits, was refused or dropped."""
    parts = (found.acked, found.ready, found.dead, found.dropped)
    if found.created is None or any(part is None for part in parts):
        return False
    return not 0 <= found.created - sum(part or 0 for part in parts) <= SETTLED_MAX
