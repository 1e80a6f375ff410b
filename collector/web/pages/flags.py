"""The flags: a list with one opened beside it, and one flag with its evidence, its numbers and its history."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, request
from markupsafe import Markup

from collector.domain import proof as rule
from collector.domain.conditions import ConditionKind
from collector.domain.roles import Role
from collector.domain.words import SPEED, OutageLabel
from collector.store.queries import casework, target_versions
from collector.store.queries.exports import CellKind
from collector.store.queries.judging import suppressions
from collector.store.queries.pages import conditions as pages_conditions
from collector.store.queries.pages import flags as pages_flags
from collector.store.queries.pages import outages as pages_outages
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.conditions import ConditionDay
from collector.store.queries.pages.flags import NOBODY, Counts, FlagFilter, FlagRow, JudgedDay
from collector.store.queries.pages.outages import OutageRow
from collector.store.queries.pages.schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import flag_filter
from collector.web.asking.flag_filter import Chosen
from collector.web.asking.listing import METHODS, bar, keeps_views
from collector.web.asking.rows import FILE_ROWS, csv_of
from collector.web.charts import small
from collector.web.desk import Desk, desk
from collector.web.forms import deed_forms, proof_form
from collector.web.forms.deed_forms import Mistake, Typed
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.people import access
from collector.web.people.access import for_role
from collector.web.views import deeds, delay, evidence, line_up, lines, proof_words, remembered
from collector.web.views.evidence import ChartSpan
from collector.web.views.timeline import timeline
from collector.web.words import condition_words, outage_words, sentences, target_words
from collector.web.words.sentences import Judged

BLUEPRINT = Blueprint("flags", __name__)

KEYS_COOKIE: Final = "enlace_keys"  # `off`: no single keys
_HISTORY_DAYS = 90


@dataclass(frozen=True)
class FlagLine:
    """One flag of the list."""

    flag: FlagRow
    evidence: Markup
    age: int  # days since it opened


@dataclass(frozen=True)
class OutageLine:
    """One outage that goes on, with how many flags of the list wait for it."""

    outage: OutageRow
    held: int


@dataclass(frozen=True)
class Folded:
    """The outages at the top of the list, and which flags stand below them."""

    outages: Sequence[OutageLine]
    wanted: FlagFilter


@BLUEPRINT.route("/flags", methods=METHODS)
@keeps_views(flag_filter.LISTING, flag_filter.query)
def show() -> str:
    """Show the flags of a filter, and one of them beside the list."""
    parts, person = desk(), access.person()
    chosen = flag_filter.read(parts)
    as_table = asked.text("as") == "table"
    with parts.store.reader() as snapshot:
        folded = Folded((), chosen.wanted) if as_table else _folded(snapshot, parts, chosen)
        rows = pages_flags.flag_rows(snapshot, parts.measure, folded.wanted, sort=chosen.sort, limit=asked.limit())
        counts = _counted(snapshot, parts, chosen.wanted, with_apart=bool(folded.outages))
        beside = next((row for row in rows if row.flag_id == asked.text("flag")), rows[0] if rows else None)
        may_act = access.may(person, deed_forms.MAY_ACT)
        newest_bad = _newest_bad(snapshot, rows)
        return page(
            "flags/table.html" if as_table else "flags/show.html",
            snapshot,
            lines=[_line(row, parts, newest_bad.get(row.flag_id, {})) for row in rows],
            holds=suppressions.holds(snapshot, {row.code for row in rows}),
            outages=folded.outages,
            outage_words=outage_words,
            line_up=line_up,
            zone=parts.zone,
            found=counts.found,
            listed=counts.apart,
            untaken=counts.untaken,
            facets=remembered.facets(snapshot),
            chosen=chosen,
            owners=flag_filter.owner_options(pages_flags.owners(snapshot), person.name if person else "", chosen.owner),
            bar=bar(snapshot, flag_filter.LISTING, chosen.query, flag_filter.everybodys_views()),
            beside=_case(snapshot, parts, beside) if beside is not None and not as_table else None,
            news=deeds.news(snapshot, parts, asked.text("done")),
            may_act=may_act,
            people=deed_forms.people(snapshot) if may_act else [],
            typed=Typed(),
            has_keys=request.cookies.get(KEYS_COOKIE) != "off",
            name_of_judged=_name_of_judged(snapshot) if as_table else None,
        )


def _counted(snapshot: Snapshot, parts: Desk, wanted: FlagFilter, *, with_apart: bool) -> Counts:
    """Return how many flags a filter lists, and how many the same filter lists that nobody has taken."""
    counts = pages_flags.counts(snapshot, parts.measure, wanted, with_apart=with_apart)
    if wanted.owner in ("", NOBODY):
        return counts
    untaken = pages_flags.count_flags(snapshot, parts.measure, replace(wanted, owner=NOBODY))
    return counts._replace(untaken=untaken)


def _folded(snapshot: Snapshot, parts: Desk, chosen: Chosen) -> Folded:
    """Return one line for each outage that goes on, instead of the flags that wait for it.

    Under a filter only those for which a flag of it waits. What is our own failure holds nothing back.
    """
    plain = Folded((), chosen.wanted)
    if not flag_filter.folds_outages(chosen):
        return plain
    live = [row for row in pages_outages.list_live(snapshot) if row.label != OutageLabel.COLLECTOR.value]
    if not live:
        return plain
    names = [row.outage_id for row in live]
    held = pages_flags.count_of_outages(snapshot, parts.measure, chosen.wanted, names)
    is_whole = chosen.wanted == FlagFilter(chosen.wanted.now_ms)
    shown = [OutageLine(row, held.get(row.outage_id, 0)) for row in live if is_whole or row.outage_id in held]
    return Folded(shown, replace(chosen.wanted, is_apart=True)) if shown else plain


# Of the file of a filter: as the dictionary names them, with the school and the newest numbers beside.
_FILE: Final = {
    **dict.fromkeys(("flag_id", "kind", "school", "name", "area", "provider"), CellKind.TEXT),
    "pupils": CellKind.INTEGER,
    **dict.fromkeys(("severity", "state"), CellKind.TEXT),
    "is_stale": CellKind.BOOLEAN,
    **dict.fromkeys(("below_since", "opened_on", "closed_on"), CellKind.DAY),
    **dict.fromkeys(("closed_by", "owner", "ticket"), CellKind.TEXT),
    "snoozed_until": CellKind.DAY,
    "verdict": CellKind.TEXT,
    **dict.fromkeys(("n", "days", "attained"), CellKind.INTEGER),
    **dict.fromkeys(("lower", "upper"), CellKind.NUMBER),
    **dict.fromkeys(("median_bps", "target_bps"), CellKind.INTEGER),
    **dict.fromkeys(("target_profile", "profile_version"), CellKind.TEXT),
}


@BLUEPRINT.get("/flags/rows.csv")
@for_role(Role.ANALYST)
def rows() -> Response:
    """Return the flags of a filter as a file, in the order of the list."""
    parts = desk()
    chosen = flag_filter.read(parts)
    with parts.store.reader() as snapshot:
        found = pages_flags.flag_rows(snapshot, parts.measure, chosen.wanted, sort=chosen.sort, limit=FILE_ROWS)
    return csv_of("flags", _FILE, found, {"school": "code"})


def _name_of_judged(snapshot: Snapshot) -> Callable[[JudgedDay | FlagRow], str]:
    """Return what gives the name of the target by which a school was judged."""
    made = target_versions.decisions(snapshot)

    @cache
    def name(profile: str | None, version: str | None) -> str:
        return target_words.name_of_judged(profile, version, made)

    return lambda of: name(of.target_profile, of.profile_version)


def judged_of(flag: FlagRow) -> Judged | None:
    """Return what sentences need of the newest verdict of a flag's school."""
    return lines.judged(flag, flag.below_since if flag.is_open else None)


