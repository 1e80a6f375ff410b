"""What rows come to: errors, bytes, time and processor of each tool, over all lines or the steady ones. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from bench.contest.rows import Row
from tests.netlab import profiles
from tests.netlab.links import Direction

IDLE_MS, IDLE_SHARE = 2.0, 0.05


@dataclass(frozen=True)
class Test:
    """One run in both directions, whether the tool made them in one process or in two."""

    profile: str
    seed: int
    tool: str
    line_bytes: int
    seconds: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class Errors:
    """Of one direction, over runs; relative."""

    median: float | None
    p90: float | None
    highest: float | None  # signed: the most that was said too much
    lowest: float | None
    runs: int
    failed: int


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest rank: a value that occurred."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def errors(rows: Iterable[Row], direction: Direction) -> Errors:
    """Return the errors of the rows of one direction; a run without a figure is counted apart."""
    mine = [row for row in rows if row.direction == direction]
    signed = [row.error for row in mine if row.error is not None]
    sizes = [abs(each) for each in signed]
    return Errors(
        median=median(sizes) if sizes else None,
        p90=percentile(sizes, 0.9),
        highest=max(signed, default=None),
        lowest=min(signed, default=None),
        runs=len(mine),
        failed=len(mine) - len(signed),
    )


def tests(rows: Iterable[Row]) -> list[Test]:
    """Return the runs, both directions together; those in which nothing was carried are no tests."""
    found = []
    for _, group in groupby(sorted(rows, key=lambda row: row.run), key=lambda row: row.run):
        mine = [row for row in group if row.line_bytes]
        if not mine:
            continue
        one_process = len({(row.seconds, row.line_bytes) for row in mine}) == 1
        parts = mine[:1] if one_process else mine
        found.append(
            Test(
                *mine[0].run,
                line_bytes=sum(row.line_bytes for row in parts),
                seconds=sum(row.seconds for row in parts),
                cpu_s=sum(row.cpu_s for row in parts),
                peak_mb=max(row.peak_mb for row in parts),
            )
        )
    return found


def middle(rows: Iterable[Row], value: Callable[[Test], float]) -> float | None:
    """Return the median over the lines of each line's median."""
    by_line = _medians((test.profile, value(test)) for test in tests(rows))
    return median(by_line.values()) if by_line else None


def bytes_of_tests(rows: Iterable[Row]) -> dict[str, float]:
    """Return, for each line, the median of what a whole test sends."""
    return _medians((test.profile, test.line_bytes) for test in tests(rows))


def bytes_of(rows: Iterable[Row], direction: Direction) -> dict[str, float]:
    """Return, for each line, the median of what the transfer in one direction sends."""
    return _medians((row.profile, row.bytes) for row in rows if row.direction == direction and row.bytes)


def _medians(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: median(each) for name, each in found.items()}


def ratio(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float | None:
    """Return the median over the lines of what ours spends for each byte of theirs."""
    shares = [ours[name] / theirs[name] for name in ours if name in theirs]
    return median(shares) if shares else None


def covered(ours: Iterable[Row], ten_s: Iterable[Row]) -> tuple[int, int]:
    """Return in how many runs the stated half width reaches what ten seconds of the same line say, and of how many."""
    long_bps = {(row.profile, row.seed, row.direction): row.bps for row in ten_s}
    hits = count = 0
    for row in ours:
        width, whole_bps = row.figure.get("half_width_pct"), long_bps.get((row.profile, row.seed, row.direction))
        if width is None or row.bps is None or whole_bps is None:
            continue
        count += 1
        hits += abs(row.bps - whole_bps) <= row.bps * width / 100
    return hits, count


def is_idle_right(row: Row) -> bool:
    """Return whether the idle round trip is within the bar."""
    error_ms, own_ms = row.idle_error_ms or 0.0, row.idle_ms or 0.0
    return abs(error_ms) <= max(IDLE_MS, IDLE_SHARE * own_ms)


def over_cap(row: Row) -> float:
    """Return by how many bytes a run went past its cap and what one round trip of the line holds, queue included."""
    link = profiles.ALL[row.profile].link(row.direction)
    round_s = (profiles.ALL[row.profile].idle_rtt_ms + link.queue_ms) / 1000
    return row.bytes - row.cap_bytes - link.mbps * 1e6 / 8 * round_s
