"""Measurements and diary runs as they came, with the times that the collector worked out."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from collector.store.tables.base import METADATA


def _direction(name: str) -> list[Column[Any]]:
    return [
        Column(f"{name}_bps", BigInteger),
        Column(f"{name}_half_width_pct", Float),
        Column(f"{name}_confidence", Text),
        Column(f"{name}_lower_bound", Boolean),
        Column(f"{name}_stop_reason", Text),
        Column(f"{name}_bytes", BigInteger),
        Column(f"{name}_wire_bytes_est", BigInteger),
        Column(f"{name}_duration_s", Float),
        Column(f"{name}_steady_s", Float),
        Column(f"{name}_ramp_s", Float),
        Column(f"{name}_streams", Integer),
        Column(f"{name}_method", Text),
        Column(f"{name}_bin_ms", Integer),
        Column(f"{name}_bins", Text),  # JSON list of bytes
    ]


def _rtt(name: str) -> list[Column[Any]]:
    return [
        Column(f"{name}_rtt_ms", Float),
        Column(f"{name}_rtt_min_ms", Float),
        Column(f"{name}_rtt_p90_ms", Float),
        Column(f"{name}_jitter_ms", Float),
        Column(f"{name}_loss_pct", Float),
        Column(f"{name}_n", Integer),
        Column(f"{name}_method", Text),
    ]


MEASUREMENTS = Table(
    "measurements",
    METADATA,
    Column("device", Text, nullable=False),
    Column("rid", Text, nullable=False),
    Column("school", Text),  # by the assignment at the corrected start; None: none was valid
    Column("status", Text, nullable=False),
    Column("failure_phase", Text),
    Column("failure_code", Text),
    Column("failure_detail", Text),
    Column("tier", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),  # corrected
    Column("started_raw_ms", BigInteger, nullable=False),  # by the computer's own clock
    Column("time_quality", Text, nullable=False),  # exact | adjusted | bounded
    Column("time_width_ms", BigInteger, nullable=False),  # 0 unless bounded
    Column("received_ms", BigInteger, nullable=False),
    Column("utc_offset_min", Integer),
    Column("boot_id", Text),
    Column("started_mono_ms", BigInteger),
    Column("engine", Text),
    Column("engine_version", Text),
    Column("engine_protocol", Text),
    Column("server_id", Text),
    Column("server_host", Text),
    Column("server_scheme", Text),
    Column("ip_family", Integer),
    Column("client_ip_prefix", Text),  # of the request: /24 or /48, never the whole address
    Column("lease_id", Text),
    Column("receipt", Text),
    Column("receipt_verdict", Text),  # agent.wire.receipts.Verdict; None: stored before they were judged
    *_direction("download"),
    *_direction("upload"),
    *_rtt("idle"),
    *_rtt("gateway"),
    Column("loaded_download_rtt_ms", Float),
    Column("loaded_download_p95_ms", Float),
    Column("loaded_upload_rtt_ms", Float),
    Column("loaded_upload_p95_ms", Float),
    Column("loaded_increase_ms", Float),
    Column("loaded_n", Integer),
    Column("loaded_method", Text),
    Column("loaded_load_s", Float),
    Column("loaded_congestion_control", Text),
    Column("loaded_confidence", Text),
    Column("loaded_grade", Text),
    Column("medium", Text),
    Column("link_bps", BigInteger),
    Column("signal_dbm", Float),
    Column("cpu_pct", Float),
    Column("other_bps", BigInteger),
    Column("proxy", Boolean),
    Column("tls_intercepted", Boolean),
    Column("metered", Boolean),
    Column("on_battery", Boolean),
    Column("budget_max_bytes", BigInteger),
    Column("budget_day_bytes", BigInteger),
    Column("budget_month_bytes", BigInteger),
    Column("tags", Text),  # JSON list
    Column("detail", Text),  # JSON: members of a newer agent
    Column("content_hash", Text, nullable=False),
    # Worked out by the evaluation, None until then; recomputed, never edited by hand.
    Column("votes", Boolean),
    Column("exclusion", Text),
    Column("retracted_ms", BigInteger),
    PrimaryKeyConstraint("device", "rid"),
    Index(None, "school", "started_ms"),
    Index(None, "started_ms"),
    Index(None, "received_ms"),
    # What the evaluation has not seen yet: small, however many rows there are.
    Index(
        "ix_measurements_unjudged",
        "school",
        "started_ms",
        sqlite_where=text("votes IS NULL"),
        postgresql_where=text("votes IS NULL"),
    ),
    # What does not vote, with all that the page of data quality counts by.
    Index(
        "ix_measurements_aside",
        "started_ms",
        "exclusion",
        "school",
        "device",
        sqlite_where=text("exclusion IS NOT NULL"),
        postgresql_where=text("exclusion IS NOT NULL"),
    ),
    # What votes, with all that a window needs: the evaluation reads four weeks of it again every day, and each
    # measurement lies on a page of its own.
    Index(
        "ix_measurements_votes",
        "school",
        "started_ms",
        *("votes", "download_bps", "download_lower_bound", "medium", "link_bps"),
        sqlite_where=text("votes IS 1"),
        postgresql_where=text("votes IS TRUE"),
    ),
)

DIARY = Table(
    "diary",
    METADATA,
    Column("device", Text, nullable=False),
    Column("rid", Text, nullable=False),
    Column("school", Text),
    Column("from_ms", BigInteger, nullable=False),  # corrected
    Column("to_ms", BigInteger, nullable=False),
    Column("time_quality", Text, nullable=False),
    # Of a bounded time: how far the clock was off at most, at the contacts before and after; None: nobody knows.
    Column("clock_off_ms", BigInteger),
    Column("received_ms", BigInteger, nullable=False),
    Column("boot_id", Text),
    Column("from_mono_ms", BigInteger),
    Column("slots", Integer, nullable=False),
    Column("slot_s", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("server_rtt_ms", Float),
    Column("gateway_rtt_ms", Float),
    Column("sent", Integer),
    Column("lost", Integer),
    Column("dns_ms", Float),
    Column("probes", Text),  # JSON
    Column("detail", Text),
    Column("content_hash", Text, nullable=False),
    PrimaryKeyConstraint("device", "rid"),
    Index(None, "school", "from_ms"),
    # Time in which a computer was off or asleep: few runs, some of them of many days.
    Index(
        "ix_diary_away",
        "school",
        "to_ms",
        sqlite_where=text("boot_id IS NULL"),
        postgresql_where=text("boot_id IS NULL"),
    ),
    # Those that tell of learning sites: one in four, and looked for as they come.
    Index(
        "ix_diary_sites",
        "received_ms",
        sqlite_where=text("probes IS NOT NULL"),
        postgresql_where=text("probes IS NOT NULL"),
    ),
    Index(None, "received_ms"),  # what came late is looked for by when it came
)

# The first conflicting copy of a rid, kept apart from everything that counts.
CONFLICTS = Table(
    "conflicts",
    METADATA,
    Column("device", Text, nullable=False),
    Column("rid", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("device", "rid"),
)

# Items that raised inside the collector: the fault is ours, the bytes are kept.
QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("device", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("rid", Text),
    Column("body", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("device", "body_hash"),
)
