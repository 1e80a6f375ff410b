"""Workbooks as spreadsheets write them: shared texts, numbers with formats, dates, rows that are left out."""

import io
import zipfile
from collections.abc import Mapping

_OPEN = "http://schemas.openxmlformats.org"
_MAIN = f'xmlns="{_OPEN}/spreadsheetml/2006/main"'


def pack(parts: Mapping[str, str | bytes]) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def parts(sheet: str, shared: str = "", styles: str = "", state: str = "visible") -> dict[str, str | bytes]:
    """Return the parts of a workbook with a hidden first sheet and one more.

    Args:
        sheet: The rows, as XML.
        shared: The shared texts, as XML.
        styles: What stands in the style sheet.
        state: Of the second sheet.
    """
    made: dict[str, str | bytes] = {
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OPEN}/officeDocument/2006/relationships"><sheets>'
        '<sheet name="lists" sheetId="1" state="hidden" r:id="rId1"/>'
        f'<sheet name="schools" sheetId="2" state="{state}" r:id="rId2"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_OPEN}/package/2006/relationships">'
        '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
        '<Relationship Id="rId2" Target="/xl/worksheets/sheet2.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {_MAIN}><sheetData/></worksheet>",
        "xl/worksheets/sheet2.xml": f"<worksheet {_MAIN}><cols><col min='1'/></cols><sheetData>{sheet}</sheetData>"
        "<mergeCells><mergeCell ref='A1:A1'/></mergeCells></worksheet>",
    }
    if shared:
        made["xl/sharedStrings.xml"] = f"<sst {_MAIN}>{shared}</sst>"
    if styles:
        made["xl/styles.xml"] = f"<styleSheet {_MAIN}>{styles}</styleSheet>"
    return made


def inline(*rows: tuple[str, ...]) -> bytes:
    """Return a workbook with these texts."""
    made = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>" for row in rows
    )
    return pack(parts(made))
