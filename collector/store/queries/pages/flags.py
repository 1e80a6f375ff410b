"""Read models of the flags page and of one flag: its numbers, its events and what people did."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, case, func, or_, select

from collector.domain.words import OPEN_STATES, SPEED
from collector.store.queries.judging import suppressions
from collector.store.queries.pages.schools import Measure, like_pattern, newest_evaluation, of_contract
from collector.store.tables.judgement import EVALUATIONS, FLAG_EVENTS, FLAG_WORK, FLAGS
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.outages import OUTAGE_SCHOOLS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

STATES = ("open", "snoozed", "recovering", "stale", "held", "closed", "retracted", "all")
NOBODY, SOMEBODY = "nobody", "somebody"  # of `FlagFilter.owner`, which else begins with BY
BY = "by:"


@dataclass(frozen=True)
class FlagFilter:
    """Which flags; an empty text means all."""

    now_ms: int  # a flag that is snoozed beyond it is not among the open ones
    search: str = ""  # folded
    search_raw: str = ""
    # One of STATES; open: open or recovering, and not snoozed; stale, held: of those, without new tests or on hold.
    state: str = "open"
    kind: str = ""
    severity: str = ""
    area: str = ""
    provider: str = ""
    contract: str = ""  # one of `schools.CONTRACTS`: flags of the speed, by what the school gets of its contract
    owner: str = ""  # NOBODY, SOMEBODY, or BY with a name
    opened_from: str = ""  # first day
    opened_to: str = ""  # last day
    outage: str = ""  # identity: flags of the schools that it took
    is_apart: bool = False  # without those that wait for an outage that goes on and for nothing else


@dataclass(frozen=True)
class FlagRow:
    """One flag with its school and, where it is of the speed, the newest numbers of the verdict."""

    flag_id: str
    kind: str
    metric: str  # of a kind by daily conditions: its subject
    state: str
    state_count: int
    severity: str | None
    is_stale: bool
    below_since: str
    opened_on: str
    closed_on: str | None
    closed_by: str | None
    last_day: str
    code: str
    name: str
    area: str | None
    provider: str | None
    timezone: str | None
    pupils: int | None
    contract_download_mbps: float | None
    verdict: str | None
    n: int | None
    days: int | None
    attained: int | None
    share: float | None
    lower: float | None
    upper: float | None
    median_bps: int | None
    target_bps: int | None
    remedy: str | None
    target_profile: str | None  # whose rule gave the target; None: the series' own
    profile_version: str | None
    version: int | None  # of what people did; None: nothing
    owner: str | None
    seen_by: str | None
    ticket: str | None
    snoozed_until: str | None
    snoozed_until_ms: int | None
    snooze_reason: str | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN_STATES


@dataclass(frozen=True)
class FlagEvent:
    """The system changed the state of a flag."""

    seq: int
    day: str
    event: str
    numbers: str  # JSON


@dataclass(frozen=True)
class JudgedDay:
    """One evaluation as the timeline and the numbers show it."""

    day: str
    verdict: str
    state: str
    state_count: int
    n: int
    days: int
    n_effective: float | None
    attained: int
    unknown: int
    a_lo: float | None
    a_hi: float | None
    lower: float | None
    upper: float | None
    share: float
    median_bps: int | None
    target_bps: int
    is_estimated: bool
    window_from: str | None
    target_profile: str | None
    profile_version: str
    severity: str | None
    remedy: str | None


_PUPILS = func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift)
_FLAG_COLUMNS = (
    *("flag_id", "kind", "metric", "state", "state_count", "severity", "is_stale"),
    *("below_since", "opened_on", "closed_on", "closed_by", "last_day"),
)
_SCHOOL_COLUMNS = ("code", "name", "area", "provider", "timezone", "contract_download_mbps")
_NUMBER_COLUMNS = (
    *("verdict", "n", "days", "attained", "share", "lower", "upper"),
    *("median_bps", "target_bps", "remedy", "target_profile", "profile_version"),
)
_WORK_COLUMNS = ("version", "owner", "seen_by", "ticket", "snoozed_until", "snoozed_until_ms", "snooze_reason")
_BY_NAME: dict[str, ColumnElement[Any]] = {
    **{name: FLAGS.c[name] for name in _FLAG_COLUMNS},
    **{name: SCHOOLS.c[name] for name in _SCHOOL_COLUMNS},
    "pupils": _PUPILS.label("pupils"),
    **{name: NEWEST.c[name] for name in _NUMBER_COLUMNS},
    **{name: FLAG_WORK.c[name] for name in _WORK_COLUMNS},
}
_COLUMNS = tuple(_BY_NAME[name] for name in FlagRow.__dataclass_fields__)
_SEVERITY_RANK = case({"severe": 0, "serious": 1, "mild": 2}, value=FLAGS.c.severity, else_=3)
_SORTS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "worst": (_SEVERITY_RANK, _PUPILS.is_(None), _PUPILS.desc()),
    "pupils": (_PUPILS.is_(None), _PUPILS.desc()),
    "oldest": (FLAGS.c.opened_on,),
    "newest": (FLAGS.c.opened_on.desc(),),
    "name": (SCHOOLS.c.name_order,),
}
SORTS = tuple(_SORTS)


_WITH_WORK: Final = FLAGS.join(SCHOOLS, SCHOOLS.c.code == FLAGS.c.school).outerjoin(
    FLAG_WORK, FLAG_WORK.c.flag_id == FLAGS.c.flag_id
)


@cache
def source(measure: Measure) -> FromClause:
    """Return flags with their schools, what people did, and of the speed the newest evaluation."""
    return _WITH_WORK.outerjoin(NEWEST, newest_evaluation(measure) & (FLAGS.c.kind == SPEED))


def _filtered(measure: Measure, wanted: FlagFilter) -> FromClause:
    """Return the same, with evaluations only where the filter asks for one: there is one at most for each flag."""
    return source(measure) if wanted.contract else _WITH_WORK


def is_resting(now_ms: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether a flag is snoozed; by the moment, so that it comes back by itself."""
    return func.coalesce(FLAG_WORK.c.snoozed_until_ms, 0) > now_ms


