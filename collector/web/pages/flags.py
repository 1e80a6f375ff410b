"""The flags: a list with one opened beside it, and one flag with its evidence, its numbers and its history."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from agent.wire.forms import uuid7
from collector.registry.names import fold
from collector.store.queries import audit, pages_flags, pages_school, pages_schools
from collector.store.queries.audit import AuditEntry
from collector.store.queries.pages_flags import FlagAction, FlagEvent, FlagFilter, FlagRow, JudgedDay, NewAction
from collector.store.queries.pages_schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web import access, evidence, lines, present, sentences, words
from collector.web.access import Role, for_role
from collector.web.charts import small
from collector.web.desk import Desk, desk
from collector.web.evidence import ChartSpan
from collector.web.frame import page
from collector.web.i18n import say, say_many
from collector.web.pages import method
from collector.web.sentences import Judged

BLUEPRINT = Blueprint("flags", __name__)

ROWS, ALL_ROWS = 50, 2000
_LONGEST, _LONGEST_NOTE = 100, 2000
_STATES: Final = ("open", "recovering", "stale", "closed", "retracted", "all")
_GOOD_EVENTS: Final = ("recovering", "closed", "closed_by_person", "retracted")
_HISTORY_DAYS = 90


@dataclass(frozen=True)
class FlagLine:
    """One flag of the list."""

    flag: FlagRow
    evidence: Markup
    age: int  # days since it opened


@dataclass(frozen=True)
class Entry:
    """One entry of the timeline."""

    order: tuple[str, int]
    when: Markup | str
    title: str
    text: Markup | str
    kind: str  # the class: by-system, by-system good, or empty for people and observations


@BLUEPRINT.get("/flags")
def show() -> str:
    """Show the flags of a filter, and one of them beside the list."""
    parts = desk()
    wanted = read_filter()
    sort = request.args.get("sort", "worst")
    is_all = request.args.get("show") == "all"
    with parts.store.reader() as snapshot:
        rows = pages_flags.flag_rows(
            snapshot,
            parts.measure,
            wanted,
            sort=sort if sort in pages_flags.SORTS else "worst",
            limit=ALL_ROWS if is_all else ROWS,
        )
        untaken = pages_flags.count_flags(snapshot, parts.measure, FlagFilter(state=wanted.state, taken="no"))
        chosen = next((row for row in rows if row.flag_id == request.args.get("flag")), rows[0] if rows else None)
        return page(
            "flags/show.html",
            snapshot,
            lines=[_line(row, parts) for row in rows],
            found=pages_flags.count_flags(snapshot, parts.measure, wanted),
            untaken=untaken,
            facets=pages_schools.facets(snapshot),
            wanted=wanted,
            sort=sort,
            is_all=is_all,
            chosen=chosen,
            beside=_case(snapshot, parts, chosen) if chosen is not None else None,
        )


def read_filter() -> FlagFilter:
    """Return the filter that the address asks for; what is not known counts as no filter."""
    raw = request.args.get("q", "").strip()[:_LONGEST]
    state, severity, taken = (request.args.get(name, "") for name in ("state", "severity", "taken"))
    return FlagFilter(
        search=fold(raw),
        search_raw=raw,
        state=state if state in _STATES else "open",
        severity=severity if severity in words.SEVERITIES else "",
        area=request.args.get("area", "")[:_LONGEST],
        provider=request.args.get("provider", "")[:_LONGEST],
        taken=taken if taken in ("yes", "no") else "",
    )


def judged_of(flag: FlagRow) -> Judged | None:
    """Return what sentences need of the newest verdict of a flag's school."""
    return lines.judged(flag, flag.below_since if flag.state in pages_flags.OPEN_STATES else None)


def _line(flag: FlagRow, parts: Desk) -> FlagLine:
    judged = judged_of(flag)
    end = flag.closed_on or evidence.local_day(parts.now_ms, parts.zone_of(flag.timezone))
    return FlagLine(
        flag, sentences.evidence(judged) if judged else Markup(""), present.days_between(flag.opened_on, end)
    )


@dataclass(frozen=True)
class Case:
    """One flag with everything that its page and the pane beside the list show."""

    flag: FlagRow
    row: SchoolRow
    judged: Judged | None
    sentence: Markup
    attain: Markup
    charts: evidence.Charts
    answers: list[evidence.Answer]
    cure: sentences.Cure
    aside: tuple[int, int]
    age: int
    zone: ZoneInfo


def _case(snapshot: Snapshot, parts: Desk, flag: FlagRow) -> Case | None:
    row = pages_schools.one_school(snapshot, parts.measure, flag.code)
    if row is None:
        return None
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
        age=_line(flag, parts).age,
        zone=zone,
    )


