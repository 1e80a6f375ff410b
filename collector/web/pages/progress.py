"""Progress over time: how many schools meet, who fell below and who recovered, month by month or week by week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from babel.dates import format_date
from flask import Blueprint, Response, current_app, request
from markupsafe import Markup

from collector.store.queries import facts, pages_progress, pages_schools
from collector.store.queries.exports import CellKind
from collector.store.queries.pages_progress import ProgressFilter, StandingRow
from collector.store.unit import Snapshot
from collector.web import periods, present, rows
from collector.web.access import Role, for_role
from collector.web.charts import counts
from collector.web.desk import Desk, desk
from collector.web.frame import page
from collector.web.i18n import language, say, say_many
from collector.web.pages import method
from collector.web.periods import VERDICTS, WAYS, Memory, Period, Progress, Standings

BLUEPRINT = Blueprint("progress", __name__)

ROWS, ALL_ROWS = 50, 2000
_LONGEST = 100
_LISTS: Final = (*VERDICTS, "NONE", "FELL", "RECOVERED")
_EXTENSION = "enlace_periods"
_MANY_MORE = 0.1  # of the schools: so many more or fewer are marked on the axis

_COLUMNS: Final = {
    "first_day": CellKind.DAY,
    "last_day": CellKind.DAY,
    **{f"schools_{name.lower()}": CellKind.INTEGER for name in VERDICTS},
    "schools_with_verdict": CellKind.INTEGER,
    "schools_without_verdict": CellKind.INTEGER,
    "schools_judged_also_before": CellKind.INTEGER,
    "newly_below": CellKind.INTEGER,
    "recovered": CellKind.INTEGER,
    "typical_share_of_target": CellKind.NUMBER,
    "profile_versions": CellKind.TEXT,
}
_SCHOOL_COLUMNS: Final = {
    "school": CellKind.TEXT,
    "name": CellKind.TEXT,
    "area": CellKind.TEXT,
    "provider": CellKind.TEXT,
    "verdict": CellKind.TEXT,
    "median_bps": CellKind.INTEGER,
    "target_bps": CellKind.INTEGER,
    "n": CellKind.INTEGER,
    "day": CellKind.DAY,
    "profile_version": CellKind.TEXT,
    "verdict_before": CellKind.TEXT,
}


@dataclass(frozen=True)
class Wanted:
    """What the address asks for."""

    by: str  # month | week
    schools: ProgressFilter

    def address(self) -> dict[str, object]:
        """Return what links carry on."""
        return {"by": self.by, **{name: value or None for name, value in self.schools._asdict().items()}}


@dataclass(frozen=True)
class Story:
    """All periods of the schools that the address asks for."""

    lines: Sequence[Progress]
    codes: Sequence[str]
    standings: dict[Period, Standings]
    index: dict[str, int]


@dataclass(frozen=True)
class Listed:
    """The schools behind one number."""

    line: Progress
    which: str
    rows: Sequence[StandingRow]
    before: dict[str, str | None]  # verdict of the period before
    found: int


@BLUEPRINT.get("/progress")
def show() -> str:
    """Show the periods, and the schools behind one number where the address names it."""
    parts, wanted = desk(), _read()
    is_all = request.args.get("show") == "all"
    with parts.store.reader() as snapshot:
        story = _story(snapshot, parts, wanted)
        return page(
            "progress/show.html",
            snapshot,
            headline=_headline(story, wanted),
            lines=story.lines[::-1],
            pictures=_pictures(story, wanted),
            listed=_listed(snapshot, parts, story, ALL_ROWS if is_all else ROWS),
            is_all=is_all,
            wanted=wanted,
            schools=len(story.codes),
            facets=pages_schools.facets(snapshot),
            verdicts=VERDICTS,
            name_of=lambda period: _name(period, wanted.by),
            profile=method.profile_name(),
        )


@BLUEPRINT.get("/progress.csv")
@for_role(Role.ANALYST)
def download() -> Response:
    """Give the periods as a file, oldest first."""
    parts = desk()
    with parts.store.reader() as snapshot:
        story = _story(snapshot, parts, _read())
    return rows.csv_file("progress", _COLUMNS, [_row(line) for line in story.lines])


@BLUEPRINT.get("/progress/schools.csv")
@for_role(Role.ANALYST)
def download_schools() -> Response:
    """Give the schools behind one number as a file."""
    parts = desk()
    with parts.store.reader() as snapshot:
        listed = _listed(snapshot, parts, _story(snapshot, parts, _read()), None)
    found = [] if listed is None else [(*row, listed.before.get(row.code)) for row in listed.rows]
    return rows.csv_file("progress-schools", _SCHOOL_COLUMNS, found)


def _read() -> Wanted:
    by = request.args.get("by", "")
    some = (request.args.get(name, "")[:_LONGEST] for name in ProgressFilter._fields)
    return Wanted(by if by in WAYS else WAYS[0], ProgressFilter(*some))


def _story(snapshot: Snapshot, parts: Desk, wanted: Wanted) -> Story:
    memory: Memory = current_app.extensions.setdefault(_EXTENSION, Memory())
    stamp = facts.find_fact(snapshot, facts.LAST_EVALUATION_MS)
    today = present.local(parts.now_ms, parts.zone).date()
    codes = pages_progress.codes(snapshot, wanted.schools)
    found: list[tuple[Period, Standings]] = []
    for period in periods.periods(wanted.by, today):
        # What was read under one scope answers nobody of another.
        standings = memory.find(
            (snapshot.scope, parts.measure, period),
            stamp=stamp,
            now_ms=parts.now_ms,
            is_settled=periods.is_settled(period, today),
            read=lambda period=period: pages_progress.standings(  # type: ignore[misc]  # mypy: default of a lambda
                snapshot, parts.measure, period.first, period.last
            ),
        )
        found.append((period, standings))
    return Story(periods.compare(found, codes, memory.index), codes, dict(found), memory.index)


def _listed(snapshot: Snapshot, parts: Desk, story: Story, limit: int | None) -> Listed | None:
    which, at = request.args.get("list", ""), request.args.get("at", "")
    place = next((place for place, line in enumerate(story.lines) if line.period.first == at), None)
    if which not in _LISTS or place is None:
        return None
    line = story.lines[place]
    some = periods.chosen(line, which, story.codes, story.standings[line.period], story.index)
    shown = some if limit is None else some[:limit]
    before: dict[str, str | None] = {}
    if place:
        earlier = story.standings[story.lines[place - 1].period]
        before = {code: earlier.verdict(story.index.get(code, len(earlier.verdicts))) for code in shown}
    found = pages_progress.standing_rows(snapshot, parts.measure, shown, line.period.first, line.period.last)
    return Listed(line, which, found, before, len(some))


def _name(period: Period, by: str) -> str:
    """Return `November 2026` or `16 to 22 November`."""
    if by == "week":
        return present.day_range(period.first, period.last)
    shown = present.month(period.first)
    return shown[:1].upper() + shown[1:]


def _short(period: Period, by: str) -> str:
    if by == "week":
        return present.day_short(period.last)
    return format_date(date.fromisoformat(period.first), "LLL", locale=language())


def _headline(story: Story, wanted: Wanted) -> Markup:
    if not story.lines:
        return say("Nothing is judged yet")
    last = story.lines[-1]
    return say_many(
        "%(period)s: %(meets)s of %(judged)s judged school meets the target",
        "%(period)s: %(meets)s of %(judged)s judged schools meet the target",
        last.judged,
        period=_name(last.period, wanted.by),
        meets=present.number(last.counts.get("MEETS", 0)),
        judged=present.number(last.judged),
    )


def _pictures(story: Story, wanted: Wanted) -> list[Markup]:
    """Return the picture for wide screens and the one for phones, which has the newer half."""
    bars = [counts.Bar(_short(line.period, wanted.by), line.counts, _mark(line)) for line in story.lines]
    if not bars:
        return []
    label = str(_headline(story, wanted))
    return [counts.stacked_counts(bars, label, 900), counts.stacked_counts(bars[-6:], label, 340)]


def _mark(line: Progress) -> str:
    if line.has_new_version:
        return str(say("new version of the profile"))
    if line.change is not None and abs(line.change) > _MANY_MORE * max(1, line.with_verdict - line.change):
        return str(say("%(change)s schools", change=present.signed(line.change)))
    return ""


def _row(line: Progress) -> tuple[Any, ...]:
    return (
        *(line.period.first, line.period.last, *(line.counts.get(name, 0) for name in VERDICTS)),
        *(line.with_verdict, line.none, line.compared, len(line.fell), len(line.recovered), line.typical),
        ", ".join(line.versions) or None,
    )
