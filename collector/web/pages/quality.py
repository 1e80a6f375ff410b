"""Data quality: what was set aside and why, which computers and which entries of the registry are odd, and the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, abort
from markupsafe import Markup

from collector.domain.registry_checks import Check
from collector.domain.roles import Role
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import quality as pages_quality
from collector.store.queries.pages.quality import Aside, AsideRow, DeviceIssue, QualityFilter, SchoolIssue
from collector.store.queries.pages.schools import NO_VERDICT
from collector.store.queries.pages.standings import count_verdicts
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.desk import Desk, desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.pages import devices
from collector.web.people.access import for_role
from collector.web.views import evidence, issues, registry_checks, remembered
from collector.web.views.issues import ASIDE, Issue
from collector.web.words import terms

BLUEPRINT = Blueprint("quality", __name__)

DAYS: Final = (7, 14, 28, 90)
_DAYS = 14
_HOUR_MS: Final = 3_600_000  # no request is under way so long: what was received before is all there
LISTING: Final = Listing("quality", "quality.show", "quality.download", {"days": str(_DAYS)})

_SUMMARY: Final = {"kind": CellKind.TEXT, "issue": CellKind.TEXT, "count": CellKind.INTEGER, "of": CellKind.INTEGER}
_PLACE: Final = dict.fromkeys(("school", "name", "area", "provider"), CellKind.TEXT)
_COLUMNS: Final[Mapping[type, Mapping[str, CellKind]]] = {
    AsideRow: {
        **_PLACE,
        "device": CellKind.TEXT,
        "tests": CellKind.INTEGER,
        "first_at": CellKind.TIME,
        "last_at": CellKind.TIME,
    },
    DeviceIssue: {
        **_PLACE,
        "device": CellKind.TEXT,
        "last_contact_at": CellKind.TIME,
        "clock_offset_ms": CellKind.INTEGER,
        "lineages": CellKind.INTEGER,
        "ledger_dead": CellKind.INTEGER,
        "ledger_dropped": CellKind.INTEGER,
        "replaces": CellKind.TEXT,
        "kept_apart": CellKind.INTEGER,
    },
    SchoolIssue: {
        **_PLACE,
        "latitude": CellKind.NUMBER,
        "longitude": CellKind.NUMBER,
        "students": CellKind.INTEGER,
        "technology": CellKind.TEXT,
        "contract_mbps": CellKind.NUMBER,
        "figure": CellKind.NUMBER,
        "others": CellKind.TEXT,
    },
}


@dataclass(frozen=True)
class Wanted:
    """What the address asks for."""

    schools: QualityFilter
    days: int
    first_day: str  # where the deployment is
    since_ms: int

    def address(self) -> dict[str, object]:
        """Return what links carry on."""
        return {"area": self.schools.area or None, "provider": self.schools.provider or None, "days": self.days}


@dataclass(frozen=True)
class Finding:
    """One issue with its count."""

    issue: Issue
    count: int
    of: int | None = None


@dataclass(frozen=True)
class Summary:
    """All that the page counts."""

    tests: int
    aside: Sequence[Aside]
    devices: Sequence[Finding]
    thin: Sequence[Finding]  # few tests, no verdict
    registry: Sequence[Finding]
    schools: int

    @property
    def set_aside(self) -> int:
        """How many tests do not vote."""
        return sum(one.tests for one in self.aside)


def _query() -> str:
    """Return the filter of the address, in one order."""
    wanted = _read(desk())
    return LISTING.query({**wanted.schools._asdict(), "days": str(wanted.days)})


@BLUEPRINT.route("/quality", methods=METHODS)
@keeps_views(LISTING, _query)
def show() -> str:
    """Show what is odd."""
    parts = desk()
    wanted = _read(parts)
    with parts.store.reader() as snapshot:
        found = _summary(snapshot, parts, wanted)
        return page(
            "quality/show.html",
            snapshot,
            found=found,
            headline=_headline(found, wanted),
            bar=bar(snapshot, LISTING, _query()),
            wanted=wanted,
            choices=DAYS,
            facets=remembered.facets(snapshot),
        )


@BLUEPRINT.get("/quality.csv")
@for_role(Role.ANALYST)
def download() -> Response:
    """Give the counts as a file."""
    parts = desk()
    with parts.store.reader() as snapshot:
        found = _summary(snapshot, parts, _read(parts))
    shown: list[tuple[Any, ...]] = [("test", one.reason, one.tests, found.tests) for one in found.aside]
    for kind, some in (("device", found.devices), ("school", [*found.thin, *found.registry])):
        shown += [(kind, one.issue.key, one.count, one.of) for one in some]
    return rows.csv_file("data-quality", _SUMMARY, shown)


@BLUEPRINT.get("/quality/<key>")
def show_rows(key: str) -> str:
    """Show the rows behind one count."""
    parts = desk()
    wanted, issue = _read(parts), _find_issue(key)
    with parts.store.reader() as snapshot:
        shown, found = _rows(snapshot, wanted, issue, asked.limit())
        return page(
            "quality/rows.html",
            snapshot,
            issue=issue,
            reason=_reason(),
            rows=shown,
            found=found,
            wanted=wanted,
            clock_words=devices.clock_words,
            facets=remembered.facets(snapshot),
            zone=parts.zone,
            now_ms=parts.now_ms,
            choices=DAYS,
        )


@BLUEPRINT.get("/quality/<key>.csv")
@for_role(Role.ANALYST)
def download_rows(key: str) -> Response:
    """Give the rows behind one count as a file."""
    parts = desk()
    wanted, issue = _read(parts), _find_issue(key)
    with parts.store.reader() as snapshot:
        found, _count = _rows(snapshot, wanted, issue, None)
    name = f"data-quality-{key.replace('_', '-')}"
    return rows.csv_file(name, _COLUMNS[issues.ROW_OF[issue.kind]], [tuple(row) for row in found])


def _find_issue(key: str) -> Issue:
    issue = issues.ISSUES.get(key)
    if issue is None or (key == ASIDE and not _reason()):
        abort(404)
    return issue


def _reason() -> str:
    reason = asked.text("reason")
    return reason if reason in terms.EXCLUSIONS else ""


def _read(parts: Desk) -> Wanted:
    days = next((days for days in DAYS if str(days) == asked.text("days")), _DAYS)
    today = present.local(parts.now_ms, parts.zone).date().isoformat()
    first = present.shift_day(today, 1 - days)
    schools = QualityFilter(asked.text("area"), asked.text("provider"))
    return Wanted(schools, days, first, evidence.midnight_ms(first, parts.zone))


def _summary(snapshot: Snapshot, parts: Desk, wanted: Wanted) -> Summary:
    schools, thin, none = _count_thin(snapshot, parts, wanted.schools)
    of_devices = pages_quality.count_device_issues(snapshot, wanted.schools)
    of_schools = registry_checks.counts(registry_checks.checked(snapshot), wanted.schools)
    return Summary(
        tests=_tests(snapshot, parts, wanted),
        aside=_aside(snapshot, parts, wanted),
        devices=[Finding(issues.ISSUES[key], count) for key, count in of_devices.items()],
        thin=[Finding(issues.THIN, thin, schools), Finding(issues.NO_VERDICT, none, schools)],
        registry=[Finding(issues.ISSUES[key], count, schools) for key, count in of_schools.items()],
        schools=schools,
    )


def _tests(snapshot: Snapshot, parts: Desk, wanted: Wanted) -> int:
    """Return how many tests there are: those that came long ago are counted once, newer ones by each page.

    Of a part of the country all are counted by each page, school by school: to find those that came newly, no index
    has both when they came and where.
    """
    settled_ms = (parts.now_ms // _HOUR_MS - 1) * _HOUR_MS
    of = (wanted.schools, wanted.since_ms)
    if not snapshot.scope.is_whole:
        return pages_quality.count_tests(snapshot, *of)
    late = pages_quality.count_late_tests(snapshot, *of, settled_ms)

    def count() -> int:
        return pages_quality.count_tests(snapshot, *of) - late

    return remembered.of_votes("tests", snapshot, parts.measure, count, (*of, settled_ms)) + late


def _aside(snapshot: Snapshot, parts: Desk, wanted: Wanted) -> Sequence[Aside]:
    """Return what was set aside and why: as the newest evaluation has it."""
    of = (wanted.schools, wanted.since_ms)
    return remembered.of_votes("aside", snapshot, parts.measure, lambda: tuple(pages_quality.aside(snapshot, *of)), of)


def _count_thin(snapshot: Snapshot, parts: Desk, wanted: QualityFilter) -> tuple[int, int, int]:
    """Return how many schools there are, have too few tests, and have no verdict at all."""
    if any(wanted):
        return pages_quality.count_thin(snapshot, parts.measure, wanted)
    counts = count_verdicts(remembered.standings_of(snapshot, parts.measure))
    return sum(counts.values()), counts.get("INSUFFICIENT", 0), counts.get(NO_VERDICT, 0)


def _rows(
    snapshot: Snapshot, wanted: Wanted, issue: Issue, limit: int | None
) -> tuple[Sequence[AsideRow | DeviceIssue | SchoolIssue], int]:
    """Return rows of an issue, and how many it has."""
    if issue.kind == "test":
        of = (wanted.schools, wanted.since_ms, _reason())

        def read() -> tuple[Sequence[AsideRow], int]:
            return pages_quality.aside_rows(snapshot, *of, limit), pages_quality.count_aside_rows(snapshot, *of)

        is_file = limit is None  # all of them, once: nothing to keep
        return read() if is_file else remembered.of_votes("aside_rows", snapshot, desk().measure, read, (*of, limit))
    if issue.kind == "device":
        shown = pages_quality.device_issues(snapshot, wanted.schools, issue.key, limit)
        is_all = limit is None or len(shown) < limit
        return shown, len(shown) if is_all else pages_quality.count_device_issue(snapshot, wanted.schools, issue.key)
    return registry_checks.rows(snapshot, Check(issue.key), wanted.schools, limit)


def _headline(found: Summary, wanted: Wanted) -> Markup:
    if not found.tests:
        return say("No test in the last %(days)s days", days=wanted.days)
    if not found.aside:
        return say("No test of the last %(days)s days was set aside", days=wanted.days)
    return say(
        "%(pct)s %% of the tests of the last %(days)s days were set aside, most of them: %(reason)s",
        pct=present.percent(found.set_aside / found.tests, 1 if found.set_aside < 0.1 * found.tests else 0),
        days=wanted.days,
        reason=terms.word_of(terms.EXCLUSIONS, found.aside[0].reason),
    )
