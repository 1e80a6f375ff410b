"""Regional outages as notices tell them: those that go on, those that ended lately, and whether one is our own."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import and_, func, or_, select

from collector.domain.notice_facts import OutageFact
from collector.domain.outages import presence, settled, withdrawn
from collector.domain.outages.groups import Group, Place, groups_of
from collector.domain.words import LIVE_OUTAGES, OutageLabel, OutageState
from collector.store.queries import contacts
from collector.store.queries.judging.outages import REGIONAL, said_of
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

TOLD_MS: Final = 7 * 86_400_000  # after its end, while somebody may still have to be told of it: over a weekend

_COLUMNS: Final = [
    OUTAGES.c[name]
    for name in (
        "outage_id", "label", "state", "area", "provider", "online", "silent", "pupils", "from_ms", "to_ms",
        "closed_ms", "pupil_hours", "seen_live", "live_label", "opened_ms",
    )
]  # fmt: skip
_FIRST_WORD: Final = (
    select(func.min(OUTAGE_SCHOOLS.c.heard_ms))
    .where(
        OUTAGE_SCHOOLS.c.outage_id == OUTAGES.c.outage_id,
        OUTAGE_SCHOOLS.c.heard_ms >= OUTAGES.c.began_ms - settled.TOGETHER_MS,
    )
    .correlate(OUTAGES)
    .scalar_subquery()
    .label("first_word_ms")
)
_SHOWN: Final = (OUTAGES.c.kind == REGIONAL) & OUTAGES.c.opened_ms.is_not(None)
_OURS: Final = (OUTAGES.c.label == OutageLabel.COLLECTOR.value) & OUTAGES.c.seen_live


def known_outages(snapshot: Snapshot, now_ms: int) -> list[OutageFact]:
    """Return the outages of the snapshot's scope that go on, and those that ended in the last days.

    Args:
        snapshot: The database; an outage belongs to a scope in which one of its schools lies.
        now_ms: The moment.
    """
    ended = OUTAGES.c.state.in_((OutageState.CLOSED.value, OutageState.RETRACTED.value))
    lately = or_(
        OUTAGES.c.state.in_(LIVE_OUTAGES),
        and_(ended, or_(OUTAGES.c.closed_ms.is_(None), OUTAGES.c.closed_ms > now_ms - TOLD_MS)),
    )
    query = select(*_COLUMNS, _FIRST_WORD).where(_SHOWN, lately).order_by(OUTAGES.c.from_ms, OUTAGES.c.outage_id)
    rows = [dict(row._mapping) for row in snapshot.connection.execute(query)]
    said = said_of(snapshot, [row["outage_id"] for row in rows if row["closed_ms"] is not None])
    for row in rows:
        if row["closed_ms"] is None and row["seen_live"] and now_ms < row["opened_ms"] + settled.SETTLE_MS:
            row["newest_word_ms"] = _newest_word_ms(snapshot, row, now_ms)
    return [fact_of(row, said.get(row["outage_id"], {})) for row in rows]


def _newest_word_ms(snapshot: Snapshot, row: Mapping[str, Any], now_ms: int) -> int | None:
    """Return the newest last word of the schools of an outage that is about to be told, those of its group beside."""
    group, last = Group(row["area"], row["provider"]), now_ms // contacts.MINUTE_MS - 1  # minutes that are over
    columns = (SCHOOLS.c.code, SCHOOLS.c.area, SCHOOLS.c.provider)
    of_group = select(*columns).where(SCHOOLS.c.provider == group.provider) if group.provider else select(*columns)
    places = snapshot.connection.execute(of_group).all()
    codes = [code for code, area, provider in places if group in groups_of(Place(area, provider))]
    found = contacts.rows_between(snapshot, last - presence.LOOKBACK_MIN, last, codes)
    words = [max((one for one in presence.minutes_of(rows) if one <= last), default=None) for rows in found.values()]
    newest = settled.newest_word((one for one in words if one is not None), row["online"])
    return None if newest is None else newest * contacts.MINUTE_MS


def fact_of(row: Mapping[str, Any], said: Mapping[str, int] = MappingProxyType({})) -> OutageFact:
    """Return what others are told of an outage.

    Its times are those of the schools, not of the alarm: people are told when lines went and when they came back.

    Args:
        row: Of the table of outages.
        said: What how many of its schools' diaries say, where that is of interest.
    """
    is_over = row["closed_ms"] is not None
    return OutageFact(
        outage_id=row["outage_id"],
        label=row["label"],
        area=row["area"] or None,
        provider=row["provider"] or None,
        schools=row["online"],
        silent=row["silent"],
        pupils=row["pupils"],
        opened_ms=row["from_ms"],
        closed_ms=(row["to_ms"] or row["closed_ms"]) if is_over else None,
        pupil_hours=row["pupil_hours"],
        learnt_late=not row["seen_live"] or row["state"] == OutageState.RETRACTED.value,
        alarm_ms=row["opened_ms"] if row["seen_live"] else None,
        first_word_ms=row.get("first_word_ms"),
        newest_word_ms=row.get("newest_word_ms"),
        withdrawn=withdrawn.find(row["state"], row["label"], row["live_label"], said),
    )


def silent_with_us(snapshot: Snapshot) -> int | None:
    """Return how many schools are not heard because of ourselves, None while nothing of that kind goes on."""
    live = _SHOWN & _OURS & OUTAGES.c.state.in_(LIVE_OUTAGES)
    found = snapshot.connection.scalar(select(func.max(OUTAGES.c.silent)).where(live))
    return None if found is None else int(found)
