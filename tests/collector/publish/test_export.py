"""Files as analysts and spreadsheets get them."""

import csv
import io
import json
import sqlite3
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from bench.export import Cost, export_cost
from collector import cli
from collector.domain import formulas
from collector.errors import CollectorError
from collector.publish import export
from collector.registry import csvfile
from collector.store.open import Store
from collector.store.queries import exports
from collector.store.queries.exports import ExportFilter
from collector.store.tables.measurements import MEASUREMENTS
from tests.fakes import parquet_file
from tests.fakes.empty_store import empty_store
from tests.fakes.export_rows import fill
from tests.fakes.records import a_direction
from tests.fakes.school_days import Town, a_registry, bring

NOON_MS = 1_795_525_509_123


def content(store: Store, table: str, format_name: str, filters: ExportFilter = export.EVERYTHING) -> bytes:
    with store.reader() as snapshot:
        return b"".join(export.iter_export(snapshot, table, format_name, filters))


def csv_rows(store: Store, table: str, filters: ExportFilter = export.EVERYTHING) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(store, table, "csv", filters).decode(), newline="")))


def json_rows(store: Store, table: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in content(store, table, "jsonl").splitlines()]


def test_a_measurement_reads_the_same_in_both_formats(store: Store) -> None:
    rid = Town(store).measure("00123", NOON_MS, 24_400_000, probe={"ttl": 57}, tags=None, receipt="=cmd|'/c calc'!A0")

    (line,) = csv_rows(store, "measurements")
    (record,) = json_rows(store, "measurements")

    assert list(line) == list(record)
    assert line["rid"] == record["rid"] == rid
    assert line["school"] == record["school"] == "00123"
    assert line["started_at"] == record["started_at"] == "2026-11-24T13:05:09.123Z"
    assert (line["download_bps"], record["download_bps"]) == ("24400000", 24_400_000)
    assert json.loads(line["detail"]) == record["detail"] == {"probe": {"ttl": 57}}
    assert record["download_bins"] == a_direction(24_400_000)["bins"]
    assert (line["proxy"], record["proxy"]) == ("false", False)
    assert (line["votes"], record["votes"], line["tags"], record["tags"]) == ("", None, "", None)
    assert line["receipt"] == "'=cmd|'/c calc'!A0"
    assert record["receipt"] == "=cmd|'/c calc'!A0"


@pytest.mark.parametrize("table", exports.TABLES)
@pytest.mark.parametrize("format_name", ["csv", "jsonl"])
def test_an_empty_table_is_a_valid_file(store: Store, table: str, format_name: str) -> None:
    expected = [",".join(column.name for column in exports.columns(table))] if format_name == "csv" else []
    assert content(store, table, format_name).decode().splitlines() == expected


def test_filters_and_counts_agree(store: Store) -> None:
    town = Town(store)
    for number, school in enumerate(("a", "b", "a", None)):
        town.measure(school, NOON_MS + number * 1000, 1_000_000)
    for filters, rows in (
        (ExportFilter(), 4),
        (ExportFilter(school="a"), 2),
        (ExportFilter(from_ms=NOON_MS + 1000), 3),
        (ExportFilter(to_ms=NOON_MS + 1000), 1),
        (ExportFilter(school="a", from_ms=NOON_MS + 1000, to_ms=NOON_MS + 2000), 0),
    ):
        with store.reader() as snapshot:
            assert export.count_rows(snapshot, "measurements", filters) == rows
        assert len(csv_rows(store, "measurements", filters)) == rows


def test_a_school_named_like_a_formula_comes_out_escaped_and_goes_in_again(store: Store) -> None:
    names = {"a": "=cmd", "b": "+1", "c": "-2", "d": "@SUM(A1)", "e": "'=quoted", "f": "plain - name", "g": "'plain"}
    lines = [f'{code},"{csv_text}"' for code, csv_text in names.items()]
    lines[4] = "e,\"''=quoted\""
    bring(store, a_registry(*lines, heading="code,name"), NOON_MS)

    found = {line["code"]: line["name"] for line in csv_rows(store, "schools")}
    assert found == names | {"a": "'=cmd", "b": "'+1", "c": "'-2", "d": "'@SUM(A1)", "e": "''=quoted"}
    report = bring(store, content(store, "schools", "csv"), NOON_MS + 1)
    assert (report.added, report.changed, report.unchanged, report.errors) == (0, 0, 7, ())


@given(st.text(max_size=12))
@example("'\n0")
@example("''＝1")
def test_escaping_can_always_be_undone_and_always_disarms(text: str) -> None:
    escaped = formulas.escape(text)
    assert not escaped or escaped[0] not in "=+-@\t\r"
    assert formulas.unescape(escaped) == text
    assert csvfile._cell(escaped) == text or text != text.strip()


