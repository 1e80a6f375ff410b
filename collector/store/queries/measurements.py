"""Records as they are stored: written once, whatever comes again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import BindParameter, CompoundSelect, Table, Text, bindparam, func, select, union_all
from sqlalchemy.exc import DBAPIError

from agent.wire import forms
from agent.wire.codec import Decoded
from agent.wire.records import Budget, Diary, Direction, Failure, Loaded, Measurement, Part, Rtt
from collector.store.many import insert_all
from collector.store.queries import availability_marks
from collector.store.queries.pieces import in_pieces
from collector.store.tables.measurements import CONFLICTS, DIARY, MEASUREMENTS, QUARANTINE
from collector.store.unit import Snapshot, UnitOfWork, is_outage
from collector.store.upsert import insert

LOG = logging.getLogger(__name__)

_PARTS: dict[str, type[Part]] = {
    "failure": Failure,
    "download": Direction,
    "upload": Direction,
    "idle": Rtt,
    "gateway": Rtt,
    "loaded": Loaded,
    "budget": Budget,
}
_PREFIXED = {part: [f"{part}_{name}" for name in struct.__struct_fields__] for part, struct in _PARTS.items()}


@dataclass(frozen=True)
class Placed:
    """A record with what the collector worked out about it."""

    decoded: Decoded
    device: str
    school: str | None  # None: no assignment was valid at that time
    at_ms: int  # corrected start
    end_ms: int  # corrected end of a diary run; of a measurement the same as its start
    time_quality: str  # exact | adjusted | bounded
    time_width_ms: int  # how far apart the bounds are, 0 unless bounded
    received_ms: int
    client_ip_prefix: str | None = None
    receipt_verdict: str = "none"  # of a measurement
    clock_off_ms: int | None = None  # of a diary run whose time is bounded


def insert_once(unit: UnitOfWork, placed: Sequence[Placed]) -> tuple[set[str], set[str]]:
    """Insert the records that are not there yet; a record that is there stays as it is.

    Args:
        unit: The open unit of work.
        placed: Records of one device, each rid once.

    Returns:
        The rids that were inserted, and the rids whose insertion failed although the database is well.
    """
    inserted: set[str] = set()
    failed: set[str] = set()
    for table, kind in ((MEASUREMENTS, Measurement), (DIARY, Diary)):
        rows = []
        for one in placed:
            if isinstance(one.decoded.record, kind):
                try:
                    rows.append(row_of(one))
                except Exception:
                    LOG.exception("row.failed")
                    failed.add(one.decoded.record.rid)
        if rows:
            done, raised = _insert_rows(unit, table, rows)
            inserted |= done
            failed |= raised
            if table is DIARY:
                availability_marks.mark_runs(unit, [row for row in rows if row["rid"] in done])
    return inserted, failed


def _insert_rows(unit: UnitOfWork, table: Table, rows: list[dict[str, Any]]) -> tuple[set[str], set[str]]:
    if len(rows) > 1 and _tried(unit, table, rows):
        return {row["rid"] for row in rows}, set()
    done: set[str] = set()
    failed: set[str] = set()
    for row in rows:  # some were there already, or one cannot be bound: the database tells which
        found = _tried(unit, table, [row])
        if found is None:
            failed.add(row["rid"])
        elif found:
            done.add(row["rid"])
    return done, failed


def _tried(unit: UnitOfWork, table: Table, rows: list[dict[str, Any]]) -> bool | None:
    """Return whether all rows were inserted; else none of them is, because one was there already, or raised (None).

    Raises:
        DBAPIError: If the database itself is not well.
    """
    result = None
    point = None if _is_whole_or_nothing(unit, rows) else unit.connection.begin_nested()
    try:
        result = insert_all(unit, table, rows)
    except DBAPIError as error:
        if is_outage(error):
            raise  # a full disk takes the savepoint with it: what is to be said is the first fault
    except (OverflowError, ValueError, TypeError):
        pass  # a value that the driver cannot bind
    if point is not None:
        point.commit() if result else point.rollback()
    return result


def _is_whole_or_nothing(unit: UnitOfWork, rows: list[dict[str, Any]]) -> bool:
    """Return whether an insert needs no savepoint: SQLite undoes a statement that fails, and each row is one.

    On PostgreSQL a statement that fails takes the transaction with it.
    """
    return len(rows) == 1 and unit.connection.dialect.name == "sqlite"


def find_hashes(snapshot: Snapshot, device: str, rids: set[str]) -> dict[str, str]:
    """Return the content hash of those rids of the device that are stored, as measurement or as diary run."""
    found: dict[str, str] = {}
    for some in in_pieces(rids):
        places = 1 << (len(some) - 1).bit_length()  # few lengths, so that few statements are put together
        padded = some + some[-1:] * (places - len(some))
        given = {"device": device} | {f"rid{number}": rid for number, rid in enumerate(padded)}
        rows = snapshot.connection.execute(_hashes(places), given)
        found |= {row.rid: row.content_hash for row in rows}
    return found


@cache
def _hashes(places: int) -> CompoundSelect[Any]:
    """Return the question for so many rids; a list of any length would be put together anew each time."""
    of: BindParameter[str] = bindparam("device")
    given = [bindparam(f"rid{number}", type_=Text) for number in range(places)]
    kinds = (MEASUREMENTS.c, DIARY.c)
    return union_all(*(select(row.rid, row.content_hash).where(row.device == of, row.rid.in_(given)) for row in kinds))


def keep_conflict(unit: UnitOfWork, device: str, decoded: Decoded, body: bytes, received_ms: int) -> None:
    """Keep the first copy of a rid whose content is another, apart from everything that counts."""
    row = {
        "device": device,
        "rid": decoded.record.rid,
        "content_hash": decoded.content_hash,
        "body": body.decode(),
        "received_ms": received_ms,
    }
    unit.connection.execute(insert(unit, CONFLICTS).values(row).on_conflict_do_nothing())


def keep_quarantined(
    unit: UnitOfWork, device: str, rid: str | None, body: bytes, reason: str, received_ms: int
) -> None:
    """Keep the bytes of an item that raised inside the collector."""
    row = {
        "device": device,
        "body_hash": forms.sha256hex(body),
        "rid": rid,
        "body": forms.b64url(body),
        "reason": reason,
        "received_ms": received_ms,
    }
    unit.connection.execute(insert(unit, QUARANTINE).values(row).on_conflict_do_nothing())


_NOT_BY_SCHEDULE = ("manual", "campaign")


def count_tests(snapshot: Snapshot, school: str, from_ms: int, to_ms: int) -> int:
    """Return how many tests of the school's own schedule succeeded in a time, its end excluded.

    Those that a person asked for, on the spot or by a campaign, come on top.
    """
    table = MEASUREMENTS
    condition = (table.c.school == school) & (table.c.started_ms >= from_ms) & (table.c.started_ms < to_ms)
    condition &= (table.c.status == "ok") & table.c.trigger.not_in(_NOT_BY_SCHEDULE)
    return snapshot.connection.scalar(select(func.count()).select_from(table).where(condition)) or 0


def spent_bytes(snapshot: Snapshot, school: str, from_ms: int) -> int:
    """Return what the school's tests since then cost the line, headers included, both directions.

    A direction without that estimate counts with its payload.
    """
    table = MEASUREMENTS
    download = func.coalesce(table.c.download_wire_bytes_est, table.c.download_bytes, 0)
    both = download + func.coalesce(table.c.upload_wire_bytes_est, table.c.upload_bytes, 0)
    condition = (table.c.school == school) & (table.c.started_ms >= from_ms)
    return int(snapshot.connection.scalar(select(func.sum(both)).where(condition)) or 0)


def recent_speeds(snapshot: Snapshot, school: str, count: int) -> tuple[int | None, int | None]:
    """Return the highest download and upload of the school's last successful tests, bit/s, None where unknown."""
    table = MEASUREMENTS
    last = (
        select(table.c.download_bps, table.c.upload_bps)
        .where(table.c.school == school, table.c.status == "ok")
        .order_by(table.c.started_ms.desc())
        .limit(count)
        .subquery()
    )
    row = snapshot.connection.execute(select(func.max(last.c.download_bps), func.max(last.c.upload_bps))).one()
    return row[0], row[1]


