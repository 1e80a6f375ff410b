"""What the demonstration marks, waits for and reads back."""

from dataclasses import dataclass

from sqlalchemy import func, select, update

from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class Arrived:
    """A measurement of the live computer, as it is stored."""

    rid: str
    status: str
    failure_code: str | None
    download_bps: int | None
    upload_bps: int | None
    idle_rtt_ms: float | None


def mark_invented(unit: UnitOfWork) -> None:
    """Say of every school that is there that it is invented: pages carry a line about it."""
    unit.connection.execute(update(SCHOOLS).values(is_demo=True))


def first_arrived(snapshot: Snapshot, school: str) -> Arrived | None:
    """Return the first measurement that arrived of a school."""
    columns = [MEASUREMENTS.c[name] for name in Arrived.__dataclass_fields__]
    query = select(*columns).where(MEASUREMENTS.c.school == school)
    row = snapshot.connection.execute(query.order_by(MEASUREMENTS.c.received_ms, MEASUREMENTS.c.rid).limit(1)).first()
    return Arrived(*row) if row is not None else None


def count_measurements(snapshot: Snapshot) -> int:
    """Return how many measurements are stored."""
    return int(snapshot.connection.execute(select(func.count()).select_from(MEASUREMENTS)).scalar_one())
