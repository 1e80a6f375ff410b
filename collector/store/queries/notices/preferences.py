"""What deployment, roles and persons want to be told, and what is muted until when."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import insert, or_, select, update

from collector.domain.notice_rules import Mute, Preference
from collector.store.tables.notices import NOTICE_MUTES, NOTICE_PREFERENCES
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update

DEPLOYMENT, ROLE, PERSON = "deployment", "role", "person"


@dataclass(frozen=True)
class StoredMute:
    """One mute, in force or not."""

    mute_id: str
    user_id: str  # "": of everybody
    what: str
    value: str
    until_ms: int
    until_day: str
    reason: str
    made_ms: int
    made_by: str
    ended_ms: int | None = None
    ended_by: str | None = None

    @property
    def mute(self) -> Mute:
        """The part that the decision reads."""
        return Mute(self.what, self.value, self.until_ms, self.reason)


_MUTE = [NOTICE_MUTES.c[name] for name in StoredMute.__dataclass_fields__]


def _preference(text: str) -> Preference:
    return Preference(**json.loads(text))


def list_said(snapshot: Snapshot) -> dict[tuple[str, str], Preference]:
    """Return what everybody says, by reach and who."""
    table = NOTICE_PREFERENCES.c
    rows = snapshot.connection.execute(select(table.reach, table.who, table.said))
    return {(row.reach, row.who): _preference(row.said) for row in rows}


def said_of(snapshot: Snapshot, role: str, user_id: str) -> dict[str, Preference]:
    """Return what is said by deployment, role and person, by reach."""
    table = NOTICE_PREFERENCES.c
    places = ((DEPLOYMENT, ""), (ROLE, role), (PERSON, user_id))
    wanted = or_(*((table.reach == reach) & (table.who == who) for reach, who in places))
    found = {row.reach: _preference(row.said) for row in snapshot.connection.execute(
        select(table.reach, table.said).where(wanted)
    )}  # fmt: skip
    return {reach: found.get(reach, Preference()) for reach, _ in places}


def say(unit: UnitOfWork, reach: str, who: str, said: Preference, now_ms: int, by: str) -> None:
    """Write what a place says of itself over what it said before."""
    kept = {name: value for name, value in asdict(said).items() if value is not None}
    row = {"reach": reach, "who": who, "said": json.dumps(kept), "changed_ms": now_ms, "changed_by": by}
    insert_or_update(unit, NOTICE_PREFERENCES, row)


def add_mute(unit: UnitOfWork, mute: StoredMute) -> None:
    """Store a mute."""
    unit.connection.execute(insert(NOTICE_MUTES).values(**mute.__dict__))


def mutes_in_force(snapshot: Snapshot, now_ms: int, owners: Iterable[str] | None = None) -> list[StoredMute]:
    """Return mutes that hold now, those that end first before.

    Args:
        snapshot: Where to look.
        now_ms: The moment.
        owners: Whose, "" for those of everybody; None: all.
    """
    table = NOTICE_MUTES.c
    query = select(*_MUTE).where(table.until_ms > now_ms, table.ended_ms.is_(None))
    if owners is not None:
        query = query.where(table.user_id.in_(list(owners)))
    return [StoredMute(*row) for row in snapshot.connection.execute(query.order_by(table.until_ms, table.mute_id))]


def end_mute(unit: UnitOfWork, mute_id: str, owners: Iterable[str], now_ms: int, by: str) -> bool:
    """End a mute before its day, and return whether this did it."""
    table = NOTICE_MUTES.c
    this = (table.mute_id == mute_id) & table.user_id.in_(list(owners)) & table.ended_ms.is_(None)
    done = unit.connection.execute(
        update(NOTICE_MUTES).where(this).values(ended_ms=now_ms, ended_by=by).returning(table.mute_id)
    )
    return done.first() is not None
