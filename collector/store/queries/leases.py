"""One permission to test per school."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, select

from collector.store.tables.devices import LEASES
from collector.store.tables.judgement import EVALUATIONS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert

AHEAD_MS: Final = 60_000
"""A lease that was granted so far from now was granted by a clock that was ahead, and would last for as long."""


# Put together once, because that takes longer than asking.
_FREE = delete(LEASES).where(LEASES.c.device == bindparam("of_device"), LEASES.c.lease_id == bindparam("of_lease"))


@dataclass(frozen=True)
class Lease:
    """Who may test until when."""

    school: str
    device: str
    lease_id: str
    granted_ms: int
    expires_ms: int


def take_lease(unit: UnitOfWork, lease: Lease) -> bool:
    """Take the school's lease if nobody holds it, its holder renews it, or it has run out: one conditional upsert.

    Returns:
        Whether the device has it now.
    """
    row = dict(lease.__dict__)
    statement = insert(unit, LEASES).values(row)
    new = {name: value for name, value in row.items() if name != "school"}
    is_ahead = LEASES.c.granted_ms > lease.granted_ms + AHEAD_MS
    condition = (LEASES.c.expires_ms <= lease.granted_ms) | is_ahead | (LEASES.c.device == lease.device)
    done = unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["school"], set_=new, where=condition).returning(LEASES.c.device)
    )
    return done.first() is not None


def find_lease(snapshot: Snapshot, school: str) -> Lease | None:
    """Return the school's lease, run out or not."""
    row = snapshot.connection.execute(select(LEASES).where(LEASES.c.school == school)).first()
    return Lease(**row._mapping) if row else None


def free_leases(unit: UnitOfWork, device: str, lease_ids: list[str]) -> None:
    """Free the device's leases whose measurements have arrived."""
    if lease_ids:
        unit.connection.execute(_FREE, [{"of_device": device, "of_lease": one} for one in lease_ids])


def target_bps(snapshot: Snapshot, school: str, profile: str) -> int | None:
    """Return the download target that the school was last judged by, bit/s; None before its first judgement."""
    row = EVALUATIONS.c
    mine = (row.school == school) & (row.profile == profile) & (row.metric == "download_bps")
    found: int | None = snapshot.connection.execute(
        select(row.target_bps).where(mine).order_by(row.day.desc()).limit(1)
    ).scalar()
    return found
