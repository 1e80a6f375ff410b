"""A table as spreadsheets really write it: encodings, delimiters, hint line, empty rows. Says nothing of columns."""

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.wire.vocabulary import ExitCode
from collector.domain import formulas
from collector.domain.said import Said
from collector.errors import CollectorError
from collector.registry import xlsx

DELIMITERS = (",", ";", "\t", "|")
MAX_BYTES = 64_000_000
MAX_ROWS = 200_000
NUL = "\0"  # what a disk that lost power leaves where a text was

_HINT = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n|$)', re.IGNORECASE)
# What `publish` puts before a text that a spreadsheet would take for a formula.
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
    raw: tuple[str, ...]  # as the file has them


@dataclass(frozen=True)
class Form:
    """How a file was written, so that one can be given back in the same way."""

    suffix: str  # csv | xlsx
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    hint: str = ""  # the first line that tells a spreadsheet the delimiter, without its end


@dataclass(frozen=True)
class CsvFile:
    """Headings and rows of a file."""

    headings: tuple[str, ...]  # lower case; "" for a column without heading and without content
    rows: tuple[Row, ...]
    skipped_empty: int
    form: Form
    head: Row  # the headings as the file has them

    @property
    def delimiter(self) -> str:
        """What stands between two cells; numbers of a workbook are never read in two ways."""
        return self.form.delimiter


def refuse(what: str, do: str = "") -> CollectorError:
    """Return the error of a file that cannot be used as a whole."""
    return CollectorError(what, means=Said("Nothing was stored."), do=do, exit_code=ExitCode.USAGE)


def too_large(place: str, size_bytes: int) -> CollectorError:
    """Return the error of a file with more bytes than are read."""
    said = Said(
        "%(file)s has %(bytes)s bytes; at most %(most)s can be read.", file=place, bytes=size_bytes, most=MAX_BYTES
    )
    return refuse(said, Said("Split it."))


def read(raw: bytes, known: Iterable[str], place: str = "the file", max_rows: int = MAX_ROWS) -> CsvFile:
    """Return the content of a CSV file or of the first visible sheet of a workbook.

    Args:
        raw: The file: UTF-8 with or without mark, Windows-1252, UTF-16 with mark, or XLSX.
        known: Headings that tell the delimiter apart: the one that finds most of them wins.
        place: What the sentences call the file.
        max_rows: A file with more is refused.

    Raises:
        CollectorError: If it is no such file, a heading stands twice or is missing, or it is too large. A row with a
            NUL byte is returned as it is: `faults` names it.
    """
    if raw.startswith(xlsx.MARK):
        form = Form("xlsx", delimiter=";")  # a text that looks like a number is as ambiguous as in such a file
        records = _workbook(raw, place, max_rows)
    else:
        form, records = _text_file(raw, known, place, max_rows)
    if not records:
        raise refuse(
            Said("%(file)s is empty.", file=place), Said("The first row has the headings, such as code and name.")
        )
    headings = _headings(records[0].cells, records[1:], place)
    rows = tuple(row for row in records[1:] if any(row.cells))
    return CsvFile(headings, rows, len(records) - 1 - len(rows), form, records[0])


def _text_file(raw: bytes, known: Iterable[str], place: str, max_rows: int) -> tuple[Form, list[Row]]:
    text, encoding = _decode(raw, place)
    hint = _HINT.match(text)
    if hint:
        text = text[hint.end() :]
    first = next((line for line in text.splitlines() if line.strip()), "")
    if NUL in first:  # UTF-16 without its mark, or no text at all
        raise _no_text(place)
    delimiter = hint[1] if hint else _delimiter(first, frozenset(known))
    form = Form("csv", encoding, delimiter, hint[0].rstrip("\r\n") if hint else "")
    return form, _capped(_records(text, delimiter, 2 if hint else 1, place), place, max_rows)


def _workbook(raw: bytes, place: str, max_rows: int) -> list[Row]:
    try:
        rows = xlsx.read(raw, max_rows + 1)  # and the headings
    except xlsx.WorkbookError as error:
        raise refuse(Said("%(file)s: %(why)s", file=place, why=error.said), Said("Save it as CSV (UTF-8).")) from error
    begun = itertools.dropwhile(lambda row: not any(cell.strip() for cell in row[1]), rows)
    return _capped((_row(line, cells) for line, cells in begun), place, max_rows)


