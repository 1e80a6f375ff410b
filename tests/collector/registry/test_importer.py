"""Files as ministries have them: spreadsheets, decimal commas, empty rows, odd codes."""

from pathlib import Path

import pytest

from collector.errors import CollectorError
from collector.publish import export
from collector.registry import columns
from collector.registry.calendars import import_calendar
from collector.registry.importer import ImportReport
from collector.store.open import Store
from collector.store.queries import facts, schools
from collector.store.queries.schools import School
from tests.fakes.school_days import a_registry, bring

NOON_MS = 1_795_525_509_123  # 24 November 2026


def stored(store: Store) -> dict[str, School]:
    with store.reader() as snapshot:
        return schools.by_code(snapshot)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.unchanged, len(report.errors)


def test_three_bad_rows_are_named_and_the_others_are_in(store: Store) -> None:
    content = a_registry(
        "00123,Escuela Uno,13.5,-60.1,120",
        "00124,Escuela Dos,113.5,-60.1,120",
        "00125,,13.5,-60.1,120",
        "00126,Escuela Cuatro,13.5,-60.1,many",
        "00127,Escuela Cinco,13.5,-60.1,",
        heading="code,name,latitude,longitude,students_total",
    )
    report = bring(store, content, NOON_MS, dry_run=True)
    assert (counts(report), stored(store)) == ((2, 0, 0, 3), {})
    report = bring(store, content, NOON_MS)
    assert counts(report) == (2, 0, 0, 3)
    assert report.lines()[:3] == [
        "Row 3, column latitude: '113.5' lies outside -90 to 90 degrees.",
        "Row 4, column name: the name is missing.",
        "Row 5, column students_total: 'many' is not a whole number; write it with digits only.",
    ]
    assert sorted(stored(store)) == ["00123", "00127"]
    assert stored(store)["00127"].students_total is None


def test_a_code_with_zeros_survives_export_and_import(store: Store) -> None:
    content = a_registry("00123,Ñandú “Uno”,,240,yes", heading="code,name,timezone,students_total,director")
    bring(store, content, NOON_MS)
    before = stored(store)
    with store.reader() as snapshot:
        exported = b"".join(export.iter_export(snapshot, "schools", "csv"))
    assert b'\r\n"00123",' in exported
    assert counts(bring(store, exported, NOON_MS + 1)) == (0, 0, 1, 0)
    assert stored(store) == before
    assert before["00123"].extra == {"director": "yes"}


def test_an_export_brings_everything_into_an_empty_registry(store: Store, tmp_path: Path) -> None:
    from collector.store.open import create

    bring(store, a_registry("00123,Uno,240,yes", heading="code,name,students_total,director"), NOON_MS)
    with store.reader() as snapshot:
        exported = b"".join(export.iter_export(snapshot, "schools", "csv"))
    other = create(tmp_path / "other")
    bring(other, exported, NOON_MS)
    assert stored(other) == stored(store)
    other.close()


def test_a_file_again_changes_nothing_and_columns_that_are_not_there_stay(store: Store) -> None:
    bring(store, a_registry("a,Uno,UTC,240"), NOON_MS)
    assert counts(bring(store, a_registry("a,Uno,UTC,240"), NOON_MS + 1)) == (0, 0, 1, 0)
    assert stored(store)["a"].updated_ms == NOON_MS
    assert counts(bring(store, a_registry("a,Dos", heading="code,name"), NOON_MS + 2)) == (0, 1, 0, 0)
    assert (stored(store)["a"].name, stored(store)["a"].students_total) == ("Dos", 240)
    bring(store, a_registry("a,Dos,", heading="code,name,students_total"), NOON_MS + 3)
    assert stored(store)["a"].students_total is None


def test_facts_are_dated_from_the_day_of_the_import(store: Store) -> None:
    bring(store, a_registry("a,Uno,America/Lima,240"), NOON_MS)
    bring(store, a_registry("a,Uno,America/Lima,300"), NOON_MS + 86_400_000)
    with store.reader() as snapshot:
        found = [(one.valid_from, one.students_total) for one in schools.facts_of(snapshot, ["a"])["a"]]
    assert found == [("0001-01-01", 240), ("2026-11-25", 300)]


