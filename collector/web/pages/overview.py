"""The overview: what is wrong now, who is worst, how the schools stand. Every number leads to the list behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, render_template
from markupsafe import Markup

from collector.domain import periods
from collector.domain.low_availability import DEFAULT_PCT
from collector.domain.periods import Period
from collector.store.queries.pages import devices as pages_devices
from collector.store.queries.pages import flags as pages_flags
from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages import overview as pages_overview
from collector.store.queries.pages.availability import Slots
from collector.store.queries.pages.devices import DeviceCounts
from collector.store.queries.pages.overview import Change, FlagCounts, Freshness, Today
from collector.store.queries.pages.schools import NO_VERDICT, SchoolFilter
from collector.store.queries.pages.standings import Standing, count_verdicts
from collector.store.unit import Snapshot
from collector.web.charts import small, weeks
from collector.web.desk import Desk, desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import language, say, say_many
from collector.web.pages import devices
from collector.web.views import data_used, line_up, lines, remembered
from collector.web.views import today as today_view
from collector.web.views.lines import SchoolLine
from collector.web.words import outage_words, sentences
from collector.web.words.sentences import Cure
from collector.web.words.terms import VERDICT_ORDER, VERDICTS

BLUEPRINT = Blueprint("overview", __name__)

_WORST = 5
_WEEKS = 8
_WEEKS_BACK = 4  # to compare with
_STALE_MS = 36 * 3_600_000  # a night and a day without judging


@dataclass(frozen=True)
class Worst:
    """One of the schools to start with."""

    line: SchoolLine
    cure: Cure
    flag_id: str | None


@dataclass(frozen=True)
class AreaLine:
    """One area of the table."""

    area: str | None
    schools: int
    meets: int
    below: int
    bar: Markup
    change: Change | None  # since four weeks before; None: nobody was judged both times


@dataclass(frozen=True)
class FlagSummary:
    """The open flags in figures."""

    rows: list[tuple[FlagCounts, float]]  # with the share of the most frequent
    total: int
    untaken: int
    recovering: int
    stale: int
    held: int
    oldest: FlagCounts | None


@BLUEPRINT.get("/")
def show() -> str:
    """Show the overview."""
    parts = desk()
    with parts.store.reader() as snapshot:
        counted = remembered.standings_of(snapshot, parts.measure)
        counts = count_verdicts(counted)
        fresh = pages_overview.freshness(snapshot, parts.measure)
        today = today_view.look(snapshot, parts, midnight_ms(parts))
        fleet = pages_devices.fleet(snapshot, devices.limits(parts), pages_devices.reasons(snapshot))
        history, pictures = _history(snapshot, parts, fresh)
        week = _week_before(fresh)
        changes = _changes(snapshot, parts, week)
        return page(
            "overview/show.html",
            snapshot,
            outages=pages_outages.list_live(snapshot),
            outage_words=outage_words,
            zone=parts.zone,
            counts=counts,
            total=sum(counts.values()),
            headline=_headline(counts),
            change=_change(changes, week),
            bar=small.verdict_bar(counts, _bar_label(counts)),
            order=_legend(counts),
            worst=_worst(snapshot, parts),
            flags=_flags(pages_overview.open_flags(snapshot, parts.measure, parts.now_ms)),
            areas=_areas_drawn(snapshot, parts, counted, changes, week),
            weeks=history,
            weeks_pictures=pictures,
            today=today,
            tiles=_tiles(counted, counts, today, fleet),
            data=data_used.total(snapshot, parts, is_judged=fresh.last_evaluation_ms is not None),
            up=line_up.percent(_seen_slots(snapshot).share),
            goal=present.plain(DEFAULT_PCT),
            facts=_facts(parts, fresh),
            month=fresh.last_judged_day[:7] if fresh.last_judged_day else None,
            today_day=present.local(parts.now_ms, parts.zone).date().isoformat(),
            stale=_stale(parts, fresh),
        )


def midnight_ms(parts: Desk) -> int:
    """Return when today began where the deployment is."""
    now = present.local(parts.now_ms, parts.zone)
    return round(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def _seen_slots(snapshot: Snapshot) -> Slots:
    return remembered.of_availability("all_slots", snapshot, lambda: pages_overview.seen_slots(snapshot))


def _headline(counts: Mapping[str, int]) -> Markup:
    total, meets, below = sum(counts.values()), counts.get("MEETS", 0), counts.get("BELOW", 0)
    values = {"total": present.number(total), "meets": present.number(meets), "below": present.number(below)}
    if total == 1:
        first = say("%(meets)s of %(total)s school meets the target.", **values)
    else:
        first = say_many(
            "%(meets)s of %(total)s schools meets the target.",
            "%(meets)s of %(total)s schools meet the target.",
            meets,
            **values,
        )
    return first + " " + say_many("%(below)s is below it.", "%(below)s are below it.", below, **values)


def _legend(counts: Mapping[str, int]) -> list[str]:
    return [name for name in (*VERDICT_ORDER, NO_VERDICT) if name != NO_VERDICT or counts.get(name)]


def _bar_label(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{VERDICTS[name]} {present.number(counts.get(name, 0))}" for name in _legend(counts))


def _week_before(fresh: Freshness) -> Period | None:
    """Return the week that the newest verdicts are compared with; None while nothing is judged."""
    if fresh.last_judged_day is None:
        return None
    return periods.periods("week", date.fromisoformat(fresh.last_judged_day), _WEEKS_BACK + 1)[0]


def _changes(snapshot: Snapshot, parts: Desk, week: Period | None) -> Mapping[str | None, Change]:
    if week is None:
        return {}

    def compare() -> Mapping[str | None, Change]:
        return pages_overview.change_since(snapshot, parts.measure, week.first)

    return remembered.of_votes("change", snapshot, parts.measure, compare, week.first)


def _change(changes: Mapping[str | None, Change], week: Period | None) -> Markup:
    """Return how many more or fewer meet the target than four weeks before; empty while nobody knows."""
    if not changes or week is None:
        return Markup("")
    more = sum(one.meet - one.met for one in changes.values())
    words = {"shown": present.number(abs(more)), "day": present.day(week.last)}
    if more > 0:
        return say("%(shown)s more than in the week to %(day)s, of the schools judged both times.", **words)
    if more < 0:
        return say("%(shown)s fewer than in the week to %(day)s, of the schools judged both times.", **words)
    return say("As many as in the week to %(day)s, of the schools judged both times.", **words)


def _worst(snapshot: Snapshot, parts: Desk) -> list[Worst]:
    wanted = SchoolFilter(verdict="BELOW")
    rows = remembered.school_rows(snapshot, parts.measure, wanted, sort="shortage", descending=True, limit=_WORST)
    flags = pages_flags.open_flag_of(snapshot, [row.code for row in rows])
    found = []
    for line in lines.school_lines(snapshot, rows, with_sparks=False):
        row = line.row
        cure = sentences.cure(row.median_bps, row.target_bps, row.contract_download_mbps, row.provider)
        found.append(Worst(line, cure, flags.get(row.code)))
    return found


def _flags(found: list[FlagCounts]) -> FlagSummary:
    most = max((item.flags for item in found), default=1)
    total = sum(item.flags for item in found)
    return FlagSummary(
        rows=[(item, item.flags / most) for item in found],
        total=total,
        untaken=total - sum(item.taken for item in found),
        recovering=sum(item.recovering for item in found),
        stale=sum(item.stale for item in found),
        held=sum(item.held for item in found),
        oldest=min(found, key=lambda item: item.oldest, default=None),
    )


def _areas_drawn(
    snapshot: Snapshot,
    parts: Desk,
    counted: Sequence[Standing],
    changes: Mapping[str | None, Change],
    week: Period | None,
) -> Markup:
    def draw() -> str:
        return render_template("overview/areas.html", areas=_areas(counted, changes))

    return remembered.drawn("areas", snapshot, parts.measure, draw, week)


def _areas(counted: Sequence[Standing], changes: Mapping[str | None, Change]) -> list[AreaLine]:
    by_area: dict[str | None, list[Standing]] = {}
    for standing in counted:
        by_area.setdefault(standing.area, []).append(standing)
    found = []
    for area, rows in by_area.items():
        counts = count_verdicts(rows)
        bar = small.verdict_bar(counts, _bar_label(counts), height=12)
        meets, below = counts.get("MEETS", 0), counts.get("BELOW", 0)
        found.append(AreaLine(area, sum(counts.values()), meets, below, bar, changes.get(area)))
    return sorted(found, key=lambda line: (line.area is None, line.area or ""))


def _history(snapshot: Snapshot, parts: Desk, fresh: Freshness) -> tuple[list[weeks.Week], list[Markup]]:
    """Return the last weeks with their pictures."""

    def draw() -> tuple[list[weeks.Week], list[Markup]]:
        history = _weeks(snapshot, parts, fresh)
        return history, _weeks_pictures(history)

    return remembered.of_votes("weeks", snapshot, parts.measure, draw, (fresh.last_judged_day, language()))


def _weeks(snapshot: Snapshot, parts: Desk, fresh: Freshness) -> list[weeks.Week]:
    if fresh.last_judged_day is None:
        return []
    shown = periods.periods("week", date.fromisoformat(fresh.last_judged_day), _WEEKS)
    found = pages_overview.verdicts_by_week(snapshot, parts.measure, [week.first for week in shown])
    # The newest week is told by the day up to which it is judged.
    return [weeks.Week(min(week.last, fresh.last_judged_day), found[week.first]) for week in shown if found[week.first]]


def _weeks_pictures(history: list[weeks.Week]) -> list[Markup]:
    """Return the picture for wide screens and the one for phones."""
    if not history:
        return []
    last = history[-1].counts
    names = {
        "MEETS": say_many("%(shown)s meets", "%(shown)s meet", last.get("MEETS", 0), shown=last.get("MEETS", 0)),
        "BORDERLINE": say("%(shown)s borderline", shown=last.get("BORDERLINE", 0)),
        "BELOW": say("%(shown)s below", shown=last.get("BELOW", 0)),
        "INSUFFICIENT": say("%(shown)s too little data", shown=last.get("INSUFFICIENT", 0)),
    }
    label = say("Share of the judged schools by verdict, week by week. Last week: %(counts)s.", counts=_bar_label(last))
    shown = {name: str(words) for name, words in names.items()}
    return [weeks.stacked_weeks(history, shown, str(label), width) for width in (460, 340)]


def _tiles(
    counted: Sequence[Standing], counts: Mapping[str, int], today: Today, fleet: DeviceCounts
) -> dict[str, tuple[str, str]]:
    total = sum(counts.values())
    enough = total - counts.get("INSUFFICIENT", 0) - counts.get(NO_VERDICT, 0)
    pupils = sum(item.pupils for item in counted)
    below = sum(item.pupils for item in counted if item.verdict == "BELOW")
    return {
        "heard": (present.number(today.schools_heard), present.number(total)),
        "enough": (present.number(enough), present.number(total)),
        "pupils": (present.number(below), present.number(pupils)),
        "silent": (present.number(fleet.silent), present.number(fleet.total)),
        "tests": (present.number(today.measurements), ""),
    }


def _facts(parts: Desk, fresh: Freshness) -> Markup:
    facts = [present.full_moment(parts.now_ms, parts.zone) + "."]
    if fresh.last_judged_day is not None:
        near = present.local(parts.now_ms, parts.zone).date() - date.fromisoformat(fresh.last_judged_day)
        shown = present.weekday if near < timedelta(days=7) else present.day
        if near <= timedelta(0):
            facts.append(say("Judged up to today."))
        else:
            facts.append(say("Judged to the end of %(day)s.", day=shown(fresh.last_judged_day)))
    if fresh.last_received_ms is not None:
        facts.append(say("Last result %(ago)s.", ago=present.ago(fresh.last_received_ms, parts.now_ms, parts.zone)))
    return Markup(" ").join(facts)


def _stale(parts: Desk, fresh: Freshness) -> Markup | None:
    at_ms = fresh.last_evaluation_ms
    if at_ms is None or parts.now_ms - at_ms < _STALE_MS:
        return None
    return present.moment(at_ms, parts.zone, parts.now_ms)
