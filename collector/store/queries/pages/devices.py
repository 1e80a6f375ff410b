"""Read models of the devices page: who is silent, who waits for approval, whose clock is wrong."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from agent.wire.vocabulary import DeviceState
from collector.store.queries.pages.schools import like_pattern
from collector.store.tables.devices import DEVICE_KEYS, DEVICES
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class DeviceFilter:
    """Which devices; an empty text means all."""

    standing: str = ""  # heard | silent | pending | clock | revoked
    search: str = ""  # folded
    search_raw: str = ""


@dataclass(frozen=True)
class Limits:
    """What counts as silent and as a wrong clock at this moment."""

    silent_before_ms: int  # not heard since then
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


@dataclass(frozen=True)
class DeviceCounts:
    """How the fleet stands."""

    total: int
    heard: int
    silent: int
    pending: int
    clock: int
    waiting: int  # measurements that devices say they still hold


# A new device, or a new key of a known one: both wait for one click. The keys that wait are few and looked up once.
_IS_PENDING = or_(
    DEVICES.c.state == DeviceState.PENDING,
    DEVICES.c.device.in_(select(DEVICE_KEYS.c.device).where(DEVICE_KEYS.c.state == DeviceState.PENDING)),
)


def is_pending() -> ColumnElement[bool]:
    """Return whether a device, or a new key of it, waits for approval."""
    return _IS_PENDING


def _standing(standing: str, limits: Limits) -> list[ColumnElement[bool]]:
    live = DEVICES.c.state != DeviceState.REVOKED
    if standing == "revoked":
        return [DEVICES.c.state == DeviceState.REVOKED]
    if standing == "pending":
        return [live, _IS_PENDING]
    if standing == "heard":
        return [live, DEVICES.c.last_contact_ms >= limits.silent_before_ms]
    if standing == "silent":
        return [live, _is_silent(limits)]
    if standing == "clock":
        return [live, func.abs(DEVICES.c.clock_offset_ms) > limits.clock_off_ms]
    return [live]


def _is_silent(limits: Limits) -> ColumnElement[bool]:
    """Silence begins with the last contact; of a device that was never heard, with its enrolment."""
    return func.coalesce(DEVICES.c.last_contact_ms, DEVICES.c.enrolled_ms) < limits.silent_before_ms


def _where(wanted: DeviceFilter, limits: Limits) -> list[ColumnElement[bool]]:
    conditions = _standing(wanted.standing, limits)
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


def device_rows(snapshot: Snapshot, wanted: DeviceFilter, limits: Limits, limit: int = 50) -> list[DeviceRow]:
    """Return the devices of a filter: waiting for approval first, then the longest silent."""
    own = [name for name in DeviceRow.__dataclass_fields__ if name in DEVICES.c and name != "name"]
    query = (
        select(
            *(DEVICES.c[name] for name in own),
            _IS_PENDING.label("is_pending"),
            DEVICES.c.school.label("code"),
            SCHOOLS.c.name,
            SCHOOLS.c.area,
            SCHOOLS.c.timezone,
        )
        .select_from(DEVICES.outerjoin(SCHOOLS, SCHOOLS.c.code == DEVICES.c.school))
        .where(*_where(wanted, limits))
        .order_by(
            _IS_PENDING.desc(),
            DEVICES.c.last_contact_ms.is_not(None),
            DEVICES.c.last_contact_ms,
            DEVICES.c.device,
        )
        .limit(limit)
    )
    return [DeviceRow(**row) for row in snapshot.connection.execute(query).mappings()]


def count_devices(snapshot: Snapshot, wanted: DeviceFilter, limits: Limits) -> int:
    """Return how many devices a filter lists."""
    source = DEVICES.outerjoin(SCHOOLS, SCHOOLS.c.code == DEVICES.c.school) if wanted.search else DEVICES
    query = select(func.count()).select_from(source).where(*_where(wanted, limits))
    return int(snapshot.connection.execute(query).scalar_one())


def fleet(snapshot: Snapshot, limits: Limits) -> DeviceCounts:
    """Return how the fleet stands, by one walk over it."""
    counts = [
        func.count(case((and_(*_standing(name, limits)), 1))) for name in ("", "heard", "silent", "pending", "clock")
    ]
    query = select(*counts, func.coalesce(func.sum(DEVICES.c.ledger_ready), 0)).where(*_standing("", limits))
    return DeviceCounts(*(int(value) for value in snapshot.connection.execute(query).one()))


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
