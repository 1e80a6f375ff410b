"""One school: the verdict as a sentence, why it is so, what the line is good for, and the tests that stand behind."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from flask import Blueprint, abort
from markupsafe import Markup

from collector.domain.roles import Role
from collector.store.queries import browser_tests, school_links
from collector.store.queries.judging import suppressions
from collector.store.queries.pages import nearby as pages_nearby
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages.school import SchoolFlag, Speed
from collector.store.queries.pages.schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web.charts import small
from collector.web.desk import desk
from collector.web.http.addresses import url_for
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.pages.devices import clock_words
from collector.web.pages.school_link import DAYS
from collector.web.pages.school_tests import line_of
from collector.web.people import access, school_link
from collector.web.views import (
    browser_offer,
    busy_hours,
    evidence,
    fitness_words,
    hint_words,
    line_up,
    lines,
    nearby,
    school_target,
    six,
    spread,
    why,
)
from collector.web.views.evidence import ChartSpan
from collector.web.views.hint_words import HintLine
from collector.web.words import sentences

BLUEPRINT = Blueprint("school", __name__)

_LATEST = 12
_BROWSER_TESTS = 5


@BLUEPRINT.get("/schools/<path:code>")
def show(code: str) -> str:
    """Show one school."""
    parts = desk()
    with parts.store.reader() as snapshot:
        placed = pages_nearby.placed_school(snapshot, parts.measure, code)
        if placed is None:
            abort(404)
        row = placed.row
        zone = parts.zone_of(row.timezone)
        flags = pages_school.flags(snapshot, code)
        flag = next((item for item in flags if item.is_slow), None)
        days = why.judged_span(row)
        found = why.look(snapshot, row, days, zone) if days else None
        recent = evidence.recent(snapshot, row, zone)
        window = evidence.window_tests(row, recent.tests, zone)
        devices = pages_school.devices(snapshot, code)
        return page(
            "school/show.html",
            snapshot,
            row=row,
            held=suppressions.holds(snapshot, [row.code]).get(row.code),
            flag=flag,
            flags=flags,
            charts=evidence.charts(row, recent, ChartSpan(flag.opened_on, None) if flag else None, zone),
            six=six.answers(row, flags, found, _heard(row, len(devices), zone), _aside(row, window)),
            neighbours=nearby.neighbours(snapshot, placed),
            within_km=present.number(nearby.WITHIN_KM),
            devices=devices,
            clock_words=clock_words,
            zone=zone,
            line=line_up.card(snapshot, code, zone, parts.now_ms),
            zone_name=f"{zone.key}, {present.zone_name(zone, parts.now_ms)}",
            now_ms=parts.now_ms,
            target=school_target.section(snapshot, row, window, zone),
            **_said(row, flag, found),
            **_tests(snapshot, row, recent.tests, window, zone),
            **_offers(snapshot, code),
        )


def _said(row: SchoolRow, flag: SchoolFlag | None, found: why.Why | None) -> dict[str, object]:
    """Return what is said of a school: the verdict, why it is so, what to do, and what the line is good for."""
    hints = hint_words.lines(found, row) if found else []
    return {
        "sentence": _sentence(row, flag),
        "judged": lines.judged(row),
        "attain": _attain(row),
        "cure": _cure(row, hints),
        "hints": hints,
        "fitness": fitness_words.section(found) if found else None,
        "limits": found.decided if found else None,
        "fitness_words": fitness_words,
    }


def _tests(
    snapshot: Snapshot, row: SchoolRow, recent: Sequence[Speed], window: Sequence[Speed], zone: ZoneInfo
) -> dict[str, object]:
    """Return the tests of a school: how the judged ones spread, how the hours differ, and the latest.

    Args:
        snapshot: The database.
        row: The school.
        recent: Its tests of the last weeks.
        window: Those of its judged days.
        zone: Of the school.
    """
    now_ms = desk().now_ms
    latest, total = pages_school.latest(snapshot, row.code, _LATEST)
    return {
        "spread": spread.spread(row, window),
        "hours": busy_hours.busy_hours(row, recent, evidence.local_day(now_ms, zone), zone),
        "tests": [line_of(test, zone, now_ms) for test in latest],
        "total": total,
    }


def _offers(snapshot: Snapshot, code: str) -> dict[str, object]:
    """Return what is handed out at a school: links for its head teacher, and tests in a browser."""
    parts = desk()
    is_operator = access.may(access.person(), Role.OPERATOR)
    good = school_links.good_of(snapshot, code, parts.now_ms) if is_operator else []
    return {
        "links": school_link.with_addresses(good),
        "link_days": DAYS,
        "browser_tests": browser_tests.newest(snapshot, code, _BROWSER_TESTS),
        "can_test": browser_offer.is_offered(),
    }


def _sentence(row: SchoolRow, flag: SchoolFlag | None) -> Markup:
    judged = lines.judged(row, flag.below_since if flag else None)
    if judged is None:
        return say("This school has no verdict yet: it is judged once its first school day with a test is over.")
    return sentences.verdict(judged)


def _attain(row: SchoolRow) -> Markup:
    judged = lines.judged(row)
    if judged is None or not judged.n:
        return Markup("")
    label = str(sentences.share_range(judged))
    return small.attainment_bar(judged.attained, judged.n, lines.bounds(row), judged.share, row.verdict, label)


def _cure(row: SchoolRow, hints: list[HintLine]) -> sentences.Cure | None:
    """Return what to do first: nobody complains of a line before the school's own part of it is mended."""
    if row.verdict != "BELOW":
        return None
    return hint_words.own_cure(hints) or sentences.cure(
        row.median_bps, row.target_bps, row.contract_download_mbps, row.provider
    )


def _heard(row: SchoolRow, devices: int, zone: ZoneInfo) -> Markup:
    """Return how many computers the school has, and when one was heard."""
    many = say_many("%(num)s PC", "%(num)s PCs", devices)
    if row.heard_ms is None:
        return say("%(pcs)s, never heard", pcs=many)
    return say("%(pcs)s, last heard %(ago)s", pcs=many, ago=present.ago(row.heard_ms, desk().now_ms, zone))


def _aside(row: SchoolRow, window: Sequence[Speed]) -> Markup:
    """Return how many tests of the judged days were set aside, as a link to them."""
    if row.window_from is None or row.day is None:
        return say("no test counts yet")
    days = {"from": row.window_from, "to": row.day}
    address = url_for("school_tests.show", code=row.code, counts="no", **days)
    shown = present.number(sum(not test.votes for test in window))
    return say_many(
        "%(aside)s of %(num)s test set aside",
        "%(aside)s of %(num)s tests set aside",
        len(window),
        aside=Markup('<a href="{}">{}</a>').format(address, shown),
    )
