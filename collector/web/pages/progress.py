"""Progress over time: how many schools meet, who fell below and who recovered, month by month or week by week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from babel.dates import format_date
from flask import Blueprint, Response
from markupsafe import Markup

from collector.domain.periods import WAYS, Period
from collector.domain.periods import periods as periods_of
from collector.domain.roles import Role
from collector.publish.monthly import judged_of
from collector.store.queries import target_versions
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import progress as pages_progress
from collector.store.queries.pages.progress import FELL, RECOVERED, ProgressFilter, StandingRow
from collector.store.queries.pages.schools import NO_VERDICT
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.charts import counts
from collector.web.desk import Desk, desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import language, later, say, say_many
from collector.web.people.access import for_role
from collector.web.views import periods, remembered
from collector.web.views.periods import VERDICTS, New, Progress, Target
from collector.web.words import target_words

BLUEPRINT = Blueprint("progress", __name__)

LISTING: Final = Listing("progress", "progress.show", "progress.download", {"by": WAYS[0]})
_NEW: Final = {New.TARGET: later("another target"), New.VERSION: later("new version of the profile")}
_NAMES_AT_ONCE: Final = 3  # of targets of one period; the file has them all
_LISTS: Final = (*VERDICTS, NO_VERDICT, FELL, RECOVERED)
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
    "target_profiles": CellKind.TEXT,
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
    "target_profile": CellKind.TEXT,
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
    schools: int  # of the registry now


@dataclass(frozen=True)
class Listed:
    """The schools behind one number."""

    line: Progress
    which: str
    rows: Sequence[StandingRow]
    found: int


def _query() -> str:
    """Return the filter of the address, in one order."""
    wanted = _read()
    return LISTING.query({"by": wanted.by, **wanted.schools._asdict()})


@BLUEPRINT.route("/progress", methods=METHODS)
@keeps_views(LISTING, _query)
def show() -> str:
    """Show the periods, and the schools behind one number where the address names it."""
    parts, wanted = desk(), _read()
    with parts.store.reader() as snapshot:
        story = _story(snapshot, parts, wanted)
        return page(
            "progress/show.html",
            snapshot,
            headline=_headline(story, wanted),
            lines=story.lines[::-1],
            pictures=_pictures(snapshot, parts, story, wanted),
            listed=_listed(snapshot, parts, story, wanted, asked.limit()),
            bar=bar(snapshot, LISTING, _query()),
            wanted=wanted,
            schools=story.schools,
            facets=remembered.facets(snapshot),
            verdicts=VERDICTS,
            name_of=lambda period: _name(period, wanted.by),
            targets_of=_names(snapshot, story),
            new_names=_NEW,
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
        wanted = _read()
        listed = _listed(snapshot, parts, _story(snapshot, parts, wanted), wanted, None)
    return rows.csv_file("progress-schools", _SCHOOL_COLUMNS, [] if listed is None else listed.rows)


def _read() -> Wanted:
    by = asked.text("by")
    some = (asked.text(name) for name in ProgressFilter._fields)
    return Wanted(by if by in WAYS else WAYS[0], ProgressFilter(*some))


def _story(snapshot: Snapshot, parts: Desk, wanted: Wanted) -> Story:
    """Return the periods up to now; counted once, as long as no verdict is another."""
    found = periods_of(wanted.by, present.local(parts.now_ms, parts.zone).date())
    asked_for = (found[-1], wanted)
    return remembered.of_votes(
        "progress", snapshot, parts.measure, lambda: _counted(snapshot, parts, wanted, found), asked_for
    )


def _counted(snapshot: Snapshot, parts: Desk, wanted: Wanted, found: Sequence[Period]) -> Story:
    firsts = [period.first for period in found]
    tallies = pages_progress.tallies(snapshot, parts.measure, wanted.by, firsts, wanted.schools)
    judged = {first: judged_of(counts) for first, counts in periods.count(tallies).items()}
    typical = pages_progress.middle_ratios(snapshot, parts.measure, wanted.by, judged, wanted.schools)
    schools = pages_progress.count_schools(snapshot, wanted.schools)
    return Story(periods.compare(found, tallies, typical, schools), schools)


def _names(snapshot: Snapshot, story: Story) -> dict[str, str]:
    """Return by what the schools of each period were judged, by its first day: what most were comes first."""
    made = target_versions.decisions(snapshot)
    known = {one for line in story.lines for one in line.targets}
    names = {one: target_words.name_of_judged(one.profile, one.version, made) for one in known}
    return {line.period.first: _listed_names(line.targets, names) for line in story.lines}


def _listed_names(judged_by: Sequence[Target], names: Mapping[Target, str]) -> str:
    several = list(dict.fromkeys(names[one] for one in judged_by))
    shown = several[:_NAMES_AT_ONCE]
    if more := len(several) - len(shown):
        shown.append(str(say_many("%(num)s other", "%(num)s others", more)))
    return ", ".join(shown)


def _listed(snapshot: Snapshot, parts: Desk, story: Story, wanted: Wanted, limit: int | None) -> Listed | None:
    which, at = asked.text("list"), asked.text("at")
    line = next((line for line in story.lines if line.period.first == at), None)
    if which not in _LISTS or line is None:
        return None
    numbers = {**line.counts, NO_VERDICT: line.none, FELL: line.fell, RECOVERED: line.recovered}
    found = pages_progress.standing_rows(
        snapshot, parts.measure, wanted.by, line.period.first, which, wanted.schools, limit
    )
    return Listed(line, which, found, numbers.get(which, 0))


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


def _pictures(snapshot: Snapshot, parts: Desk, story: Story, wanted: Wanted) -> list[Markup]:
    """Return the picture for wide screens and the one for phones, which has the newer half."""
    if not story.lines:
        return []

    def draw() -> list[Markup]:
        bars = [counts.Bar(_short(line.period, wanted.by), line.counts, _mark(line)) for line in story.lines]
        label = str(_headline(story, wanted))
        return [counts.stacked_counts(bars, label, 900), counts.stacked_counts(bars[-6:], label, 340)]

    asked_for = (story.lines[-1].period, wanted, language())
    return remembered.of_votes("progress_pictures", snapshot, parts.measure, draw, asked_for)


def _mark(line: Progress) -> str:
    if line.new is not None:
        return str(_NEW[line.new])
    if line.change is not None and abs(line.change) > _MANY_MORE * max(1, line.with_verdict - line.change):
        return str(say("%(change)s schools", change=present.signed(line.change)))
    return ""


def _row(line: Progress) -> tuple[Any, ...]:
    return (
        *(line.period.first, line.period.last, *(line.counts.get(name, 0) for name in VERDICTS)),
        *(line.with_verdict, line.none, line.compared, line.fell, line.recovered, line.typical),
        ", ".join(sorted({one.version for one in line.targets})) or None,
        ", ".join(f"{one.profile} {one.version}" for one in line.targets) or None,
    )
