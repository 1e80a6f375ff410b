"""What the fold of a few schools reads and writes, many rows a statement. Nothing here commits.

The schools of one call are folded from the same day on, so that each question is asked once for all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, delete, func, select

from collector.domain.conditions import Observed
from collector.domain.criterion import DEFAULT
from collector.domain.slow_response import DelayDay
from collector.store.many import insert_new, update_all
from collector.store.queries.judging import delays, months, summaries
from collector.store.queries.judging.summaries import Series
from collector.store.queries.pieces import in_pieces, plain_rows
from collector.store.tables.judgement import EVALUATIONS, FLAG_EVENTS, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork


class Measured(NamedTuple):  # made by the hundred thousand: a tuple is what the driver gives already
    """The part of a measurement that decides whether it votes, and what it says."""

    school: str
    device: str
    rid: str
    status: str
    trigger: str
    started_ms: int  # corrected
    received_ms: int
    time_quality: str
    time_width_ms: int
    engine: str | None
    server_id: str | None
    download_bps: int | None
    download_steady_s: float | None
    download_bytes: int | None
    download_stop_reason: str | None
    download_lower_bound: bool | None  # of a fold perhaps 0 or 1, as the driver gives it; so is `votes`
    download_wire_bytes_est: int | None
    upload_bps: int | None
    upload_bytes: int | None
    upload_wire_bytes_est: int | None
    idle_rtt_ms: float | None
    medium: str | None
    link_bps: int | None
    cpu_pct: float | None
    other_bps: int | None
    retracted_ms: int | None
    votes: bool | None
    exclusion: str | None
    loaded_ms: float | None  # how late answers come under load, see `delays.loaded_ms`

    @property
    def cost_bytes(self) -> int:
        """What it cost the line, as a school's budget counts it: headers included in a direction that knows them."""
        down_bytes = self.download_bytes if self.download_wire_bytes_est is None else self.download_wire_bytes_est
        up_bytes = self.upload_bytes if self.upload_wire_bytes_est is None else self.upload_wire_bytes_est
        return (down_bytes or 0) + (up_bytes or 0)


class Voted(NamedTuple):
    """What a measurement says that was judged to vote; its day is not judged again."""

    school: str
    started_ms: int  # corrected
    download_bps: int
    download_lower_bound: bool | None
    medium: str | None
    link_bps: int | None


@dataclass(frozen=True)
class Scope:
    """What is folded: some schools, by one profile, from one day on."""

    schools: tuple[str, ...]
    profile: str
    metric: str
    from_day: str
    near_ms: int  # votes since then are enough for the windows of nearly every school
    reach_ms: int  # votes with an earlier corrected start concern none of the days
    from_ms: int  # no day to fold begins earlier, at any of the schools
    until_ms: int  # every day to fold has begun, at each of the schools


@dataclass(frozen=True)
class Judged:
    """The newest evaluation before the day, as far as the fold needs it to go on."""

    day: str
    state: str
    state_count: int


@dataclass(frozen=True)
class Flag:
    """A flag as it is stored."""

    flag_id: str
    school: str
    kind: str
    profile: str
    metric: str
    below_since: str
    opened_on: str
    closed_on: str | None
    closed_by: str | None
    state: str
    state_count: int
    severity: str | None
    is_stale: bool
    last_day: str


@dataclass
class Past:
    """What is stored of one school."""

    measured: list[Measured] = field(default_factory=list)  # those of the days to fold are among them, oldest first
    delays: list[DelayDay] = field(default_factory=list)  # of the days before that a window reaches back to
    flags: list[Flag] = field(default_factory=list)  # all of the series, oldest first
    judged: Judged | None = None
    watch_began: str | None = None  # of a watch that goes on: the newest day before that one began on
    severity: tuple[str, str] | None = None  # of a flag: (day, severity) of the newest evaluation before that has one
    newest_day: str | None = None  # that the evaluation has written


@dataclass(frozen=True)
class Vote:
    """Whether a measurement votes, as worked out now."""

    device: str
    rid: str
    votes: bool
    exclusion: str | None


@dataclass(frozen=True)
class NewEvent:
    """Something that happened to a flag; its number follows from what is stored."""

    flag_id: str
    day: str
    event: str
    numbers: str  # JSON


@dataclass
class Outcome:
    """What the fold of one school gave."""

    votes: list[Vote] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    observed: list[Observed] = field(default_factory=list)  # what the days say of the delay; the caller writes them
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    refolded: list[str] = field(default_factory=list)  # flags whose events from the day on are written again
    events: list[NewEvent] = field(default_factory=list)


