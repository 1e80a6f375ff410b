"""Records as rows: every member has its column, and nothing is written twice."""

import json
from typing import Any

import msgspec
import pytest

from agent.wire.codec import decode_item
from agent.wire.records import Measurement
from collector.store.open import Store
from collector.store.queries import measurements
from collector.store.queries.measurements import Placed, insert_once, row_of
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from tests.fakes.records import a_diary_run, a_failed_measurement, a_measurement, a_rid

JUDGED = {"votes", "exclusion", "retracted_ms"}


def placed(record: dict[str, Any], **changes: Any) -> Placed:
    values = {
        "decoded": decode_item(json.dumps(record).encode()), "device": "d1", "school": "00123", "at_ms": 1000,
        "end_ms": 1000, "time_quality": "exact", "time_width_ms": 0, "received_ms": 2000, **changes,
    }  # fmt: skip
    return Placed(**values)


@pytest.mark.parametrize("record", [a_measurement(1), a_failed_measurement(1)])
def test_a_measurement_fills_every_column_but_the_judged_ones(record: dict[str, Any]) -> None:
    row = row_of(placed(record))
    assert set(row) == {column.name for column in MEASUREMENTS.c} - JUDGED


def test_a_diary_run_fills_every_column() -> None:
    assert set(row_of(placed(a_diary_run(1)))) == {column.name for column in DIARY.c}


def test_every_member_of_a_measurement_reaches_the_row() -> None:
    record = decode_item(json.dumps(a_measurement(1)).encode()).record
    assert isinstance(record, Measurement)
    row = row_of(placed(a_measurement(1)))
    kept = [json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value for value in row.values()]
    passed_over = {"schema", "kind", "started_at"}
    for name, value in leaves(msgspec.to_builtins(record)):
        assert name in passed_over or value in kept, name


def leaves(tree: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        found += leaves(value) if isinstance(value, dict) else [(name, value)]
    return found


def test_a_record_is_written_once(store: Store) -> None:
    rows = [placed(a_measurement(number)) for number in range(3)] + [placed(a_diary_run(9))]
    with store.unit() as unit:
        assert insert_once(unit, rows) == ({a_rid(0), a_rid(1), a_rid(2), a_rid(9)}, set())
        assert insert_once(unit, [*rows, placed(a_measurement(5))]) == ({a_rid(5)}, set())
        assert insert_once(unit, []) == (set(), set())
        unit.commit()
    with store.reader() as snapshot:
        assert len(measurements.find_hashes(snapshot, "d1", {a_rid(number) for number in range(10)})) == 5
        assert measurements.find_hashes(snapshot, "d2", {a_rid(1)}) == {}


def test_a_direction_without_its_cost_on_the_wire_counts_with_its_payload(store: Store) -> None:
    down = a_measurement(0)["download"] | {"bytes": 1000, "wire_bytes_est": 1046}
    up = a_measurement(0)["upload"] | {"bytes": 500, "wire_bytes_est": None}
    with store.unit() as unit:
        insert_once(unit, [placed(a_measurement(1, download=down, upload=up), at_ms=1)])
        assert measurements.spent_bytes(unit, "00123", 0) == 1546


def test_what_a_school_spent_and_reached(store: Store) -> None:
    with store.unit() as unit:
        insert_once(
            unit,
            [placed(a_measurement(number), at_ms=number) for number in range(4)]
            + [placed(a_measurement(8, trigger="manual"), at_ms=2)]
            + [placed(a_failed_measurement(9), at_ms=2)],
        )
        assert measurements.count_tests(unit, "00123", 1, 3) == 2
        each = sum(a_measurement(0)[name]["wire_bytes_est"] for name in ("download", "upload"))
        assert measurements.spent_bytes(unit, "00123", 2) == 3 * each
        assert measurements.spent_bytes(unit, "elsewhere", 0) == 0
        assert measurements.recent_speeds(unit, "00123", 2) == (24_400_000, 5_200_000)
        assert measurements.recent_speeds(unit, "elsewhere", 2) == (None, None)


@pytest.mark.parametrize("record", [a_measurement(1), a_failed_measurement(1), a_diary_run(1)])
def test_what_a_row_has_is_plain(record: dict[str, Any]) -> None:
    kinds = {type(value) for value in row_of(placed(record)).values()}
    assert kinds <= {str, int, float, bool, type(None)}