def row_of(placed: Placed) -> dict[str, Any]:
    """Return the record as a row of its table, every column present."""
    record = placed.decoded.record
    plain: dict[str, Any] = msgspec.to_builtins(record)
    row = {
        "device": placed.device,
        "rid": record.rid,
        "school": placed.school,
        "time_quality": placed.time_quality,
        "received_ms": placed.received_ms,
        "detail": _json(placed.decoded.unknown or None),
        "content_hash": placed.decoded.content_hash,
    }
    if isinstance(record, Measurement):
        return _measurement_row(row, plain, placed)
    return _diary_row(row, plain, placed)


def _measurement_row(row: dict[str, Any], plain: dict[str, Any], placed: Placed) -> dict[str, Any]:
    columns = _COLUMNS | row
    for name in ("status", "tier", "trigger", "utc_offset_min", "boot_id", "started_mono_ms", "lease_id", "receipt"):
        columns[name] = plain[name]
    for part, names in _PREFIXED.items():
        if (values := plain[part]) is not None:
            columns.update(zip(names, values.values(), strict=True))
    for part in ("download", "upload"):
        columns[f"{part}_bins"] = _json(columns[f"{part}_bins"])
    columns |= plain["surroundings"] or {}
    engine, server = plain["engine"] or {}, plain["server"] or {}
    columns |= {
        "engine": engine.get("name"),
        "engine_version": engine.get("version"),
        "engine_protocol": engine.get("protocol"),
        "server_id": server.get("id"),
        "server_host": server.get("host"),
        "server_scheme": server.get("scheme"),
        "ip_family": server.get("ip_family"),
        "client_ip_prefix": placed.client_ip_prefix,
        "receipt_verdict": placed.receipt_verdict,
        "started_ms": placed.at_ms,
        "started_raw_ms": forms.parse_time(plain["started_at"]),
        "time_width_ms": placed.time_width_ms,
        "tags": _json(plain["tags"]),
    }
    return columns


def _diary_row(row: dict[str, Any], plain: dict[str, Any], placed: Placed) -> dict[str, Any]:
    names = ("boot_id", "from_mono_ms", "slots", "slot_s", "state", "server_rtt_ms", "gateway_rtt_ms", "sent", "lost")
    row |= {name: plain[name] for name in (*names, "dns_ms")}
    placed_at = {"from_ms": placed.at_ms, "to_ms": placed.end_ms, "clock_off_ms": placed.clock_off_ms}
    return row | placed_at | {"probes": _json(plain["probes"])}


# Every row of one insert has the same columns; what the evaluation writes is not among them.
_COLUMNS: dict[str, Any] = {
    column.name: None for column in MEASUREMENTS.c if column.name not in ("votes", "exclusion", "retracted_ms")
}


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
