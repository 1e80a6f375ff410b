"""Schools whose tests have a known reason, as raw rows: what pages say of them is counted again from these."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from collector.domain.diagnosis.facts import Cause, Fact
from collector.store.open import Store
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from tests.collector.domain.diagnosis.build import some
from tests.fakes import pages_world, summed_up

FIRST, LAST = "2026-11-09", "2026-11-23"  # days of the window that the tests lie in
TARGET_MBPS, CONTRACT_MBPS = 20, 30

_SAME = (
    *("device", "rid", "votes", "exclusion", "engine", "server_id", "medium", "link_bps", "signal_dbm"),
    *("download_bps", "download_lower_bound", "download_steady_s", "download_stop_reason", "upload_bps"),
    *("idle_rtt_ms", "idle_rtt_min_ms", "idle_loss_pct", "idle_n", "idle_method", "gateway_rtt_ms"),
    *("gateway_loss_pct", "loaded_method", "loaded_download_rtt_ms", "loaded_download_p95_ms"),
    *("loaded_upload_rtt_ms", "loaded_upload_p95_ms"),
)


def _aside(facts: list[Fact], reason: str) -> list[Fact]:
    return [replace(fact, votes=False, exclusion=reason) for fact in facts]


def _spread(facts: Sequence[Fact]) -> list[Fact]:
    """Return tests that are not all alike, so that a median is one among many."""
    return [
        replace(fact, download_bps=round((fact.download_bps or 0) * (1 + (number % 5 - 2) / 50)))
        for number, fact in enumerate(facts)
    ]


REASONS: dict[Cause, list[Fact]] = {
    Cause.WIFI_SLOWER: [*some(11, "w", mbps=9, medium="wifi", link_bps=400_000_000), *some(9, "c", mbps=24)],
    Cause.WIFI_WEAK: [
        *some(12, "w", mbps=8, medium="wifi", link_bps=130_000_000, signal_dbm=-79.0),
        *some(5, "g", mbps=14, medium="wifi", link_bps=400_000_000, signal_dbm=-55.0),
    ],
    Cause.PORT: [*some(13, "p", mbps=9.2, link_bps=10_000_000), *some(4, "c", mbps=19)],
    Cause.FULL_IN_CLASS: [*some(20, "c", mbps=12), *_aside(some(9, "o", mbps=26, hour=20), "out_of_hours")],
    Cause.FULL_WHEN_BUSY: [*some(9, "q", mbps=27), *some(14, "b", mbps=11, idle_rtt_ms=90.0)],
    Cause.PROVIDER: some(15, "c", mbps=17),
    Cause.FARTHER_SERVER: [
        *some(13, "u", idle_rtt_min_ms=120.0, idle_rtt_ms=125.0),
        *_aside(some(8, "n", server_id="tp2"), "other_server"),
    ],
    Cause.SERVER_FAR: some(12, "u", idle_rtt_min_ms=131.0, idle_rtt_ms=135.0),
    Cause.DELAY: [*some(12, "l", loaded_upload_rtt_ms=420.0), *some(7, "s")],
}
"""Tests with one reason each."""


def code_of(cause: Cause) -> str:
    """Return the code of the school with a reason."""
    return f"R{list(Cause).index(cause):04d}"


def fill(store: Store) -> None:
    """Add people, some schools of all kinds, and a school for each reason."""
    pages_world.small(store)
    for cause, facts in REASONS.items():
        add_school(store, code_of(cause), _spread(facts))


def add_school(store: Store, code: str, facts: Sequence[Fact]) -> None:
    """Add a school in Los Cayos with these tests and a verdict whose window holds them."""
    with store.unit() as unit:
        like = unit.connection.execute(select(SCHOOLS).where(SCHOOLS.c.code == "00200")).mappings().one()
        changed = {"code": code, "name": code, "name_folded": code.lower(), "name_order": code.lower()}
        facts_of = {"technology": "fibre", "contract_download_mbps": CONTRACT_MBPS}
        unit.connection.execute(insert(SCHOOLS).values({**like, **changed, **facts_of}))
        query = select(EVALUATIONS).where(EVALUATIONS.c.school == "00123").order_by(EVALUATIONS.c.day.desc())
        judged = unit.connection.execute(query).mappings().first()
        assert judged is not None
        window = {"school": code, "window_from": FIRST, "day": LAST, "target_bps": TARGET_MBPS * 1_000_000}
        unit.connection.execute(insert(EVALUATIONS).values({**judged, **window}))
        summed_up.renew_all(unit)
        unit.connection.execute(insert(MEASUREMENTS), [_row(code, fact, at) for at, fact in enumerate(facts)])
        unit.commit()


def _row(code: str, fact: Fact, at: int) -> dict[str, object]:
    place = ZoneInfo(pages_world.ZONE)
    when = datetime(fact.day.year, fact.day.month, fact.day.day, fact.hour, at % 60, tzinfo=place)
    at_ms = round(when.timestamp() * 1000)
    return {
        **{name: getattr(fact, name) for name in _SAME},
        "device": f"{code}-{fact.device}", "school": code, "status": "ok", "tier": "capacity", "trigger": "window",
        "started_ms": at_ms, "started_raw_ms": at_ms, "time_quality": "exact", "time_width_ms": 0,
        "received_ms": at_ms + 9000, "client_ip_prefix": fact.network, "content_hash": "0",
        "loaded_grade": "A" if fact.is_fully_loaded else None,
        "download_bytes": 3_000_000, "upload_bytes": 1_000_000,
    }  # fmt: skip
