"""The file back in the form in which it came: with a column that says what is wrong, or with cells put right."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from collector.domain import formulas
from collector.domain.said import Said
from collector.registry import xlsx_write
from collector.registry.csvfile import CsvFile, Form
from collector.registry.plan import PROBLEM, Plan, RowError

Tell = Callable[[Said], str]

MEDIA = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def annotated(plan: Plan, tell: Tell) -> bytes:
    """Return the file with one more column, which says what is wrong in each row that is refused or to be looked at.

    Args:
        plan: What the file would do.
        tell: Says a sentence in the reader's language.
    """
    said: dict[int, list[str]] = {}
    for one in (*plan.errors, *plan.warnings):
        said.setdefault(one.line, []).append(f"{one.column}: {tell(one.sentence)}")
    table = plan.table
    width = max(len(table.headings), *(len(row.raw) for row in table.rows), 1)
    old = table.headings.index(PROBLEM) if PROBLEM in table.headings else None

    def line(cells: Sequence[str], problem: str) -> list[str]:
        kept = [*cells, *[""] * (width - len(cells))]
        if old is not None:
            del kept[old]
        return [*kept, problem]

    rows = [line(table.head.raw, PROBLEM)]
    rows += [line(row.raw, " ".join(said.get(row.line, ()))) for row in table.rows]
    form = table.form
    if form.encoding == "utf-8" and not all(line[-1].isascii() for line in rows):
        form = replace(form, encoding="utf-8-sig")  # without its mark spreadsheets read it as Windows-1252
    return written(rows, form)


def mended(table: CsvFile, cells: Mapping[tuple[int, int], str]) -> bytes:
    """Return the file with some cells written anew.

    Args:
        table: The file.
        cells: What stands in them now, by line of the file and column from 0.
    """
    rows: list[Sequence[str]] = [table.head.raw]
    for row in table.rows:
        new = list(row.raw)
        for (line, at), text in cells.items():
            if line == row.line and at < len(table.headings):
                new.extend([""] * (at + 1 - len(new)))
                new[at] = text
        rows.append(new)
    return written(rows, table.form)


def written(rows: Iterable[Sequence[str]], form: Form) -> bytes:
    """Return rows in the form of a file: same kind, encoding and delimiter."""
    if form.suffix == "xlsx":
        return xlsx_write.write(rows)
    text = io.StringIO()
    if form.hint:
        text.write(form.hint + "\r\n")
    writer = csv.writer(text, delimiter=form.delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow([formulas.escape(cell, keeps_numbers=True) for cell in row])
    # What the file's own encoding cannot hold came with the sentences; a question mark there is better than no file.
    return text.getvalue().encode(form.encoding, "replace")


def column_of(table: CsvFile, plan: Plan, error: RowError) -> int | None:
    """Return which column of the file, from 0, an error is about; None where it is about none."""
    for at, heading in enumerate(table.headings):
        if heading and plan.called(heading) == error.column:
            return at
    return None
