"""What pages show of all schools at once, after a test has written evaluations by hand."""

from itertools import groupby

from sqlalchemy import delete, func, select

from collector.store.queries import newness
from collector.store.queries.judging import months, summaries
from collector.store.queries.judging.summaries import Series
from collector.store.tables.judgement import EVALUATIONS, NEWEST_EVALUATIONS, PERIOD_VERDICTS
from collector.store.unit import UnitOfWork


def renew_all(unit: UnitOfWork) -> None:
    """Make every row anew, as after judging all schools from their first day on."""
    unit.connection.execute(delete(NEWEST_EVALUATIONS))
    unit.connection.execute(delete(PERIOD_VERDICTS))
    newness.raise_verdicts(unit)
    table = EVALUATIONS.c
    query = select(table.profile, table.metric, table.school, func.min(table.day))
    found = unit.connection.execute(query.group_by(table.profile, table.metric, table.school)).all()
    for (profile, metric), of_series in groupby(sorted(found), key=lambda row: (row[0], row[1])):
        rows = list(of_series)
        months.renew(unit, [row[2] for row in rows], min(row[3] for row in rows))
        summaries.renew(unit, Series(profile, metric), [row[2] for row in rows], min(row[3] for row in rows))
