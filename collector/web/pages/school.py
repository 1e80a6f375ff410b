"""One school: the verdict as a sentence, why it is so, what the line is good for, and the tests that stand behind."""

from zoneinfo import ZoneInfo

from flask import Blueprint, abort
from markupsafe import Markup

from collector.domain.roles import Role
from collector.store.queries import browser_tests, school_links
from collector.store.queries.judging import suppressions
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.school import SchoolFlag, TestFilter, TestRow
from collector.store.queries.pages.schools import SchoolRow
from collector.web.charts import small
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.pages.devices import clock_words
from collector.web.pages.school_link import DAYS
from collector.web.pages.school_tests import line_of
from collector.web.people import access, school_link
from collector.web.views import browser_offer, evidence, fitness_words, hint_words, line_up, lines, school_target, why
from collector.web.views.evidence import ChartSpan
from collector.web.views.hint_words import HintLine
from collector.web.words import sentences

BLUEPRINT = Blueprint("school", __name__)

_LATEST = 12
_BROWSER_TESTS = 5
_EVERY_TEST = TestFilter()


@BLUEPRINT.get("/schools/<path:code>")
def show(code: str) -> str:
    """Show one school."""
    parts = desk()
    with parts.store.reader() as snapshot:
        row = pages_schools.one_school(snapshot, parts.measure, code)
        if row is None:
            abort(404)
        zone = parts.zone_of(row.timezone)
        flags = pages_school.flags(snapshot, code)
        flag = next((item for item in flags if item.is_slow), None)
        recent = evidence.recent(snapshot, row, zone)
        span = ChartSpan(flag.opened_on, None) if flag else None
        days = why.judged_span(row)
        found = why.look(snapshot, row, days, zone) if days else None
        hints = hint_words.lines(found, row) if found else []
        is_operator = access.may(access.person(), Role.OPERATOR)
        mine = school_links.good_of(snapshot, code, parts.now_ms) if is_operator else []
        return page(
            "school/show.html",
            snapshot,
            row=row,
            held=suppressions.holds(snapshot, [row.code]).get(row.code),
            sentence=_sentence(row, flag),
            judged=lines.judged(row),
            attain=_attain(row),
            cure=_cure(row, hints),
            hints=hints,
            fitness=fitness_words.section(found) if found else None,
            limits=found.decided if found else None,
            fitness_words=fitness_words,
            flag=flag,
            flags=flags,
            charts=evidence.charts(row, recent, span, zone),
            aside=_aside(row, recent.tests, zone),
            tests=[
                line_of(test, zone, parts.now_ms) for test in pages_school.tests(snapshot, code, _EVERY_TEST, _LATEST)
            ],
            total=pages_school.count_tests(snapshot, code, _EVERY_TEST),
            devices=pages_school.devices(snapshot, code),
            clock_words=clock_words,
            zone=zone,
            line=line_up.card(snapshot, code, zone, parts.now_ms),
            zone_name=f"{zone.key}, {present.zone_name(zone, parts.now_ms)}",
            now_ms=parts.now_ms,
            links=school_link.with_addresses(mine),
            link_days=DAYS,
            browser_tests=browser_tests.newest(snapshot, code, _BROWSER_TESTS),
            can_test=browser_offer.is_offered(),
            target=school_target.section(snapshot, row, evidence.window_tests(row, recent.tests, zone), zone),
        )


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


def _aside(row: SchoolRow, tests: list[TestRow], zone: ZoneInfo) -> tuple[int, int]:
    """Return how many tests of the window were set aside, and how many there were."""
    window = evidence.window_tests(row, tests, zone)
    return sum(not test.votes for test in window), len(window)
