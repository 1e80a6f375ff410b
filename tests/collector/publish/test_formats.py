"""Parquet, XLSX and GeoJSON say what CSV says, whatever stands in the rows, and leave nothing behind."""

import csv
import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import duckdb
import pytest
from sqlalchemy import insert

from collector.domain import formulas
from collector.errors import CollectorError
from collector.publish import dictionary, export, files
from collector.publish.formats import parquet, scratch, workbook
from collector.registry import xlsx
from collector.store.open import Store
from collector.store.queries import exports
from collector.store.queries.exports import CellKind, ExportColumn
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.registry import SCHOOLS
from tests.fakes import parquet_file
from tests.fakes.school_days import Town

MOMENT_MS = 1_795_525_509_123
COLUMNS = (
    ExportColumn("code", CellKind.TEXT, is_nullable=False),
    ExportColumn("name", CellKind.TEXT, is_nullable=True),
    ExportColumn("count", CellKind.INTEGER, is_nullable=True),
    ExportColumn("share", CellKind.NUMBER, is_nullable=True),
    ExportColumn("metered", CellKind.BOOLEAN, is_nullable=True),
    ExportColumn("at", CellKind.TIME, is_nullable=True),
    ExportColumn("day", CellKind.DAY, is_nullable=True),
    ExportColumn("detail", CellKind.JSON, is_nullable=True),
)
TEXTS = (
    "=1+1", "+1", "-2", "@SUM(A1)", "'=quoted", "a\tb", "\tfirst", "a\r\nb", 'say "no"', "back\\slash", "null", "",
    " wide ", "👩‍🏫 Ñandú \u2028", "<r>", "<r><t>bold</t></r>", "<&>", "_x0041_", "\x00\x01\x1f", "http://a.example",
    "00123", "1e5", "2026-11-24", "true", "]\n[", "x" * 32_767, "\ufffe\uffff\x7f",
)  # fmt: skip
LONG = "👩" * 50_000
DETAILS = ('{"a": [1, null, "x,\\"y\\""], "b": {}}', "[]", None)
ROWS: list[tuple[Any, ...]] = [
    (text, text if at % 3 else None, at - 5, at / 7, at % 2, MOMENT_MS + at, "2026-11-24", DETAILS[at % 3])
    for at, text in enumerate(TEXTS)
]
ROWS += [("x", None, None, None, None, None, None, None), ("y", "z", 2**63 - 1, -1e300, True, 0, "1970-01-01", "1")]


def csv_lines(columns: tuple[ExportColumn, ...], rows: list[tuple[Any, ...]]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(files.csv(columns, [rows])).decode(), newline="")))[1:]


def left_behind() -> list[Path]:
    return list(scratch.place().glob(f"{scratch.PREFIX}*"))


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)


def as_csv(value: object, kind: CellKind) -> str:
    """Return what CSV has for a value that was read out of Parquet; a moment comes as milliseconds."""
    if value is None:
        return ""
    if kind is CellKind.TEXT:
        return formulas.escape(str(value))
    if kind is CellKind.TIME:
        return files.iso_time(int(str(value)))
    return str(value).lower() if kind is CellKind.BOOLEAN else str(value)