@pytest.mark.parametrize("second", ["name", "Name "])
def test_the_same_heading_twice_is_refused(store: Store, second: str) -> None:
    content = a_registry("D1,Escuela Uno,UNO,-12.05,-77.04", heading=f"code,name,{second},latitude,longitude")
    for dry_run in (True, False):
        with pytest.raises(CollectorError) as caught:
            bring(store, content, NOON_MS, dry_run=dry_run)
        assert "the heading name stands twice (columns 2 and 3)" in caught.value.sentence
        assert caught.value.exit_code != 0
    assert stored(store) == {}


def test_a_hint_line_and_a_thousand_empty_rows(store: Store) -> None:
    lines = "sep=;\r\ncode;name;latitude;longitude\r\n00123;Escuela Uno;{};-77,0428\r\n" + ";;;\r\n" * 1200
    report = bring(store, lines.format("-12,0464").encode(), NOON_MS)
    assert (counts(report), report.skipped_empty) == ((1, 0, 0, 0), 1200)
    assert report.lines()[-1] == "Empty rows passed over: 1200."
    school = stored(store)["00123"]
    assert (school.latitude, school.longitude) == (-12.0464, -77.0428)
    (error,) = bring(store, lines.format("x").encode(), NOON_MS).errors
    assert (error.row, error.column) == (3, "latitude")


def test_decimal_marks_are_never_guessed_at(store: Store) -> None:
    content = (
        "code;name;latitude;longitude\n"
        "T1;Uno;-12,046;-77,043\nT2;Dos;-12,0464;-77,0428\nT3;Tres;-12.046;-77.043\nT4;Cuatro;-1.204.640;-77.042.800\n"
    )
    report = bring(store, content.encode(), NOON_MS)
    found = {code: (school.latitude, school.longitude) for code, school in stored(store).items()}
    assert found == {"T1": (-12.046, -77.043), "T2": (-12.0464, -77.0428), "T3": (-12.046, -77.043)}
    assert [(error.row, error.column) for error in report.errors] == [(5, "latitude"), (5, "longitude")]
    assert "-1.204.640" in report.errors[0].sentence
    assert "1 row was refused, the others were taken." in report.lines()


@pytest.mark.parametrize(
    ("cell", "delimiter", "mbps"),
    [("30", ";", 30.0), ("12,5", ";", 12.5), ("12.5", ",", 12.5), ("1.000", ";", None), ("12.125", ",", 12.125)],
)
def test_a_speed_that_reads_two_ways_is_refused(cell: str, delimiter: str, mbps: float | None) -> None:
    parse = columns.COLUMNS["contract_download_mbps"]
    if mbps is None:
        with pytest.raises(columns.CellError, match=r"two ways; write 1000 or 1\.00\."):
            parse(cell, columns.Context(delimiter))
    else:
        assert parse(cell, columns.Context(delimiter)) == mbps


@pytest.mark.parametrize(
    "code", ["12/0345", "A#7", "50%", "what?", "a b", "..", ".a", "Ñ-1", "-5", "a" * 65, "a\\b", "ａ"]
)
def test_codes_that_are_awkward_in_an_address_are_refused(store: Store, code: str) -> None:
    report = bring(store, f'code,name\n"{code}",Escuela\n'.encode(), NOON_MS)
    (error,) = report.errors
    assert (error.row, error.column) == (2, "code")
    assert "letters A to Z, digits, hyphens, low lines and dots" in error.sentence
    assert stored(store) == {}


@pytest.mark.parametrize("code", ["new", "import", "export", "00123", "A-7_b.c", "0", "_1"])
def test_other_codes_are_taken_as_they_are(store: Store, code: str) -> None:
    assert counts(bring(store, a_registry(f"{code},Escuela", heading="code,name"), NOON_MS)) == (1, 0, 0, 0)
    assert list(stored(store)) == [code]


