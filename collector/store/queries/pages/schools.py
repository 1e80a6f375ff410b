"""Read models of the pages: schools with their newest verdict, filtered, sorted and cut at a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Float, FromClause, Select, and_, case, func, literal, or_, select

from agent.wire.vocabulary import DeviceState
from collector.store.tables.availability import AVAILABILITY_NOW
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

_MANY = 2_000  # codes of one statement

# A word for schools that have no verdict, in filters and counts.
NO_VERDICT = "NONE"
# And one for those with enough data for one.
ENOUGH = "ENOUGH"

# What a judged school with a contract typically gets of it; `known` is any share.
CONTRACTS = ("known", "under", "middle", "full")
CONTRACT_UNDER, CONTRACT_FULL = 0.80, 0.95  # the bands of regulators: below, between, from


@dataclass(frozen=True)
class Measure:
    """What is judged: the profile and the metric that pages show."""

    profile: str
    metric: str


@dataclass(frozen=True)
class SchoolFilter:
    """Which schools; an empty text means all."""

    search: str = ""  # folded as `schools.name_folded` is
    search_raw: str = ""  # as typed, for codes
    verdict: str = ""  # or several with commas between them
    area: str = ""
    provider: str = ""
    technology: str = ""
    contract: str = ""  # one of CONTRACTS: what the judged schools get of it
    code: str = ""  # exactly this one
    heard_since_ms: int | None = None  # a device of the school was heard since then
    is_placeless: bool = False  # only those whose place on the map nobody knows


@dataclass(frozen=True)
class SchoolRow:
    """One school with its newest verdict; the numbers are None where it has none."""

    code: str
    name: str
    area: str | None
    provider: str | None
    technology: str | None
    education_level: str | None
    timezone: str | None
    opening: str | None
    pupils: int | None
    contract_download_mbps: float | None
    contract_upload_mbps: float | None
    is_demo: bool
    verdict: str | None
    remedy: str | None
    severity: str | None
    state: str | None
    day: str | None
    window_from: str | None
    n: int | None
    days: int | None
    n_effective: float | None
    attained: int | None
    unknown: int | None
    lower: float | None
    upper: float | None
    share: float | None
    median_bps: int | None
    target_bps: int | None
    is_estimated: bool | None
    target_profile: str | None  # whose rule gave the target; None: the series' own
    profile_version: str | None
    availability: float | None  # of the last ten school days, of what was seen; None: nobody saw anything
    coverage: float | None  # how much of those days was seen
    heard_ms: int | None  # newest contact of a device of the school


def newest_evaluation(measure: Measure) -> ColumnElement[bool]:
    """Return the condition that joins a school with its newest evaluation."""
    return and_(
        NEWEST.c.school == SCHOOLS.c.code, NEWEST.c.profile == measure.profile, NEWEST.c.metric == measure.metric
    )


def judged_schools(measure: Measure) -> FromClause:
    """Return schools, each with its newest evaluation if it has one."""
    return SCHOOLS.outerjoin(NEWEST, newest_evaluation(measure))


_SCHOOL_COLUMNS = (
    *("code", "name", "area", "provider", "technology", "education_level", "timezone", "opening"),
    *("contract_download_mbps", "contract_upload_mbps", "is_demo"),
)
_NUMBER_COLUMNS = (
    *("verdict", "remedy", "severity", "state", "day", "window_from", "n", "days", "n_effective", "attained"),
    *("unknown", "lower", "upper", "share", "median_bps", "target_bps", "is_estimated"),
    *("target_profile", "profile_version"),
)
_HEARD = (
    select(func.max(DEVICES.c.last_contact_ms))
    .where(DEVICES.c.school == SCHOOLS.c.code, DEVICES.c.state != DeviceState.REVOKED)
    .scalar_subquery()
    .label("heard_ms")
)
_BY_NAME: dict[str, ColumnElement[Any]] = {
    **{name: SCHOOLS.c[name] for name in _SCHOOL_COLUMNS},
    "pupils": func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift).label("pupils"),
    **{name: NEWEST.c[name] for name in _NUMBER_COLUMNS},
    **{name: AVAILABILITY_NOW.c[name] for name in ("availability", "coverage")},
    "heard_ms": _HEARD,
}
_ROW = tuple(_BY_NAME[name] for name in SchoolRow.__dataclass_fields__)

# The same of all schools at once, to sort by.
_CONTACTS = (
    select(DEVICES.c.school, func.max(DEVICES.c.last_contact_ms).label("heard_ms"))
    .where(DEVICES.c.state != DeviceState.REVOKED)
    .group_by(DEVICES.c.school)
    .subquery()
)

# What no page may remember to sort by: one value of each school that has one. Contacts are read once for both uses.
_VALUES: dict[str, FromClause] = {
    "heard": select(_CONTACTS.c.school, _CONTACTS.c.heard_ms).cte("contacts"),
    "availability": select(AVAILABILITY_NOW.c.school, AVAILABILITY_NOW.c.availability).cte("stands"),
}

_IS_NOW = AVAILABILITY_NOW.c.school == SCHOOLS.c.code
_RATIO = NEWEST.c.median_bps * 1.0 / NEWEST.c.target_bps
_CONTRACT_SHARE = NEWEST.c.median_bps / func.nullif(SCHOOLS.c.contract_download_mbps * 1e6, 0.0, type_=Float)
_VERDICT_RANK = case(
    {"BELOW": 0, "BORDERLINE": 1, "NOT_TESTABLE": 2, "INSUFFICIENT": 3, "MEETS": 4},
    value=NEWEST.c.verdict,
    else_=5,
)

# What a list may be sorted by; nothing else ever reaches ORDER BY.
SORTS: dict[str, ColumnElement[Any]] = {
    "ratio": _RATIO,
    "shortage": (1 - _RATIO) * func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift, 1),
    "name": SCHOOLS.c.name_order,
    "verdict": _VERDICT_RANK,
    "contract": _CONTRACT_SHARE,
    "typical": NEWEST.c.median_bps,
    "target": NEWEST.c.target_bps,
    "tests": NEWEST.c.attained * 1.0 / func.nullif(NEWEST.c.n, 0),
    "pupils": func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift),
    "heard": _CONTACTS.c.heard_ms,
    "availability": AVAILABILITY_NOW.c.availability,
}


# Of those, what follows from the registry and the newest verdicts alone.
OF_VERDICTS = frozenset(SORTS) - {"heard", "availability"}


_OF_REGISTRY = ("name", "pupils", "heard", "availability")  # what asks for no verdict


def like_pattern(text: str) -> str:
    """Return a pattern for LIKE with backslash as its escape that finds the text anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _has_verdict(name: str) -> ColumnElement[bool]:
    if name == NO_VERDICT:
        return NEWEST.c.verdict.is_(None)
    return NEWEST.c.verdict != "INSUFFICIENT" if name == ENOUGH else NEWEST.c.verdict == name


