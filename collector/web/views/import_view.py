"""One import as its page shows it: what is wrong, what is new, what changes; or what was done and what undoing does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from collector.registry import annotate, undo
from collector.registry.plan import Line, Plan, RowError
from collector.registry.undo import Undo
from collector.store.queries import imports as stored
from collector.store.queries.imports import APPLIED, Import, StoredChange
from collector.store.unit import Snapshot
from collector.web.words.registry_words import tell

SHOWN, MOST = 50, 2000


@dataclass(frozen=True)
class Fault:
    """One cell that is wrong, with a place to write it anew."""

    line: int
    column: str
    at: int | None  # of the file; None where the fault is about no cell
    cell: str
    sentence: Markup


class ImportView:
    """What a file would do."""

    def __init__(self, plan: Plan, most: int | None, typed: dict[str, str]) -> None:
        self._plan, self._most = plan, most or MOST
        self._rows = {row.line: row for row in plan.table.rows}
        self.typed = typed
        self.seen = plan.digest()

    @property
    def faults(self) -> list[Fault]:
        """Refused cells, the first ones; a cell with two faults stands once for each."""
        return [self._fault(error) for error in self._plan.errors[: self._most]]

    @property
    def warnings(self) -> list[Fault]:
        """Cells that are taken and should be looked at."""
        return [self._fault(error) for error in self._plan.warnings[: self._most]]

    def _fault(self, error: RowError) -> Fault:
        at = annotate.column_of(self._plan.table, self._plan, error)
        row = self._rows[error.line]
        cell = row.raw[at] if at is not None and at < len(row.raw) else ""
        return Fault(error.line, error.column, at, cell, tell(error.sentence))

    @property
    def new(self) -> list[Line]:
        """Rows that are new, the first ones."""
        return [line for line in self._plan.lines if line.is_new][: self._most]

    @property
    def changed(self) -> list[Line]:
        """Rows that change, the first ones."""
        return [line for line in self._plan.lines if not line.is_new][: self._most]

    @property
    def is_cut(self) -> bool:
        """Whether more rows are there than are shown."""
        plan = self._plan
        return max(len(plan.errors), plan.added, plan.changed) > self._most


def first_of_each(faults: Iterable[Fault]) -> list[tuple[Fault, bool]]:
    """Return faults, each with whether it is the first of its cell: only that one has a place to write."""
    seen: set[tuple[int, int | None]] = set()
    found = []
    for fault in faults:
        key = (fault.line, fault.at)
        found.append((fault, fault.at is not None and key not in seen))
        seen.add(key)
    return found


@dataclass(frozen=True)
class UndoView:
    """What an import did, and what taking it back would do."""

    changes: Sequence[StoredChange]
    found: int
    has_file: bool
    undo: Undo | None  # None where it does not hold any more
    seen: str
    undone_by: Import | None

    @classmethod
    def of(cls, snapshot: Snapshot, one: Import, most: int | None) -> "UndoView":
        """Return the view of an import that was applied."""
        planned = undo.plan_undo(snapshot, one) if one.state == APPLIED else None
        return cls(
            changes=stored.list_changes(snapshot, one.import_id, most or MOST),
            found=stored.count_changes(snapshot, one.import_id),
            has_file=stored.find_file(snapshot, one.import_id) is not None,
            undo=planned,
            seen=planned.digest() if planned else "",
            undone_by=stored.find_undo(snapshot, one.import_id),
        )
