"""What the tests of a school moved in each month, and how many count.

Added up from its school days in the transaction that writes them.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import case, delete, func, insert, select

from collector.domain.periods import first_day
from collector.store.queries.pieces import in_pieces
from collector.store.tables.judgement import SCHOOL_DAYS, SCHOOL_MONTHS
from collector.store.unit import UnitOfWork

_DAYS, _MADE = SCHOOL_DAYS.c, SCHOOL_MONTHS.c
_FIRST_DAY = func.substr(_DAYS.day, 1, 7).op("||")("-01")
_IS_UNCOUNTED = _DAYS.used_bytes.is_(None) & (_DAYS.measurements > 0)


def renew(unit: UnitOfWork, schools: Sequence[str], from_day: str) -> None:
    """Make the months of some schools anew.

    Args:
        unit: The transaction that changed their days.
        schools: Codes.
        from_day: The first local day that may have changed.
    """
    first = first_day("month", date.fromisoformat(from_day)).isoformat()
    names = [column.name for column in SCHOOL_MONTHS.columns]
    for some in in_pieces(schools):
        stale = _MADE.school.in_(some) & (_MADE.first_day >= first)
        unit.connection.execute(delete(SCHOOL_MONTHS).where(stale))
        month = _FIRST_DAY.label("first_day")
        used = func.sum(func.coalesce(_DAYS.used_bytes, 0))
        sums = (used, func.sum(_DAYS.measurements), func.sum(_DAYS.voting))
        query = select(_DAYS.school, month, *sums, func.sum(case((_IS_UNCOUNTED, 1), else_=0)))
        query = query.where(_DAYS.school.in_(some), _DAYS.day >= first).group_by(_DAYS.school, month)
        unit.connection.execute(insert(SCHOOL_MONTHS).from_select(names, query))