def is_placeless() -> ColumnElement[bool]:
    """Return whether nobody knows a school's place on the map."""
    return or_(SCHOOLS.c.latitude.is_(None), SCHOOLS.c.longitude.is_(None))


def where(wanted: SchoolFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter on `judged_schools`."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.code:
        conditions.append(SCHOOLS.c.code == wanted.code)
    if wanted.search:
        by_code = SCHOOLS.c.code.like(like_pattern(wanted.search_raw or wanted.search), escape="\\")
        conditions.append(or_(SCHOOLS.c.name_folded.like(like_pattern(wanted.search), escape="\\"), by_code))
    if wanted.verdict:
        conditions.append(or_(*(_has_verdict(name) for name in wanted.verdict.split(","))))
    if wanted.is_placeless:
        conditions.append(is_placeless())
    for name in ("area", "provider", "technology"):
        if value := getattr(wanted, name):
            conditions.append(SCHOOLS.c[name] == value)
    conditions += of_contract(wanted.contract)
    if wanted.heard_since_ms is not None:
        heard = (DEVICES.c.school == SCHOOLS.c.code) & (DEVICES.c.last_contact_ms >= wanted.heard_since_ms)
        conditions.append(select(DEVICES.c.device).where(heard, DEVICES.c.state != DeviceState.REVOKED).exists())
    return conditions


def of_contract(band: str) -> list[ColumnElement[bool]]:
    """Return the conditions that a school has enough data and gets a part of its contract in a band; none: any."""
    if band not in CONTRACTS:
        return []
    share = _CONTRACT_SHARE
    ranges: dict[str, tuple[ColumnElement[bool], ...]] = {
        "known": (),
        "under": (share < CONTRACT_UNDER,),
        "middle": (share >= CONTRACT_UNDER, share < CONTRACT_FULL),
        "full": (share >= CONTRACT_FULL,),
    }
    return [NEWEST.c.verdict != "INSUFFICIENT", share >= 0, *ranges[band]]


def school_rows(
    snapshot: Snapshot,
    measure: Measure,
    wanted: SchoolFilter,
    *,
    sort: str = "ratio",
    descending: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> list[SchoolRow]:
    """Return the schools of a filter in a definite order; as `school_codes`."""
    codes = school_codes(snapshot, measure, wanted, sort=sort, descending=descending, limit=limit, offset=offset)
    return rows_of(snapshot, measure, codes)


def _source(measure: Measure, wanted: SchoolFilter, *, needs_verdicts: bool) -> FromClause:
    """Return the schools, with their newest evaluations only where a filter or an order asks for one."""
    return judged_schools(measure) if needs_verdicts or wanted.verdict or wanted.contract else SCHOOLS


def school_codes(
    snapshot: Snapshot,
    measure: Measure,
    wanted: SchoolFilter,
    *,
    sort: str,
    descending: bool,
    limit: int,
    offset: int,
) -> Sequence[str]:
    """Return the codes of a filter in a definite order; those without the sorted value stand at the end.

    Args:
        snapshot: Where to look.
        measure: Which verdicts.
        wanted: Which schools.
        sort: A key of `SORTS`.
        descending: The other way round.
        limit: At most so many.
        offset: After so many.
    """
    if sort in _VALUES and wanted == SchoolFilter():
        first = _first_of(sort, snapshot, descending=descending, limit=limit, offset=offset)
        if len(first) == limit:
            return first
    # The codes first, by what they are sorted by: no database needs to carry whole rows of a country through a sort.
    source = _source(measure, wanted, needs_verdicts=sort not in _OF_REGISTRY)
    if sort == "heard":
        source = source.outerjoin(_CONTACTS, _CONTACTS.c.school == SCHOOLS.c.code)
    elif sort == "availability":
        source = source.outerjoin(AVAILABILITY_NOW, _IS_NOW)
    order = _order(SORTS[sort], descending, *([_RATIO.asc()] if sort == "verdict" else []))
    chosen = select(SCHOOLS.c.code).select_from(source).where(*where(wanted)).order_by(*order)
    return snapshot.connection.scalars(chosen.limit(limit).offset(offset)).all()


def _first_of(sort: str, snapshot: Snapshot, *, descending: bool, limit: int, offset: int) -> Sequence[str]:
    """Return codes by a value of `_VALUES`; fewer than asked for where not so many schools have one.

    The value of the last one first: then the others need not be carried through a sort with their names.
    """
    values, value = _VALUES[sort], _VALUES[sort].c[1]
    by_value = value.desc() if descending else value.asc()
    in_order = select(value).where(value.is_not(None)).order_by(by_value).limit(1)
    last = in_order.offset(offset + limit - 1).scalar_subquery()
    source = values.join(SCHOOLS, SCHOOLS.c.code == values.c.school)
    near = select(SCHOOLS.c.code).select_from(source).where(value >= last if descending else value <= last)
    near = near.order_by(*_order(value, descending)).limit(limit).offset(offset)
    return snapshot.connection.scalars(near).all()


def rows_of(snapshot: Snapshot, measure: Measure, codes: Sequence[str]) -> list[SchoolRow]:
    """Return the schools of some codes, in their order; a code that no school has is left out."""
    return [row for row, _more in rows_with(snapshot, measure, codes)]


def rows_with(
    snapshot: Snapshot, measure: Measure, codes: Sequence[str], *more: ColumnElement[Any]
) -> list[tuple[SchoolRow, tuple[Any, ...]]]:
    """Return the same, each with what else is asked for in the same question.

    Args:
        snapshot: Where to look.
        measure: Which verdicts.
        codes: Of schools.
        more: Columns of schools, or what is one value for all of them.
    """
    found: dict[str, tuple[SchoolRow, tuple[Any, ...]]] = {}
    width = len(_ROW)
    for start in range(0, len(codes), _MANY):
        source = judged_schools(measure).outerjoin(AVAILABILITY_NOW, _IS_NOW)
        some: Select[Any] = select(*_ROW, *more).select_from(source)
        some = some.where(SCHOOLS.c.code.in_(codes[start : start + _MANY]))
        for row in snapshot.connection.execute(some).all():
            found[row.code] = SchoolRow(*row[:width]), tuple(row[width:])
    return [found[code] for code in codes if code in found]


def _order(key: ColumnElement[Any], descending: bool, *then: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    tie = (SCHOOLS.c.name_order.desc(), SCHOOLS.c.code.desc()) if descending else (SCHOOLS.c.name_order, SCHOOLS.c.code)
    return [key.is_(None), key.desc() if descending else key.asc(), *then, *tie]


def one_school(snapshot: Snapshot, measure: Measure, code: str) -> SchoolRow | None:
    """Return one school, None if no school has this code."""
    rows = rows_of(snapshot, measure, [code])
    return rows[0] if rows else None


def count_schools(snapshot: Snapshot, measure: Measure, wanted: SchoolFilter) -> int:
    """Return how many schools a filter lists."""
    source = _source(measure, wanted, needs_verdicts=False)
    query = select(func.count()).select_from(source).where(*where(wanted))
    return int(snapshot.connection.execute(query).scalar_one())


def facets(snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the areas, providers and technologies that occur, each in order."""
    parts = [
        select(literal(name).label("facet"), SCHOOLS.c[name].label("value"))
        .where(SCHOOLS.c[name].is_not(None))
        .distinct()
        for name in ("area", "provider", "technology")
    ]
    found: dict[str, list[str]] = {"area": [], "provider": [], "technology": []}
    for facet, value in snapshot.connection.execute(parts[0].union_all(*parts[1:])):
        found[facet].append(value)
    return {facet: sorted(values) for facet, values in found.items()}


def daily_medians(snapshot: Snapshot, codes: list[str], from_day: str) -> dict[str, list[int | None]]:
    """Return the daily medians of open days since a day, by school, oldest first; None where nothing voted."""
    query = (
        select(SCHOOL_DAYS.c.school, SCHOOL_DAYS.c.median_download_bps)
        .where(
            SCHOOL_DAYS.c.school.in_(codes),
            SCHOOL_DAYS.c.day >= from_day,
            SCHOOL_DAYS.c.is_open,
            SCHOOL_DAYS.c.suppressed.is_(None),
        )
        .order_by(SCHOOL_DAYS.c.school, SCHOOL_DAYS.c.day)
    )
    found: dict[str, list[int | None]] = {}
    for school, rows in groupby(snapshot.connection.execute(query).all(), key=itemgetter(0)):
        found[school] = [row[1] for row in rows]
    return found


def voting_speeds(snapshot: Snapshot, codes: list[str], from_ms: int) -> dict[str, list[tuple[int, int]]]:
    """Return (start, download bit/s) of the voting tests since a moment, by school, slowest first."""
    query = (
        select(MEASUREMENTS.c.school, MEASUREMENTS.c.started_ms, MEASUREMENTS.c.download_bps)
        .where(
            MEASUREMENTS.c.school.in_(codes),
            MEASUREMENTS.c.started_ms >= from_ms,
            MEASUREMENTS.c.votes,
            MEASUREMENTS.c.download_bps.is_not(None),
        )
        .order_by(MEASUREMENTS.c.school, MEASUREMENTS.c.download_bps)
    )
    found: dict[str, list[tuple[int, int]]] = {}
    for school, rows in groupby(snapshot.connection.execute(query).all(), key=itemgetter(0)):  # thousands of rows
        found[school] = [(row[1], row[2]) for row in rows]
    return found
