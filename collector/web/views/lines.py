"""A school as one line of a list: its row with the small pictures drawn. Used by the overview and the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.flags import FlagRow
from collector.store.queries.pages.schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web.charts import small
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.views import remembered
from collector.web.views.figures import quantile
from collector.web.words.sentences import Judged

_WINDOW_DAYS = 28
_SPARK_DAYS = 30
_SPARK_REACH_DAYS = 63  # calendar days that hold thirty school days
_DAY_MS = 86_400_000

Band = tuple[float, float]


@dataclass(frozen=True)
class SchoolLine:
    """One school of a list."""

    row: SchoolRow
    strip: Markup
    attain: Markup
    spark: Markup
    heard: str


def judged(row: SchoolRow | FlagRow, below_since: str | None = None) -> Judged | None:
    """Return what sentences need of the newest verdict in a row of schools or flags, None where it has none."""
    if row.verdict is None or row.target_bps is None or row.share is None:
        return None
    return Judged(
        verdict=row.verdict,
        n=row.n or 0,
        days=row.days or 0,
        attained=row.attained or 0,
        share=row.share,
        lower=row.lower,
        upper=row.upper,
        median_bps=row.median_bps,
        target_bps=row.target_bps,
        remedy=row.remedy,
        below_since=below_since,
    )


def bounds(row: SchoolRow) -> tuple[float, float] | None:
    """Return the interval of the share."""
    return None if row.lower is None or row.upper is None else (row.lower, row.upper)


def school_lines(snapshot: Snapshot, rows: Sequence[SchoolRow], *, with_sparks: bool = True) -> list[SchoolLine]:
    """Return the rows with their pictures: at most two queries for all of them together.

    What is drawn follows from votes and days alone; of schools that were shown before it is remembered until the next
    evaluation writes.
    """
    now_ms = desk().now_ms
    bands = _bands(snapshot, rows, now_ms)
    medians = _medians(snapshot, rows, now_ms) if with_sparks else {}
    return [_line(row, bands[row.code], medians.get(row.code, ()), now_ms) for row in rows]


def _bands(snapshot: Snapshot, rows: Sequence[SchoolRow], now_ms: int) -> Mapping[str, Band | None]:
    """Return what lies between the tenth and the ninetieth of a hundred tests of the window, by school."""
    known = remembered.of_votes("bands", snapshot, desk().measure, dict[str, Band | None])
    new = [row for row in rows if row.code not in known]
    if new:
        speeds = pages_schools.voting_speeds(snapshot, [row.code for row in new], _first_ms(new, now_ms))
        known.update({row.code: _band(row, speeds.get(row.code, [])) for row in new})
    return known


def _band(row: SchoolRow, speeds: list[tuple[int, int]]) -> Band | None:
    first_ms = _midnight_ms(row)
    window = [bps for started_ms, bps in speeds if started_ms >= first_ms]
    low, high = quantile(window, 0.1), quantile(window, 0.9)
    return (low, high) if row.window_from is not None and low is not None and high is not None else None


def _medians(snapshot: Snapshot, rows: Sequence[SchoolRow], now_ms: int) -> Mapping[str, Sequence[int | None]]:
    """Return the daily medians of up to thirty school days, by school."""
    from_day = (datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(days=_SPARK_REACH_DAYS)).date().isoformat()
    known = remembered.of_votes("medians", snapshot, desk().measure, dict[str, Sequence[int | None]], from_day)
    new = [row.code for row in rows if row.code not in known]
    if new:
        found = pages_schools.daily_medians(snapshot, new, from_day)
        known.update({code: tuple(found.get(code, ())[-_SPARK_DAYS:]) for code in new})
    return known


def _first_ms(rows: Sequence[SchoolRow], now_ms: int) -> int:
    firsts = [_midnight_ms(row) for row in rows if row.window_from is not None]
    return min(firsts, default=now_ms - _WINDOW_DAYS * _DAY_MS)


def _midnight_ms(row: SchoolRow) -> int:
    zone = desk().zone_of(row.timezone)
    return round(datetime.fromisoformat(row.window_from or "1970-01-01").replace(tzinfo=zone).timestamp() * 1000)


def _line(row: SchoolRow, band: Band | None, medians: Sequence[int | None], now_ms: int) -> SchoolLine:
    attain = Markup("")
    if row.n:
        attain = small.attainment_strip(row.attained or 0, row.n, bounds(row), row.share or 0.5, row.verdict)
    label = str(say("Daily medians of up to 30 school days"))
    return SchoolLine(
        row=row,
        strip=small.speed_strip(row.median_bps, row.target_bps, band, row.verdict),
        attain=attain,
        spark=small.sparkline(medians, row.target_bps, row.verdict, label),
        heard=present.short_age(row.heard_ms, now_ms),
    )
