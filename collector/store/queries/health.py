"""Whether data flow: cheap answers for monitors."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, not_, select

from agent.wire.vocabulary import DeviceState
from collector.store.queries import devices, facts
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class Health:
    """What a monitor looks at."""

    last_received_ms: int | None  # newest measurement, by our clock
    last_contact_ms: int | None  # of a device that a person has let in
    last_evaluation_ms: int | None
    devices: dict[str, int]  # by state


def is_let_in() -> ColumnElement[bool]:
    """Return whether a device is in use, and nothing of it waits for approval: what it shows says something of us."""
    return and_(DEVICES.c.state == DeviceState.ACTIVE, not_(devices.is_pending()))


def read_health(snapshot: Snapshot) -> Health:
    """Return the figures, each from an index or a small table."""
    newest = select(func.max(DEVICES.c.last_contact_ms)).where(is_let_in())
    states = select(DEVICES.c.state, func.count()).group_by(DEVICES.c.state)
    evaluated = facts.find_fact(snapshot, facts.LAST_EVALUATION_MS)
    return Health(
        last_received_ms=snapshot.connection.scalar(select(func.max(MEASUREMENTS.c.received_ms))),
        last_contact_ms=snapshot.connection.scalar(newest),
        last_evaluation_ms=int(evaluated) if evaluated else None,
        devices={row[0]: row[1] for row in snapshot.connection.execute(states)},
    )
