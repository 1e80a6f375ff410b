"""All tests of a school: filters live in the address, and what is said elsewhere leads to exactly its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from flask import Blueprint, Response, abort
from markupsafe import Markup

from agent.wire.vocabulary import EngineName
from collector.domain.diagnosis.facts import Cause, Key
from collector.domain.roles import Role
from collector.publish import export
from collector.store.queries import browser_tests
from collector.store.queries.exports import ExportFilter
from collector.store.queries.pages import school as pages_school
from collector.store.queries.pages import school_tests
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.school import TestFilter, TestRow
from collector.store.queries.pages.school_tests import DetailRow
from collector.store.queries.pages.schools import SchoolRow
from collector.store.unit import Snapshot
from collector.web.asking import tests_wanted
from collector.web.asking.tests_wanted import Wanted
from collector.web.desk import desk
from collector.web.http import problems
from collector.web.http.frame import here, page
from collector.web.language import present
from collector.web.language.i18n import language, say
from collector.web.people.access import for_role
from collector.web.views import export_file, fitness_words, hint_words, why
from collector.web.views.export_file import NoFileError
from collector.web.views.fitness_words import USES
from collector.web.views.hint_words import HintLine
from collector.web.words import terms

BLUEPRINT = Blueprint("school_tests", __name__)

ROWS: Final = 50


@dataclass(frozen=True)
class TestLine:
    """One test of a table, in words."""

    __test__ = False  # for pytest: no test class

    test: TestRow
    started: Markup
    counts: bool
    reason: str  # why it does not count
    parts: str = ""  # in which groups of a hint


@dataclass(frozen=True)
class Behind:
    """What the rows of the list stand behind."""

    title: str
    hint: HintLine | None = None  # None: of a use, or the tests no longer support it
    keys: frozenset[Key] = frozenset()
    parts: Mapping[Key, list[str]] | None = None
    need: Markup | None = None  # what the use asks for


@dataclass(frozen=True)
class Chip:
    """An active filter with the address of the list without it."""

    label: str
    without: str


@dataclass(frozen=True)
class Listed:
    """What an address leads to."""

    row: SchoolRow
    zone: ZoneInfo
    wanted: Wanted
    behind: Behind | None
    filter: TestFilter


@BLUEPRINT.get("/schools/<path:code>/tests")
def show(code: str) -> str:
    """Show the tests of a filter, a page of them at a time."""
    return _page(code)


def _page(code: str) -> str:
    parts = desk()
    with parts.store.reader() as snapshot:
        listed = _listed(snapshot, code)
        wanted, zone = listed.wanted, listed.zone
        found = pages_school.count_tests(snapshot, code, listed.filter)
        pages = max(1, -(-found // ROWS))
        number = min(wanted.page, pages)
        rows = school_tests.tests_of(snapshot, code, listed.filter, ROWS, (number - 1) * ROWS)
        return page(
            "school/tests.html",
            snapshot,
            row=listed.row,
            wanted=wanted,
            behind=listed.behind,
            lines=[_line_of(test, listed.behind, zone, parts.now_ms) for test in rows],
            found=found,
            total=found if listed.filter == TestFilter() else pages_school.count_tests(snapshot, code, TestFilter()),
            first=(number - 1) * ROWS + 1,
            number=number,
            pages=pages,
            devices=school_tests.devices(snapshot, code),
            engines=[name.value for name in EngineName],
            chips=_chips(wanted, listed.behind),
            causes=hint_words.CAUSES,
            p95=_p95,
            browser_tests=browser_tests.newest(snapshot, code, ROWS),
            zone=zone,
            now_ms=parts.now_ms,
            can_test=False,
            zone_name=f"{zone.key}, {present.zone_name(zone, parts.now_ms)}",
        )


@BLUEPRINT.get("/schools/<path:code>/tests.<format>")
@for_role(Role.ANALYST)
def download(code: str, format: str) -> Response:
    """Stream all tests of a filter with every column."""
    if format not in export.offered() or not export.suits("measurements", format):
        abort(404)
    with desk().store.reader() as snapshot:
        listed = _listed(snapshot, code)
    if listed.wanted.mistakes:
        return Response(_page(code), status=400)
    try:
        return export_file.answer(
            f"tests-{code}", "measurements", format, ExportFilter(school=code, tests=listed.filter)
        )
    except NoFileError as error:
        return problems.problem(error.status, problems.Said(say("No file"), error.sentence), "file")


def _listed(snapshot: Snapshot, code: str) -> Listed:
    parts = desk()
    row = pages_schools.one_school(snapshot, parts.measure, code)
    if row is None:
        abort(404)
    zone, wanted = parts.zone_of(row.timezone), tests_wanted.read()
    if not wanted.is_evidence:
        return Listed(row, zone, wanted, None, wanted.filter(zone, None))
    span = wanted.span or why.judged_span(row)
    if span is None:
        behind = Behind(_title(wanted))
    else:
        wanted = replace(wanted, first=span.first, last=span.last)
        behind = _behind(why.look(snapshot, row, span, zone), wanted, row)
    return Listed(row, zone, wanted, behind, wanted.filter(zone, behind.keys))


def _behind(found: why.Why, wanted: Wanted, row: SchoolRow) -> Behind:
    if wanted.hint:
        hint = found.hint(Cause(wanted.hint))
        if hint is None:
            return Behind(_title(wanted))
        keys = why.part_keys(hint, wanted.part)
        return Behind(_title(wanted), hint_words.line(found, hint, row), keys, why.parts_of(hint))
    need = next(
        (
            fitness_words.need_words(judged, one.quality)
            for judged in found.uses
            for one in judged.findings
            if why.use_key(judged, one.quality) == wanted.use
        ),
        None,
    )
    return Behind(_title(wanted), keys=found.use_keys(wanted.use), need=need)


def _title(wanted: Wanted) -> str:
    if wanted.hint:
        return str(hint_words.CAUSES[wanted.hint])
    use, _, quality = wanted.use.partition(".")
    values = {"use": terms.word_of(USES, use), "what": terms.word_of(fitness_words.QUALITIES, quality)}
    return str(say("Good for %(use)s? %(what)s", **values))


def line_of(test: TestRow, zone: ZoneInfo, now_ms: int) -> TestLine:
    """Return a test in words: when it began, and why it does not count."""
    reason = ""
    if test.votes is None:
        reason = str(say("not looked at yet"))
    elif not test.votes:
        reason = terms.word_of(terms.EXCLUSIONS, test.exclusion)
        if test.exclusion == "failed" and test.failure_code is not None:
            reason = terms.word_of(terms.FAILURES, test.failure_code)
    return TestLine(test, present.moment(test.started_ms, zone, now_ms), bool(test.votes), reason)


def _line_of(test: DetailRow, behind: Behind | None, zone: ZoneInfo, now_ms: int) -> TestLine:
    line = line_of(test, zone, now_ms)
    if behind is None or behind.parts is None:
        return line
    names = behind.parts.get((test.device, test.rid), ())
    return replace(line, parts=", ".join(str(hint_words.PARTS[name]) for name in names if name in hint_words.PARTS))


def _p95(test: DetailRow) -> float | None:
    found = [ms for ms in (test.loaded_download_p95_ms, test.loaded_upload_p95_ms) if ms is not None]
    return max(found, default=None)


def _chips(wanted: Wanted, behind: Behind | None) -> list[Chip]:
    """Return the active filters, each with the fields of the address that it takes away."""
    found: list[tuple[object, tuple[str, ...]]] = []
    if behind is not None:
        label = f"{behind.title}: {terms.word_of(hint_words.PARTS, wanted.part)}" if wanted.part else behind.title
        found.append((label, ("hint", "part", "use")))
    if wanted.weekday or wanted.at:
        found.append((_hours(wanted), ("weekday", "at")))
    if wanted.least or wanted.under:
        found.append((_speeds(wanted), ("least", "under")))
    plain = {
        "from": wanted.first and say("From %(day)s", day=present.day(wanted.first or None)),
        "to": wanted.last and say("To %(day)s", day=present.day(wanted.last or None)),
        "device": wanted.device and say("Device: %(name)s", name=wanted.device[:12]),
        "engine": wanted.engine and say("Engine: %(name)s", name=wanted.engine),
        "medium": wanted.medium and say("Connected by: %(name)s", name=terms.word_of(terms.MEDIA, wanted.medium)),
        "counts": wanted.counts and (say("counting only") if wanted.counts == "yes" else say("set aside only")),
        "late": wanted.late and _late(wanted.late),
        "reason": wanted.reason and terms.word_of(terms.EXCLUSIONS, wanted.reason),
    }
    found += [(label, (name,)) for name, label in plain.items() if label]
    return [Chip(str(label), here(**dict.fromkeys((*names, "page")))) for label, names in found]


def _hours(wanted: Wanted) -> str:
    names = get_day_names("wide", "stand-alone", language())
    first, _, last = wanted.at.partition("-")
    hours = str(say("%(first)s to %(last)s", first=first, last=last)) if wanted.at else ""
    return ", ".join(filter(None, (names[int(wanted.weekday) - 1] if wanted.weekday else "", hours)))


def _late(text: str) -> Markup:
    if not float(text):
        return say("delay under load seen")
    return say("answers later than %(ms)s ms under load", ms=present.milliseconds(float(text)))


def _speeds(wanted: Wanted) -> str:
    least, under = (present.plain(float(text)) if text else "" for text in (wanted.least, wanted.under))
    if not under:
        return str(say("%(speed)s Mbit/s and more", speed=least))
    if not least:
        return str(say("under %(speed)s Mbit/s", speed=under))
    return present.with_unit(str(say("%(first)s to %(last)s", first=least, last=under)))
