"""CSV made from JSON says what CSV made cell by cell says, whatever stands in the texts."""

import csv
import io
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from collector.domain import formulas
from collector.publish import files
from collector.store.queries.exports import CellKind, ExportColumn

COLUMNS = (
    ExportColumn("code", CellKind.TEXT, is_nullable=False),
    ExportColumn("name", CellKind.TEXT, is_nullable=True),
    ExportColumn("count", CellKind.INTEGER, is_nullable=True),
    ExportColumn("share", CellKind.NUMBER, is_nullable=True),
    ExportColumn("metered", CellKind.BOOLEAN, is_nullable=True),
    ExportColumn("detail", CellKind.JSON, is_nullable=True),
)
TRAPS = st.sampled_from(
    [
        ",null",
        "a,null,b",
        'say "no"',
        "back\\slash",
        '\\"',
        "]\n[",
        "=1",
        "'=1",
        "＝1",
        "-",
        "\t",
        "\x00",
        "ñ",
        "\u2028",
    ]
)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), TRAPS)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXTS,
        st.none() | TEXTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([None, 0, 1, True, False]),
        st.none() | TEXTS.map(lambda text: json.dumps({"a": text, "b": [1, None]})),
    ),
    max_size=4,
)


@given(ROWS)
@example([("a", "plain", 1, 1.5, 0, None)])
@example([(None, ",null", 1, 1.5, 0, None)])
@example([("a", ",null", None, None, None, '[1,null,"x"]')])
def test_both_ways_to_a_line_agree_and_are_read_back(rows: list[tuple[object, ...]]) -> None:
    made = b"".join(files.csv(COLUMNS, [rows]))
    plain = "".join(files._csv_line(row) for row in files.converted(rows, {4: bool}))
    assert made.split(b"\r\n", 1)[1] == plain.encode()
    heading, *lines = csv.reader(io.StringIO(made.decode(), newline=""))
    assert heading == [column.name for column in COLUMNS]
    for line, (code, name, count, share, metered, detail) in zip(lines, rows, strict=True):
        assert line[0] == ("" if code is None else formulas.escape(str(code)))
        assert line[1] == ("" if name is None else formulas.escape(str(name)))
        assert line[2] == ("" if count is None else str(count))
        assert (float(line[3]) if line[3] else None) == share
        assert line[4] == ("" if metered is None else "true" if metered else "false")
        assert line[5] == ("" if detail is None else detail)


def test_ordinary_texts_go_the_quick_way() -> None:
    rows: list[list[Any]] = [
        ["00123", 'Escuela "Ñandú"', 3, None, True, '{"a":1}'],
        ["=cmd", None, -3, 1.5, None, None],
    ]
    quick = files._quick_csv(rows)
    assert quick is not None
    assert quick.decode() == '"00123","Escuela ""Ñandú""",3,,true,"{""a"":1}"\r\n"\'=cmd",,-3,1.5,,\r\n'


@given(ROWS)
def test_json_lines_are_read_back(rows: list[tuple[object, ...]]) -> None:
    lines = b"".join(files.json_lines(COLUMNS, [rows])).splitlines() if rows else []
    for line, row in zip((json.loads(one) for one in lines), rows, strict=True):
        assert list(line) == [column.name for column in COLUMNS]
        assert (line["code"], line["count"], line["share"]) == (row[0], row[2], row[3])
        assert line["detail"] == (None if row[5] is None else json.loads(str(row[5])))