def awake(now_ms: int | ColumnElement[int]) -> Select[Any]:
    """Return the flags that are open or recovering and not snoozed: those that the list of flags begins with."""
    source = FLAGS.outerjoin(FLAG_WORK, FLAG_WORK.c.flag_id == FLAGS.c.flag_id)
    return select().select_from(source).where(FLAGS.c.state.in_(OPEN_STATES), ~is_resting(now_ms))


def _where(wanted: FlagFilter) -> list[ColumnElement[bool]]:
    conditions = [*_of_state(wanted), *_of_owner(wanted.owner)]
    for name in ("severity", "kind"):
        if value := getattr(wanted, name):
            conditions.append(FLAGS.c[name] == value)
    for name in ("area", "provider"):
        if value := getattr(wanted, name):
            conditions.append(SCHOOLS.c[name] == value)
    if wanted.opened_from:
        conditions.append(FLAGS.c.opened_on >= wanted.opened_from)
    if wanted.opened_to:
        conditions.append(FLAGS.c.opened_on <= wanted.opened_to)
    conditions += of_contract(wanted.contract)
    if wanted.is_apart:
        conditions.append(_is_apart())
    if wanted.outage:
        mine = OUTAGE_SCHOOLS.c
        took = select(mine.school).where(mine.outage_id == wanted.outage, mine.said != "off")
        conditions.append(FLAGS.c.school.in_(took))
    if wanted.search:
        raw = like_pattern(wanted.search_raw or wanted.search)
        by_code = SCHOOLS.c.code.like(raw, escape="\\")
        by_ticket = func.lower(FLAG_WORK.c.ticket).like(func.lower(raw), escape="\\")
        by_name = SCHOOLS.c.name_folded.like(like_pattern(wanted.search), escape="\\")
        conditions.append(or_(by_name, by_code, by_ticket))
    return conditions


def _is_in(schools: Select[Any]) -> ColumnElement[bool]:
    return FLAGS.c.school.in_(schools)


def _is_apart() -> ColumnElement[bool]:
    return or_(~_is_in(suppressions.schools_in_outages()), _is_in(suppressions.schools_in_hazards()))


def is_held() -> ColumnElement[bool]:
    """Return whether a flag is on hold: nobody is told of it before its outage or hazard is over."""
    return or_(_is_in(suppressions.schools_in_outages()), _is_in(suppressions.schools_in_hazards()))


def _of_state(wanted: FlagFilter) -> list[ColumnElement[bool]]:
    is_open, rests = FLAGS.c.state.in_(OPEN_STATES), is_resting(wanted.now_ms)
    match wanted.state:
        case "open":
            return [is_open, ~rests]
        case "snoozed":
            return [is_open, rests]
        case "stale":
            return [is_open, ~rests, FLAGS.c.is_stale]
        case "held":
            return [is_open, ~rests, is_held()]
        case "recovering":
            return [FLAGS.c.state == "recovering", ~rests]
        case "all":
            return []
        case _:
            return [FLAGS.c.state == wanted.state]


def _of_owner(owner: str) -> list[ColumnElement[bool]]:
    if owner == NOBODY:
        return [FLAG_WORK.c.owner.is_(None)]
    if owner == SOMEBODY:
        return [FLAG_WORK.c.owner.is_not(None)]
    return [FLAG_WORK.c.owner == owner.removeprefix(BY)] if owner else []


def owners(snapshot: Snapshot) -> list[str]:
    """Return who has flags that are open."""
    query = select(FLAG_WORK.c.owner).join(FLAGS, FLAGS.c.flag_id == FLAG_WORK.c.flag_id).distinct()
    found = snapshot.connection.scalars(query.where(FLAGS.c.state.in_(OPEN_STATES), FLAG_WORK.c.owner.is_not(None)))
    return sorted(str(name) for name in found)


