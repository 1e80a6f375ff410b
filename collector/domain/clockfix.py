"""When something really happened, whatever the computer's clock says (CONTRACTS 2, "Time")."""

from dataclasses import dataclass

from collector.domain.words import TimeQuality


@dataclass(frozen=True)
class Clocks:
    """What a record and the request that brought it say about time; all in milliseconds, UTC where not monotonic."""

    started_raw_ms: int  # by the computer's own clock
    started_mono_ms: int | None
    boot_id: str | None  # of the record; None where the computer was off
    sent_mono_ms: int
    sent_boot_id: str  # of the request
    received_ms: int  # by ours
    boot_offset_ms: int | None = None  # of the record's boot: add it to the raw clock to get ours; None: not known
    earliest_ms: int | None = None  # last acknowledgement before the request, or the enrolment; None: not known


@dataclass(frozen=True)
class Corrected:
    """A corrected time and how far to trust it."""

    ms: int
    quality: TimeQuality
    width_ms: int  # of the range that the time lies in; 0 unless bounded


def corrected_time(clocks: Clocks) -> Corrected:
    """Return when a record started, by our clock.

    The same boot as the request: counted back on the monotonic clock, exact. Another boot whose offset is known: the
    raw clock moved by it, adjusted. Else the raw clock kept within the last acknowledgement and the receipt, bounded.
    Nothing starts after it was received: a correction that says so is not believed.
    """
    exact = _counted_back(clocks)
    if exact is not None:
        return Corrected(exact, TimeQuality.EXACT, 0)
    if clocks.boot_id is not None and clocks.boot_offset_ms is not None:
        adjusted = clocks.started_raw_ms + clocks.boot_offset_ms
        if adjusted <= clocks.received_ms:
            return Corrected(adjusted, TimeQuality.ADJUSTED, 0)
    return _bounded(clocks)


def _counted_back(clocks: Clocks) -> int | None:
    if clocks.boot_id != clocks.sent_boot_id or clocks.started_mono_ms is None:
        return None
    passed_ms = clocks.sent_mono_ms - clocks.started_mono_ms
    return clocks.received_ms - passed_ms if passed_ms >= 0 else None


def _bounded(clocks: Clocks) -> Corrected:
    earliest_ms = 0 if clocks.earliest_ms is None else min(clocks.earliest_ms, clocks.received_ms)
    within = min(max(clocks.started_raw_ms, earliest_ms), clocks.received_ms)
    return Corrected(within, TimeQuality.BOUNDED, clocks.received_ms - earliest_ms)
