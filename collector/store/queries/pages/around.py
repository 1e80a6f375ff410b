"""What stands around every page, by one question: whether data are invented, and how much waits."""

from typing import Final, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select

from collector.store.queries.pages.flags import awake
from collector.store.queries.pages.outages import IS_LIVE
from collector.store.tables.outages import OUTAGES
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


class Around(NamedTuple):
    """What every page says of the part of the country that its reader sees."""

    has_demo: bool  # any school is invented
    open_flags: int  # open or recovering and not snoozed, of every kind
    open_outages: int  # regional ones that go on


_DEMO: Final = select(SCHOOLS.c.code).where(SCHOOLS.c.is_demo).exists()
_FLAGS: Final = awake(bindparam("now_ms", type_=BigInteger)).add_columns(func.count()).scalar_subquery()
_OUTAGES: Final = select(func.count()).select_from(OUTAGES).where(IS_LIVE).scalar_subquery()
_ALL: Final = select(_DEMO, _FLAGS, _OUTAGES)


def around(snapshot: Snapshot, now_ms: int) -> Around:
    """Return what stands around a page.

    Args:
        snapshot: What its reader sees.
        now_ms: The moment, UTC milliseconds.
    """
    has_demo, flags, outages = snapshot.connection.execute(_ALL, {"now_ms": now_ms}).one()
    return Around(bool(has_demo), int(flags), int(outages))
