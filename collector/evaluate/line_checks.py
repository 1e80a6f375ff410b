"""Whether the rows of the last weeks are still what was worked out: what somebody wrote over them is folded again.

Folding all schools again in each run would cost more than all the rest; reading their rows and asking each for its
seal costs about a second for 12,000 schools.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from collector.domain.low_availability import WINDOW_DAYS
from collector.evaluate import line_days
from collector.store.queries.judging import availability as stored
from collector.store.queries.judging.availability import DayRow, NowRow, OutageRow
from collector.store.queries.pieces import in_pieces
from collector.store.unit import Snapshot

BACK = timedelta(days=16)  # nearly always the last ten school days, from which what lists show is made
_AT_ONCE = 500


def broken_since(snapshot: Snapshot, now: Mapping[str, NowRow]) -> dict[str, date]:
    """Return of each school whose rows are not what was written of it from which day on they are to be folded.

    Args:
        snapshot: The database.
        now: What every school has come to.
    """
    found: dict[str, date] = {}
    for some in in_pieces(sorted(now), _AT_ONCE):
        first = min(date.fromisoformat(now[code].as_of) for code in some) - BACK
        days = stored.days_since(snapshot, some, first.isoformat())
        since_ms = round(datetime.combine(first, datetime.min.time(), UTC).timestamp() * 1000)
        outages = stored.outages(snapshot, some, since_ms)
        for code in some:
            wrong = list(_wrong_days(now[code], days[code], outages[code], first))
            if wrong:
                found[code] = min(wrong)
    return found


def _wrong_days(now: NowRow, days: Sequence[DayRow], outages: Sequence[OutageRow], first: date) -> Iterator[date]:
    yield from (date.fromisoformat(row.day) for row in days if row.seal != stored.seal_of(row))
    for row in outages:
        if row.seal != stored.seal_of(row):  # a day before: the fold begins with its day, wherever the school is
            yield datetime.fromtimestamp(row.from_ms / 1000, UTC).date() - timedelta(days=1)
    as_of = date.fromisoformat(now.as_of)
    is_all_seen = now.from_day is None or now.from_day >= first.isoformat()
    is_all_seen = is_all_seen or sum(row.is_open and row.day < now.as_of for row in days) >= WINDOW_DAYS
    if is_all_seen and line_days.last_days(now.school, days, as_of) != now:
        yield first  # it, or a day of those from which it was made, which is not there any more
