"""Read models of the page of a school's tests, and the same tests as hints and fitness take them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, select

from agent.wire import tags
from collector.domain.diagnosis.facts import Fact
from collector.store.queries.pages.school import TestFilter, TestRow, conditions_of, tests_as
from collector.store.tables.devices import ASSIGNMENTS, DEVICES
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.unit import Snapshot

FACTS_MAX: Final = 5000
"""Hints look at no more tests of a school: its newest of the days that are asked for."""

# A fact that stands in a column of the same name; the others are worked out below.
_SAME: Final = (
    *("device", "rid", "exclusion", "engine", "server_id", "medium", "link_bps", "signal_dbm"),
    *("download_bps", "download_steady_s", "download_stop_reason", "upload_bps"),
    *("idle_rtt_ms", "idle_rtt_min_ms", "idle_loss_pct", "idle_n", "idle_method"),
    *("gateway_rtt_ms", "gateway_loss_pct", "loaded_method"),
    *("loaded_download_rtt_ms", "loaded_download_p95_ms", "loaded_upload_rtt_ms", "loaded_upload_p95_ms"),
)
_OTHERS: Final = (
    *("started_ms", "votes", "download_lower_bound", "upload_lower_bound", "client_ip_prefix", "loaded_grade", "tags"),
)
_COLUMNS: Final = [MEASUREMENTS.c[name] for name in (*_SAME, *_OTHERS)]


@dataclass(frozen=True)
class DetailRow(TestRow):
    """One measurement as the page of all tests shows it."""

    engine: str | None
    server_id: str | None
    idle_loss_pct: float | None
    idle_n: int | None
    loaded_download_p95_ms: float | None
    loaded_upload_p95_ms: float | None
    gateway_rtt_ms: float | None
    signal_dbm: float | None


def devices(snapshot: Snapshot, code: str) -> list[str]:
    """Return the computers that a school has or had: of those its tests are, and all of them are not read for it."""
    belonged = select(ASSIGNMENTS.c.device).where(ASSIGNMENTS.c.school == code)
    belongs = select(DEVICES.c.device).where(DEVICES.c.school == code)
    return sorted(snapshot.connection.scalars(belonged.union(belongs)))


def tests_of(snapshot: Snapshot, code: str, wanted: TestFilter, limit: int, offset: int) -> list[DetailRow]:
    """Return one page of a school's tests, newest first by corrected time."""
    return tests_as(DetailRow, snapshot, code, wanted, limit, offset)


def facts(snapshot: Snapshot, code: str, from_ms: int, to_ms: int, zone: ZoneInfo) -> list[Fact]:
    """Return the tests of some days, the newest first.

    Args:
        snapshot: The database.
        code: Of the school.
        from_ms: First moment, by corrected time.
        to_ms: The moment after the last.
        zone: Of the school.
    """
    query = (
        select(*_COLUMNS)
        .where(MEASUREMENTS.c.school == code, *conditions_of(TestFilter(from_ms=from_ms, to_ms=to_ms)))
        .order_by(MEASUREMENTS.c.started_ms.desc(), MEASUREMENTS.c.device, MEASUREMENTS.c.rid)
        .limit(FACTS_MAX)
    )
    return [_fact(row, zone) for row in snapshot.connection.execute(query).mappings()]


def _fact(row: RowMapping, zone: ZoneInfo) -> Fact:
    local = datetime.fromtimestamp(row["started_ms"] / 1000, zone)
    remarks = _tags(row["tags"])
    return Fact(
        **{name: row[name] for name in _SAME},
        day=local.date(),
        hour=local.hour,
        votes=bool(row["votes"]),
        download_lower_bound=bool(row["download_lower_bound"]),
        upload_lower_bound=bool(row["upload_lower_bound"]),
        network=row["client_ip_prefix"],
        is_fully_loaded=row["loaded_grade"] is not None,
        is_client_limited=any(_is_client_limit(remark) for remark in remarks),
        is_router_slower=any(tags.GATEWAY_SLOWER in remark for remark in remarks),
    )


def _is_client_limit(remark: str) -> bool:
    """Return whether a remark says that the computer held the download up."""
    return remark in (tags.CLIENT_LIMITED_SOMEWHERE, f"download{tags.CLIENT_LIMITED}")


def _tags(text: str | None) -> list[str]:
    return [str(remark) for remark in json.loads(text)] if text else []
