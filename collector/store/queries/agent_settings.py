"""What people have decided that devices keep to: rows are added, never changed; of each place the newest holds."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, or_, select

from collector.store.tables.agent_settings import AGENT_SETTINGS
from collector.store.unit import Snapshot, UnitOfWork

EVERYWHERE: Final = ""
"""The place that is all schools; others are codes."""


@dataclass(frozen=True)
class SettingsDecision:
    """One decision with who made it and when."""

    place: str
    number: int  # of its place, from 1 on
    said: str  # JSON
    note: str
    created_ms: int
    created_by: str


_COLUMNS = [AGENT_SETTINGS.c[name] for name in SettingsDecision.__dataclass_fields__]
_OTHER = AGENT_SETTINGS.alias("other")
_NEWEST = select(*_COLUMNS).where(
    or_(AGENT_SETTINGS.c.place == EVERYWHERE, AGENT_SETTINGS.c.place == bindparam("school")),
    AGENT_SETTINGS.c.number
    == select(func.max(_OTHER.c.number)).where(_OTHER.c.place == AGENT_SETTINGS.c.place).scalar_subquery(),
)


def in_force(snapshot: Snapshot, school: str) -> dict[str, SettingsDecision]:
    """Return what holds for a school, by place: what is said of all schools, and of this one; either may be missing."""
    rows = snapshot.connection.execute(_NEWEST, {"school": school})
    found = [SettingsDecision(*row) for row in rows]
    return {one.place: one for one in found}


def all_in_force(snapshot: Snapshot) -> dict[str, SettingsDecision]:
    """Return what holds of every place of which something was ever said, by place."""
    newest = (
        select(_OTHER.c.place, func.max(_OTHER.c.number).label("number")).group_by(_OTHER.c.place).subquery("newest")
    )
    same = (newest.c.place == AGENT_SETTINGS.c.place) & (newest.c.number == AGENT_SETTINGS.c.number)
    rows = snapshot.connection.execute(select(*_COLUMNS).join(newest, same))
    return {row[0]: SettingsDecision(*row) for row in rows}


def decisions(snapshot: Snapshot, place: str, limit: int) -> list[SettingsDecision]:
    """Return the newest decisions of a place, the newest first: that one holds."""
    query = (
        select(*_COLUMNS).where(AGENT_SETTINGS.c.place == place).order_by(AGENT_SETTINGS.c.number.desc()).limit(limit)
    )
    return [SettingsDecision(*row) for row in snapshot.connection.execute(query)]


def deciding(snapshot: Snapshot) -> list[str]:
    """Return the schools whose newest decision says something of their own, in the order of their codes."""
    newest = select(func.max(_OTHER.c.number)).where(_OTHER.c.place == AGENT_SETTINGS.c.place).scalar_subquery()
    query = select(AGENT_SETTINGS.c.place).where(
        AGENT_SETTINGS.c.number == newest, AGENT_SETTINGS.c.place != EVERYWHERE, AGENT_SETTINGS.c.said != "{}"
    )
    return list(snapshot.connection.scalars(query.order_by(AGENT_SETTINGS.c.place)))


def add(unit: UnitOfWork, decision: SettingsDecision) -> None:
    """Store a decision."""
    unit.connection.execute(insert(AGENT_SETTINGS).values(**decision.__dict__))
