"""A workbook (XLSX) with one sheet of texts, made with the standard library: what goes back to who sent one."""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

# What XML cannot hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_MADE = (2000, 1, 1, 0, 0, 0)  # the same content is the same file
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OPEN = "http://schemas.openxmlformats.org"
_SHEET = f'<worksheet xmlns="{_OPEN}/spreadsheetml/2006/main"><sheetData>'

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_OPEN}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/styles.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_OPEN}/package/2006/relationships"><Relationship Id="rId1" '
    f'Type="{_OPEN}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_OPEN}/spreadsheetml/2006/main" '
    f'xmlns:r="{_OPEN}/officeDocument/2006/relationships"><sheets><sheet name="registry" sheetId="1" r:id="rId1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_OPEN}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_OPEN}/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OPEN}/officeDocument/2006/relationships/styles" Target="styles.xml"/>'
    "</Relationships>",
    # One style for all cells, number format 49 (text): a code that somebody types keeps its zeros.
    "xl/styles.xml": f'<styleSheet xmlns="{_OPEN}/spreadsheetml/2006/main"><fonts count="1"><font/></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf/><xf numFmtId="49" applyNumberFormat="1"/></cellXfs></styleSheet>',
}


def write(rows: Iterable[Sequence[str]]) -> bytes:
    """Return a workbook whose only sheet has these rows, every cell a text: no cell can become a formula."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _PARTS.items():
            archive.writestr(_info(name), _HEAD + content)
        with archive.open(_info("xl/worksheets/sheet1.xml"), "w") as sheet:
            sheet.write((_HEAD + _SHEET).encode())
            for number, row in enumerate(rows, start=1):
                sheet.write(_row(number, row).encode())
            sheet.write(b"</sheetData></worksheet>")
    return file.getvalue()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MADE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _row(number: int, row: Sequence[str]) -> str:
    cells = (
        f'<c r="{_letters(at)}{number}" s="1" t="inlineStr"><is><t xml:space="preserve">{_safe(cell)}</t></is></c>'
        for at, cell in enumerate(row)
        if cell
    )
    return f'<row r="{number}">{"".join(cells)}</row>'


def _letters(at: int) -> str:
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _safe(text: str) -> str:
    text = _LOOKS_ESCAPED.sub("_x005F_", text)
    text = _FORBIDDEN.sub("\ufffd", text)
    return escape(text).replace("\r", "_x000D_")