def _capped(rows: Iterator[Row], place: str, max_rows: int) -> list[Row]:
    """Return the rows, unless they are too many."""
    records = list(itertools.islice(rows, max_rows + 2))
    if len(records) > max_rows + 1:
        raise refuse(Said("%(file)s has more than %(most)s rows.", file=place, most=max_rows), Said("Split it."))
    return records


def faults(row: Row, headings: tuple[str, ...]) -> list[tuple[str, Said]]:
    """Return (column, sentence) for what no file may have in a row, whatever its columns mean."""
    found = []
    if any(row.cells[len(headings) :]):
        said = Said("there are more cells than headings; a text with a comma needs quotes.")
        found.append((str(len(headings) + 1), said))
    for at, cell in enumerate(row.cells):
        if NUL in cell and at < len(headings):  # one beyond is refused already
            column = headings[at] or str(at + 1)
            found.append((column, Said("the cell has a NUL byte, so some of its text may be lost; write it again.")))
    return found


def _decode(raw: bytes, place: str) -> tuple[str, str]:
    if len(raw) > MAX_BYTES:
        raise too_large(place, len(raw))
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise refuse(
            Said("%(file)s is a workbook of old Excel, or one with a password.", file=place),
            Said("Save it as XLSX or CSV (UTF-8) and give that file."),
        )
    encodings = ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8-sig":
                _refuse_damaged(raw, error.start, place)
            continue
        is_marked = raw.startswith(b"\xef\xbb\xbf")
        return text, "utf-8" if encoding == "utf-8-sig" and not is_marked else encoding
    raise _no_text(place)


def _no_text(place: str) -> CollectorError:
    return refuse(Said("%(file)s is neither UTF-8 nor Windows-1252 text.", file=place), Said("Save it as CSV (UTF-8)."))


def _refuse_damaged(raw: bytes, first_wrong: int, place: str) -> None:
    """Refuse UTF-8 with some wrong bytes: read as Windows-1252 it would bring every name in as nonsense."""
    text = raw.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(char > "\x7f" for char in text) - wrong > wrong:
        line = len(re.findall(rb"\r\n|\r|\n", raw[:first_wrong])) + 1
        raise refuse(
            Said("%(file)s is UTF-8, but line %(line)s has bytes that are not.", file=place, line=line),
            Said("Mend that line, or save it again."),
        )


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
        said = Said(
            "%(file)s, line %(line)s: a quotation mark is out of place (%(reason)s).",
            file=place,
            line=line,
            reason=str(error),
        )
        raise refuse(said) from error


def _row(line: int, cells: list[str]) -> Row:
    seen = [_seen(cell) for cell in cells]
    cleaned = (at for at, cell in enumerate(cells) if seen[at] != cell or _BREAKS.search(cell))
    return Row(line, tuple(_cell(cell) for cell in seen), frozenset(cleaned), tuple(cells))


def _seen(text: str) -> str:
    """Return a text without signs that are not drawn: marks of direction, soft hyphens, joints of words."""
    if text.isascii():
        return text
    return "".join(char for char in text if char in _JOINERS or unicodedata.category(char) != "Cf")


def _cell(text: str) -> str:
    return formulas.unescape(text.strip())


def _heading(text: str) -> str:
    return "_".join(_seen(text).casefold().split())


def _headings(cells: tuple[str, ...], rows: list[Row], place: str) -> tuple[str, ...]:
    headings = tuple(_heading(cell) for cell in cells)
    for at, heading in enumerate(headings):
        if NUL in heading:
            raise _no_text(place)
        if not heading and any(row.cells[at] and NUL not in row.cells[at] for row in rows if len(row.cells) > at):
            raise refuse(
                Said("%(file)s: column %(at)s has no heading but has content.", file=place, at=at + 1),
                Said("Name it or remove it."),
            )
        if heading and heading in headings[:at]:
            said = Said(
                "%(file)s: the heading %(heading)s stands twice (columns %(first)s and %(second)s).",
                file=place,
                heading=heading,
                first=headings.index(heading) + 1,
                second=at + 1,
            )
            raise refuse(said, Said("Rename or remove one of them."))
    return headings
