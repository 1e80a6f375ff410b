"""Who a silent PC was given to, so that two people do not call one school.

A fact names the PC, the contact that it was silent since, and the person: a PC that is heard again is nobody's at once.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Text, cast, delete, func, select

from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import DEVICES
from collector.store.tables.people import FACTS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update

SOMEBODY: Final = "somebody"  # a filter: given to whomever
_NAME: Final = "given:"  # and the name of a device


def _since(devices: FromClause) -> ColumnElement[str]:
    """Return the beginning of what is written of a PC as long as it is not heard again."""
    return func.coalesce(cast(devices.c.last_contact_ms, Text), "") + " "


def _given(*columns: ColumnElement[Any], to: str = SOMEBODY) -> Select[Any]:
    """Select PCs that are given to somebody, by the facts: they are few."""
    devices = DEVICES.alias("given_devices")
    since = _since(devices)
    joined = FACTS.join(devices, devices.c.device == func.substr(FACTS.c.name, len(_NAME) + 1))
    still = (
        func.substr(FACTS.c.value, 1, func.length(since)) == since if to == SOMEBODY else FACTS.c.value == since + to
    )
    # By how names begin: a PostgreSQL of most languages passes over punctuation when it sorts them.
    return select(devices.c.device, *columns).select_from(joined).where(FACTS.c.name.startswith(_NAME), still)


def is_given(to: str) -> ColumnElement[bool]:
    """Return the condition that a PC is given to a person, or to `SOMEBODY`."""
    return DEVICES.c.device.in_(_given(to=to))


def names(snapshot: Snapshot, devices: Iterable[str] | None = None) -> dict[str, str]:
    """Return to whom PCs are given: some of them, or all that are."""
    query = _given(FACTS.c.value)
    if devices is None:
        return _names(snapshot, query)
    found: dict[str, str] = {}
    for some in in_pieces(devices):
        found |= _names(snapshot, query.where(FACTS.c.name.in_([f"{_NAME}{device}" for device in some])))
    return found


def _names(snapshot: Snapshot, query: Select[Any]) -> dict[str, str]:
    return {device: value.partition(" ")[2] for device, value in snapshot.connection.execute(query)}


def give(unit: UnitOfWork, device: str, contact_ms: int | None, name: str) -> None:
    """Give a PC to a person; the empty name takes it back.

    Args:
        unit: The transaction to write in; the caller commits.
        device: Which PC.
        contact_ms: When it was heard last, as the page showed it.
        name: Of the person.
    """
    if name:
        since = "" if contact_ms is None else str(contact_ms)
        insert_or_update(unit, FACTS, {"name": f"{_NAME}{device}", "value": f"{since} {name}"})
    else:
        unit.connection.execute(delete(FACTS).where(FACTS.c.name == f"{_NAME}{device}"))
