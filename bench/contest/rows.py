"""What one run of one tool showed in one direction, and the file of such rows from which every table is made."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.netlab.links import Direction


@dataclass(frozen=True)
class Row:
    """One direction of one run; sizes are the emulator's, at layer 3.

    Attributes:
        profile: Name of the line.
        seed: Of its losses, jitter and phase; the same for all tools.
        tool: Name of the tool.
        direction: Which direction.
        bps: What the tool said; None if it said nothing.
        truth_bps: What TCP could carry while the tool kept the line busy.
        bytes: What its transfer in this direction sent over the line.
        line_bytes: What the whole run sent, both directions, acknowledgements and probes included.
        seconds: How long the run took from start to exit; a run has one or both directions.
        cpu_s: Processor time of the client.
        peak_mb: Its largest resident memory.
        load: Load average of the machine when it ended.
        machine_busy: Share of the machine's processor time that was not idle, of all that ran on it.
        queue_ms: Mean wait in the line's queue.
        note: Why there is no figure.
        idle_error_ms: Idle round trip less the line's own.
        idle_ms: The line's own.
        cap_bytes: The cap of this direction, 0 = none.
        cpu_share: Of a core, while this direction ran.
        figure: The direction's part of our record, without the bins.
        tags: Of our record.
    """

    profile: str
    seed: int
    tool: str
    direction: Direction
    bps: float | None
    truth_bps: float | None
    bytes: int
    line_bytes: int
    seconds: float
    cpu_s: float
    peak_mb: float
    load: float
    machine_busy: float | None = None
    queue_ms: float | None = None
    note: str = ""
    idle_error_ms: float | None = None
    idle_ms: float | None = None
    cap_bytes: int = 0
    cpu_share: float | None = None
    figure: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def error(self) -> float | None:
        """Relative and signed; None without a figure."""
        return self.bps / self.truth_bps - 1 if self.bps is not None and self.truth_bps else None

    @property
    def is_lower_bound(self) -> bool:
        """Whether the record says that the line is at least this fast."""
        return bool(self.figure.get("lower_bound"))

    @property
    def run(self) -> tuple[str, int, str]:
        """Which run it belongs to."""
        return self.profile, self.seed, self.tool


class Book:
    """Rows in a file of JSON lines, so that a long run can be stopped and gone on with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []
        self.heads: list[dict[str, Any]] = []
        for text in path.read_text().splitlines() if path.exists() else []:
            told = json.loads(text)
            if "head" in told:
                self.heads.append(told["head"])
            else:
                self.rows.append(_row(told))

    def begin(self, head: dict[str, Any]) -> None:
        """Say on what machine, and when, the rows from here on were made."""
        self.heads.append(head)
        self._append([{"head": head}])

    def add(self, rows: Iterable[Row]) -> None:
        """Keep the rows of a run."""
        new = list(rows)
        self.rows += new
        self._append([asdict(row) for row in new])

    def has(self, run: tuple[str, int, str]) -> bool:
        """Return whether a run is in it already."""
        return any(row.run == run for row in self.rows)

    def _append(self, lines: list[dict[str, Any]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as out:
            out.writelines(json.dumps(line) + "\n" for line in lines)


def joined(paths: Sequence[Path]) -> Book:
    """Return one book of several, each run once: the first that has it."""
    whole = Book(paths[0])
    for path in paths[1:]:
        more = Book(path)
        known = {row.run for row in whole.rows}
        whole.heads += more.heads
        whole.rows += [row for row in more.rows if row.run not in known]
    return whole


def _row(told: dict[str, Any]) -> Row:
    known = {one.name for one in fields(Row)}
    return Row(**{**{name: value for name, value in told.items() if name in known}, "tags": tuple(told["tags"])})
