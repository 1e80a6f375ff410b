"""Whether the rows of the last weeks are still what was worked out: what somebody wrote over them is folded again.

Folding all schools again in each run would cost more than all the rest; reading their rows, asking each for its seal
and the days for their outages costs some seconds for 12,000 schools. So a row of a day or of an outage that somebody
altered, planted or deleted is found. A day that is not among the last ten school days and was deleted whole is not: it
has its turn (`evaluate.turns`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from collector.domain.low_availability import WINDOW_DAYS
from collector.evaluate import line_days
from collector.store.queries.judging import availability as stored
from collector.store.queries.judging.availability import DayRow, NowRow, OutageRow
from collector.store.queries.pieces import in_pieces
from collector.store.unit import Snapshot

BACK = timedelta(days=16)  # nearly always the last ten school days, from which what lists show is made
_AT_ONCE = 500


@dataclass
class Checked:
    """What was found wrong."""

    since: dict[str, date] = field(default_factory=dict)  # by school: from which day on it is to be folded
    without_days: set[str] = field(default_factory=set)  # schools without any row of a day
    without_today: set[str] = field(default_factory=set)  # schools without a row of the day to which they had come


def check(snapshot: Snapshot, now: Mapping[str, NowRow]) -> Checked:
    """Return the schools whose rows are not what was written of them.

    Args:
        snapshot: The database.
        now: What every school has come to.
    """
    found = Checked()
    for some in in_pieces(sorted(now), _AT_ONCE):
        first = min(date.fromisoformat(now[code].as_of) for code in some) - BACK
        days = stored.days_since(snapshot, some, first.isoformat())
        since_ms = round(datetime.combine(first, datetime.min.time(), UTC).timestamp() * 1000)
        outages = stored.outages(snapshot, some, since_ms)
        first_days = stored.first_days(snapshot, some)
        for code in some:
            rows = days[code]
            if code not in first_days:
                if line_days.last_days(code, (), date.fromisoformat(now[code].as_of)) != now[code]:
                    found.without_days.add(code)
                continue
            is_all = bool(rows) and rows[0].day == first_days[code]
            altered = [row for row in rows if row.seal != stored.seal_of(row)]
            wrong = [date.fromisoformat(row.day) for row in altered]
            wrong += _missing_days(now[code], rows, first)
            told = None if altered else line_days.outages_told(code, rows, is_all=is_all)
            wrong += _wrong_outages(outages[code], told)
            if wrong:
                found.since[code] = min(wrong)
            if not any(row.day == now[code].as_of for row in rows[-2:]):
                found.without_today.add(code)
    return found


def _missing_days(now: NowRow, days: Sequence[DayRow], first: date) -> Iterator[date]:
    as_of = date.fromisoformat(now.as_of)
    is_all_seen = now.from_day is None or now.from_day >= first.isoformat()
    is_all_seen = is_all_seen or sum(row.is_open and row.day < now.as_of for row in days) >= WINDOW_DAYS
    if is_all_seen and line_days.last_days(now.school, days, as_of) != now:
        yield first  # it, or a day of those from which it was made, which is not there any more


def _wrong_outages(outages: Sequence[OutageRow], told: tuple[list[OutageRow], int] | None) -> Iterator[date]:
    """Yield where outages are not those of their days: the day before, as a fold begins with its day in any zone.

    Args:
        outages: As they are stored.
        told: What their days tell, see `line_days.outages_told`; None: they cannot, or are folded again in any case.
    """
    wrong = [row.from_ms for row in outages if row.seal != stored.seal_of(row)]
    if told is not None:
        right, since_ms = told
        there = {row for row in outages if row.from_ms >= since_ms}
        wrong += [row.from_ms for row in there.symmetric_difference(right)]
    for from_ms in wrong:
        yield datetime.fromtimestamp(from_ms / 1000, UTC).date() - timedelta(days=1)
