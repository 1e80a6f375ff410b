"""Read models of the devices page: who is silent and why, who waits for approval, whose clock is wrong.

Why a PC is silent was worked out by the jobs (`evaluate.silence`) and is joined here by the device's name; who was
heard since counts as heard at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, bindparam, case, func, or_, select

from agent.wire.vocabulary import DeviceState
from collector.domain.silence import AT_RISK_DAYS, DAY_MS, DROPPED_DAYS
from collector.store.queries import given
from collector.store.queries.devices import is_pending
from collector.store.queries.pages.schools import like_pattern
from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import SILENCES
from collector.store.tables.measurements import DIARY
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

STANDINGS: Final = (
    *("heard", "silent", "today", "live", "at_risk", "dropped", "pending", "clock", "holding", "revoked"),
)
_WORDS_REACH_MS: Final = DAY_MS  # before the last contact: what was said earlier is no last word


@dataclass(frozen=True)
class DeviceFilter:
    """Which devices; an empty text means all."""

    standing: str = ""  # one of STANDINGS
    search: str = ""  # folded
    search_raw: str = ""
    reason: str = ""  # a domain.words.Reason: those that are silent for it
    given: str = ""  # name of the person that they were given to, or `given.SOMEBODY`
    version: str = ""  # of the agent


@dataclass(frozen=True)
class Limits:
    """What counts as today, as dropped off and as a wrong clock at this moment."""

    now_ms: int
    today_ms: int  # when the deployment's local day began
    clock_off_ms: int  # a clock that is wrong by more


@dataclass(frozen=True)
class DeviceRow:
    """One device with its school."""

    device: str
    state: str
    is_pending: bool  # it, or its newest key, waits for approval
    os: str | None
    agent_version: str | None
    enrolled_ms: int
    last_contact_ms: int | None
    last_measurement_ms: int | None
    clock_offset_ms: int | None
    is_volatile: bool
    replaces: str | None
    lineages: int
    ledger_ready: int | None
    ledger_dead: int | None
    ledger_dropped: int | None
    code: str
    name: str | None
    area: str | None
    timezone: str | None
    reason: str | None  # why it is silent; None: it is not
    last_word: str | None  # state of the newest diary run before the last contact; of silent ones alone
    school_days: int | None  # expected and not heard
    others: int | None
    others_heard: int | None
    is_together: bool | None

    @property
    def since_ms(self) -> int:
        """When it was heard last, or enrolled."""
        return self.enrolled_ms if self.last_contact_ms is None else self.last_contact_ms


class Said(NamedTuple):
    """A word of a PC's diary."""

    word: str  # a DiaryState
    until_ms: int  # end of the newest run that says it


@dataclass(frozen=True)
class DeviceCounts:
    """How the fleet stands."""

    total: int
    today: int
    live: int
    at_risk: int
    dropped: int
    pending: int
    clock: int
    waiting: int  # measurements that devices say they still hold
    silent: int


_COUNTED: Final = ("", "today", "live", "at_risk", "dropped", "pending", "clock")
_IS_SILENT: Final = SILENCES.c.device.is_not(None)
# Of who was heard since, nothing is said any more.
_SAME: Final = and_(
    SILENCES.c.device == DEVICES.c.device,
    func.coalesce(SILENCES.c.contact_ms, -1) == func.coalesce(DEVICES.c.last_contact_ms, -1),
)


def _source() -> FromClause:
    return DEVICES.outerjoin(SILENCES, _SAME).outerjoin(SCHOOLS, SCHOOLS.c.code == DEVICES.c.school)


def _needed(wanted: DeviceFilter) -> FromClause:
    """Return what a filter has to look at: a walk over all devices is the quicker, the fewer tables it joins."""
    joined: FromClause = DEVICES
    if wanted.reason or wanted.standing in ("heard", "silent"):
        joined = joined.join(SILENCES, _SAME, isouter=wanted.standing == "heard" and not wanted.reason)
    return joined.outerjoin(SCHOOLS, SCHOOLS.c.code == DEVICES.c.school) if wanted.search else joined