def _newest_bad(snapshot: Snapshot, rows: Sequence[FlagRow]) -> Mapping[str, Mapping[str, Any]]:
    """Return the numbers of the newest bad day of each flag that is by daily conditions."""
    found = [row.flag_id for row in rows if row.kind != SPEED]
    return pages_conditions.newest_bad(snapshot, found) if found else {}


def _line(flag: FlagRow, parts: Desk, bad: Mapping[str, Any]) -> FlagLine:
    judged = judged_of(flag)
    said = sentences.evidence(judged) if judged else condition_words.sentence(flag.kind, bad, flag.metric)
    return FlagLine(flag, said, _age(flag, parts))


def _age(flag: FlagRow, parts: Desk) -> int:
    end = flag.closed_on or evidence.local_day(parts.now_ms, parts.zone_of(flag.timezone))
    return present.days_between(flag.opened_on, end)


@dataclass(frozen=True)
class Case:
    """One flag with everything that its page and the pane beside the list show."""

    flag: FlagRow
    row: SchoolRow
    judged: Judged | None
    sentence: Markup
    attain: Markup
    charts: evidence.Charts | None  # of the speed
    answers: list[evidence.Answer]
    cure: sentences.Cure
    aside: tuple[int, int]
    age: int
    zone: ZoneInfo
    days: Sequence[ConditionDay] = ()  # of a flag by daily conditions, the newest first


