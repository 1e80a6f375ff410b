"""Read models of the flags page and of one flag: its numbers, its events and what people did."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, or_, select

from collector.store.queries.pages_schools import Measure, like_pattern, newest_evaluation
from collector.store.tables.judgement import EVALUATIONS, FLAG_ACTIONS, FLAG_EVENTS, FLAGS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

OPEN_STATES = ("open", "recovering")


@dataclass(frozen=True)
class FlagFilter:
    """Which flags; an empty text means all."""

    search: str = ""  # folded
    search_raw: str = ""
    state: str = "open"  # open: open or recovering; recovering, closed, retracted; all
    severity: str = ""
    area: str = ""
    provider: str = ""
    taken: str = ""  # yes | no


@dataclass(frozen=True)
class FlagRow:
    """One flag with its school and the newest numbers."""

    flag_id: str
    kind: str
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
    taken_by: str | None  # who acknowledged it last


@dataclass(frozen=True)
class FlagEvent:
    """The system changed the state of a flag."""

    seq: int
    day: str
    event: str
    numbers: str  # JSON


@dataclass(frozen=True)
class FlagAction:
    """A person did something about a flag."""

    action_id: str
    at_ms: int
    user_name: str
    action: str
    note: str | None


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
    profile_version: str
    severity: str | None
    remedy: str | None


_TAKEN_BY = (
    select(FLAG_ACTIONS.c.user_name)
    .where(FLAG_ACTIONS.c.flag_id == FLAGS.c.flag_id, FLAG_ACTIONS.c.action == "acknowledged")
    .order_by(FLAG_ACTIONS.c.at_ms.desc(), FLAG_ACTIONS.c.action_id)
    .limit(1)
    .correlate(FLAGS)
    .scalar_subquery()
)
_PUPILS = func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift)
_FLAG_COLUMNS = (
    *("flag_id", "kind", "state", "state_count", "severity", "is_stale"),
    *("below_since", "opened_on", "closed_on", "closed_by", "last_day"),
)
_SCHOOL_COLUMNS = ("code", "name", "area", "provider", "timezone", "contract_download_mbps")
_NUMBER_COLUMNS = (
    *("verdict", "n", "days", "attained", "share", "lower", "upper"),
    *("median_bps", "target_bps", "remedy"),
)
_COLUMNS = (
    *(FLAGS.c[name] for name in _FLAG_COLUMNS),
    *(SCHOOLS.c[name] for name in _SCHOOL_COLUMNS),
    _PUPILS.label("pupils"),
    *(EVALUATIONS.c[name] for name in _NUMBER_COLUMNS),
    _TAKEN_BY.label("taken_by"),
)
_SEVERITY_RANK = case({"severe": 0, "serious": 1, "mild": 2}, value=FLAGS.c.severity, else_=3)
_SORTS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "worst": (_SEVERITY_RANK, _PUPILS.is_(None), _PUPILS.desc()),
    "pupils": (_PUPILS.is_(None), _PUPILS.desc()),
    "oldest": (FLAGS.c.opened_on,),
    "newest": (FLAGS.c.opened_on.desc(),),
    "name": (SCHOOLS.c.name_order,),
}
SORTS = tuple(_SORTS)


def _source(measure: Measure) -> FromClause:
    joined = FLAGS.join(SCHOOLS, SCHOOLS.c.code == FLAGS.c.school)
    return joined.outerjoin(EVALUATIONS, newest_evaluation(measure))


def _where(wanted: FlagFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state == "open":
        conditions.append(FLAGS.c.state.in_(OPEN_STATES))
    elif wanted.state == "stale":
        conditions.append(and_(FLAGS.c.state.in_(OPEN_STATES), FLAGS.c.is_stale))
    elif wanted.state != "all":
        conditions.append(FLAGS.c.state == wanted.state)
    if wanted.severity:
        conditions.append(FLAGS.c.severity == wanted.severity)
    for name in ("area", "provider"):
        if value := getattr(wanted, name):
            conditions.append(SCHOOLS.c[name] == value)
    if wanted.search:
        by_code = SCHOOLS.c.code.like(like_pattern(wanted.search_raw or wanted.search), escape="\\")
        conditions.append(or_(SCHOOLS.c.name_folded.like(like_pattern(wanted.search), escape="\\"), by_code))
    if wanted.taken:
        conditions.append(_TAKEN_BY.is_not(None) if wanted.taken == "yes" else _TAKEN_BY.is_(None))
    return conditions


def flag_rows(
    snapshot: Snapshot, measure: Measure, wanted: FlagFilter, *, sort: str = "worst", limit: int = 50
) -> list[FlagRow]:
    """Return the flags of a filter, worst first or as `sort` (one of `SORTS`) says, at most `limit`."""
    query = (
        select(*_COLUMNS)
        .select_from(_source(measure))
        .where(*_where(wanted))
        .order_by(*_SORTS[sort], SCHOOLS.c.name_order, FLAGS.c.flag_id)
        .limit(limit)
    )
    return [FlagRow(**row) for row in snapshot.connection.execute(query).mappings()]


def count_flags(snapshot: Snapshot, measure: Measure, wanted: FlagFilter) -> int:
    """Return how many flags a filter lists."""
    query = select(func.count()).select_from(_source(measure)).where(*_where(wanted))
    return int(snapshot.connection.execute(query).scalar_one())


def one_flag(snapshot: Snapshot, measure: Measure, flag_id: str) -> FlagRow | None:
    """Return one flag, None if there is none of this name."""
    query = select(*_COLUMNS).select_from(_source(measure)).where(FLAGS.c.flag_id == flag_id)
    row = snapshot.connection.execute(query).mappings().first()
    return FlagRow(**row) if row is not None else None


def open_flag_of(snapshot: Snapshot, codes: list[str]) -> dict[str, str]:
    """Return the newest open or recovering flag of each of some schools that has one."""
    query = (
        select(FLAGS.c.school, FLAGS.c.flag_id)
        .where(FLAGS.c.school.in_(codes), FLAGS.c.state.in_(OPEN_STATES))
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


def actions(snapshot: Snapshot, flag_id: str) -> list[FlagAction]:
    """Return what people did about a flag, the newest first."""
    columns = [FLAG_ACTIONS.c[name] for name in FlagAction.__dataclass_fields__]
    query = (
        select(*columns)
        .where(FLAG_ACTIONS.c.flag_id == flag_id)
        .order_by(FLAG_ACTIONS.c.at_ms.desc(), FLAG_ACTIONS.c.action_id)
        .limit(200)
    )
    return [FlagAction(**row) for row in snapshot.connection.execute(query).mappings()]


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
    return [JudgedDay(**row) for row in snapshot.connection.execute(query).mappings()]


@dataclass(frozen=True)
class NewAction:
    """What a person does now."""

    action_id: str
    flag_id: str
    at_ms: int
    day: str  # local to the school
    user_name: str
    action: str  # acknowledged | note
    note: str | None


def add_action(unit: Snapshot, action: NewAction) -> None:
    """Write down what a person did; the caller commits."""
    unit.connection.execute(FLAG_ACTIONS.insert().values(**action.__dict__))
