"""The tests of a school as a proof reads them: what decides whether they count, and what is printed of them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import select

from collector.store.queries.judging.fold import MEASURED, Measured
from collector.store.queries.pieces import in_pieces, plain_rows
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.unit import Snapshot

MOST: Final = 5000


class Printed(NamedTuple):
    """What is printed of a test beside what decides."""

    tier: str
    failure_code: str | None
    engine_version: str | None
    engine_protocol: str | None
    server_host: str | None
    download_half_width_pct: float | None
    download_method: str | None
    receipt_verdict: str | None


class ProofRow(NamedTuple):
    """One test."""

    measured: Measured
    printed: Printed


_LEFT_OUT: Final = Printed("", *[None] * (len(Printed._fields) - 1))
_PRINTED = [MEASUREMENTS.c[name] for name in Printed._fields]


def rows(snapshot: Snapshot, school: str, from_ms: int, to_ms: int) -> list[ProofRow]:
    """Return the tests of a school in a time, the end excluded, the earliest first; of more than `MOST` the newest."""
    table = MEASUREMENTS.c
    query = (
        select(*MEASURED, *_PRINTED)
        .where(table.school == school, table.started_ms >= from_ms, table.started_ms < to_ms)
        .order_by(table.started_ms.desc(), table.device.desc(), table.rid.desc())
        .limit(MOST)
    )
    cut = len(MEASURED)
    found = snapshot.connection.execute(query).all()
    return [ProofRow(Measured._make(row[:cut]), Printed._make(row[cut:])) for row in reversed(found)]


def cable_rows(snapshot: Snapshot, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[ProofRow]]:
    """Return the tests by cable of some schools, the earliest first, by school: no other one can count.

    They are for counting: what would be printed of them is left out.

    Args:
        snapshot: The database.
        spans: By school its first moment, and the one after the last.
    """
    found: dict[str, list[ProofRow]] = {}
    table = MEASUREMENTS.c
    for some in in_pieces(spans):
        first_ms, after_ms = min(spans[code][0] for code in some), max(spans[code][1] for code in some)
        query = (
            select(*MEASURED)
            .where(table.school.in_(some), table.started_ms >= first_ms, table.started_ms < after_ms)
            .where(table.medium == "ethernet")
            .order_by(table.school, table.started_ms, table.device, table.rid)
        )
        for one in map(Measured._make, plain_rows(snapshot, query)):
            if spans[one.school][0] <= one.started_ms < spans[one.school][1]:
                found.setdefault(one.school, []).append(ProofRow(one, _LEFT_OUT))
    return {code: rows[-MOST:] for code, rows in found.items()}