@BLUEPRINT.get("/flags/<path:flag_id>")
def show_one(flag_id: str) -> str:
    """Show one flag."""
    parts = desk()
    with parts.store.reader() as snapshot:
        flag = pages_flags.one_flag(snapshot, parts.measure, flag_id)
        case = _case(snapshot, parts, flag) if flag is not None else None
        if flag is None or case is None:
            abort(404)
        from_day = present.shift_day(flag.below_since, -_HISTORY_DAYS)
        judged_days = pages_flags.judged_days(snapshot, parts.measure, flag.code, from_day)
        events, actions = pages_flags.events(snapshot, flag_id), pages_flags.actions(snapshot, flag_id)
        return page(
            "flags/one.html",
            snapshot,
            case=case,
            flag=flag,
            newest=judged_days[0] if judged_days else None,
            timeline=timeline(flag, events, actions, judged_days, case.zone),
            others=[item for item in pages_school.flags(snapshot, flag.code) if item.flag_id != flag_id],
            zone_name=f"{case.zone.key}, {present.zone_name(case.zone, parts.now_ms)}",
            done=request.args.get("done", ""),
            profile=method.profile_name(),
            may_act=access.may(access.person(), Role.OPERATOR),
        )


def timeline(
    flag: FlagRow,
    events: Sequence[FlagEvent],
    actions: Sequence[FlagAction],
    judged_days: Sequence[JudgedDay],
    zone: ZoneInfo,
) -> list[Entry]:
    """Return what happened to a flag, the newest first: the system's changes, people's deeds, the last judgement."""
    entries = [_event(event) for event in events]
    entries += [_action(action, zone) for action in actions]
    newest = judged_days[0] if judged_days else None
    if newest is not None and flag.state in pages_flags.OPEN_STATES and newest.day > flag.opened_on:
        name = words.word_of(words.VERDICTS, newest.verdict)
        title = str(say("Judged: %(verdict)s", verdict=name))
        entries.append(Entry((newest.day, 1), present.weekday_day(newest.day), title, numbers(newest.__dict__), ""))
    first = next((item for item in judged_days if item.day == flag.below_since), None)
    if first is not None and first.day < flag.opened_on:
        title = str(say("First judged below"))
        entries.append(Entry((first.day, 0), present.weekday_day(first.day), title, numbers(first.__dict__), ""))
    return sorted(entries, key=lambda entry: entry.order, reverse=True)


def _event(event: FlagEvent) -> Entry:
    try:
        found = json.loads(event.numbers)
    except ValueError:
        found = {}
    good = " good" if event.event in _GOOD_EVENTS else ""
    return Entry(
        (event.day, 2 + event.seq),
        present.weekday_day(event.day),
        words.word_of(words.FLAG_EVENTS, event.event),
        numbers(found if isinstance(found, dict) else {}),
        f"by-system{good}",
    )


def _action(action: FlagAction, zone: ZoneInfo) -> Entry:
    if action.action == "acknowledged":
        title = say("Taken by %(name)s", name=action.user_name)
    elif action.action == "closed":
        title = say("Closed by %(name)s", name=action.user_name)
    else:
        title = say("Note by %(name)s", name=action.user_name)
    day = evidence.local_day(action.at_ms, zone)
    return Entry((day, 1_000_000), present.moment(action.at_ms, zone), str(title), action.note or "", "")


def numbers(found: dict[str, object]) -> Markup:
    """Return the numbers of an evaluation in one line; those that are not there are left out."""
    n, attained, lower, upper = (found.get(name) for name in ("n", "attained", "lower", "upper"))
    parts: list[Markup] = []
    if isinstance(n, int) and isinstance(attained, int):
        parts.append(say_many("%(k)s of %(num)s test", "%(k)s of %(num)s tests", n, k=attained))
    if isinstance(lower, int | float) and isinstance(upper, int | float):
        low, high = present.percent(lower), present.percent(upper)
        parts.append(say("interval %(low)s to %(high)s %%", low=low, high=high))
    median, target = found.get("median_bps"), found.get("target_bps")
    if isinstance(median, int | float) and isinstance(target, int | float):
        speeds = {"speed": present.mbps(median), "target": present.with_unit(present.target_mbps(target))}
        parts.append(say("typical %(speed)s of %(target)s", **speeds))
    return Markup("; ").join(parts) + "." if parts else Markup("")


@BLUEPRINT.post("/flags/<path:flag_id>")
@for_role(Role.OPERATOR)
def act(flag_id: str) -> Response:
    """Take a flag, or add a note to it."""
    parts = desk()
    note = request.form.get("note", "").strip()[:_LONGEST_NOTE]
    action = request.form.get("action", "")
    person = access.person()
    if person is None or action not in ("acknowledged", "note") or (action == "note" and not note):
        abort(400)
    with parts.store.unit() as unit:
        flag = pages_flags.one_flag(unit, parts.measure, flag_id)
        if flag is None:
            abort(404)
        now_ms = parts.now_ms
        day = evidence.local_day(now_ms, parts.zone_of(flag.timezone))
        identity = uuid7(now_ms, parts.ports.randomness.token_bytes(10))
        pages_flags.add_action(unit, NewAction(identity, flag_id, now_ms, day, person.name, action, note or None))
        audit.add_entry(unit, AuditEntry(identity, now_ms, person.name, f"flag_{action}", flag_id, None))
        unit.commit()
    return redirect(url_for("flags.show_one", flag_id=flag_id, done=action), code=303)
