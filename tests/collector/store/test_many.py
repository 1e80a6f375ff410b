"""Many rows at once arrive as each of them would by itself, on both engines."""

from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from collector.store.many import insert_all, insert_new, update_all
from collector.store.open import Store
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.unit import Snapshot

TEXTS = ("plain", "ñandú 🛰", 'quo"ted \\ \\u0000 \t\n', "", "null", "[1]", None)
NUMBERS = (0, -1, 2**53 + 1, 9_223_372_036_854_775_807, None)
FRACTIONS = (0.1, 1e-300, 1.7976931348623157e308, -0.0, 12.0, 5, None)
TRUTHS = (True, False, None)


def a_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "device": "d1", "rid": f"r{number:03d}", "school": "00123", "status": "ok", "tier": "capacity",
        "trigger": "window", "started_ms": 5, "started_raw_ms": 5, "time_quality": "exact", "time_width_ms": 0,
        "received_ms": 9, "content_hash": "", "tags": None, "download_bps": None, "download_steady_s": None,
        "download_lower_bound": None, **changes,
    }  # fmt: skip


def of_all_kinds() -> list[dict[str, Any]]:
    values = {
        "tags": TEXTS, "download_bps": NUMBERS, "download_steady_s": FRACTIONS, "download_lower_bound": TRUTHS,
    }  # fmt: skip
    changes = [{name: value} for name, some in values.items() for value in some]
    return [a_row(number, **change) for number, change in enumerate(changes)]


def stored(snapshot: Snapshot) -> list[dict[str, Any]]:
    query = select(*[MEASUREMENTS.c[name] for name in a_row(0)]).order_by(MEASUREMENTS.c.rid)
    return [dict(row._mapping) for row in snapshot.connection.execute(query)]


def test_values_of_all_kinds_arrive_as_they_are(store: Store) -> None:
    with store.unit() as unit:
        assert insert_all(unit, MEASUREMENTS, of_all_kinds())
        assert stored(unit) == of_all_kinds()
        assert all(type(row["download_steady_s"]) in (float, type(None)) for row in stored(unit))


def test_they_arrive_as_those_that_are_sent_one_by_one(store: Store) -> None:
    with store.unit() as unit:
        unit.connection.execute(insert(MEASUREMENTS), of_all_kinds())
        one_by_one = stored(unit)
    with store.unit() as unit:
        insert_new(unit, MEASUREMENTS, of_all_kinds())
        assert stored(unit) == one_by_one


def test_a_nul_becomes_what_it_becomes_in_a_row_by_itself(store: Store) -> None:
    row = a_row(1, tags="a\0b \\u0000")
    with store.unit() as unit:
        unit.connection.execute(insert(MEASUREMENTS), [row])
        insert_new(unit, MEASUREMENTS, [row | {"rid": "r002"}])
        alone, among_many = stored(unit)
        assert alone | {"rid": ""} == among_many | {"rid": ""}


def test_a_key_that_is_taken_is_passed_over_or_raises(store: Store) -> None:
    with store.unit() as unit:
        insert_new(unit, MEASUREMENTS, [])
        assert insert_all(unit, MEASUREMENTS, [a_row(1, tags="first")])
        assert not insert_all(unit, MEASUREMENTS, [a_row(1, tags="second"), a_row(2)])
        assert [(row["rid"], row["tags"]) for row in stored(unit)] == [("r001", "first"), ("r002", None)]
        assert not insert_all(unit, MEASUREMENTS, [a_row(3), a_row(3)])
        with pytest.raises(IntegrityError):
            insert_new(unit, MEASUREMENTS, [a_row(4), a_row(2)])


@pytest.mark.parametrize("change", [{"download_bps": 2**63}, {"tags": "\ud800"}, {"status": None}])
def test_what_cannot_be_stored_raises(store: Store, change: dict[str, Any]) -> None:
    with store.unit() as unit, pytest.raises((DBAPIError, OverflowError, ValueError)):
        insert_new(unit, MEASUREMENTS, [a_row(1), a_row(2, **change)])


def test_every_column_of_both_kinds_of_record_can_be_given(store: Store) -> None:
    with store.unit() as unit:
        for table in (MEASUREMENTS, DIARY):
            given = {column.name: None if column.nullable else _some(column) for column in table.c}
            insert_new(unit, table, [given])
            assert dict(unit.connection.execute(select(table)).one()._mapping) == given


def _some(column: Any) -> Any:
    return column.type.python_type(3)


def test_only_what_is_given_is_written_and_only_where_it_is_said(store: Store) -> None:
    rows = [a_row(number, tags="kept", download_bps=number) for number in range(4)]
    with store.unit() as unit:
        insert_new(unit, MEASUREMENTS, [*rows, a_row(0, device="d2")])
        update_all(unit, MEASUREMENTS, [])
        given = [
            {"device": "d1", "rid": "r001", "school": "ñ\\u0000", "download_lower_bound": True},
            {"device": "d1", "rid": "r003", "school": None, "download_lower_bound": None},
            {"device": "d3", "rid": "r002", "school": "nowhere", "download_lower_bound": False},
        ]
        update_all(unit, MEASUREMENTS, given)
        found = {(row["device"], row["rid"]): row for row in stored(unit)}
        assert found["d1", "r001"] == rows[1] | {"school": "ñ\\u0000", "download_lower_bound": True}
        assert found["d1", "r003"] == rows[3] | {"school": None}
        assert found["d1", "r000"] == rows[0] and found["d1", "r002"] == rows[2] and len(found) == 5
