"""What a file would do to the registry, row by row: the same for the page, for the command and for what is written."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from collector.domain.said import Said
from collector.registry.csvfile import CsvFile

Value = str | int | float | None

SCHOOLS, CALENDAR = "schools", "calendar"
EXTRA = "extra."  # before the name of a column that we do not know
WHOLE = ""  # the field of a change that makes or removes a whole row
PROBLEM = "enlace_problem"  # the heading under which an annotated file says what is wrong


@dataclass(frozen=True)
class RowError:
    """A row that was not stored, or of which somebody should look at a cell."""

    line: int  # of the file, on which the row begins
    column: str
    sentence: Said

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}: {self.sentence}"


@dataclass(frozen=True)
class Change:
    """One field that changes."""

    field: str
    before: Value
    after: Value


@dataclass(frozen=True)
class Line:
    """One row of the file that makes a difference."""

    line: int
    subject: str  # a school's code, or a calendar and its day
    name: str
    is_new: bool
    changes: tuple[Change, ...]


@dataclass
class Plan:
    """What a file would do; nothing is stored yet."""

    kind: str  # SCHOOLS | CALENDAR
    table: CsvFile
    lines: list[Line] = field(default_factory=list)
    unchanged: int = 0
    absent: int = 0  # in the registry and not in the file: they stay
    errors: list[RowError] = field(default_factory=list)
    warnings: list[RowError] = field(default_factory=list)  # of rows that are taken
    unknown_columns: tuple[str, ...] = ()  # kept beside the others
    theirs: Mapping[str, str] = field(default_factory=dict)  # our heading -> what the file calls it

    @property
    def added(self) -> int:
        """How many rows are new."""
        return sum(line.is_new for line in self.lines)

    @property
    def changed(self) -> int:
        """How many rows change something."""
        return len(self.lines) - self.added

    @property
    def refused_rows(self) -> int:
        """How many rows are not taken."""
        return len({error.line for error in self.errors})

    @property
    def cleaned(self) -> tuple[tuple[int, str], ...]:
        """Line and column of cells that held what no table can show."""
        headings = self.table.headings
        return tuple(
            (row.line, self.called(headings[at]))
            for row in self.table.rows
            for at in sorted(row.cleaned)
            if at < len(headings) and headings[at]
        )

    def called(self, column: str) -> str:
        """Return what the file calls a column of ours."""
        return self.theirs.get(column, column)

    def refuse(self, line: int, wrong: list[tuple[str, Said]]) -> None:
        """Leave a row out, with what is wrong in it."""
        self.errors += [RowError(line, self.called(column), sentence) for column, sentence in wrong]

    def digest(self) -> str:
        """Return a hash of everything that would be written: two plans with the same one do the same."""
        content = [
            [self.kind, self.refused_rows],
            *(
                [line.subject, line.is_new, *((c.field, c.before, c.after) for c in line.changes)]
                for line in self.lines
            ),
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True, allow_nan=False).encode()).hexdigest()


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or would do."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: tuple[RowError, ...] = ()
    skipped_empty: int = 0
    unknown_columns: tuple[str, ...] = ()  # kept beside the others
    dry_run: bool = False
    what: str = "school"  # one of them
    cleaned: tuple[tuple[int, str], ...] = ()  # (line, column) of cells that held what no table can show
    warnings: tuple[RowError, ...] = ()
    import_id: str = ""  # in the history

    @property
    def refused_rows(self) -> int:
        """How many rows were not stored."""
        return len({error.line for error in self.errors})

    def lines(self) -> list[str]:
        """Return the report as sentences, the refused rows first."""
        lines = [str(error) for error in self.errors]
        lines += [f"To look at: {warning}" for warning in self.warnings]
        are = "is" if self.unchanged == 1 else "are"
        lines.append(
            f"{counted(self.added, self.what)} {self._were(self.added)} added, {self.changed} changed, "
            f"{self.unchanged} {are} as in the file."
        )
        if refused := self.refused_rows:
            lines.append(f"{counted(refused, 'row')} {self._were(refused)} refused, the others {self._were(2)} taken.")
        if self.cleaned:
            line, column = self.cleaned[0]
            first = "" if len(self.cleaned) == 1 else "the first "
            lines.append(
                f"Line breaks, tabs or characters that cannot be seen {self._were(2)} taken out of "
                f"{counted(len(self.cleaned), 'cell')}: {first}in line {line}, column {column}."
            )
        if self.skipped_empty:
            lines.append(f"Empty rows passed over: {self.skipped_empty}.")
        if self.unknown_columns:
            lines.append(f"Kept, but not used: {', '.join(self.unknown_columns)}.")
        return lines

    def _were(self, count: int) -> str:
        if self.dry_run:
            return "would be"
        return "was" if count == 1 else "were"


def counted(count: int, one: str) -> str:
    """Return a number with its noun, which is given in the singular."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def report_of(plan: Plan, *, dry_run: bool, import_id: str = "") -> ImportReport:
    """Return what a plan did, or would do."""
    return ImportReport(
        added=plan.added,
        changed=plan.changed,
        unchanged=plan.unchanged,
        errors=tuple(plan.errors),
        skipped_empty=plan.table.skipped_empty,
        unknown_columns=plan.unknown_columns,
        dry_run=dry_run,
        what="school" if plan.kind == SCHOOLS else "day",
        cleaned=plan.cleaned,
        warnings=tuple(plan.warnings),
        import_id=import_id,
    )
