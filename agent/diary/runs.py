"""Looks at the line become runs of equal 5-minute slots; pure.

A look stands for its slot and for those after it until the next look, as long as that comes in time. A longer silence
was sleep, or, with another boot id, time in which the computer was off; both are inferred, never observed.
Slots lie on the monotonic clock, so that nobody who sets the wall clock makes or loses one.
"""

from statistics import median

import msgspec

from agent.wire import forms, limits
from agent.wire.records import Diary, Probe
from agent.wire.vocabulary import DiaryState

SLOT_S = 300
SLOT_MS = SLOT_S * 1000
HOLD_SLOTS = 6  # a look comes every 15 minutes; one that is late by as much again is still in time
_LAST_MS = 7_258_118_399_999  # the end of 2199


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen at one moment."""

    state: DiaryState
    wall_ms: int
    mono_ms: int
    boot_id: str
    server_rtt_ms: float | None = None
    gateway_rtt_ms: float | None = None
    sent: int | None = None
    lost: int | None = None
    dns_ms: float | None = None
    probes: list[Probe] | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Equal slots in a row, with the looks that fell into them."""

    state: DiaryState
    boot_id: str | None  # None for asleep and off
    from_wall_ms: int
    from_mono_ms: int | None
    slots: int
    looks: list[Look] = []


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """The open end of the diary; small, so that it can be kept durably as JSON."""

    last: Look | None = None  # the newest look
    written: int | None = None  # number of the last slot of its boot that is in a run, open or closed
    run: Run | None = None  # still open


def read_book(text: str | None) -> Book:
    """Return a book kept as JSON; an empty one if there is none or it cannot be read."""
    try:
        return msgspec.json.decode(text or "{}", type=Book)
    except msgspec.MsgspecError:
        return Book()


def write_book(book: Book) -> str:
    """Return the book as JSON."""
    return msgspec.json.encode(book).decode()


def add(book: Book, look: Look, *, hold_slots: int = HOLD_SLOTS) -> tuple[Book, list[Run]]:
    """Write a look into the diary.

    Args:
        book: The open end.
        look: The new look.
        hold_slots: How many slots a look may stand for.

    Returns:
        The new open end and the runs that are closed by this look, in order.
    """
    slot, last = look.mono_ms // SLOT_MS, book.last
    closed: list[Run] = []
    if last is None:
        return _put(Book(last=look), _run(look.state, look, slot, slot, [look]), closed, look, slot)
    if last.boot_id != look.boot_id or look.mono_ms < last.mono_ms:
        gap = _off(last, look)
        closed += [run for run in (book.run, gap) if run is not None]
        return _put(Book(last=look), _run(look.state, look, slot, slot, [look]), closed, look, slot)
    written = book.written if book.written is not None else last.mono_ms // SLOT_MS
    if slot <= written:
        return _same_slot(book, look)
    if slot - written > hold_slots:
        asleep = _run(DiaryState.ASLEEP, look, written + 1, slot - 1, [])
        closed += [run for run in (book.run, _without_boot(asleep)) if run is not None]
        return _put(Book(last=look), _run(look.state, look, slot, slot, [look]), closed, look, slot)
    if slot - written > 1:
        book, more = _put(book, _run(last.state, look, written + 1, slot - 1, []), closed, last, slot - 1)
        closed = more
    return _put(book, _run(look.state, look, slot, slot, [look]), closed, look, slot)


def close(book: Book) -> tuple[Book, list[Run]]:
    """Close the open run, to post it; its continuation will be a new one."""
    return msgspec.structs.replace(book, run=None), [book.run] if book.run is not None else []


def record(run: Run, rid: str) -> Diary:
    """Return a closed run as the record that is posted."""
    from_ms = min(max(run.from_wall_ms, 0), _LAST_MS)
    to_ms = min(from_ms + run.slots * SLOT_MS, _LAST_MS)
    counted = [look for look in run.looks if look.sent is not None]
    return Diary(
        rid=rid,
        boot_id=run.boot_id,
        from_at=forms.format_time(from_ms),
        to_at=forms.format_time(to_ms),
        from_mono_ms=run.from_mono_ms,
        slots=run.slots,
        slot_s=SLOT_S,
        state=run.state,
        server_rtt_ms=_median([look.server_rtt_ms for look in run.looks]),
        gateway_rtt_ms=_median([look.gateway_rtt_ms for look in run.looks]),
        sent=sum(look.sent or 0 for look in counted) if counted else None,
        lost=sum(look.lost or 0 for look in counted) if counted else None,
        dns_ms=_median([look.dns_ms for look in run.looks]),
        probes=next((look.probes for look in reversed(run.looks) if look.probes is not None), None),
    )


# --- inside -----------------------------------------------------------------------------------------------------


def _put(book: Book, run: Run, closed: list[Run], last: Look, slot: int) -> tuple[Book, list[Run]]:
    """Add slots to the open run if they are equal, else close it."""
    open_run = book.run
    # What the learning sites did stands at the beginning of a run: so a long one, too, says in which hour it was.
    if open_run is not None and open_run.state is run.state and not _has_probes(run):
        joined = msgspec.structs.replace(
            open_run, slots=open_run.slots + run.slots, looks=[*open_run.looks, *run.looks]
        )
        return Book(last=last, written=slot, run=joined), closed
    return Book(last=last, written=slot, run=run), closed + ([open_run] if open_run is not None else [])


def _same_slot(book: Book, look: Look) -> tuple[Book, list[Run]]:
    """Add another look to the last slot written: its figures count, and trouble counts for the whole slot."""
    run, replace = book.run, msgspec.structs.replace
    if run is None or (look.state is not run.state and run.state is not DiaryState.OK):
        return replace(book, last=look), []
    if look.state is run.state:
        return replace(book, last=look, run=replace(run, looks=[*run.looks, look])), []
    slot = book.written if book.written is not None else look.mono_ms // SLOT_MS
    trouble = _run(look.state, look, slot, slot, [look])
    before = [replace(run, slots=run.slots - 1)] if run.slots > 1 else []
    return replace(book, last=look, run=trouble), before


def _run(state: DiaryState, now: Look, first: int, last: int, looks: list[Look]) -> Run:
    """Return slots `first` to `last`; their wall time is counted back from the present."""
    from_mono_ms = first * SLOT_MS
    return Run(
        state=state,
        boot_id=now.boot_id,
        from_wall_ms=now.wall_ms - (now.mono_ms - from_mono_ms),
        from_mono_ms=from_mono_ms,
        slots=min(last - first + 1, limits.COUNT),
        looks=looks,
    )


def _without_boot(run: Run) -> Run:
    return msgspec.structs.replace(run, boot_id=None, from_mono_ms=None)


def _off(last: Look, now: Look) -> Run | None:
    """Return the time in which the computer was off; None if it was short, or the clock says it was none."""
    from_ms = last.wall_ms - last.mono_ms % SLOT_MS + SLOT_MS
    slots = (now.wall_ms - now.mono_ms % SLOT_MS - from_ms) // SLOT_MS
    if slots < 1:
        return None
    return Run(
        state=DiaryState.OFF, boot_id=None, from_wall_ms=from_ms, from_mono_ms=None, slots=min(slots, limits.COUNT)
    )


def _has_probes(run: Run) -> bool:
    return any(look.probes is not None for look in run.looks)


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None
