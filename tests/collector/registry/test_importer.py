"""Files as ministries have them: spreadsheets, decimal commas, empty rows, odd codes."""

from pathlib import Path

import pytest

from collector.errors import CollectorError
from collector.publish import export
from collector.registry import columns
from collector.registry.plan import ImportReport
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
        "Line 3, column latitude: '113.5' lies outside -90 to 90 degrees. Latitude and longitude may be exchanged.",
        "Line 4, column name: the name is missing.",
        "Line 5, column students_total: 'many' is not a whole number; write it with digits only.",
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
    assert (error.line, error.column) == (3, "latitude")


def test_decimal_marks_are_never_guessed_at(store: Store) -> None:
    content = (
        "code;name;latitude;longitude\n"
        "T1;Uno;-12,046;-77,043\nT2;Dos;-12,0464;-77,0428\nT3;Tres;-12.046;-77.043\nT4;Cuatro;-1.204.640;-77.042.800\n"
    )
    report = bring(store, content.encode(), NOON_MS)
    found = {code: (school.latitude, school.longitude) for code, school in stored(store).items()}
    assert found == {"T1": (-12.046, -77.043), "T2": (-12.0464, -77.0428), "T3": (-12.046, -77.043)}
    assert [(error.line, error.column) for error in report.errors] == [(5, "latitude"), (5, "longitude")]
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
    assert (error.line, error.column) == (2, "code")
    assert "letters A to Z, digits, hyphens, low lines and dots" in error.sentence
    assert stored(store) == {}


@pytest.mark.parametrize("code", ["new", "import", "export", "00123", "A-7_b.c", "0", "_1"])
def test_other_codes_are_taken_as_they_are(store: Store, code: str) -> None:
    assert counts(bring(store, a_registry(f"{code},Escuela", heading="code,name"), NOON_MS)) == (1, 0, 0, 0)
    assert list(stored(store)) == [code]


def test_a_code_twice_in_a_file_counts_once(store: Store) -> None:
    report = bring(store, a_registry("a,Uno", "a,Dos", heading="code,name"), NOON_MS)
    assert [str(error) for error in report.errors] == ["Line 3, column code: 'a' stands in line 2 already."]
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
    assert [error.line for error in report.errors] == [2] * len(report.errors)
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
        (b"PK\x03\x04rest", "workbook is damaged"),
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
    assert [(error.line, error.column) for error in report.errors] == [(3, "4")]
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


def test_a_text_of_any_length_is_a_bad_row_and_the_others_are_in(store: Store) -> None:
    content = a_registry(f'a,"{"x" * 200_000}"', "b,Dos", f"c,{'9' * 5_000}", heading="code,name")
    report = bring(store, content, NOON_MS)
    assert [(e.line, e.column) for e in report.errors] == [(2, "name"), (4, "name")]
    assert "the text has 200000 characters; at most 200 are kept" in str(report.errors[0])
    assert list(stored(store)) == ["b"]


