"""Tests that were asked for at a school, beside those of its schedule. Nothing here commits."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, select, update

from agent.wire.vocabulary import DeviceState
from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.proofs import CAMPAIGNS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert

_CABLE: Final = "ethernet"


@dataclass(frozen=True)
class Campaign:
    """What was asked of whom."""

    school: str
    campaign_id: str
    made_ms: int
    made_by: str
    hours: str
    devices: tuple[str, ...]
    windows: tuple[tuple[int, int], ...]  # UTC milliseconds, in order
    until_ms: int


_OF_SCHOOL = select(CAMPAIGNS).where(CAMPAIGNS.c.school == bindparam("of_school"))  # asked with every batch


def find(snapshot: Snapshot, school: str) -> Campaign | None:
    """Return the school's newest one, over or not."""
    row = snapshot.connection.execute(_OF_SCHOOL, {"of_school": school}).first()
    return None if row is None else _campaign(row)


def _campaign(row: Row[Any]) -> Campaign:
    values = dict(row._mapping)
    windows = tuple((window[0], window[1]) for window in json.loads(values["windows"]))
    return Campaign(**{**values, "devices": tuple(json.loads(values["devices"])), "windows": windows})


def find_current(snapshot: Snapshot, school: str, now_ms: int) -> Campaign | None:
    """Return the one that is going on or to come."""
    found = find(snapshot, school)
    return found if found is not None and found.until_ms > now_ms else None


def current_of(snapshot: Snapshot, codes: Sequence[str], now_ms: int) -> dict[str, Campaign]:
    """Return those of some schools that are going on or to come, by school."""
    found: dict[str, Campaign] = {}
    for some in in_pieces(codes):
        query = select(CAMPAIGNS).where(CAMPAIGNS.c.school.in_(some), CAMPAIGNS.c.until_ms > now_ms)
        found |= {row.school: _campaign(row) for row in snapshot.connection.execute(query)}
    return found


def add(unit: UnitOfWork, campaign: Campaign) -> bool:
    """Ask for tests, unless some are asked for already: one conditional upsert, so that of two people one does it.

    Returns:
        Whether they are asked for by this now.
    """
    row = dict(campaign.__dict__)
    row |= {"devices": json.dumps(campaign.devices), "windows": json.dumps(campaign.windows)}
    new = {name: value for name, value in row.items() if name != "school"}
    statement = insert(unit, CAMPAIGNS).values(row)
    done = unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["school"], set_=new, where=CAMPAIGNS.c.until_ms <= campaign.made_ms
        ).returning(CAMPAIGNS.c.school)
    )
    return done.first() is not None


def call_off(unit: UnitOfWork, school: str, campaign_id: str, now_ms: int) -> bool:
    """End a campaign that is not over, and return whether this did it."""
    this = (CAMPAIGNS.c.school == school) & (CAMPAIGNS.c.campaign_id == campaign_id) & (CAMPAIGNS.c.until_ms > now_ms)
    done = unit.connection.execute(update(CAMPAIGNS).where(this).values(until_ms=now_ms).returning(CAMPAIGNS.c.school))
    return done.first() is not None


def made(snapshot: Snapshot, school: str, window: Sequence[int]) -> list[int]:
    """Return when tests of a campaign began that succeeded by cable in one of its windows, the earliest first."""
    table = MEASUREMENTS
    condition = (table.c.school == school) & (table.c.started_ms >= window[0]) & (table.c.started_ms < window[1])
    condition &= (table.c.status == "ok") & (table.c.trigger == "campaign") & (table.c.medium == _CABLE)
    return list(snapshot.connection.scalars(select(table.c.started_ms).where(condition).order_by(table.c.started_ms)))


def wired_devices(snapshot: Snapshot, school: str, from_ms: int, least_bps: int) -> list[str]:
    """Return the school's active devices whose newest test since a moment went through a cable at a fast port.

    Args:
        snapshot: The database.
        school: Its code.
        from_ms: Older tests do not tell how a computer is connected now.
        least_bps: What its port has to have.
    """
    table = MEASUREMENTS
    newest = (
        select(table.c.device, func.max(table.c.started_ms).label("newest_ms"))
        .where(table.c.school == school, table.c.started_ms >= from_ms, table.c.medium.is_not(None))
        .group_by(table.c.device)
        .subquery()
    )
    query = (
        select(DEVICES.c.device)
        .join(newest, newest.c.device == DEVICES.c.device)
        .join(table, (table.c.device == newest.c.device) & (table.c.started_ms == newest.c.newest_ms))
        .where(DEVICES.c.school == school, DEVICES.c.state == DeviceState.ACTIVE, table.c.school == school)
        # The newest ones are of that time; said once more, so that not every test of the school is looked at.
        .where(table.c.started_ms >= from_ms, table.c.medium == _CABLE, table.c.link_bps >= least_bps)
        .distinct()
        .order_by(DEVICES.c.device)
    )
    return list(snapshot.connection.scalars(query))
