"""The cells of a workbook (XLSX) as text, read with the standard library and within bounds that no file can exceed.

What a cell shows is kept where it matters: a code with a format of zeros (`0000000`) keeps them, a date is written as
2026-12-24. Formulas count as the value that the spreadsheet stored beside them. Macros, links and pictures are never
looked at.
"""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from posixpath import join, normpath
from typing import IO
from xml.etree import ElementTree as Xml

from collector.domain.said import SaidError

MARK = b"PK\x03\x04"
MAX_PARTS = 5_000
MAX_INFLATED_BYTES = 64_000_000  # of all parts that are read, together
MAX_COLUMNS = 500
MAX_CELLS = 4_000_000
MAX_TEXT = 32_767  # characters of one cell: the programs that write workbooks allow no more
_MAX_ZEROS = 30  # that a format can ask for before it is no code any more
_MAX_HELD = 50_000  # elements of one row, or of one text, at the same time
_MAX_DEPTH = 64
_PIECE_BYTES = 65_536

_RELATION = re.compile(r"\{.*officeDocument.*\}id")
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})", re.ASCII)
_DATES = frozenset({14, 15, 16, 17, 22, *range(27, 32), *range(34, 37), *range(50, 59)})  # formats without a text
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class WorkbookError(SaidError):
    """A workbook that cannot be read."""


class _Budget:
    """How much may still be inflated; what a part says of its own size is not believed."""

    def __init__(self) -> None:
        self.left_bytes = MAX_INFLATED_BYTES

    def spend(self, count: int) -> None:
        self.left_bytes -= count
        if self.left_bytes < 0:
            raise _too_large()


def _too_large() -> WorkbookError:
    most = MAX_INFLATED_BYTES // 1_000_000
    return WorkbookError("the workbook holds more than %(most)s MB when it is unpacked.", most=most)


class _Part:
    """A part of the workbook as a file that ends where the budget does."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream, self._budget = stream, budget
        self._tail = b""

    def read(self, count: int = _PIECE_BYTES) -> bytes:
        piece = self._stream.read(min(count, _PIECE_BYTES) if count > 0 else _PIECE_BYTES)
        self._budget.spend(len(piece))
        seen = self._tail + piece
        if b"<!DOCTYPE" in (seen.replace(b"\0", b"") if b"\0" in seen else seen):  # entities grow
            raise WorkbookError("the workbook has a part that no spreadsheet writes.")
        self._tail = seen[-20:]
        return piece


def read(raw: bytes, max_rows: int) -> list[tuple[int, list[str]]]:
    """Return (row number, cells) of the first visible sheet; at most one row more than asked for.

    Args:
        raw: The workbook.
        max_rows: After so many rows and one the rest is left.

    Raises:
        WorkbookError: If it is damaged, has a password, or is larger than any registry.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return _Workbook(archive).rows(max_rows)
    except (zipfile.BadZipFile, zlib.error, Xml.ParseError, EOFError, NotImplementedError, RuntimeError) as error:
        raise WorkbookError("the workbook is damaged or has a password.") from error
    except (KeyError, ValueError, IndexError, OverflowError, UnicodeError, LookupError) as error:
        if isinstance(error, WorkbookError):
            raise
        raise WorkbookError("the workbook is damaged or no workbook of a spreadsheet.") from error


