"""Which tables are exported, and what of each is in its file."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table

from collector.store.tables.availability import AVAILABILITY_DAYS, LOCAL_OUTAGES
from collector.store.tables.browser_tests import BROWSER_TESTS
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import EVALUATIONS, FLAG_EVENTS, FLAG_WORK, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.outages import OUTAGES
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import NETWORK_DAYS, SITE_DAYS


@dataclass(frozen=True)
class Shape:
    """What of a table is in its file, and under which names."""

    table: Table
    first: tuple[str, ...]  # columns in front, by their name in the file
    kind: str | None = None  # a constant column `kind`
    hidden: frozenset[str] = frozenset()  # of the table, not in the file
    renamed: tuple[tuple[str, str], ...] = ()  # table -> file, where the ending does not say it
    json: frozenset[str] = frozenset()
    of_all: frozenset[str] = frozenset()  # told of the whole: empty for who sees a part of the country
    days: frozenset[str] = frozenset()
    school: str = "school"
    key_of_school: str = "flag_id"  # where it has no column of the school: what says whose a row is
    time: str | None = None
    day: str | None = None
    is_by_time: bool = False  # an index gives its rows by time, near to how they lie on the disk
    beside: tuple[Column[Any], ...] = ()  # of one other table with the same primary key, that may lack the row


SHAPES: Final[dict[str, Shape]] = {
    "measurements": Shape(
        MEASUREMENTS,
        first=(
            "rid",
            "device",
            "school",
            "kind",
            "status",
            "started_at",
            "started_at_raw",
            "time_quality",
            "time_width_ms",
            "received_at",
            "download_bps",
            "upload_bps",
            "idle_rtt_ms",
            "votes",
            "exclusion",
        ),
        kind="measurement",
        hidden=frozenset({"content_hash"}),
        renamed=(
            ("started_ms", "started_at"),
            ("started_raw_ms", "started_at_raw"),
            ("received_ms", "received_at"),
            ("retracted_ms", "retracted_at"),
        ),
        json=frozenset({"download_bins", "upload_bins", "tags", "detail"}),
        time="started_ms",
        is_by_time=True,
    ),
    "schools": Shape(
        SCHOOLS,
        first=(),
        hidden=frozenset({"name_folded", "name_order", "phone"}),  # a telephone is looked up one by one
        renamed=(("created_ms", "created_at"), ("updated_ms", "updated_at")),
        json=frozenset({"extra"}),
        school="code",
    ),
    "school_days": Shape(SCHOOL_DAYS, first=(), days=frozenset({"day"}), day="day"),
    "availability": Shape(
        AVAILABILITY_DAYS,
        first=("school", "day", "is_open", "availability", "coverage"),
        hidden=frozenset({"spans", "seal"}),
        renamed=(("learnt_ms", "learnt_at"), ("start_ms", "start_at")),
        json=frozenset({"late"}),
        days=frozenset({"day"}),
        day="day",
    ),
    "local_outages": Shape(
        LOCAL_OUTAGES,
        first=("school", "from_at", "to_at", "seen_at"),
        hidden=frozenset({"seal"}),
        renamed=(("from_ms", "from_at"), ("to_ms", "to_at"), ("seen_ms", "seen_at"), ("learnt_ms", "learnt_at")),
        time="from_ms",
    ),
    "evaluations": Shape(
        EVALUATIONS,
        first=("school", "profile", "target_profile", "profile_version", "metric", "day"),
        days=frozenset({"day", "window_from"}),
        day="day",
    ),
    "flags": Shape(
        FLAGS,
        first=(),
        days=frozenset({"below_since", "opened_on", "closed_on", "last_day", "snoozed_until"}),
        day="opened_on",
        beside=(FLAG_WORK.c.owner, FLAG_WORK.c.ticket, FLAG_WORK.c.snoozed_until),
    ),
    "flag_events": Shape(FLAG_EVENTS, first=(), json=frozenset({"numbers"}), days=frozenset({"day"}), day="day"),
    "outages": Shape(
        OUTAGES,
        first=("outage_id", "kind", "label", "state", "area", "provider", "opened_at", "closed_at", "from_at", "to_at"),
        # How the watch goes on from minute to minute is its own affair.
        hidden=frozenset({"suspected_ms", "recovered_ms", "whole_ms", "began_ms", "live_label"}),
        renamed=tuple((f"{name}_ms", f"{name}_at") for name in ("opened", "closed", "from", "to", "learnt")),
        json=frozenset({"timeline"}),
        of_all=frozenset(
            {"online", "silent", "near_online", "near_silent", "confirmed", "pupils", "pupil_hours", "timeline"}
        ),
        key_of_school="outage_id",
        time="from_ms",
    ),
    "devices": Shape(
        DEVICES,
        first=("device", "school", "state"),
        # What tells computers apart, and the inner life of the wire, serve the collector alone.
        hidden=frozenset(
            {
                "machine_hash",
                "hostname_hash",
                "token_id",
                "ratchet_issued",
                "ratchet_confirmed",
                "boot_id",
                "sent_mono_ms",
                "lineage",
            }
        ),
        renamed=tuple(
            (f"{name}_ms", f"{name}_at")
            for name in ("enrolled", "approved", "revoked", "last_contact", "last_measurement")
        ),
    ),
    "diary": Shape(
        DIARY,
        first=("rid", "device", "school", "kind", "from_at", "to_at", "time_quality", "received_at"),
        kind="diary",
        hidden=frozenset({"content_hash"}),
        renamed=(("from_ms", "from_at"), ("to_ms", "to_at"), ("received_ms", "received_at")),
        json=frozenset({"probes", "detail"}),
        time="from_ms",
    ),
    # Beside the measurements and never among them: nobody judges by them.
    "browser_tests": Shape(
        BROWSER_TESTS,
        first=("test_id", "school", "begun_at", "done_at", "begun_by"),
        hidden=frozenset({"lease_id"}),
        renamed=(("begun_ms", "begun_at"), ("done_ms", "done_at")),
        time="begun_ms",
    ),
    "sites": Shape(SITE_DAYS, first=(), renamed=(("learnt_ms", "learnt_at"),), days=frozenset({"day"}), day="day"),
    "networks": Shape(NETWORK_DAYS, first=(), days=frozenset({"day"}), day="day"),
}
