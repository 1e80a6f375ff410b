"""One school: the verdict as a sentence, the chart that proves it, and the tests that stand behind."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, request
from markupsafe import Markup

from collector.store.queries import pages_school, pages_schools
from collector.store.queries.pages_school import SchoolFlag, TestFilter, TestRow
from collector.store.queries.pages_schools import SchoolRow
from collector.web import evidence, lines, present, school_target, sentences, words
from collector.web.charts import small
from collector.web.desk import desk
from collector.web.evidence import ChartSpan
from collector.web.frame import page
from collector.web.i18n import say

BLUEPRINT = Blueprint("school", __name__)

_LATEST = 12
_ALL = 2000
_COUNTS: Final = {"yes": True, "no": False}
_OPEN = ("open", "recovering")


@dataclass(frozen=True)
class TestLine:
    """One test of the table, in words."""

    __test__ = False  # for pytest: no test class

    test: TestRow
    started: Markup
    counts: bool
    reason: str  # why it does not count


@dataclass(frozen=True)
class Wanted:
    """Which tests the address asks for."""

    first: str | None
    last: str | None
    counts: str  # yes | no | empty for both
    is_all: bool
    device: str = ""  # of this one only
    reason: str = ""  # set aside for this reason only

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return bool(self.first or self.last or self.counts or self.device or self.reason)


@BLUEPRINT.get("/schools/<path:code>")
def show(code: str) -> str:
    """Show one school."""
    parts = desk()
    with parts.store.reader() as snapshot:
        row = pages_schools.one_school(snapshot, parts.measure, code)
        if row is None:
            abort(404)
        zone = parts.zone_of(row.timezone)
        wanted = _read_wanted()
        filtered = _filter(wanted, zone)
        flags = pages_school.flags(snapshot, code)
        flag = next((item for item in flags if item.state in _OPEN), None)
        recent = evidence.recent(snapshot, row, zone)
        span = ChartSpan(flag.opened_on, None) if flag else None
        listed = pages_school.tests(snapshot, code, filtered, _ALL if wanted.is_all else _LATEST)
        return page(
            "school/show.html",
            snapshot,
            row=row,
            sentence=_sentence(row, flag),
            judged=lines.judged(row),
            attain=_attain(row),
            cure=_cure(row),
            flag=flag,
            flags=flags,
            charts=evidence.charts(row, recent, span, zone),
            aside=_aside(row, recent.tests, zone),
            tests=[_line(test, zone, parts.now_ms) for test in listed],
            found=pages_school.count_tests(snapshot, code, filtered),
            total=pages_school.count_tests(snapshot, code, TestFilter()),
            wanted=wanted,
            devices=pages_school.devices(snapshot, code),
            zone=zone,
            zone_name=f"{zone.key}, {present.zone_name(zone, parts.now_ms)}",
            now_ms=parts.now_ms,
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


def _cure(row: SchoolRow) -> sentences.Cure | None:
    if row.verdict != "BELOW":
        return None
    return sentences.cure(row.median_bps, row.target_bps, row.contract_download_mbps, row.provider)


def _aside(row: SchoolRow, tests: list[TestRow], zone: ZoneInfo) -> tuple[int, int]:
    """Return how many tests of the window were set aside, and how many there were."""
    window = evidence.window_tests(row, tests, zone)
    return sum(not test.votes for test in window), len(window)


def _read_wanted() -> Wanted:
    counts = request.args.get("counts", "")
    return Wanted(
        first=_day(request.args.get("from")),
        last=_day(request.args.get("to")),
        counts=counts if counts in _COUNTS else "",
        is_all=request.args.get("tests") == "all",
        device=request.args.get("device", "")[:64],
        reason=reason if (reason := request.args.get("reason", "")) in words.EXCLUSIONS else "",
    )


def _day(text: str | None) -> str | None:
    """Return a date of the form 2026-11-24; what is none counts as none."""
    return present.iso_day(text) if text else None


def _filter(wanted: Wanted, zone: ZoneInfo) -> TestFilter:
    return TestFilter(
        from_ms=evidence.midnight_ms(wanted.first, zone) if wanted.first else None,
        to_ms=evidence.midnight_ms(evidence.day_after(wanted.last), zone) if wanted.last else None,
        counts=_COUNTS.get(wanted.counts),
        device=wanted.device,
        exclusion=wanted.reason,
    )


def _line(test: TestRow, zone: ZoneInfo, now_ms: int) -> TestLine:
    reason = ""
    if test.votes is None:
        reason = str(say("not looked at yet"))
    elif not test.votes:
        reason = words.word_of(words.EXCLUSIONS, test.exclusion)
        if test.exclusion == "failed" and test.failure_code is not None:
            reason = words.word_of(words.FAILURES, test.failure_code)
    return TestLine(test, present.moment(test.started_ms, zone, now_ms), bool(test.votes), reason)
