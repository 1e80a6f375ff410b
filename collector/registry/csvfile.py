"""A CSV file as spreadsheets really write it: encodings, delimiters, hint line, empty rows. Says nothing of columns."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError

DELIMITERS = (",", ";", "\t")
MAX_BYTES = 64_000_000
NUL = "\0"  # what a disk that lost power leaves where a text was

_HINT = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n|$)', re.IGNORECASE)
# What `publish` puts before a text that a spreadsheet would take for a formula.
_ESCAPED = re.compile(r"'+[=+\-@]")
# Signs that change how their neighbours are drawn and are needed so: Persian, Hindi and others write with them.
_JOINERS = "\u200c\u200d"
# What divides lines or cells elsewhere: nobody means it inside of a cell, and no table can show it.
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")

# The module's own limit is meant for lines of unknown length; a whole file is capped above, a cell by its column.
csv.field_size_limit(MAX_BYTES)


@dataclass(frozen=True)
class Row:
    """One row of a file."""

    line: int  # of the file, from 1, on which it begins: where an editor finds it
    cells: tuple[str, ...]  # without blanks around them; may be fewer or more than the headings
    cleaned: frozenset[int]  # cells that held a line break, a tab or what cannot be seen; the unseen is gone


@dataclass(frozen=True)
class CsvFile:
    """Headings and rows of a file."""

    headings: tuple[str, ...]  # lower case; "" for a column without heading and without content
    rows: tuple[Row, ...]
    skipped_empty: int
    delimiter: str


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
        CollectorError: If it is no CSV file, a heading stands twice or is missing. A row with a NUL byte is returned
            as it is: `faults` names it.
    """
    text = _decode(raw, place)
    hint = _HINT.match(text)
    if hint:
        text = text[hint.end() :]
    first = next((line for line in text.splitlines() if line.strip()), "")
    if NUL in first:  # UTF-16 without its mark, or no text at all
        raise _no_text(place)
    delimiter = hint[1] if hint else _delimiter(first, frozenset(known))
    records = list(_records(text, delimiter, 2 if hint else 1, place))
    if not records:
        raise refuse(f"{place} is empty.", "The first row has the headings, such as code and name.")
    headings = _headings(records[0].cells, records[1:], place)
    rows = tuple(row for row in records[1:] if any(row.cells))
    return CsvFile(headings, rows, len(records) - 1 - len(rows), delimiter)


def faults(row: Row, headings: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (column, sentence) for what no file may have in a row, whatever its columns mean."""
    found = []
    if any(row.cells[len(headings) :]):
        found.append((str(len(headings) + 1), "there are more cells than headings; a text with a comma needs quotes."))
    for at, cell in enumerate(row.cells):
        if NUL in cell and at < len(headings):  # one beyond is refused already
            column = headings[at] or str(at + 1)
            found.append((column, "the cell has a NUL byte, so some of its text may be lost; write it again."))
    return found


def _decode(raw: bytes, place: str) -> str:
    if len(raw) > MAX_BYTES:
        raise refuse(f"{place} has {len(raw)} bytes; at most {MAX_BYTES} can be read.", "Split it.")
    if raw.startswith(b"PK\x03\x04") or raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise refuse(f"{place} is a spreadsheet workbook, not CSV.", "Save it as CSV (UTF-8) and give that file.")
    encodings = ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8-sig":
                _refuse_damaged(raw, error.start, place)
            continue
        return text
    raise _no_text(place)


def _no_text(place: str) -> CollectorError:
    return refuse(f"{place} is neither UTF-8 nor Windows-1252 text.", "Save it as CSV (UTF-8).")


def _refuse_damaged(raw: bytes, first_wrong: int, place: str) -> None:
    """Refuse UTF-8 with some wrong bytes: read as Windows-1252 it would bring every name in as nonsense."""
    text = raw.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(char > "\x7f" for char in text) - wrong > wrong:
        line = len(re.findall(rb"\r\n|\r|\n", raw[:first_wrong])) + 1
        raise refuse(f"{place} is UTF-8, but line {line} has bytes that are not.", "Mend that line, or save it again.")


def _delimiter(first: str, known: frozenset[str]) -> str:
    def found(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=delimiter), [])
        return sum(_heading(cell) in known for cell in cells), len(cells)

    return max(DELIMITERS, key=found)


def _records(text: str, delimiter: str, first_line: int, place: str) -> Iterator[Row]:
    """Yield what is no leading empty row; a quoted text may go over many lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    is_begun = False
    line = first_line
    try:
        for cells in reader:
            is_begun = is_begun or any(cell.strip() for cell in cells)
            if is_begun:
                yield _row(line, cells)
            line = first_line + reader.line_num
    except csv.Error as error:
        raise refuse(f"{place}, line {line}: a quotation mark is out of place ({error}).") from error


def _row(line: int, cells: list[str]) -> Row:
    seen = [_seen(cell) for cell in cells]
    cleaned = (at for at, cell in enumerate(cells) if seen[at] != cell or _BREAKS.search(cell))
    return Row(line, tuple(_cell(cell) for cell in seen), frozenset(cleaned))


def _seen(text: str) -> str:
    """Return a text without signs that are not drawn: marks of direction, soft hyphens, joints of words."""
    if text.isascii():
        return text
    return "".join(char for char in text if char in _JOINERS or unicodedata.category(char) != "Cf")


def _cell(text: str) -> str:
    text = text.strip()
    return text[1:] if _ESCAPED.match(text) else text


def _heading(text: str) -> str:
    return "_".join(_seen(text).casefold().split())


def _headings(cells: tuple[str, ...], rows: list[Row], place: str) -> tuple[str, ...]:
    headings = tuple(_heading(cell) for cell in cells)
    for at, heading in enumerate(headings):
        if NUL in heading:
            raise _no_text(place)
        if not heading and any(row.cells[at] and NUL not in row.cells[at] for row in rows if len(row.cells) > at):
            raise refuse(f"{place}: column {at + 1} has no heading but has content.", "Name it or remove it.")
        if heading and (again := headings[:at].count(heading)):
            columns = [str(column + 1) for column, other in enumerate(headings[: at + 1]) if other == heading]
            raise refuse(
                f"{place}: the heading {heading} stands {'twice' if again == 1 else 'more than once'} "
                f"(columns {' and '.join(columns)}).",
                "Rename or remove one of them.",
            )
    return headings