def flag_rows(
    snapshot: Snapshot, measure: Measure, wanted: FlagFilter, *, sort: str = "worst", limit: int = 50
) -> list[FlagRow]:
    """Return the flags of a filter, worst first or as `sort` (one of `SORTS`) says, at most `limit`."""
    order = (*_SORTS[sort], SCHOOLS.c.name_order, FLAGS.c.flag_id)
    # The names first, by what they are sorted by: no database needs to carry whole rows of a country through a sort.
    found = select(FLAGS.c.flag_id).select_from(_filtered(measure, wanted)).where(*_where(wanted))
    chosen = found.order_by(*order).limit(limit).subquery()
    joined = source(measure).join(chosen, chosen.c.flag_id == FLAGS.c.flag_id)
    query = select(*_COLUMNS).select_from(joined).order_by(*order)
    return _rows(snapshot, query)


def _rows(snapshot: Snapshot, query: Select[Any]) -> list[FlagRow]:
    return [FlagRow(*row) for row in snapshot.connection.execute(query).all()]


def count_flags(snapshot: Snapshot, measure: Measure, wanted: FlagFilter) -> int:
    """Return how many flags a filter lists."""
    query = select(func.count()).select_from(_filtered(measure, wanted)).where(*_where(wanted))
    return int(snapshot.connection.execute(query).scalar_one())


class Counts(NamedTuple):
    """How many flags a filter lists."""

    found: int
    untaken: int  # of those, by nobody
    apart: int  # and those that wait for no outage, as `FlagFilter.is_apart` lists them


def counts(snapshot: Snapshot, measure: Measure, wanted: FlagFilter, *, with_apart: bool) -> Counts:
    """Return how many flags a filter lists; those apart only where they are asked for, else all."""
    untaken = func.count(case((FLAG_WORK.c.owner.is_(None), 1)))
    apart = func.count(case((_is_apart(), 1))) if with_apart else func.count()
    query = select(func.count(), untaken, apart).select_from(_filtered(measure, wanted)).where(*_where(wanted))
    return Counts(*snapshot.connection.execute(query).one())


def count_of_outages(
    snapshot: Snapshot, measure: Measure, wanted: FlagFilter, outages: Collection[str]
) -> dict[str, int]:
    """Return how many flags of a filter each of some outages holds back, as `FlagFilter.outage` lists them."""
    took = OUTAGE_SCHOOLS.c
    query = (
        select(took.outage_id, func.count())
        .select_from(_filtered(measure, wanted).join(OUTAGE_SCHOOLS, took.school == FLAGS.c.school))
        .where(*_where(wanted), took.outage_id.in_(list(outages)), took.said != "off")
        .group_by(took.outage_id)
    )
    return {row[0]: int(row[1]) for row in snapshot.connection.execute(query)}


def one_flag(snapshot: Snapshot, measure: Measure, flag_id: str) -> FlagRow | None:
    """Return one flag, None if there is none of this name."""
    rows = _rows(snapshot, select(*_COLUMNS).select_from(source(measure)).where(FLAGS.c.flag_id == flag_id))
    return rows[0] if rows else None


def flags_by_id(snapshot: Snapshot, measure: Measure, flag_ids: list[str]) -> list[FlagRow]:
    """Return some flags, worst first, without those that are not there."""
    query = select(*_COLUMNS).select_from(source(measure)).where(FLAGS.c.flag_id.in_(flag_ids))
    return _rows(snapshot, query.order_by(*_SORTS["worst"], SCHOOLS.c.name_order, FLAGS.c.flag_id))


def open_flag_of(snapshot: Snapshot, codes: list[str]) -> dict[str, str]:
    """Return the newest flag of the speed, open or recovering, of each of some schools that has one."""
    query = (
        select(FLAGS.c.school, FLAGS.c.flag_id)
        .where(FLAGS.c.school.in_(codes), FLAGS.c.kind == SPEED, FLAGS.c.state.in_(OPEN_STATES))
        .order_by(FLAGS.c.opened_on, FLAGS.c.flag_id)
    )
    return {row.school: row.flag_id for row in snapshot.connection.execute(query)}


def events(snapshot: Snapshot, flag_id: str) -> list[FlagEvent]:
    """Return what happened to a flag, the newest first."""
    query = (
        select(FLAG_EVENTS.c.seq, FLAG_EVENTS.c.day, FLAG_EVENTS.c.event, FLAG_EVENTS.c.numbers)
        .where(FLAG_EVENTS.c.flag_id == flag_id)
        .order_by(FLAG_EVENTS.c.seq.desc())
        .limit(200)
    )
    return [FlagEvent(**row) for row in snapshot.connection.execute(query).mappings()]


def judged_days(snapshot: Snapshot, measure: Measure, code: str, from_day: str, limit: int = 120) -> list[JudgedDay]:
    """Return the evaluations of a school since a day, the newest first."""
    columns = [EVALUATIONS.c[name] for name in JudgedDay.__dataclass_fields__]
    query = (
        select(*columns)
        .where(
            EVALUATIONS.c.school == code,
            EVALUATIONS.c.profile == measure.profile,
            EVALUATIONS.c.metric == measure.metric,
            EVALUATIONS.c.day >= from_day,
        )
        .order_by(EVALUATIONS.c.day.desc())
        .limit(limit)
    )
    return [JudgedDay(*row) for row in snapshot.connection.execute(query)]