@pytest.mark.parametrize("group", [1, 7, 20_000])
def test_parquet_holds_what_csv_holds_in_its_order_and_with_its_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(parquet, "_GROUP_ROWS", group)
    rows = [*ROWS, (LONG, "=" + LONG, 1, 1.5, False, MOMENT_MS, "2026-11-24", json.dumps([LONG]))]
    path = tmp_path / "o.parquet"
    path.write_bytes(b"".join(parquet.parquet(COLUMNS, [rows[at : at + 3] for at in range(0, len(rows), 3)])))

    names = ", ".join(f'epoch_ms("{one.name}")' if one.kind is CellKind.TIME else f'"{one.name}"' for one in COLUMNS)
    file = parquet_file.read(path, names)
    found = file.rows
    kinds = [column.kind for column in COLUMNS]
    assert [row[:2] for row in found] == [row[:2] for row in rows]  # untouched: no apostrophe
    for line, row in zip(csv_lines(COLUMNS, rows), found, strict=True):
        for cell, value, kind in zip(line, row, kinds, strict=True):
            assert float(cell or 0) == (value or 0) if kind is CellKind.NUMBER else cell == as_csv(value, kind)
    assert file.columns == [column.name for column in COLUMNS]
    assert file.types == (
        ["VARCHAR", "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "DATE", "VARCHAR"]
    )
    assert file.codecs == {"ZSTD"} and left_behind() == []


def raw_cells(book: bytes) -> dict[str, Xml.Element]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = Xml.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314 -- of our own
    return {cell.attrib["r"]: cell for cell in sheet.iter() if cell.tag.endswith("}c")}


def test_a_workbook_holds_what_csv_holds() -> None:
    words = dictionary.table("schools", "en")
    book = b"".join(workbook.workbook(words, "en", COLUMNS, [ROWS[:5], ROWS[5:]]))

    (_, heading), *lines = xlsx.read(book, 100)
    assert heading == [column.name for column in COLUMNS]
    for (_, found), row in zip(lines, ROWS, strict=True):
        cells = [*found, *[""] * (len(COLUMNS) - len(found))]
        assert cells[:2] == [row[0], row[1] or ""] and cells[7] == (row[7] or "")
        assert cells[2] == ("" if row[2] is None else str(row[2]))  # 2**63 - 1 is a text: no digit is lost
        assert float(cells[3] or 0) == pytest.approx(row[3] or 0, rel=1e-14)
        assert cells[4] == ("" if row[4] is None else "yes" if row[4] else "no")
        assert cells[6] == (row[6] or "")
    cells_by_name = raw_cells(book)
    assert not any(part.tag.endswith("}f") for cell in cells_by_name.values() for part in cell.iter())
    kinds = {cells_by_name[f"{letter}2"].get("t", "number") for letter in "CD"}
    assert kinds == {"number"} and cells_by_name["E2"].get("t") == "b"
    first = datetime(1899, 12, 30, tzinfo=UTC)
    for number, row in enumerate(ROWS, start=2):
        if row[5] is not None:
            (value,) = cells_by_name[f"F{number}"]
            at = first + timedelta(days=float(value.text or ""))
            assert abs(at.timestamp() * 1000 - row[5]) < 0.5
    assert left_behind() == []


@pytest.mark.parametrize("language", dictionary.LANGUAGES)
def test_a_cell_too_small_for_its_text_is_cut_and_the_second_sheet_says_so(language: str) -> None:
    words = dictionary.table("schools", language)
    odd = ExportColumn("day", CellKind.DAY, is_nullable=True), ExportColumn("at", CellKind.TIME, is_nullable=True)
    rows = [(LONG, "no day", -3_000_000_000_000), ("<r>" + LONG, "1850-01-01", None)]
    book = b"".join(workbook.workbook(words, language, (COLUMNS[0], *odd), [rows]))

    first, second = (cells for _, cells in xlsx.read(book, 100)[1:])
    assert first == [LONG[:16_383] + "…", "no day", "1874-12-07T18:40:00.000Z"]
    assert second[0].startswith("<r>👩") and second[0].endswith("…") and second[1] == "1850-01-01"
    swapped = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as source, zipfile.ZipFile(swapped, "w") as target:
        names = {
            "xl/worksheets/sheet1.xml": "xl/worksheets/sheet2.xml",
            "xl/worksheets/sheet2.xml": "xl/worksheets/sheet1.xml",
        }
        for name in source.namelist():
            target.writestr(names.get(name, name), source.read(name))
    said = [cells for _, cells in xlsx.read(swapped.getvalue(), 100)]
    assert said[0] == list(dictionary.sheet_words(language).values())[:6]
    assert [line[:4] for line in said[1 : len(words.columns) + 1]] == [
        [one.name, one.type, one.unit, one.meaning] for one in words.columns
    ]
    assert "32767" in said[-1][0] and ": 2." in said[-1][0].replace("\u00a0", "")


def test_more_rows_than_a_sheet_has_are_refused_before_any_is_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(store)
    for number in range(3):
        town.measure("a", MOMENT_MS + number, 1_000_000)
    for most in (3, 2):
        monkeypatch.setattr(workbook, "MAX_ROWS", most)
        with store.reader() as snapshot:
            pieces = export.iter_export(snapshot, "measurements", "xlsx")
            if most == 3:
                assert len(xlsx.read(b"".join(pieces), 10)) == 4
                continue
            with pytest.raises(
                CollectorError, match=r"holds 2 rows, and these are more\. Choose fewer rows, or another"
            ):
                next(pieces)
    with pytest.raises(workbook.TooManyRowsError):  # that came after they were counted
        list(workbook.workbook(dictionary.table("schools", "en"), "en", COLUMNS, [ROWS[:3]]))
    assert left_behind() == []


def a_school(code: str, latitude: float | None, longitude: float | None) -> dict[str, Any]:
    names = {"name": "=1+1\t👩", "name_folded": "x", "name_order": "x", "extra": "{}", "created_ms": 0, "updated_ms": 0}
    return {"code": code, "latitude": latitude, "longitude": longitude, **names}


def put_places(store: Store) -> None:
    places = (("a", -12.5, -77.25), ("b", None, None), ("c", 0.0, 180.0), ("d", 1.0, None))
    common: dict[str, Any] = {"kind": "regional", "label": "provider", "state": "closed"}
    common |= {"suspected_ms": 1, "began_ms": 1}
    common |= {"live_label": "provider", "online": 4, "silent": 3}
    with store.unit() as unit:
        unit.connection.execute(insert(SCHOOLS), [a_school(*place) for place in places])
        unit.connection.execute(
            insert(OUTAGES), [{"outage_id": f"o{at:02}", "from_ms": MOMENT_MS + at, **common} for at in range(12)]
        )
        unit.connection.execute(
            insert(OUTAGE_SCHOOLS),
            [{"outage_id": "o03", "school": school, "heard_ms": 1, "from_ms": 1} for school in "cbaz"]
            + [{"outage_id": "o11", "school": "b", "heard_ms": 1, "from_ms": 1}],
        )
        unit.commit()


def test_geojson_puts_schools_and_outages_where_they_are_known_to_be(store: Store) -> None:
    put_places(store)
    places: dict[str, dict[str, Any]] = {}
    for table in export.WITH_PLACES:
        with store.reader() as snapshot:
            found = json.loads(b"".join(export.iter_export(snapshot, table, "geojson")))
            lines = b"".join(export.iter_export(snapshot, table, "jsonl")).splitlines()
        assert list(found) == ["type", "features"] and found["type"] == "FeatureCollection"
        assert [one["properties"] for one in found["features"]] == [json.loads(line) for line in lines]
        assert {one["type"] for one in found["features"]} == {"Feature"}
        places[table] = {one["id"]: one["geometry"] for one in found["features"]}
    assert places["schools"] == {
        "a": {"type": "Point", "coordinates": [-77.25, -12.5]},  # longitude first
        "b": None,
        "c": {"type": "Point", "coordinates": [180.0, 0.0]},
        "d": None,
    }
    assert len(places["outages"]) == 12
    assert {key: value for key, value in places["outages"].items() if value is not None} == {
        "o03": {"type": "MultiPoint", "coordinates": [[-77.25, -12.5], [180.0, 0.0]]}
    }
    with store.reader() as snapshot, pytest.raises(CollectorError, match="only schools and outages have places") as no:
        export.iter_export(snapshot, "measurements", "geojson")
    assert no.value.exit_code == 2 and "geojson" not in no.value.do


@pytest.mark.parametrize("form", ["parquet", "xlsx"])
def test_every_table_can_be_had_with_rows_and_without(store: Store, tmp_path: Path, form: str) -> None:
    """A column whose kind the format cannot hold would fail here."""
    for table in exports.TABLES:
        with store.reader() as snapshot:
            made = b"".join(export.iter_export(snapshot, table, form))
        names = [column.name for column in exports.columns(table)]
        if form == "xlsx":
            assert [cells for _, cells in xlsx.read(made, 10)] == [names]
            continue
        (tmp_path / table).write_bytes(made)
        assert parquet_file.read(tmp_path / table).rows == []
    rid = Town(store).measure("00123", MOMENT_MS, 24_400_000, probe={"ttl": 57})
    with store.reader() as snapshot:
        made = b"".join(export.iter_export(snapshot, "measurements", form))
        (line,) = csv.DictReader(io.StringIO(b"".join(export.iter_export(snapshot, "measurements", "csv")).decode()))
    if form == "xlsx":
        names, cells = (found for _, found in xlsx.read(made, 10))
        row = dict(zip(names, cells, strict=False))
        assert (row["rid"], row["detail"], row["download_bps"]) == (rid, line["detail"], line["download_bps"])
        return
    (tmp_path / "m").write_bytes(made)
    asked = 'rid, download_bps, detail, epoch_ms("started_at")'
    ((found_rid, bps, detail, at),) = parquet_file.read(tmp_path / "m", asked).rows
    assert (found_rid, str(bps), detail, files.iso_time(at)) == (
        *(line[name] for name in ("rid", "download_bps", "detail", "started_at")),
    )


def test_without_duckdb_parquet_is_not_offered_and_one_sentence_says_what_to_install(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export.offered() == export.FORMATS
    monkeypatch.setattr(parquet, "is_there", lambda: False)
    assert "parquet" not in export.offered()
    with store.reader() as snapshot, pytest.raises(CollectorError) as missing:
        export.iter_export(snapshot, "schools", "parquet")
    assert missing.value.exit_code == 2
    assert missing.value.sentence == (
        "Parquet is written by DuckDB, which is not installed. "
        "Install enlace-connectivity[parquet], or choose another format."
    )


PROGRAM = """
import os, signal, sys
from pathlib import Path
from collector.publish import dictionary, export, files
from collector.publish.formats import parquet, workbook
from collector.store.queries.exports import CellKind, ExportColumn
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
columns = (ExportColumn("code", CellKind.TEXT, is_nullable=False),)
def rows():
    for number in range(4):
        yield [(os.urandom(20_000).hex(),) for _ in range(10)]
        if len(sys.argv) == 3:
            print("begun", flush=True)
            sys.stdin.read(1)
made = parquet.parquet(columns, rows()) if sys.argv[1].endswith("parquet") else (
    workbook.workbook(dictionary.table("schools", "en"), "en", columns, rows()))
try:
    export.write_file(Path(sys.argv[1]), made)
except export.CollectorError as error:
    print(error.sentence)
    sys.exit(int(error.exit_code))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")
@pytest.mark.parametrize("form", ["parquet", "xlsx"])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, "limit"])
def test_whatever_ends_it_yesterdays_file_stays_and_nothing_else(tmp_path: Path, form: str, end: Any) -> None:
    target = tmp_path / "out" / f"out.{form}"
    target.parent.mkdir()
    target.write_bytes(b"yesterday")
    words = [sys.executable, "-c", PROGRAM, str(target), *([] if end == "limit" else ["waits"])]
    bounds = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))) if end == "limit" else None
    with subprocess.Popen(words, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, preexec_fn=bounds) as child:
        assert child.stdout is not None
        if end == "limit":
            said = child.stdout.read().decode()
            assert said.startswith(f"{target} could not be written: there is no room left.")
            assert child.wait(60) == 1
        else:
            assert child.stdout.readline() == b"begun\n"
            assert len(left_behind()) == 1
            child.send_signal(end)
            assert child.wait(60) != 0
    assert {path.name: path.read_bytes() for path in target.parent.iterdir()} == {target.name: b"yesterday"}
    assert left_behind() == []


def test_what_a_killed_export_left_is_gone_a_day_later() -> None:
    old, young = (scratch.place() / f"{scratch.PREFIX}{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
        (folder / "part-0").write_bytes(b"x")
    before = young.stat().st_mtime - 90_000
    os.utime(old, (before, before))
    seen: list[list[Path]] = []

    def make(folder: Path) -> Path:
        seen.append(sorted(left_behind()))
        (folder / "whole").write_bytes(b"file")
        return folder / "whole"

    pieces = scratch.made(make)
    assert next(pieces) == b"file" and left_behind() == [young]  # while it is read nothing has a name
    assert old not in seen[0] and len(seen[0]) == 2


def test_what_the_disk_says_through_duckdb_keeps_its_number() -> None:
    for text, number in (
        ('IO Error: Async write failed: {"exception_message":"Could not write: x","errno":"28"}', errno.ENOSPC),
        ('IO Error: Could not write file "x": No space left on device', errno.ENOSPC),
        ("IO Error: something else", errno.EIO),
    ):
        assert parquet._of_the_disk(duckdb.IOException(text)).errno == number