_IN_USE: Final = DEVICES.c.state != DeviceState.REVOKED
_SINCE: Final = func.coalesce(DEVICES.c.last_contact_ms, DEVICES.c.enrolled_ms)
_AT_RISK_MS, _DROPPED_MS = bindparam("at_risk_ms", type_=BigInteger), bindparam("dropped_ms", type_=BigInteger)
# Put together once: that takes as long as asking. What they are held against is given with each question.
_KNOWN: Final[Mapping[str, ColumnElement[bool]]] = {
    "heard": ~_IS_SILENT,
    "silent": _IS_SILENT,
    "today": DEVICES.c.last_contact_ms >= bindparam("today_ms", type_=BigInteger),
    "live": _SINCE >= _AT_RISK_MS,
    "at_risk": and_(_SINCE < _AT_RISK_MS, _SINCE >= _DROPPED_MS),
    "dropped": _SINCE < _DROPPED_MS,
    "pending": is_pending(),
    "clock": func.abs(DEVICES.c.clock_offset_ms) > bindparam("clock_off_ms", type_=BigInteger),
    "holding": DEVICES.c.ledger_ready > 0,
}


def _held_against(limits: Limits) -> dict[str, int]:
    """Return the values that the conditions above ask for."""
    at_risk_ms, dropped_ms = (limits.now_ms - days * DAY_MS for days in (AT_RISK_DAYS, DROPPED_DAYS))
    own = {"today_ms": limits.today_ms, "clock_off_ms": limits.clock_off_ms}
    return own | {"at_risk_ms": at_risk_ms, "dropped_ms": dropped_ms}


def _standing(standing: str) -> list[ColumnElement[bool]]:
    if standing == "revoked":
        return [DEVICES.c.state == DeviceState.REVOKED]
    return [_IN_USE, _KNOWN[standing]] if standing in _KNOWN else [_IN_USE]


def _where(wanted: DeviceFilter) -> list[ColumnElement[bool]]:
    conditions = _standing(wanted.standing)
    if wanted.reason:
        conditions.append(SILENCES.c.reason == wanted.reason)
    if wanted.given:
        conditions.append(given.is_given(wanted.given))
    if wanted.version:
        conditions.append(DEVICES.c.agent_version == wanted.version)
    if wanted.search:
        raw = like_pattern(wanted.search_raw or wanted.search)
        conditions.append(
            or_(
                SCHOOLS.c.name_folded.like(like_pattern(wanted.search), escape="\\"),
                DEVICES.c.school.like(raw, escape="\\"),
                DEVICES.c.device.like(raw, escape="\\"),
            )
        )
    return conditions


_OF_SCHOOL: Final = ("name", "area", "timezone")
_OF_SILENCE: Final = ("reason", "last_word", "school_days", "others", "others_heard", "is_together")


def _columns() -> list[ColumnElement[Any]]:
    own = [name for name in DeviceRow.__dataclass_fields__ if name in DEVICES.c and name not in _OF_SCHOOL]
    return [
        *(DEVICES.c[name] for name in own),
        is_pending().label("is_pending"),
        DEVICES.c.school.label("code"),
        *(SCHOOLS.c[name] for name in _OF_SCHOOL),
        *(SILENCES.c[name] for name in _OF_SILENCE),
    ]


def device_rows(snapshot: Snapshot, wanted: DeviceFilter, limits: Limits, limit: int = 50) -> list[DeviceRow]:
    """Return the devices of a filter: waiting for approval first, then the longest silent."""
    is_heard = DEVICES.c.last_contact_ms.is_not(None)
    order = (is_pending().desc(), is_heard, DEVICES.c.last_contact_ms, DEVICES.c.device)
    found = select(DEVICES.c.device).select_from(_needed(wanted)).where(*_where(wanted))
    names = found.order_by(*order).limit(limit).subquery()
    query = select(*_columns()).select_from(_source().join(names, names.c.device == DEVICES.c.device)).order_by(*order)
    return [DeviceRow(**row) for row in snapshot.connection.execute(query, _held_against(limits)).mappings()]


