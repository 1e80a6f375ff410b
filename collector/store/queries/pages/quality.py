"""Read models of the data quality page: what is set aside, which computers and which entries of the registry are odd.

Tests that are set aside are found by an index that holds them alone, so that a country's rows are not read for a page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from agent.wire.vocabulary import DeviceState
from collector.domain.registry_checks import Finding, Site
from collector.store.queries.pages.schools import Measure, judged_schools
from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.measurements import CONFLICTS, MEASUREMENTS, QUARANTINE
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

CLOCK_OFF_MS: Final = 5 * 60_000


class QualityFilter(NamedTuple):
    """Of which schools; an empty text means all."""

    area: str = ""
    provider: str = ""


class Aside(NamedTuple):
    """Tests that were set aside for one reason."""

    reason: str
    tests: int
    schools: int
    devices: int


class AsideRow(NamedTuple):
    """Tests of one device that were set aside for one reason."""

    code: str | None
    name: str | None
    area: str | None
    provider: str | None
    device: str
    tests: int
    first_ms: int
    last_ms: int


class DeviceIssue(NamedTuple):
    """A device with what is odd about it."""

    code: str
    name: str | None
    area: str | None
    provider: str | None
    device: str
    last_contact_ms: int | None
    clock_offset_ms: int | None
    lineages: int
    ledger_dead: int | None
    ledger_dropped: int | None
    replaces: str | None
    kept_apart: int  # records of CONFLICTS or QUARANTINE, for those issues


class SchoolIssue(NamedTuple):
    """A school with what the registry says of it."""

    code: str
    name: str
    area: str | None
    provider: str | None
    latitude: float | None
    longitude: float | None
    pupils: int | None
    technology: str | None
    contract_mbps: float | None
    figure: float | None  # what is odd: pupils, staff, Mbit/s, kilometres
    others: str  # codes of the schools that it has to do with, blanks between them


def _of_school(wanted: QualityFilter) -> list[ColumnElement[bool]]:
    return [SCHOOLS.c[name] == value for name, value in wanted._asdict().items() if value]


# --- tests ----------------------------------------------------------------------------------------------------------


def _aside(wanted: QualityFilter, since_ms: int) -> list[ColumnElement[bool]]:
    where = [MEASUREMENTS.c.exclusion.is_not(None), MEASUREMENTS.c.started_ms >= since_ms]
    if any(wanted):
        where.append(MEASUREMENTS.c.school.in_(select(SCHOOLS.c.code).where(*_of_school(wanted))))
    return where


def aside(snapshot: Snapshot, wanted: QualityFilter, since_ms: int) -> list[Aside]:
    """Return how many tests since a moment were set aside for which reason, the most common first."""
    count = func.count()
    query = (
        select(
            MEASUREMENTS.c.exclusion,
            count,
            func.count(func.distinct(MEASUREMENTS.c.school)),
            func.count(func.distinct(MEASUREMENTS.c.device)),
        )
        .where(*_aside(wanted, since_ms))
        .group_by(MEASUREMENTS.c.exclusion)
        .order_by(count.desc(), MEASUREMENTS.c.exclusion)
    )
    return [Aside(*row) for row in snapshot.connection.execute(query)]


def count_tests(snapshot: Snapshot, wanted: QualityFilter, since_ms: int) -> int:
    """Return how many tests there are since a moment, voting or not."""
    where = [MEASUREMENTS.c.started_ms >= since_ms]
    if any(wanted):
        where.append(MEASUREMENTS.c.school.in_(select(SCHOOLS.c.code).where(*_of_school(wanted))))
    return int(snapshot.connection.execute(select(func.count()).select_from(MEASUREMENTS).where(*where)).scalar_one())


def count_late_tests(snapshot: Snapshot, wanted: QualityFilter, since_ms: int, received_ms: int) -> int:
    """Return how many of them were received at a moment or later: found by that, however many began since."""
    columns = (MEASUREMENTS.c.started_ms, MEASUREMENTS.c.school)
    # Read by itself, so that no database walks along everything that began since.
    late = select(*columns).where(MEASUREMENTS.c.received_ms >= received_ms).offset(0).subquery()
    query = select(func.count()).select_from(late).where(late.c.started_ms >= since_ms)
    if any(wanted):
        query = query.where(late.c.school.in_(select(SCHOOLS.c.code).where(*_of_school(wanted))))
    return int(snapshot.connection.execute(query).scalar_one())


def _aside_by_device(wanted: QualityFilter, since_ms: int, reason: str) -> Select[Any]:
    return (
        select(
            MEASUREMENTS.c.school,
            MEASUREMENTS.c.device,
            func.count().label("tests"),
            func.min(MEASUREMENTS.c.started_ms).label("first_ms"),
            func.max(MEASUREMENTS.c.started_ms).label("last_ms"),
        )
        .where(*_aside(wanted, since_ms), MEASUREMENTS.c.exclusion == reason)
        .group_by(MEASUREMENTS.c.school, MEASUREMENTS.c.device)
    )


def aside_rows(
    snapshot: Snapshot, wanted: QualityFilter, since_ms: int, reason: str, limit: int | None
) -> list[AsideRow]:
    """Return the devices whose tests were set aside for a reason, most tests first; `limit` None for all."""
    found = _aside_by_device(wanted, since_ms, reason).subquery()
    query = (
        select(
            *(found.c.school, SCHOOLS.c.name, SCHOOLS.c.area, SCHOOLS.c.provider),
            *(found.c.device, found.c.tests, found.c.first_ms, found.c.last_ms),
        )
        .select_from(found.outerjoin(SCHOOLS, SCHOOLS.c.code == found.c.school))
        .order_by(found.c.tests.desc(), found.c.school, found.c.device)
        .limit(limit)
    )
    return [AsideRow(*row) for row in snapshot.connection.execute(query)]


def count_aside_rows(snapshot: Snapshot, wanted: QualityFilter, since_ms: int, reason: str) -> int:
    """Return how many rows `aside_rows` has without a limit."""
    where = (*_aside(wanted, since_ms), MEASUREMENTS.c.exclusion == reason)
    found = select(MEASUREMENTS.c.school, MEASUREMENTS.c.device).where(*where).distinct().subquery()
    return int(snapshot.connection.execute(select(func.count()).select_from(found)).scalar_one())


# --- computers ------------------------------------------------------------------------------------------------------

_CONFLICTS = select(func.count()).where(CONFLICTS.c.device == DEVICES.c.device).correlate(DEVICES).scalar_subquery()
_QUARANTINED = select(func.count()).where(QUARANTINE.c.device == DEVICES.c.device).correlate(DEVICES).scalar_subquery()
_LOST = func.coalesce(DEVICES.c.ledger_dead, 0) + func.coalesce(DEVICES.c.ledger_dropped, 0)
_IN_USE = DEVICES.c.state != DeviceState.REVOKED
_DEVICE_ISSUES: Final[Mapping[str, ColumnElement[bool]]] = {
    "clock": and_(_IN_USE, func.abs(DEVICES.c.clock_offset_ms) > CLOCK_OFF_MS),
    "conflicts": DEVICES.c.device.in_(select(CONFLICTS.c.device)),
    "rolled_back": and_(_IN_USE, DEVICES.c.is_volatile),
    "new_store": and_(_IN_USE, DEVICES.c.lineages > 1),
    "copied": and_(_IN_USE, DEVICES.c.replaces.is_not(None)),
    "lost": _LOST > 0,
    "quarantined": DEVICES.c.device.in_(select(QUARANTINE.c.device)),
}
_DEVICES_OF: Final = DEVICES.outerjoin(SCHOOLS, SCHOOLS.c.code == DEVICES.c.school)


def count_device_issues(snapshot: Snapshot, wanted: QualityFilter) -> dict[str, int]:
    """Return how many devices have which issue."""
    sums = [func.sum(case((condition, 1), else_=0)).label(key) for key, condition in _DEVICE_ISSUES.items()]
    query = select(*sums).select_from(_DEVICES_OF).where(*_of_school(wanted))
    row = snapshot.connection.execute(query).one()
    return {key: int(value or 0) for key, value in zip(_DEVICE_ISSUES, row, strict=True)}


def count_device_issue(snapshot: Snapshot, wanted: QualityFilter, key: str) -> int:
    """Return how many devices have one issue."""
    query = select(func.count()).select_from(_DEVICES_OF).where(_DEVICE_ISSUES[key], *_of_school(wanted))
    return int(snapshot.connection.scalar(query) or 0)


def device_issues(snapshot: Snapshot, wanted: QualityFilter, key: str, limit: int | None) -> list[DeviceIssue]:
    """Return the devices with an issue by school; `limit` None for all."""
    apart = {"conflicts": _CONFLICTS, "quarantined": _QUARANTINED}.get(key)
    own = ("device", "last_contact_ms", "clock_offset_ms", "lineages", "ledger_dead", "ledger_dropped", "replaces")
    query = (
        select(
            *(DEVICES.c.school, SCHOOLS.c.name, SCHOOLS.c.area, SCHOOLS.c.provider),
            *(DEVICES.c[name] for name in own),
            *([apart.label("kept_apart")] if apart is not None else []),
        )
        .select_from(_DEVICES_OF)
        .where(_DEVICE_ISSUES[key], *_of_school(wanted))
        .order_by(DEVICES.c.school, DEVICES.c.device)
        .limit(limit)
    )
    rows = snapshot.connection.execute(query)
    return [DeviceIssue(*row, *(() if apart is not None else (0,))) for row in rows]


# --- schools --------------------------------------------------------------------------------------------------------


def count_thin(snapshot: Snapshot, measure: Measure, wanted: QualityFilter) -> tuple[int, int, int]:
    """Return how many schools there are, how many have too few tests for a verdict, and how many have no verdict."""
    verdict = NEWEST.c.verdict
    thin = func.sum(case((verdict == "INSUFFICIENT", 1), else_=0))
    none = func.sum(case((verdict.is_(None), 1), else_=0))
    query = select(func.count(), thin, none).select_from(judged_schools(measure)).where(*_of_school(wanted))
    row = snapshot.connection.execute(query).one()
    return int(row[0]), int(row[1] or 0), int(row[2] or 0)


_PUPILS = func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift)
_SITE = (
    *(SCHOOLS.c[name] for name in ("code", "name", "name_folded", "education_level", "latitude", "longitude", "area")),
    *(_PUPILS, SCHOOLS.c.staff, SCHOOLS.c.provider, SCHOOLS.c.technology, SCHOOLS.c.contract_download_mbps),
)


def sites(snapshot: Snapshot) -> list[Site]:
    """Return every school with what the checks of the registry look at."""
    return [Site(*row) for row in snapshot.connection.execute(select(*_SITE))]


def school_issues(snapshot: Snapshot, findings: Sequence[Finding]) -> list[SchoolIssue]:
    """Return the schools of some findings with what the registry says of them, in their order."""
    query = select(
        *(SCHOOLS.c.code, SCHOOLS.c.name, SCHOOLS.c.area, SCHOOLS.c.provider),
        *(SCHOOLS.c.latitude, SCHOOLS.c.longitude, _PUPILS, SCHOOLS.c.technology, SCHOOLS.c.contract_download_mbps),
    )
    known: dict[str, tuple[Any, ...]] = {}
    for codes in in_pieces(one.code for one in findings):
        found = snapshot.connection.execute(query.where(SCHOOLS.c.code.in_(codes)))
        known.update({row.code: tuple(row) for row in found})
    return [
        SchoolIssue._make((*known[one.code], one.figure, " ".join(one.others))) for one in findings if one.code in known
    ]
