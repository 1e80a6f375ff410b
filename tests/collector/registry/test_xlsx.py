"""Workbooks: read as a person sees them, refused where they are bombs, given back as they came."""

import io
import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import CollectorError
from collector.registry import columns, csvfile, xlsx, xlsx_write
from collector.registry.xlsx import WorkbookError
from tests.fakes.workbooks import inline, pack, parts

STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="0000000"/><numFmt numFmtId="165" formatCode="dd\\/mm\\/yyyy"/>'
    '<numFmt numFmtId="166" formatCode="[$-40A]#,##0.00"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="14"/><xf numFmtId="165"/><xf numFmtId="166"/>'
    "</cellXfs>"
)


def rows_of(raw: bytes) -> list[list[str]]:
    return [cells for _number, cells in xlsx.read(raw, 1000)]


def test_cells_are_read_as_they_are_seen() -> None:
    shared = "<si><t>code</t></si><si><r><t>na</t></r><r><t>me</t></r><rPh sb='0' eb='1'><t>x</t></rPh></si>"
    sheet = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'
        '<row r="4"><c r="A4" s="1"><v>301017</v></c><c r="B4" s="2"><v>46380</v></c><c r="C4" s="3"><v>46380.5</v></c>'
        '<c r="D4" s="4"><v>12.300000000000001</v></c><c r="E4"><v>12.125</v></c><c r="F4" t="b"><v>1</v></c>'
        '<c r="G4" t="str"><f>A1</f><v>from a formula</v></c><c r="H4"><v>1.2E-5</v></c><c r="I4"><v>240</v></c>'
        '<c r="J4" t="inlineStr"><is><t>a_x000D_b</t></is></c><c r="K4"/></row>'
    )
    found = xlsx.read(pack(parts(sheet, shared, STYLES)), 1000)
    assert found == [
        (1, ["code", "", "name"]),
        (4, ["0301017", "2026-12-24", "2026-12-24", "12.3", "12.1250", "yes", "from a formula", "0.000012", "240",
             "a\rb", ""]),
    ]  # fmt: skip


def test_lines_are_those_that_the_spreadsheet_shows() -> None:
    raw = pack(parts('<row r="3"><c t="str"><v>code</v></c></row><row r="9"><c t="str"><v>a</v></c></row>'))
    table = csvfile.read(raw, columns.COLUMNS)
    assert [row.line for row in table.rows] == [9]
    assert table.head.line == 3


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])), max_size=6), max_size=6
    )
)
def test_what_is_written_is_read_again(rows: list[list[str]]) -> None:
    found = [cells for _number, cells in xlsx.read(xlsx_write.write(rows), 1000)]
    width = [row[: max((at + 1 for at, cell in enumerate(row) if cell), default=0)] for row in rows]
    assert found == width


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xl/worksheets/sheet2.xml", "<a/>" * 60_000),
        ("xl/worksheets/sheet2.xml", "<a>" * 60_000),
        ("xl/worksheets/sheet2.xml", "<!-- " + " " * 200_000 + "--><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        ("xl/worksheets/sheet2.xml", "<a><sheetData><row><c r='ZZZ1' t='str'><v>x</v></c></row></sheetData></a>"),
        ("xl/worksheets/sheet2.xml", "<a><sheetData><row><c t='s'><v>9</v></c></row></sheetData></a>"),
        ("xl/worksheets/sheet2.xml", "<a><sheetData><row><c><v>nan</v></c></row></sheetData></a>"),
        ("xl/worksheets/sheet2.xml", "<a><sheetData><row><c><v>x</v></c></row></sheetData></a>"),
        ("xl/worksheets/sheet2.xml", "<a><sheetData>"),
        ("xl/workbook.xml", "<a/>"),
        ("xl/_rels/workbook.xml.rels", "<a/>"),
        ("xl/styles.xml", b"\xff\xfe<\0!\0D\0O\0C\0T\0Y\0P\0E\0"),
    ],
)
def test_a_strange_part_is_one_sentence(name: str, content: str | bytes) -> None:
    with pytest.raises(WorkbookError) as caught:
        xlsx.read(pack({**parts("<row/>"), name: content}), 1000)
    assert str(caught.value).startswith("the workbook")


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_INFLATED_BYTES", 1_000_000)
    sheet = "<row>" + f"<c t='str'><v>{'x' * 2_000_000}</v></c>" + "</row>"
    with pytest.raises(WorkbookError, match="holds more than 1 MB"):
        xlsx.read(pack(parts(sheet)), 1000)


def test_a_workbook_may_have_only_so_many_rows_and_parts() -> None:
    with pytest.raises(CollectorError, match="more than 3 rows"):
        csvfile.read(inline(*[("code", "name")] * 5), columns.COLUMNS, max_rows=3)
    with pytest.raises(WorkbookError, match="too many parts"):
        xlsx.read(pack({f"p{number}": "" for number in range(xlsx.MAX_PARTS + 1)}), 10)
    with pytest.raises(WorkbookError, match="no sheet that can be seen"):
        xlsx.read(pack(parts("", state="veryHidden")), 10)


def test_damage_anywhere_is_one_sentence() -> None:
    raw = pack(parts("<row><c t='str'><v>code</v></c></row>", "<si><t>a</t></si>", STYLES))
    chance = random.Random(7)
    for _try in range(300):
        broken = bytearray(raw)
        for _byte in range(chance.randrange(1, 6)):
            broken[chance.randrange(4, len(raw))] = chance.randrange(256)
        try:
            xlsx.read(bytes(broken), 10)
        except WorkbookError as error:
            assert str(error).startswith("the workbook")


def test_a_workbook_with_a_password_or_of_old_excel_is_said() -> None:
    with pytest.raises(CollectorError, match="old Excel, or one with a password"):
        csvfile.read(b"\xd0\xcf\x11\xe0" + b"x" * 600, columns.COLUMNS)


def test_it_is_a_workbook_to_others_too() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx_write.write([["code"], ["00123"]]))) as archive:
        assert archive.testzip() is None
        assert "[Content_Types].xml" in archive.namelist()


def test_a_format_of_many_zeros_costs_no_memory() -> None:
    form = f'<numFmt numFmtId="200" formatCode="{"0" * 100_000}"/>'
    styles = f'<numFmts>{form}</numFmts><cellXfs><xf numFmtId="200"/></cellXfs>'
    rows = "".join('<row><c s="0"><v>1</v></c><c s="0"><v>2</v></c></row>' for _ in range(1000))
    assert xlsx.read(pack(parts(rows, styles=styles)), 2000)[0] == (1, ["1", "2"])


def test_one_long_text_in_many_cells_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_INFLATED_BYTES", 1_000_000)
    shared = f"<si><t>{'x' * 30_000}</t></si>"
    rows = '<row><c t="s"><v>0</v></c></row>' * 40
    with pytest.raises(WorkbookError, match="1 MB"):
        xlsx.read(pack(parts(rows, shared=shared)), 2000)
    with pytest.raises(WorkbookError, match="no spreadsheet writes"):
        xlsx.read(pack(parts("", shared=f"<si><t>{'x' * 40_000}</t></si>")), 2000)


def test_half_a_letter_is_none() -> None:
    found = xlsx.read(inline(("_xD800_foo", "_xD83D__xDE00_", "_x0041_b")), 10)
    assert found == [(1, ["\ufffdfoo", "\U0001f600", "Ab"])]
