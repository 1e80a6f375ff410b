"""Regional outages as notices tell them: those that go on, those that ended lately, and whether one is our own."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import and_, func, or_, select

from collector.domain.notice_facts import OutageFact
from collector.domain.words import LIVE_OUTAGES, OutageLabel, OutageState
from collector.store.queries.judging.outages import REGIONAL
from collector.store.tables.outages import OUTAGES
from collector.store.unit import Snapshot

TOLD_MS: Final = 7 * 86_400_000  # after its end, while somebody may still have to be told of it: over a weekend

_COLUMNS: Final = [
    OUTAGES.c[name]
    for name in (
        "outage_id", "label", "state", "area", "provider", "online", "silent", "pupils", "from_ms", "to_ms",
        "closed_ms", "pupil_hours", "seen_live",
    )
]  # fmt: skip
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
    query = select(*_COLUMNS).where(_SHOWN, lately).order_by(OUTAGES.c.from_ms, OUTAGES.c.outage_id)
    return [fact_of(dict(row._mapping)) for row in snapshot.connection.execute(query)]


def fact_of(row: Mapping[str, Any]) -> OutageFact:
    """Return what others are told of an outage.

    Its times are those of the schools, not of the alarm: people are told when lines went and when they came back.
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
    )


def silent_with_us(snapshot: Snapshot) -> int | None:
    """Return how many schools are not heard because of ourselves, None while nothing of that kind goes on."""
    live = _SHOWN & _OURS & OUTAGES.c.state.in_(LIVE_OUTAGES)
    found = snapshot.connection.scalar(select(func.max(OUTAGES.c.silent)).where(live))
    return None if found is None else int(found)
