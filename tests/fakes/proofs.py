"""Tests that were asked for, put straight into the table beside those of `pages_world`."""

import random
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from collector.store.open import Store
from collector.store.tables.measurements import MEASUREMENTS
from tests.fakes import pages_world

SCHOOL = "00123"
HALVES = ((5, 4), (17, 7))  # hours and minutes at which both halves of a day begin
FRIDAY, THURSDAY, MONDAY = date(2026, 11, 13), date(2026, 11, 19), date(2026, 11, 23)


def asked_test(day: date, minute: int, **changes: Any) -> dict[str, Any]:
    """Return the row of one test at a minute of a local day."""
    start = datetime(day.year, day.month, day.day, minute // 60, minute % 60, 7, tzinfo=ZoneInfo(pages_world.ZONE))
    at_ms = round(start.timestamp() * 1000)
    school = changes.get("school", SCHOOL)
    chance = random.Random(f"{school} {at_ms}")
    speed = round(12_800_000 * chance.lognormvariate(0, 0.1))
    return {
        "device": f"d-{school}-1", "rid": f"01a20da9-{at_ms % 65536:04x}-7000-8000-{at_ms:012x}", "school": school,
        "status": "ok", "tier": "capacity", "trigger": "campaign", "started_ms": at_ms, "started_raw_ms": at_ms,
        "time_quality": "exact", "time_width_ms": 0, "received_ms": at_ms + 20_000, "engine": "ndt7",
        "engine_version": "0.1.0", "engine_protocol": "ndt7/0.11", "server_id": "tp1",
        "server_host": "testpoint.invalid", "download_bps": speed, "download_half_width_pct": 2.5,
        "download_lower_bound": False, "download_stop_reason": "precise", "download_steady_s": 2.4,
        "download_bytes": 5_100_000, "download_wire_bytes_est": 5_300_000, "download_method": "receiver",
        "upload_bps": speed // 3, "upload_bytes": 1_700_000, "upload_wire_bytes_est": 1_800_000,
        "idle_rtt_ms": 44.0, "medium": "ethernet", "link_bps": 1_000_000_000, "cpu_pct": 12.0, "other_bps": 20_000,
        "receipt_verdict": "valid", "content_hash": "0", "votes": False, "exclusion": "out_of_hours", **changes,
    }  # fmt: skip


def ten_tests(day: date, **changes: Any) -> list[dict[str, Any]]:
    """Return all tests of a day, five in each half."""
    begins = [hour * 60 + minute for hour, minute in HALVES]
    return [asked_test(day, begin + 19 * number, **changes) for begin in begins for number in range(5)]


def put(store: Store, *rows: dict[str, Any]) -> None:
    """Store rows, all with the same columns."""
    with store.unit() as unit:
        unit.connection.execute(insert(MEASUREMENTS), list(rows))
        unit.commit()


def put_days(store: Store, *days: date, **changes: Any) -> None:
    """Store the tests of whole days."""
    put(store, *(row for day in days for row in ten_tests(day, **changes)))
