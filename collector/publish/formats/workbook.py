"""Rows as a workbook (XLSX), written by XlsxWriter one row at a time; a second sheet says what the columns mean.

Numbers are numbers, moments are dates of the spreadsheet in UTC, days are dates, texts are texts whatever they look
like. A spreadsheet holds less than a database: a text of more than 32,767 characters is cut, and the second sheet says
how many were; a whole number that it would round is a text.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.publish import dictionary, files
from collector.publish.dictionary import TableWords
from collector.publish.files import Pieces
from collector.publish.formats import scratch
from collector.store.queries.exports import CellKind, ExportColumn

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

MAX_ROWS: Final = 1_048_575  # of a sheet, below its heading
MAX_TEXT: Final = 32_767  # of a cell, in UTF-16
CUT: Final = "…"  # where a text was cut, it ends so

_OPTIONS: Final = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
_DAY_MS: Final = 86_400_000
_FIRST_DAY: Final = date(1899, 12, 30)  # of the numbers that dates of spreadsheets are, from March 1900 on
_EPOCH_DAYS: Final = (date(1970, 1, 1) - _FIRST_DAY).days
_FIRST_SURE: Final = (date(1900, 3, 1) - _FIRST_DAY).days
_PAST_LAST: Final = (date(9999, 12, 31) - _FIRST_DAY).days + 1
_EXACT_BELOW: Final = 10**15  # spreadsheets show fifteen digits
_MOMENT_FORMAT: Final = "yyyy-mm-dd hh:mm:ss.000"
_DAY_FORMAT: Final = "yyyy-mm-dd"
_WIDTHS: Final = (28, 9, 9, 90, 40, 30)  # of the second sheet, in characters


class TooManyRowsError(CollectorError):
    """More rows than a sheet has."""

    def __init__(self) -> None:
        super().__init__(
            f"A sheet of a spreadsheet holds {MAX_ROWS:,} rows, and these are more.",
            do="Choose fewer rows, or another format.",
            exit_code=ExitCode.REFUSED,
        )


def workbook(words: TableWords, language: str, columns: Sequence[ExportColumn], pieces: Pieces) -> Iterator[bytes]:
    """Yield a workbook.

    Args:
        words: What the table and its columns are called and mean.
        language: Of those words.
        columns: Of the export.
        pieces: Its rows.

    Raises:
        TooManyRowsError: If there are more rows than a sheet has.
        OSError: If the disk has no room for the file while it is made, or failed.
    """

    def make(folder: Path) -> Path:
        from xlsxwriter import Workbook
        from xlsxwriter.exceptions import FileCreateError

        path = folder / "workbook"
        book = Workbook(str(path), {**_OPTIONS, "tmpdir": str(folder)})
        book.use_zip64()  # the sheet of many rows has more than 4 GB before it is compressed
        with closing(_Rows(book, words.name, columns)) as rows:
            for piece in pieces:
                rows.add(piece)
            _explain(book, words, language, rows.cut)
            try:
                book.close()
            except FileCreateError as error:
                raise error.args[0] from error
        return path

    return scratch.made(make)


class _Rows:
    """The sheet of the rows."""

    def __init__(self, book: "Workbook", name: str, columns: Sequence[ExportColumn]) -> None:
        self.cut = 0  # texts that were too long
        self._next = 1
        self._sheet = book.add_worksheet(name)
        self._plain = book.add_format()
        self._moment = book.add_format({"num_format": _MOMENT_FORMAT})
        self._day = book.add_format({"num_format": _DAY_FORMAT})
        _head(book, self._sheet, [column.name for column in columns])
        writers: dict[CellKind, Callable[[int, int, Any], None]] = {
            CellKind.INTEGER: self._number,
            CellKind.NUMBER: self._number,
            CellKind.BOOLEAN: self._truth,
            CellKind.TIME: self._time,
            CellKind.DAY: self._date,
        }
        self._writers = [writers.get(column.kind, self._text) for column in columns]

    def add(self, piece: Sequence[files.Row]) -> None:
        if self._next + len(piece) > MAX_ROWS + 1:
            raise TooManyRowsError
        for row in piece:
            for at, value in enumerate(row):
                if value is not None:
                    self._writers[at](self._next, at, value)
            self._next += 1

    def close(self) -> None:
        """Let go of the file that rows are collected in, also where no workbook came of it."""
        handle = self._sheet.row_data_fh
        if handle is not None:
            with suppress(OSError):  # no room for what was still to be written
                handle.close()

    def _text(self, row: int, column: int, value: Any) -> None:
        text, was_cut = _fitting(str(value))
        self.cut += was_cut
        if text.startswith("<r>"):  # XlsxWriter would take it for markup of its own: in two parts it is a text
            self._sheet.write_rich_string(row, column, "<", self._plain, text[1:])
        else:
            self._sheet.write_string(row, column, text)

    def _number(self, row: int, column: int, value: Any) -> None:
        if isinstance(value, str) or (abs(value) >= _EXACT_BELOW and isinstance(value, int)):
            self._text(row, column, value)
        elif math.isfinite(value):
            self._sheet.write_number(row, column, value)

    def _truth(self, row: int, column: int, value: Any) -> None:
        self._sheet.write_boolean(row, column, bool(value))

    def _time(self, row: int, column: int, value: Any) -> None:
        days = _EPOCH_DAYS + value / _DAY_MS
        if _FIRST_SURE <= days < _PAST_LAST:
            self._sheet.write_number(row, column, days, self._moment)
        else:
            self._text(row, column, files.iso_time(value))

    def _date(self, row: int, column: int, value: Any) -> None:
        try:
            days = (date.fromisoformat(value) - _FIRST_DAY).days
        except ValueError:
            days = 0
        if days >= _FIRST_SURE:
            self._sheet.write_number(row, column, days, self._day)
        else:
            self._text(row, column, value)


def _explain(book: "Workbook", words: TableWords, language: str, cut: int) -> None:
    """Add the sheet that says what the columns mean, and below them what holds for the workbook."""
    said = dictionary.sheet_words(language)
    sheet = book.add_worksheet("columns")
    for at, width in enumerate(_WIDTHS):
        sheet.set_column(at, at, width)
    _head(book, sheet, [said[name] for name in ("column", "type", "unit", "meaning", "empty", "example")])
    for number, column in enumerate(words.columns, start=1):
        _line(sheet, number, (column.name, column.type, column.unit, column.meaning, column.empty, column.example))
    notes = [said["moments"], said["digits"]]
    if cut:
        notes.append(said["cut"].replace("{most}", str(MAX_TEXT)).replace("{count}", str(cut)))
    for number, note in enumerate(notes, start=len(words.columns) + 2):
        _line(sheet, number, (note,))


def _head(book: "Workbook", sheet: "Worksheet", names: Sequence[str]) -> None:
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for at, name in enumerate(names):
        sheet.write_string(0, at, name, bold)


def _line(sheet: "Worksheet", number: int, cells: Sequence[str]) -> None:
    for at, cell in enumerate(cells):
        if cell:
            sheet.write_string(number, at, cell)


def _fitting(text: str) -> tuple[str, bool]:
    """Return a text that a cell can hold, and whether something of it is missing."""
    if len(text) <= MAX_TEXT // 2:
        return text, False
    raw = text.encode("utf-16-le")
    if len(raw) <= MAX_TEXT * 2:
        return text, False
    return raw[: (MAX_TEXT - 1) * 2].decode("utf-16-le", "ignore") + CUT, True
