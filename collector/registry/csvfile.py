"""A CSV file as spreadsheets really write it: encodings, delimiters, hint line, empty rows. Says nothing of columns."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError

DELIMITERS = (",", ";", "\t")
MAX_BYTES = 64_000_000

_HINT = re.compile(r'"?sep=(.)"?\r?(\n|$)', re.IGNORECASE)
# What `publish` puts before a text that a spreadsheet would take for a formula.
_ESCAPED = re.compile(r"'+[=+\-@]")


@dataclass(frozen=True)
class Row:
    """One row of a file."""

    number: int  # as a spreadsheet counts, headings and hint line included
    cells: tuple[str, ...]  # without blanks around them; may be fewer or more than the headings


@dataclass(frozen=True)
class CsvFile:
    """Headings and rows of a file."""

    headings: tuple[str, ...]  # lower case; "" for a column without heading and without content
    rows: tuple[Row, ...]
    skipped_empty: int
    delimiter: str
    encoding: str


def refuse(what: str, do: str = "") -> CollectorError:
    """Return the error of a file that cannot be used as a whole."""
    return CollectorError(what, means="Nothing was stored.", do=do, exit_code=ExitCode.USAGE)


def read(raw: bytes, known: Iterable[str], place: str = "the file") -> CsvFile:
    """Return the content of a CSV file.

    Args:
        raw: The file: UTF-8 with or without mark, Windows-1252, or UTF-16 with mark.
        known: Headings that tell the delimiter apart: the one that finds most of them wins.
        place: What the sentences call the file.

    Raises:
        CollectorError: If it is no CSV file, a heading stands twice or is missing.
    """
    text, encoding = _decode(raw, place)
    hint = _HINT.match(text)
    first_number = 1
    if hint:
        text, first_number = text[hint.end() :], 2
    delimiter = hint[1] if hint else _delimiter(text, frozenset(known))
    records = _records(text, delimiter, first_number, place)
    if not records:
        raise refuse(f"{place} is empty.", "The first row has the headings, such as code and name.")
    headings = _headings(records[0].cells, records[1:], place)
    rows = tuple(row for row in records[1:] if any(row.cells))
    return CsvFile(headings, rows, len(records) - 1 - len(rows), delimiter, encoding)


def _decode(raw: bytes, place: str) -> tuple[str, str]:
    if len(raw) > MAX_BYTES:
        raise refuse(f"{place} has {len(raw)} bytes; at most {MAX_BYTES} can be read.", "Split it.")
    if raw.startswith(b"PK\x03\x04") or raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise refuse(f"{place} is a spreadsheet workbook, not CSV.", "Save it as CSV (UTF-8) and give that file.")
    encodings = ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, encoding
    raise refuse(f"{place} is neither UTF-8 nor Windows-1252 text.", "Save it as CSV (UTF-8).")


def _delimiter(text: str, known: frozenset[str]) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")

    def found(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=delimiter), [])
        return sum(_heading(cell) in known for cell in cells), len(cells)

    return max(DELIMITERS, key=found)


def _records(text: str, delimiter: str, first_number: int, place: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[Row] = []
    try:
        for number, cells in enumerate(reader, first_number):
            if records or any(cell.strip() for cell in cells):
                records.append(Row(number, tuple(_cell(cell) for cell in cells)))
    except csv.Error as error:
        number = records[-1].number + 1 if records else first_number
        raise refuse(f"{place}, row {number}: a quotation mark is out of place ({error}).") from error
    return records


def _cell(text: str) -> str:
    text = text.strip().strip("\ufeff")
    return text[1:] if _ESCAPED.match(text) else text


def _heading(text: str) -> str:
    return "_".join(text.strip().strip("\ufeff").casefold().split())


def _headings(cells: tuple[str, ...], rows: list[Row], place: str) -> tuple[str, ...]:
    headings = tuple(_heading(cell) for cell in cells)
    for at, heading in enumerate(headings):
        if not heading and any(len(row.cells) > at and row.cells[at] for row in rows):
            raise refuse(f"{place}: column {at + 1} has no heading but has content.", "Name it or remove it.")
        if heading and (again := headings[:at].count(heading)):
            columns = [str(column + 1) for column, other in enumerate(headings[: at + 1]) if other == heading]
            raise refuse(
                f"{place}: the heading {heading} stands {'twice' if again == 1 else 'more than once'} "
                f"(columns {' and '.join(columns)}).",
                "Rename or remove one of them.",
            )
    return headings
