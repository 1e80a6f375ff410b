"""Files that a disk or a copy damaged: what is whole is taken, what is not is named."""

import pytest

from collector.errors import CollectorError
from collector.store.open import Store
from collector.store.queries import schools
from tests.fakes.registry_files import import_calendar
from tests.fakes.school_days import a_registry, bring

NOON_MS = 1_795_525_509_123  # 24 November 2026
LOST = "the cell has a NUL byte, so some of its text may be lost; write it again."


def stored(store: Store) -> list[str]:
    with store.reader() as snapshot:
        return sorted(schools.by_code(snapshot))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_nul_byte_costs_its_row_alone(store: Store, encoding: str, dry_run: bool) -> None:
    rows = ("a,Niño,120,", "b,Ni\0a,120,", 'c,"Tres\ny medio",12\0,', "d\0,Cuatro,120,", "e,Cinco,120,", "\0" * 512)
    content = "\n".join(("code,name,students_total,director", *rows)).encode(encoding)
    report = bring(store, content, NOON_MS, dry_run=dry_run)
    assert [str(error) for error in report.errors] == [
        f"Line {line}, column {column}: {LOST}"
        for line, column in ((3, "name"), (4, "students_total"), (6, "code"), (8, "code"))
    ] + ["Line 8, column name: the name is missing."]
    assert (report.added, report.refused_rows) == (2, 4)
    assert stored(store) == ([] if dry_run else ["a", "e"])


@pytest.mark.parametrize(
    ("heading", "column"),
    [("code,name,director", "director"), ("code,name,is_demo", "is_demo"), ("code,name,", "3"), ("code,name", "3")],
    ids=["kept", "passed over", "without a heading", "beyond the headings"],
)
def test_a_nul_byte_is_named_in_any_column(store: Store, heading: str, column: str) -> None:
    report = bring(store, a_registry("a,Uno,\0", "b,Dos", heading=heading), NOON_MS)
    assert [(error.line, error.column) for error in report.errors] == [(2, column)]
    assert stored(store) == ["b"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_calendar_loses_only_the_day_with_the_nul_byte(store: Store, dry_run: bool) -> None:
    rows = ("default,2026-12-25,holiday,Navi\0dad", "default,2026-12-2\0,holiday,", "default,2026-12-26,holiday,")
    with store.unit() as unit:
        report = import_calendar(unit, a_registry(*rows, heading="calendar,date,kind,note"), dry_run=dry_run)
        unit.commit()
    assert [str(error) for error in report.errors] == [
        f"Line 2, column note: {LOST}",
        f"Line 3, column date: {LOST}",
    ]
    with store.reader() as snapshot:
        found = schools.calendar_days(snapshot)
    assert found == ({} if dry_run else {"default": {"2026-12-26": "holiday"}})


@pytest.mark.parametrize(
    "raw",
    [b"code,na\0me\na,Uno\n", b"\0\0\0\0\n", b'code,"na\nm\0e"\na,Uno\n', b"sep=;\ncode;name;\0\na;Uno;\n"],
)
def test_without_headings_there_are_no_rows(store: Store, raw: bytes) -> None:
    with pytest.raises(CollectorError) as caught:
        bring(store, raw, NOON_MS)
    assert "neither UTF-8 nor Windows-1252 text. Nothing was stored." in caught.value.sentence


def test_a_quoted_cell_steers_no_terminal(store: Store) -> None:
    (error,) = bring(store, a_registry("\x1b[2Ja,Uno", heading="code,name"), NOON_MS).errors
    assert error.sentence.startswith("'\ufffd[2Ja' cannot be a code")
