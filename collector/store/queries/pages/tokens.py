"""Read models of the page of enrolment tokens: which there are, and which schools may want one."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.schools import Measure, SchoolFilter, judged_schools, like_pattern
from collector.store.tables.devices import DEVICES, TOKENS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

STATES = ("valid", "exhausted", "expired", "revoked")
LACKS = ("pc", "both")  # schools without a PC; without a PC and without a token that still admits one


@dataclass(frozen=True)
class TokenFilter:
    """Which tokens; an empty text means all."""

    state: str = ""  # one of STATES
    area: str = ""
    search: str = ""  # folded
    search_raw: str = ""
    batch: str = ""  # made together by one form


@dataclass(frozen=True)
class TokenRow:
    """One token with its school."""

    token_id: str
    school: str
    name: str | None
    area: str | None
    timezone: str | None
    max_devices: int
    used: int
    created_ms: int
    created_by: str | None
    expires_ms: int
    revoked_ms: int | None
    state: str
    batch: str | None


@dataclass(frozen=True)
class Invitee:
    """One school that may get a token."""

    code: str
    name: str
    area: str | None
    devices: int  # in use
    tokens: int  # that still admit computers


def _state(now_ms: int) -> ColumnElement[str]:
    """Return the same words as `collector.intake.invitations.state_of`."""
    return case(
        (TOKENS.c.revoked_ms.is_not(None), "revoked"),
        (TOKENS.c.expires_ms <= now_ms, "expired"),
        (TOKENS.c.used < TOKENS.c.max_devices, "valid"),
        else_="exhausted",
    )


def _where(wanted: TokenFilter, now_ms: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state:
        conditions.append(_state(now_ms) == wanted.state)
    if wanted.area:
        conditions.append(SCHOOLS.c.area == wanted.area)
    if wanted.batch:
        conditions.append(TOKENS.c.batch == wanted.batch)
    if wanted.search:
        raw = like_pattern(wanted.search_raw or wanted.search)
        by_name = SCHOOLS.c.name_folded.like(like_pattern(wanted.search), escape="\\")
        by_code = (column.like(raw, escape="\\") for column in (TOKENS.c.school, TOKENS.c.token_id))
        conditions.append(or_(by_name, *by_code))
    return conditions


_SOURCE = TOKENS.outerjoin(SCHOOLS, SCHOOLS.c.code == TOKENS.c.school)
_OWN = ("token_id", "school", "max_devices", "used", "created_ms", "created_by", "expires_ms", "revoked_ms", "batch")


def token_rows(snapshot: Snapshot, wanted: TokenFilter, now_ms: int, limit: int = 50) -> list[TokenRow]:
    """Return the tokens of a filter, the newest first; those made together in the order of their schools."""
    query = (
        select(
            *(TOKENS.c[name] for name in _OWN),
            *(SCHOOLS.c[name] for name in ("name", "area", "timezone")),
            _state(now_ms).label("state"),
        )
        .select_from(_SOURCE)
        .where(*_where(wanted, now_ms))
        .order_by(TOKENS.c.created_ms.desc(), SCHOOLS.c.name_order, TOKENS.c.school, TOKENS.c.token_id)
        .limit(limit)
    )
    return [TokenRow(**row) for row in snapshot.connection.execute(query).mappings()]


def count_by_state(snapshot: Snapshot, wanted: TokenFilter, now_ms: int) -> dict[str, int]:
    """Return how many tokens of a filter stand how, by one walk over them."""
    state = _state(now_ms)
    query = select(*(func.count(case((state == name, 1))) for name in STATES))
    found = snapshot.connection.execute(query.select_from(_SOURCE).where(*_where(wanted, now_ms))).one()
    return {name: int(count) for name, count in zip(STATES, found, strict=True)}


def _devices() -> ColumnElement[int]:
    return (
        select(func.count())
        .select_from(DEVICES)
        .where(DEVICES.c.school == SCHOOLS.c.code, DEVICES.c.state != "revoked")
        .scalar_subquery()
    )


def _open_tokens(now_ms: int) -> ColumnElement[int]:
    admits = and_(TOKENS.c.revoked_ms.is_(None), TOKENS.c.expires_ms > now_ms, TOKENS.c.used < TOKENS.c.max_devices)
    return select(func.count()).select_from(TOKENS).where(TOKENS.c.school == SCHOOLS.c.code, admits).scalar_subquery()


def _invited(wanted: SchoolFilter, lacks: str, now_ms: int) -> list[ColumnElement[bool]]:
    conditions = pages_schools.where(wanted)
    if lacks in LACKS:
        conditions.append(_devices() == 0)
    if lacks == "both":
        conditions.append(_open_tokens(now_ms) == 0)
    return conditions


def invitees(
    snapshot: Snapshot, measure: Measure, wanted: SchoolFilter, lacks: str, now_ms: int, limit: int
) -> list[Invitee]:
    """Return the schools of a filter by name, each with what it has already.

    Args:
        snapshot: Where to look.
        measure: Which verdicts the filter speaks of.
        wanted: Which schools.
        lacks: One of LACKS; empty: whatever they have.
        now_ms: The moment, Unix milliseconds.
        limit: At most so many.
    """
    query = (
        select(
            SCHOOLS.c.code,
            SCHOOLS.c.name,
            SCHOOLS.c.area,
            _devices().label("devices"),
            _open_tokens(now_ms).label("tokens"),
        )
        .select_from(judged_schools(measure))
        .where(*_invited(wanted, lacks, now_ms))
        .order_by(SCHOOLS.c.name_order, SCHOOLS.c.code)
        .limit(limit)
    )
    return [Invitee(**row) for row in snapshot.connection.execute(query).mappings()]


def count_invitees(snapshot: Snapshot, measure: Measure, wanted: SchoolFilter, lacks: str, now_ms: int) -> int:
    """Return how many schools a filter has."""
    query = select(func.count()).select_from(judged_schools(measure))
    return int(snapshot.connection.scalar(query.where(*_invited(wanted, lacks, now_ms))) or 0)