def _condition_case(snapshot: Snapshot, parts: Desk, flag: FlagRow, row: SchoolRow) -> Case:
    bad = _newest_bad(snapshot, [flag]).get(flag.flag_id, {})
    return Case(
        flag=flag,
        row=row,
        judged=None,
        sentence=condition_words.sentence(flag.kind, bad, flag.metric),
        attain=Markup(""),
        charts=None,
        answers=[],
        cure=condition_words.cure(flag.kind, bad),
        aside=(0, 0),
        age=_age(flag, parts),
        zone=parts.zone_of(row.timezone),
        days=pages_conditions.days(snapshot, flag.code, flag.kind, flag.metric, flag.closed_on),
    )


def _case(snapshot: Snapshot, parts: Desk, flag: FlagRow) -> Case | None:
    row = pages_schools.one_school(snapshot, parts.measure, flag.code)
    if row is None:
        return None
    if flag.kind != SPEED:
        return _condition_case(snapshot, parts, flag, row)
    zone = parts.zone_of(row.timezone)
    recent = evidence.recent(snapshot, row, zone)
    judged = judged_of(flag)
    window = evidence.window_tests(row, recent.tests, zone)
    attain = Markup("")
    if judged is not None and judged.n:
        label = str(sentences.share_range(judged))
        attain = small.attainment_bar(judged.attained, judged.n, lines.bounds(row), judged.share, row.verdict, label)
    return Case(
        flag=flag,
        row=row,
        judged=judged,
        sentence=sentences.verdict(judged) if judged else Markup(""),
        attain=attain,
        charts=evidence.charts(row, recent, ChartSpan(flag.opened_on, flag.closed_on), zone),
        answers=evidence.answers(row, window, zone),
        cure=sentences.cure(row.median_bps, row.target_bps, row.contract_download_mbps, row.provider),
        aside=(sum(not test.votes for test in window), len(window)),
        age=_age(flag, parts),
        zone=zone,
    )


@BLUEPRINT.get("/flags/<path:flag_id>")
def show_one(flag_id: str) -> str:
    """Show one flag."""
    return flag_page(flag_id)


def flag_page(flag_id: str, typed: Typed | None = None, mistake: Mistake | None = None) -> str:
    """Return the page of a flag; with what was typed into one of its forms and what is wrong with it."""
    parts = desk()
    with parts.store.reader() as snapshot:
        flag = pages_flags.one_flag(snapshot, parts.measure, flag_id)
        case = _case(snapshot, parts, flag) if flag is not None else None
        if flag is None or case is None:
            abort(404)
        from_day = present.shift_day(flag.below_since, -_HISTORY_DAYS)
        is_speed = flag.kind == SPEED
        judged_days = (
            pages_flags.judged_days(snapshot, parts.measure, flag.code, from_day) if is_speed else list[JudgedDay]()
        )
        events = pages_flags.events(snapshot, flag_id)
        acts: Sequence[casework.StoredAct] = casework.acts(snapshot, [flag_id]).get(flag_id, [])
        may_act = access.may(access.person(), deed_forms.MAY_ACT)
        today = evidence.local_day(parts.now_ms, case.zone)
        return page(
            "flags/one.html" if is_speed else "flags/condition.html",
            snapshot,
            case=case,
            flag=flag,
            held=suppressions.holds(snapshot, [flag.code]).get(flag.code) if flag.is_open else None,
            newest=judged_days[0] if judged_days else None,
            timeline=timeline(flag, events, acts, judged_days, case.zone, today),
            others=[item for item in pages_school.flags(snapshot, flag.code) if item.flag_id != flag_id],
            zone_name=f"{case.zone.key}, {present.zone_name(case.zone, parts.now_ms)}",
            news=deeds.news(snapshot, parts, asked.text("done")),
            proof=proof_form.usual(snapshot, parts, case.row.code, case.zone) if is_speed else None,
            condition_words=condition_words,
            delay=delay.of_days(case.days) if flag.kind == ConditionKind.POOR_QUALITY else None,
            rule=rule,
            proof_words=proof_words,
            name_of_judged=_name_of_judged(snapshot),
            may_act=may_act,
            people=deed_forms.people(snapshot) if may_act else [],
            typed=typed or Typed(),
            mistake=mistake,
        )