def test_a_code_twice_in_a_file_counts_once(store: Store) -> None:
    report = bring(store, a_registry("a,Uno", "a,Dos", heading="code,name"), NOON_MS)
    assert [str(error) for error in report.errors] == ["Row 3, column code: 'a' stands in row 2 already."]
    assert stored(store)["a"].name == "Uno"


@pytest.mark.parametrize(
    ("column", "cell", "part"),
    [
        ("timezone", "GMT-5 Lima", "not a known time zone"),
        ("timezone", "../../etc/passwd", "not a known time zone"),
        ("opening", "mon-fri 9-17", "cannot be read"),
        ("latitude", "12", "belong together"),
        ("students_peak_shift", "500", "more than the 120"),
        ("staff", "-3", "not a whole number"),
        ("contract_download_mbps", "0", "outside 0 to"),
        ("area", "x" * 300, "at most 256"),
    ],
)
def test_what_a_cell_cannot_be_is_said_of_its_column(store: Store, column: str, cell: str, part: str) -> None:
    report = bring(store, a_registry(f"a,Uno,120,{cell}", heading=f"code,name,students_total,{column}"), NOON_MS)
    assert [error.row for error in report.errors] == [2] * len(report.errors)
    assert any(part in error.sentence for error in report.errors), report.errors
    assert stored(store) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_of_spreadsheets(store: Store, encoding: str, delimiter: str) -> None:
    text = "\r\n".join((delimiter.join(("code", "name", "area")), delimiter.join(("00123", "Ñandú «á»", "Sur"))))
    assert counts(bring(store, text.encode(encoding), NOON_MS)) == (1, 0, 0, 0)
    assert stored(store)["00123"].name == "Ñandú «á»"


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"PK\x03\x04rest", "spreadsheet workbook"),
        (b"code,name\na,\x81\x00", "neither UTF-8"),
        (b"name,area\nx,y\n", "has no heading code"),
        (b"code;naam\nx;y\n", "has no heading name"),
        (b'code,name\na,"open\n', "quotation mark"),
        (b"code,name,\na,Uno,lost\n", "column 3 has no heading"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(store: Store, raw: bytes, part: str) -> None:
    with pytest.raises(CollectorError) as caught:
        bring(store, raw, NOON_MS)
    assert part in caught.value.sentence
    assert "Nothing was stored" in caught.value.sentence


def test_rows_longer_than_the_headings_are_said_and_shorter_ones_are_filled(store: Store) -> None:
    report = bring(store, b"code,name,area\na,Uno\nb,Dos,Sur,more\nc,Tres,Sur,,\n", NOON_MS)
    assert [(error.row, error.column) for error in report.errors] == [(3, "4")]
    assert sorted(stored(store)) == ["a", "c"]


def test_hours_and_zones_that_change_reach_the_devices(store: Store) -> None:
    def version() -> str | None:
        with store.reader() as snapshot:
            return facts.find_fact(snapshot, facts.SETTINGS_VERSION)

    bring(store, a_registry("a,Uno,UTC,240"), NOON_MS)
    before = version()
    bring(store, a_registry("a,Uno,UTC,250"), NOON_MS)
    assert version() == before
    bring(store, a_registry("a,Uno,America/Lima,250"), NOON_MS)
    assert version() != before


def test_a_calendar_comes_from_a_file(store: Store) -> None:
    lines = ("default,2026-12-25,holiday,Navidad", "Sur,2026-12-1,closure,", "00123,2026-12-05,party,")
    content = a_registry(*lines, heading="calendar,date,kind,note")
    with store.unit() as unit:
        report = import_calendar(unit, content)
        unit.commit()
    assert (report.added, [(e.row, e.column) for e in report.errors]) == (1, [(3, "date"), (4, "kind")])
    with store.reader() as snapshot:
        assert schools.calendar_days(snapshot) == {"default": {"2026-12-25": "holiday"}}