@pytest.mark.parametrize(
    ("column", "cell", "part"),
    [
        ("students_total", "9" * 5_000, "is more than 1000000"),
        ("latitude", "9" * 5_000, "is not a number"),
        ("extra", "[" * 200_000, "not a JSON object"),
        ("extra", '"{""k"":""\\ud800""}"', "one that no script has"),
        ("opening", "mon-fri " * 90_000, "at most 256"),
        ("area", "a\x1bb", "a control character"),
    ],
)
def test_a_cell_of_a_hostile_hand_is_a_bad_row(store: Store, column: str, cell: str, part: str) -> None:
    other = ",longitude" if column == "latitude" else ""
    report = bring(store, a_registry(f"a,Uno,{cell}", "b,Dos,", heading=f"code,name,{column}{other}"), NOON_MS)
    assert [(e.line, e.column) for e in report.errors] == [(2, column)]
    assert part in report.errors[0].sentence
    assert len(report.errors[0].sentence) < 200
    assert list(stored(store)) == ["b"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_errors_name_the_line_of_the_file_after_a_quoted_line_break(store: Store, end: str) -> None:
    content = end.join(("code,name", f'a,"Uno{end}y{end}medio"', "a b,Dos", "c,Tres", "c,Cuatro", ""))
    report = bring(store, content.encode(), NOON_MS)
    assert [(e.line, e.column) for e in report.errors] == [(5, "code"), (7, "code")]
    assert "stands in line 6 already" in report.errors[1].sentence
    assert {code: school.name for code, school in stored(store).items()} == {"a": "Uno y medio", "c": "Tres"}


def test_a_hint_line_counts_as_a_line_however_it_ends(store: Store) -> None:
    for end in ("\n", "\r\n", "\r"):
        report = bring(store, end.join(("sep=;", "code;name", "a b;Uno")).encode(), NOON_MS)
        assert [(e.line, e.column) for e in report.errors] == [(3, "code")]


def test_what_cannot_be_seen_is_taken_out_and_said(store: Store) -> None:
    content = a_registry(
        "\u200b00123,Escuela \u202e3102 atsiL,Sur",
        "\t00124\t,Dos,\t=x",
        'c,"Tres\ny\u2028medio",Norte',
        "d,نی\u200cما,\u2067Norte\u2069",
        heading="code,name,area",
    )
    report = bring(store, content, NOON_MS)
    assert report.errors == ()
    assert {code: (school.name, school.area) for code, school in stored(store).items()} == {
        "00123": ("Escuela 3102 atsiL", "Sur"),
        "00124": ("Dos", "=x"),
        "c": ("Tres y medio", "Norte"),
        "d": ("نی\u200cما", "Norte"),
    }
    assert (
        "Line breaks, tabs or characters that cannot be seen were taken out of 6 cells: "
        "the first in line 2, column code." in report.lines()
    )
    assert counts(bring(store, content, NOON_MS)) == (0, 0, 4, 0)


def test_one_is_one_and_two_are_two(store: Store) -> None:
    content = a_registry("a,Uno", "b\t,\tDos", heading="code,name")
    assert bring(store, content, NOON_MS, dry_run=True).lines()[0].startswith("2 schools would be added, 0 changed")
    one = a_registry("a,Uno", "a b,Dos", heading="code,name")
    assert bring(store, one, NOON_MS).lines()[1:] == [
        "1 school was added, 0 changed, 0 are as in the file.",
        "1 row was refused, the others were taken.",
    ]
    lines = bring(store, a_registry("a,Uno", "b,\tDos", "c d,", "e f,", heading="code,name"), NOON_MS).lines()
    assert lines[-3:] == [
        "1 school was added, 0 changed, 1 is as in the file.",
        "2 rows were refused, the others were taken.",
        "Line breaks, tabs or characters that cannot be seen were taken out of 1 cell: in line 3, column name.",
    ]


def test_opening_hours_on_lines_of_a_cell_are_one_text(store: Store) -> None:
    bring(store, a_registry('a,Uno,"mon-fri 07:00-12:00\nsat 08:00-12:00"', heading="code,name,opening"), NOON_MS)
    assert stored(store)["a"].opening == "mon-fri 07:00-12:00; sat 08:00-12:00"


def test_coordinates_that_may_be_exchanged_say_so(store: Store) -> None:
    content = a_registry("a,Uno,-100.5,20.1", "b,Dos,20.1,-190", heading="code,name,latitude,longitude")
    first, second = bring(store, content, NOON_MS).errors
    assert first.sentence.endswith("lies outside -90 to 90 degrees. Latitude and longitude may be exchanged.")
    assert second.sentence.endswith("lies outside -180 to 180 degrees.")


@pytest.mark.parametrize("heading", ["CODE,Name,LATITUDE,Longitude", " code , NAME ,latitude,longitude\u200b"])
def test_headings_in_other_letters_and_codes_with_blanks(store: Store, heading: str) -> None:
    content = a_registry(' 00123 ,Uno,"-12,5","-77,25"', "\u00a0b\u00a0,Dos,,", heading=heading)
    assert counts(bring(store, content, NOON_MS)) == (2, 0, 0, 0)
    assert (stored(store)["00123"].latitude, stored(store)["00123"].longitude) == (-12.5, -77.25)
    assert sorted(stored(store)) == ["00123", "b"]


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ("code,name\nñ1,Ñandú\nb,Niño\n".encode() + b"c,Caf\xe9\n", "line 4 has bytes that are not"),
        ("code,name\r\nb,Niño y niña\r\nc,Dos\r\nd,".encode() + b"\xc3\r\n", "line 4 has bytes that are not"),
        ("code,name\na,Uno\n".encode("utf-16-le"), "neither UTF-8"),
        ("code,name\na,Uno\n".encode("utf-16")[:-1], "neither UTF-8"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"sep=;\r\n", "is empty"),
        (b'code,name\na,"Uno"x\n', "line 2: a quotation mark"),
        (b'code,name\na,"Uno\ndos"\nb,"x\n', "line 4: a quotation mark"),
        (b"CODE,name,Code\na,Uno,b\n", "the heading code stands twice"),
    ],
)
def test_a_file_that_is_damaged_is_one_sentence_too(store: Store, raw: bytes, part: str) -> None:
    with pytest.raises(CollectorError) as caught:
        bring(store, raw, NOON_MS)
    assert part in caught.value.sentence
    assert stored(store) == {}


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_files_without_utf_8_keep_their_letters(store: Store, encoding: str) -> None:
    bring(store, "code;name\na;Ñandú\nb;Peña §1\n".encode(encoding), NOON_MS)
    assert [school.name for school in stored(store).values()] == ["Ñandú", "Peña §1"]


def test_shelters_and_telephones_are_read_and_a_telephone_is_in_no_export(store: Store) -> None:
    rows = ["1,Uno,sí,+1 (246) 555-0101", "2,Dos,NO,", "3,Tres,,555 0102 / 555 0103"]
    content = a_registry(*rows, heading="code,name,shelter,phone")
    assert counts(bring(store, content, NOON_MS)) == (3, 0, 0, 0)
    found = stored(store)
    assert [found[code].shelter for code in "123"] == [True, False, None]
    assert found["1"].phone == "+1 (246) 555-0101" and found["2"].phone is None
    assert found["3"].phone == "555 0102 / 555 0103"
    with store.reader() as snapshot:
        exported = b"".join(export.iter_export(snapshot, "schools", "csv"))
    assert b"shelter" in exported and b"phone" not in exported and b"555" not in exported
    assert counts(bring(store, exported, NOON_MS + 1)) == (0, 0, 3, 0), "the telephones stay"
    assert stored(store) == found


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ("perhaps,", "Line 2, column shelter: 'perhaps' is neither yes nor no."),
        (",ask Ana", "Line 2, column phone: 'ask Ana' is not a telephone number: it has up to 60 digits, blanks"),
        (",+++", "Line 2, column phone: '+++' is not a telephone number"),
    ],
)
def test_what_is_no_shelter_and_no_telephone(store: Store, cells: str, sentence: str) -> None:
    report = bring(store, a_registry(f"1,Uno,{cells}", heading="code,name,shelter,phone"), NOON_MS)
    assert report.lines()[0].startswith(sentence) and stored(store) == {}