def test_export_rows_are_those_of_the_table(store: Store) -> None:
    town = Town(store)
    rids = {town.measure("a", NOON_MS + number, 1_000_000) for number in range(25)}
    with store.reader() as snapshot:
        stored = set(snapshot.connection.scalars(select(MEASUREMENTS.c.rid)))
    assert {row["rid"] for row in json_rows(store, "measurements")} == stored == rids


def test_an_unknown_table_or_format_is_one_sentence(store: Store) -> None:
    with pytest.raises(CollectorError, match=r"no export of passwords as csv\. Tables: measurements"):
        content(store, "passwords", "csv")
    with pytest.raises(CollectorError, match="no export of schools as exe"):
        content(store, "schools", "exe")
    assert cli.FORMATS == export.FORMATS  # the command offers them by a list of its own


@pytest.mark.sqlite
def test_nothing_is_open_while_a_piece_is_sent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that takes hours holds up no checkpoint, and gets what was there at the beginning."""
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    town = Town(store)
    rids = [town.measure("a", NOON_MS + number, 1_000_000) for number in range(5)]
    pieces = export.iter_in_pieces(store.reader, "measurements", "jsonl")
    found = [next(pieces)]
    town.measure("a", NOON_MS + 1000, 1_000_000)
    with store.unit() as unit:
        unit.commit()
    busy, _frames, _done = sqlite3.connect(str(store.path)).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    found += pieces
    assert [json.loads(line)["rid"] for line in b"".join(found).splitlines()] == rids
    assert len(found) == 3


@pytest.mark.parametrize("rows", range(1, 8))
@pytest.mark.parametrize("table", ["measurements", "schools"])
def test_pieces_hold_every_row_once(store: Store, monkeypatch: pytest.MonkeyPatch, rows: int, table: str) -> None:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 3)
    bring(store, a_registry(*(f"{number},x" for number in range(rows)), heading="code,name"), NOON_MS)
    town = Town(store)
    for number in range(rows):
        town.measure(str(number % 2), NOON_MS + number // 4, 1_000_000)  # several at the same moment
    assert len({(row.get("rid"), row.get("code")) for row in json_rows(store, table)}) == rows
    assert len(json_rows(store, table)) == rows


def test_memory_does_not_grow_with_the_rows(store: Store) -> None:
    few, many = (_peak_bytes(store, rows) for rows in (2_000, 8_000))
    assert many - few < 1_000_000


@pytest.mark.deep
@pytest.mark.parametrize(
    ("form", "rows"), [("csv", 1_000_000), ("jsonl", 1_000_000), ("parquet", 1_000_000), ("xlsx", 50_000)]
)
def test_a_million_rows_need_less_than_fifty_megabytes(tmp_path: Path, form: str, rows: int) -> None:
    """Resident memory of a process of its own, beyond that of an export of few rows; a workbook takes minutes."""
    peaks = []
    # Parts of Parquet have 20,000 rows: fewer would not fill one.
    for few_or_many in (40_000 if form == "parquet" else 1_000, rows):
        data, file = tmp_path / str(few_or_many), tmp_path / f"o.{form}"
        made = empty_store(data)
        fill(made, few_or_many)
        made.close()
        cost = export_cost(data, form, file)
        assert _rows_of(file, cost) == few_or_many
        peaks.append(cost.peak_mb)
    assert peaks[1] - peaks[0] < 50


def _rows_of(file: Path, cost: Cost) -> int:
    if file.suffix == ".parquet":
        return len(set(parquet_file.read(file, "rid").rows))
    if file.suffix == ".xlsx":
        with zipfile.ZipFile(file) as archive, archive.open("xl/worksheets/sheet1.xml") as sheet:
            return sheet.read().count(b"</row>") - 1
    return cost.lines - (file.suffix == ".csv")


def _peak_bytes(store: Store, rows: int) -> int:
    """Fill the table up to so many rows and return what exporting them needs at most."""
    Town(store).measure("a", NOON_MS, 1_000_000)
    with store.reader() as snapshot:
        sample = dict(snapshot.connection.execute(select(MEASUREMENTS).limit(1)).mappings().one())
        there = export.count_rows(snapshot, "measurements")
    for start in range(there, rows, 5_000):
        with store.unit() as unit:
            unit.connection.execute(
                insert(MEASUREMENTS),
                [{**sample, "rid": f"{number:036d}"} for number in range(start, min(rows, start + 5_000))],
            )
            unit.commit()
    lines = 0
    tracemalloc.start()
    with store.reader() as snapshot:
        for piece in export.iter_export(snapshot, "measurements", "csv"):
            lines += piece.count(b"\r\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == rows + 1
    return peak