def devices_by_id(snapshot: Snapshot, names: list[str]) -> list[DeviceRow]:
    """Return some devices that are in use, by school, without those that are not there."""
    in_use = DEVICES.c.state != DeviceState.REVOKED
    query = select(*_columns()).select_from(_source()).where(DEVICES.c.device.in_(names), in_use)
    query = query.order_by(DEVICES.c.school, DEVICES.c.device)
    return [DeviceRow(**row) for row in snapshot.connection.execute(query).mappings()]


def last_words(snapshot: Snapshot, names: Sequence[str]) -> dict[str, list[Said]]:
    """Return what the diaries of some PCs said in the day before they were heard last, each word once, newest first.

    Args:
        snapshot: The database.
        names: A few: as many as a page shows.
    """
    reach = DIARY.c.from_ms.between(DEVICES.c.last_contact_ms - _WORDS_REACH_MS, DEVICES.c.last_contact_ms)
    same = and_(DIARY.c.school == DEVICES.c.school, DIARY.c.device == DEVICES.c.device, reach)
    until = func.max(DIARY.c.to_ms)
    found: dict[str, list[Said]] = {}
    for some in in_pieces(names):
        query = select(DEVICES.c.device, DIARY.c.state, until).select_from(DEVICES.join(DIARY, same))
        query = query.where(DEVICES.c.device.in_(some)).group_by(DEVICES.c.device, DIARY.c.state)
        for device, word, until_ms in snapshot.connection.execute(query):
            found.setdefault(device, []).append(Said(word, until_ms))
    return {device: sorted(said, key=lambda one: (-one.until_ms, one.word)) for device, said in found.items()}


def count_devices(snapshot: Snapshot, wanted: DeviceFilter, limits: Limits) -> int:
    """Return how many devices a filter lists."""
    query = select(func.count()).select_from(_needed(wanted)).where(*_where(wanted))
    return int(snapshot.connection.execute(query, _held_against(limits)).scalar_one())


_FLEET: Final = select(
    *(func.count(case((and_(*_standing(name)), 1))) for name in _COUNTED),
    func.coalesce(func.sum(DEVICES.c.ledger_ready), 0),
).where(_IN_USE)


def fleet(snapshot: Snapshot, limits: Limits, reasons: Mapping[str, int]) -> DeviceCounts:
    """Return how the fleet stands, by one walk over it; who is silent was counted by `reasons`."""
    found = [int(value) for value in snapshot.connection.execute(_FLEET, _held_against(limits)).one()]
    return DeviceCounts(*[*found, sum(reasons.values())])


_REASONS: Final = (
    select(SILENCES.c.reason, func.count())
    .select_from(DEVICES.join(SILENCES, _SAME))
    .where(_IN_USE)
    .group_by(SILENCES.c.reason)
)


def reasons(snapshot: Snapshot) -> dict[str, int]:
    """Return how many devices that are in use are silent for which reason."""
    return {reason: int(count) for reason, count in snapshot.connection.execute(_REASONS)}


def versions(snapshot: Snapshot) -> list[tuple[str | None, int]]:
    """Return how many devices run which version, the most common first."""
    count = func.count()
    query = (
        select(DEVICES.c.agent_version, count)
        .where(DEVICES.c.state != DeviceState.REVOKED)
        .group_by(DEVICES.c.agent_version)
        .order_by(count.desc(), DEVICES.c.agent_version)
        .limit(20)
    )
    return [(row[0], int(row[1])) for row in snapshot.connection.execute(query)]
