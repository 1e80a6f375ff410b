"""The monthly report: which months there are, and each as two sheets for paper, with its rows as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, url_for
from markupsafe import Markup

from collector.domain import periods
from collector.domain.proof import TESTS
from collector.domain.roles import Role
from collector.publish import monthly
from collector.publish.monthly import AreaLine, Monthly
from collector.store.queries import target_versions
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import reports as pages_reports
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.providers import ProviderFilter
from collector.store.queries.pages.reports import MONTH
from collector.store.queries.pages.schools import NO_VERDICT, SchoolFilter
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.charts import choropleth, small
from collector.web.charts.choropleth import Area, Ring
from collector.web.desk import Desk, desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.conventions import NBSP
from collector.web.language.i18n import say
from collector.web.pages import targets
from collector.web.pages.atlas import FEW
from collector.web.people.access import for_role
from collector.web.views import evidence, line_up, month_outages, outlines, reliability, remembered
from collector.web.words import report_words, target_words
from collector.web.words.terms import VERDICT_ORDER, VERDICTS

BLUEPRINT = Blueprint("reports", __name__)

_LISTED: Final = 24  # months of the list at once
_MAP_WIDTH, _MAP_HIGHEST = 330.0, 260.0
_COLUMNS: Final = {
    **dict.fromkeys(("school", "name", "area", "provider"), CellKind.TEXT),
    "pupils": CellKind.INTEGER,
    "contract_mbps": CellKind.NUMBER,
    "verdict": CellKind.TEXT,
    "verdict_before": CellKind.TEXT,
    "day": CellKind.DAY,
    **dict.fromkeys(("n", "attained", "median_bps", "target_bps"), CellKind.INTEGER),
    "target_profile": CellKind.TEXT,
    "profile_version": CellKind.TEXT,
    "advice": CellKind.TEXT,
}


@dataclass(frozen=True)
class MonthLine:
    """One month of the list."""

    address: str  # 2026-10
    headline: Markup
    below: int
    judged: int
    bar: Markup
    is_so_far: bool


@dataclass(frozen=True)
class Month:
    """The month that the address names."""

    first: str
    last: str
    before: str  # first day of the month before
    is_so_far: bool
    from_ms: int
    until_ms: int
    older: str | None  # as the address has it; None: there is no report of it
    newer: str | None
    is_listed: bool  # progress over time still shows it


@BLUEPRINT.get("/reports")
def show() -> str:
    """Show the months, the newest first."""
    parts = desk()
    with parts.store.reader() as snapshot:
        lines = _lines(snapshot, parts)
        shown = lines[: asked.limit(_LISTED)]
        return page("reports/show.html", snapshot, lines=shown, found=len(lines), few=_LISTED)


@BLUEPRINT.get("/reports/<month>")
def show_one(month: str) -> str:
    """Show the report of a month."""
    parts = desk()
    with parts.store.reader() as snapshot:
        wanted = _month(snapshot, parts, month)
        found = _report(snapshot, parts, wanted)
        broken = _broken(snapshot, wanted, parts.now_ms)
        packs = pages_reports.schools_with_pack(snapshot, TESTS, wanted.until_ms)
        return page(
            "reports/one.html",
            snapshot,
            month=month,
            wanted=wanted,
            found=found,
            headline=_headline(found, wanted),
            reportwords=report_words,
            proposals=report_words.proposals(found.advice, packs),
            bar=small.verdict_bar(found.counts, _bar_label(found.counts)),
            legend=_legend(found.counts),
            picture=_map(snapshot, parts, found),
            area_bar=_area_bar,
            areas=found.areas[: asked.limit()],
            targets=_targets(snapshot, found),
            broken=month_outages.words(broken),
            tests=pages_reports.tests_of(snapshot, wanted.first),
            up=_up(snapshot, wanted),
            list_link=_link_to(wanted),
            share=targets.in_force_now(snapshot).criterion.share,
            few=monthly.FEWEST,
            now=present.full_moment(parts.now_ms, parts.zone, begins=False),
            scope_names=sorted(snapshot.scope.areas or ()),
        )


@BLUEPRINT.get("/reports/<month>.csv")
@for_role(Role.ANALYST)
def download(month: str) -> Response:
    """Give every school at the end of a month as a file: all that the report counts."""
    parts = desk()
    with parts.store.reader() as snapshot:
        wanted = _month(snapshot, parts, month)
        found = pages_reports.school_rows(snapshot, parts.measure, wanted.first)
    shown = [(*row, monthly.advised(row)) for row in found]
    return rows.csv_file(f"report-{month}", _COLUMNS, shown)


def _month(snapshot: Snapshot, parts: Desk, text: str) -> Month:
    """Return the month that an address names; one that has no report is not there."""
    today = present.local(parts.now_ms, parts.zone).date()
    first = _first_day(text)
    judged = pages_reports.months_judged(snapshot, parts.measure)
    if first is None or judged is None:
        abort(404)
    begin, newest = judged[0], min(judged[1], periods.first_day(MONTH, today).isoformat())
    if not begin <= first.isoformat() <= newest:
        abort(404)
    after = periods.first_day(MONTH, first + timedelta(days=31))
    before = periods.first_before(MONTH, first)
    return Month(
        first=first.isoformat(),
        last=(after - timedelta(days=1)).isoformat(),
        before=before.isoformat(),
        is_so_far=first == periods.first_day(MONTH, today),
        from_ms=evidence.midnight_ms(first.isoformat(), parts.zone),
        until_ms=evidence.midnight_ms(after.isoformat(), parts.zone),
        older=f"{before:%Y-%m}" if before.isoformat() >= begin else None,
        newer=f"{after:%Y-%m}" if after.isoformat() <= newest else None,
        is_listed=first.isoformat() >= periods.periods(MONTH, today)[0].first,
    )


def _first_day(text: str) -> date | None:
    """Return the first day of a month as `2026-10`; None where the text is none."""
    known = present.iso_day(f"{text}-01") if len(text) == len("2026-10") and text.isascii() else None
    return date.fromisoformat(known) if known else None


def _report(snapshot: Snapshot, parts: Desk, wanted: Month) -> Monthly:
    """Return the numbers of a month: worked out once, until a school or a verdict changes."""

    def make() -> Monthly:
        return monthly.put_together(wanted.first, pages_reports.school_rows(snapshot, parts.measure, wanted.first))

    return remembered.of_votes("report", snapshot, parts.measure, make, wanted.first)


def _lines(snapshot: Snapshot, parts: Desk) -> Sequence[MonthLine]:
    judged = pages_reports.months_judged(snapshot, parts.measure)
    if judged is None:
        return []
    newest = periods.first_day(MONTH, present.local(parts.now_ms, parts.zone).date()).isoformat()

    def count() -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for one in pages_reports.counts_by_month(snapshot, parts.measure, judged[0]):
            found.setdefault(one.first_day, {})[one.verdict] = one.schools
        return found

    by_month = remembered.of_votes("report_months", snapshot, parts.measure, count)
    schools = pages_schools.count_schools(snapshot, parts.measure, SchoolFilter())
    firsts = sorted((first for first in by_month if first <= newest), reverse=True)
    return [_line(first, by_month[first], schools, is_so_far=first == newest) for first in firsts]


def _line(first: str, verdicts: Mapping[str, int], schools: int, *, is_so_far: bool) -> MonthLine:
    counts = {**verdicts, NO_VERDICT: max(0, schools - sum(verdicts.values()))}
    judged = monthly.judged_of(counts)
    said = report_words.headline(first, counts.get("MEETS", 0), schools, judged, is_so_far=is_so_far)
    bar = small.verdict_bar(counts, _bar_label(counts), height=12)
    return MonthLine(first[:7], said, counts.get("BELOW", 0), judged, bar, is_so_far)


def _headline(found: Monthly, wanted: Month) -> Markup:
    return report_words.headline(wanted.first, found.meets, found.schools, found.judged, is_so_far=wanted.is_so_far)


def _legend(counts: Mapping[str, int]) -> list[str]:
    return [name for name in (*VERDICT_ORDER, NO_VERDICT) if name != NO_VERDICT or counts.get(name)]


def _bar_label(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{VERDICTS[name]} {present.number(counts.get(name, 0))}" for name in _legend(counts))


def _area_bar(line: AreaLine) -> Markup:
    return small.verdict_bar(line.counts, _bar_label(line.counts), height=10)


def _targets(snapshot: Snapshot, found: Monthly) -> str:
    """Return by what the schools were judged; what most were comes first."""
    made = target_versions.decisions(snapshot)
    names = [target_words.name_of_judged(profile, version, made) for profile, version in found.targets]
    return ", ".join(dict.fromkeys(names))


def _broken(snapshot: Snapshot, wanted: Month, now_ms: int) -> month_outages.Broken:
    span = wanted.from_ms, wanted.until_ms
    local = pages_reports.count_local_outages(snapshot, *span)
    return month_outages.add_up(pages_reports.outages(snapshot, *span), local, now_ms)


def _up(snapshot: Snapshot, wanted: Month) -> Mapping[str, str]:
    """Return how much the lines of each provider were up in the last ten school days; only the present knows."""
    slots = reliability.seen_slots(snapshot, ProviderFilter()) if wanted.is_so_far else {}
    return {provider: line_up.percent(one.share) for provider, one in slots.items()}


def _link_to(wanted: Month) -> Any:
    """Return what makes the address of the schools behind a number; None of a month that no page lists any more."""
    begin = url_for("progress.show", by=MONTH, at=wanted.first)

    def address(which: str, **more: Any) -> str | None:
        return f"{begin}&{urlencode({'list': which, **more})}#schools" if wanted.is_listed else None

    return address


def _map(snapshot: Snapshot, parts: Desk, found: Monthly) -> Markup:
    """Return the areas in shades of how many of their schools meet; empty where no outlines are known."""

    def draw() -> str:
        places = {one.area: (one.longitude, one.latitude) for one in pages_reports.area_middles(snapshot)}
        known = outlines.outlines_of(places)
        areas = [_area(line, known[line.area].rings) for line in found.areas if line.area in known]
        label = ", ".join(f"{one.name} {one.figure}" for one in areas)
        return choropleth.choropleth(areas, label, _MAP_WIDTH, _MAP_HIGHEST) if len(areas) > 1 else ""

    return remembered.drawn("report_map", snapshot, parts.measure, draw, found.first_day)


def _area(line: AreaLine, rings: Sequence[Ring]) -> Area:
    if line.judged < FEW:
        return Area(line.area or "", str(say("too few")), None, rings)
    share = line.meets / line.judged
    return Area(line.area or "", f"{present.percent(share)}{NBSP}%", share, rings)