class _Workbook:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        names = archive.namelist()
        if len(names) > MAX_PARTS:
            raise WorkbookError("the workbook has too many parts.")
        self._archive, self._budget = archive, _Budget()
        self._names = {name.lower(): name for name in names}
        self._is_1904 = False

    def rows(self, max_rows: int) -> list[tuple[int, list[str]]]:
        sheet = self._first_sheet()
        shared = list(islice(self._shared(), MAX_CELLS)) if self._has("xl/sharedStrings.xml") else []
        formats = self._formats() if self._has("xl/styles.xml") else []
        found: list[tuple[int, list[str]]] = []
        count = signs = 0
        for number, cells in self._sheet_rows(sheet, shared, formats):
            found.append((number, cells))
            count += len(cells)
            signs += sum(map(len, cells))  # one text may stand in many cells
            if signs > MAX_INFLATED_BYTES:
                raise _too_large()
            if count > MAX_CELLS:
                raise WorkbookError("the workbook has too many cells.")
            if len(found) > max_rows:
                break
        return found

    def _has(self, name: str) -> bool:
        return name.lower() in self._names

    def _events(self, name: str, unit_depth: int = 3) -> Iterator[tuple[str, Xml.Element, str]]:
        """Yield starts and ends, names without their namespace; what lies at `unit_depth` is forgotten after its end.

        So a workbook of any size needs the memory of its longest row.
        """
        path: list[Xml.Element] = []
        held = 0
        with self._archive.open(self._names[name.lower()]) as stream:
            for event, element in Xml.iterparse(_Part(stream, self._budget), events=("start", "end")):  # noqa: S314 -- no DOCTYPE passes
                if event == "start":
                    path.append(element)
                    held += 1
                    if held > _MAX_HELD or len(path) > _MAX_DEPTH:
                        raise WorkbookError("the workbook has a part that no spreadsheet writes.")
                yield event, element, element.tag.rpartition("}")[2]
                if event == "end":
                    path.pop()
                    if len(path) == unit_depth - 1:
                        path[-1].clear()
                        held = len(path)

    def _first_sheet(self) -> str:
        targets: dict[str, str] = {}
        for event, element, tag in self._events("xl/_rels/workbook.xml.rels", unit_depth=2):
            if tag == "Relationship" and event == "end":
                targets[element.get("Id", "")] = element.get("Target", "")
        sheets: list[tuple[str, str]] = []
        for event, element, tag in self._events("xl/workbook.xml"):
            if event == "start":
                continue
            if tag == "workbookPr":
                self._is_1904 = element.get("date1904", "0") in ("1", "true")
            if tag == "sheet":
                identity = next((value for key, value in element.items() if _RELATION.fullmatch(key)), "")
                sheets.append((element.get("state", "visible"), identity))
        visible = [identity for state, identity in sheets if state == "visible"]
        if not visible:
            raise WorkbookError("the workbook has no sheet that can be seen.")
        target = targets[visible[0]]
        return normpath(target.lstrip("/") if target.startswith("/") else join("xl", target))

    def _shared(self) -> Iterator[str]:
        for event, element, tag in self._events("xl/sharedStrings.xml", unit_depth=2):
            if tag == "si" and event == "end":
                yield _text_of(element)

    def _formats(self) -> list[str]:
        """Return the number format of each cell style: a text, or the built-in number."""
        own: dict[str, str] = {}
        styles: list[str] = []
        is_cells = False
        for event, element, tag in self._events("xl/styles.xml"):
            if tag == "cellXfs":
                is_cells = event == "start"
            elif event == "end":
                continue
            elif tag == "numFmt":
                own[element.get("numFmtId", "")] = element.get("formatCode", "")
            elif tag == "xf" and is_cells:
                number = element.get("numFmtId", "0")
                styles.append(own.get(number, number))
        return styles

    def _sheet_rows(self, name: str, shared: list[str], formats: list[str]) -> Iterator[tuple[int, list[str]]]:
        number = 0
        for event, element, tag in self._events(name):
            if event == "start" or tag != "row":
                continue
            said = element.get("r", "")
            number = int(said) if said.isascii() and said.isdigit() and len(said) <= 7 else number + 1
            yield number, self._cells(element, shared, formats)

    def _cells(self, row: Xml.Element, shared: list[str], formats: list[str]) -> list[str]:
        cells: list[str] = []
        for cell in row:
            match = _REFERENCE.fullmatch(cell.get("r", ""))
            at = _column(match[1]) if match else len(cells)
            if at >= MAX_COLUMNS:
                if _text_of(cell):
                    raise WorkbookError("the workbook has more than %(most)s columns.", most=MAX_COLUMNS)
                continue
            cells.extend([""] * (at + 1 - len(cells)))
            cells[at] = self._cell(cell, shared, formats)
        return cells

    def _cell(self, cell: Xml.Element, shared: list[str], formats: list[str]) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text_of(cell)
        value = next((child.text or "" for child in cell if child.tag.rpartition("}")[2] == "v"), "")
        if kind == "s":
            return shared[int(value)] if value else ""
        if kind == "b":
            return {"1": "yes", "0": "no"}.get(value, value)
        if kind in ("str", "e", "d"):
            return _unescaped(value)
        style = int(cell.get("s", "0"))
        return self._number(value, formats[style] if style < len(formats) else "0") if value else ""

    def _number(self, value: str, form: str) -> str:
        """Return a number with a point; one with three decimals gets a fourth, so that it is read in one way only."""
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(value)
        if _is_date(form):
            return _date(number, is_1904=self._is_1904)
        if number.is_integer() and abs(number) < 1e15:
            whole = str(int(number))
            is_code = 1 < len(form) <= _MAX_ZEROS and set(form) == {"0"} and number >= 0
            return whole.zfill(len(form)) if is_code else whole
        text = f"{number:.15g}"  # 12.300000000000001 is 12.3: more digits than a spreadsheet shows
        if "e" in text:
            text = f"{number:.15f}".rstrip("0")
        return f"{text}0" if re.fullmatch(r"-?\d+\.\d{3}", text) else text


def _text_of(element: Xml.Element) -> str:
    """Return the text of a cell or shared string, without what is only its pronunciation."""
    return _unescaped("".join(_texts(element)))


def _texts(element: Xml.Element) -> Iterator[str]:
    for child in element:
        tag = child.tag.rpartition("}")[2]
        if tag in ("t", "v"):
            yield child.text or ""
        elif tag in ("r", "is"):
            yield from _texts(child)


def _unescaped(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise WorkbookError("the workbook has a part that no spreadsheet writes.")
    if "_x" not in text:
        return text
    # Half of a pair of UTF-16 is no letter, and nothing could keep it.
    return _ESCAPED.sub(_of_utf16, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _of_utf16(escaped: re.Match[str]) -> str:
    return chr(int(escaped[1], 16))


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _is_date(form: str) -> bool:
    if form.isdigit() and set(form) != {"0"}:
        return int(form) in _DATES
    bare = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", form).lower()
    return "y" in bare and "d" in bare


def _date(number: float, *, is_1904: bool) -> str:
    # Before March 1900 the numbers are one off: Lotus took 1900 for a leap year and all others followed.
    first = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)
    return (first + timedelta(days=number)).date().isoformat()