_VOTES_AT_ONCE = 5_000

MEASURED: Final = [
    *(MEASUREMENTS.c[name] for name in Measured._fields if name != "loaded_ms"),
    delays.loaded_ms().label("loaded_ms"),
]
"""What `Measured` is made from."""

_VOTED = [MEASUREMENTS.c[name] for name in Voted._fields]
_FLAG = [FLAGS.c[name] for name in Flag.__dataclass_fields__]


def load(snapshot: Snapshot, scope: Scope) -> dict[str, Past]:
    """Return what is stored of the schools of a scope."""
    past = {school: Past() for school in scope.schools}
    _load_measurements(snapshot, scope, past)
    for flag in _flags(snapshot, scope):
        past[flag.school].flags.append(flag)
    for school, *judged in _newest(snapshot, scope, ("day", "state", "state_count")):
        past[school].judged = Judged(*judged)
    _load_states(snapshot, scope, past)
    last = select(func.max(SCHOOL_DAYS.c.day)).where(SCHOOL_DAYS.c.school == SCHOOLS.c.code).scalar_subquery()
    for school, day in snapshot.connection.execute(
        select(SCHOOLS.c.code, last).where(SCHOOLS.c.code.in_(scope.schools))
    ):
        past[school].newest_day = day
    first = date.fromisoformat(scope.from_day) - timedelta(days=DEFAULT.reach_days)
    for school, days in delays.days_between(snapshot, scope.schools, first.isoformat(), scope.from_day).items():
        past[school].delays = days
    return past


def _load_measurements(snapshot: Snapshot, scope: Scope, past: dict[str, Past]) -> None:
    """Read the days to fold in full."""
    started, of_schools = MEASUREMENTS.c.started_ms, MEASUREMENTS.c.school.in_(scope.schools)
    query = (
        select(*MEASURED)
        .where(of_schools, started >= scope.from_ms)
        .order_by(MEASUREMENTS.c.school, started, MEASUREMENTS.c.device, MEASUREMENTS.c.rid)
    )
    for code, rows in groupby(plain_rows(snapshot, query), key=itemgetter(0)):
        past[code].measured = list(map(Measured._make, rows))


def voted(snapshot: Snapshot, scope: Scope, schools: Sequence[str], from_ms: int) -> dict[str, list[Voted]]:
    """Return what was judged to vote, oldest first; those before the days to fold are among them.

    They are many more than those of the days to fold: of them only what a vote says is read.

    Args:
        snapshot: The database.
        scope: What is folded.
        schools: Of the scope.
        from_ms: The earliest corrected start.
    """
    started = MEASUREMENTS.c.started_ms
    before = (started >= from_ms) & (started < scope.until_ms) & MEASUREMENTS.c.votes.is_(True)
    query = (
        select(*_VOTED)
        .where(MEASUREMENTS.c.school.in_(schools), before, MEASUREMENTS.c.download_bps.is_not(None))
        .order_by(MEASUREMENTS.c.school, started)
    )
    found: dict[str, list[Voted]] = {school: [] for school in schools}
    for code, rows in groupby(plain_rows(snapshot, query), key=itemgetter(0)):
        found[code] = list(map(Voted._make, rows))
    return found


def _flags(snapshot: Snapshot, scope: Scope) -> Iterable[Flag]:
    of_series = (FLAGS.c.profile == scope.profile) & (FLAGS.c.metric == scope.metric)
    query = select(*_FLAG).where(FLAGS.c.school.in_(scope.schools), of_series)
    return (Flag(*row) for row in snapshot.connection.execute(query.order_by(FLAGS.c.opened_on, FLAGS.c.flag_id)))


def _load_states(snapshot: Snapshot, scope: Scope, past: dict[str, Past]) -> None:
    """Read since when a watch goes on, and how bad a flag was last; of most schools there is neither."""
    states = {school: one.judged.state for school, one in past.items() if one.judged}
    watched = tuple(school for school, state in states.items() if state == "watch")
    flagged = tuple(school for school, state in states.items() if state not in ("none", "watch"))
    began = (EVALUATIONS.c.state == "watch") & (EVALUATIONS.c.state_count == 1)
    if watched:
        for school, day in _newest(snapshot, replace(scope, schools=watched), ("day",), began):
            past[school].watch_began = day
    if flagged:
        is_bad = EVALUATIONS.c.severity.is_not(None)
        for school, *bad in _newest(snapshot, replace(scope, schools=flagged), ("day", "severity"), is_bad):
            past[school].severity = (bad[0], bad[1])


