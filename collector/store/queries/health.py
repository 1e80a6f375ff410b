"""Whether data flow: cheap answers for monitors."""

from dataclasses import dataclass

from sqlalchemy import func, select

from collector.store.queries import facts
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class Health:
    """What a monitor looks at."""

    last_received_ms: int | None  # newest measurement, by our clock
    last_contact_ms: int | None  # of any device
    last_evaluation_ms: int | None
    devices: dict[str, int]  # by state


def read_health(snapshot: Snapshot) -> Health:
    """Return the figures, each from an index or a small table."""
    states = select(DEVICES.c.state, func.count()).group_by(DEVICES.c.state)
    evaluated = facts.find_fact(snapshot, facts.LAST_EVALUATION_MS)
    return Health(
        last_received_ms=snapshot.connection.scalar(select(func.max(MEASUREMENTS.c.received_ms))),
        last_contact_ms=snapshot.connection.scalar(select(func.max(DEVICES.c.last_contact_ms))),
        last_evaluation_ms=int(evaluated) if evaluated else None,
        devices={row[0]: row[1] for row in snapshot.connection.execute(states)},
    )