def _newest(
    snapshot: Snapshot, scope: Scope, columns: tuple[str, ...], condition: ColumnElement[bool] | None = None
) -> Sequence[Any]:
    """Return (school, columns) of the newest evaluation before the day that fulfils a condition.

    Each is one look into the key, from its end: grouped, all days of a school would be gone through.
    """
    table, code = EVALUATIONS.c, SCHOOLS.c.code
    before = (table.profile == scope.profile) & (table.metric == scope.metric) & (table.day < scope.from_day)
    before = before if condition is None else before & condition
    last = select(func.max(table.day)).where(table.school == code, before).correlate(SCHOOLS).scalar_subquery()
    newest = select(code.label("school"), last.label("day")).where(code.in_(scope.schools)).subquery()
    query = (
        select(EVALUATIONS.c.school, *[EVALUATIONS.c[name] for name in columns])
        .join(newest, (newest.c.school == EVALUATIONS.c.school) & (newest.c.day == EVALUATIONS.c.day))
        .where(EVALUATIONS.c.profile == scope.profile, EVALUATIONS.c.metric == scope.metric)
    )
    return snapshot.connection.execute(query).all()


def write(unit: UnitOfWork, scope: Scope, outcomes: Sequence[Outcome]) -> None:
    """Write what the fold gave over what is there from the day on.

    Args:
        unit: The transaction to write in.
        scope: The schools that the outcomes are of, all of them.
        outcomes: One for each school.
    """
    _set_votes(unit, [vote for outcome in outcomes for vote in outcome.votes])
    days = SCHOOL_DAYS.c.school.in_(scope.schools) & (SCHOOL_DAYS.c.day >= scope.from_day)
    unit.connection.execute(delete(SCHOOL_DAYS).where(days))
    insert_new(unit, SCHOOL_DAYS, [row for outcome in outcomes for row in outcome.days])
    months.renew(unit, scope.schools, scope.from_day)
    evaluations = EVALUATIONS.c.school.in_(scope.schools) & (EVALUATIONS.c.day >= scope.from_day)
    of_series = (EVALUATIONS.c.profile == scope.profile) & (EVALUATIONS.c.metric == scope.metric)
    unit.connection.execute(delete(EVALUATIONS).where(evaluations, of_series))
    insert_new(unit, EVALUATIONS, [row for outcome in outcomes for row in outcome.evaluations])
    summaries.renew(unit, Series(scope.profile, scope.metric), scope.schools, scope.from_day)
    _write_flags(unit, scope, outcomes)


def _set_votes(unit: UnitOfWork, votes: Sequence[Vote]) -> None:
    """Write the votes in the order of their rids, which is about that in which the rows came and lie on the disk."""
    rows = [
        {"device": vote.device, "rid": vote.rid, "votes": vote.votes, "exclusion": vote.exclusion}
        for vote in sorted(votes, key=attrgetter("rid"))
    ]
    for some in in_pieces(rows, _VOTES_AT_ONCE):
        update_all(unit, MEASUREMENTS, some)


def _write_flags(unit: UnitOfWork, scope: Scope, outcomes: Sequence[Outcome]) -> None:
    flags = [flag for outcome in outcomes for flag in outcome.flags]
    if flags:
        unit.connection.execute(delete(FLAGS).where(FLAGS.c.flag_id.in_([flag.flag_id for flag in flags])))
        insert_new(unit, FLAGS, [{name: getattr(flag, name) for name in Flag.__dataclass_fields__} for flag in flags])
    if refolded := [flag_id for outcome in outcomes for flag_id in outcome.refolded]:
        late = FLAG_EVENTS.c.flag_id.in_(refolded) & (FLAG_EVENTS.c.day >= scope.from_day)
        unit.connection.execute(delete(FLAG_EVENTS).where(late))
    events = [event for outcome in outcomes for event in outcome.events]
    if not events:
        return
    touched = FLAG_EVENTS.c.flag_id.in_({event.flag_id for event in events})
    query = select(FLAG_EVENTS.c.flag_id, func.max(FLAG_EVENTS.c.seq)).where(touched)
    last = {row[0]: row[1] for row in unit.connection.execute(query.group_by(FLAG_EVENTS.c.flag_id))}
    rows = []
    for event in events:
        last[event.flag_id] = last.get(event.flag_id, 0) + 1
        rows.append(
            {
                "flag_id": event.flag_id,
                "seq": last[event.flag_id],
                "day": event.day,
                "event": event.event,
                "numbers": event.numbers,
            }
        )
    insert_new(unit, FLAG_EVENTS, rows)
