"""A scope put into every statement: no query can forget it, because no query does it.

Each table belongs to a school (by a column `school`, `device` or `flag_id`), to everybody, or to who sees the whole
country. Before a statement of a scoped transaction runs, each SELECT in it, however deep, gets the condition of each
table that it reads; UPDATE and DELETE likewise. What cannot be looked through (text, DDL) is refused, and so is a
table of which nobody has said to whom it belongs.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Alias,
    BindParameter,
    ColumnClause,
    ColumnElement,
    CompoundSelect,
    Connection,
    Delete,
    Executable,
    FromClause,
    Insert,
    Join,
    Select,
    SelectBase,
    Table,
    Update,
    and_,
    event,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.visitors import cloned_traverse, iterate

from collector.domain.in_force import Reach, upwards
from collector.domain.scope import Scope, beginnings
from collector.store.tables.agent_settings import AGENT_SETTINGS
from collector.store.tables.devices import DEVICES
from collector.store.tables.hazards import HAZARD_SCHOOLS, HAZARDS
from collector.store.tables.judgement import FLAGS
from collector.store.tables.outages import OUTAGE_SCHOOLS
from collector.store.tables.registry import CALENDAR_DAYS, SCHOOLS, TARGET_VERSIONS

EVERYBODYS: Final = frozenset(
    {"facts", "users", "sessions", "sign_in_failures", "signing_keys", "api_keys", "saved_views", "use_limits"}
    | {"provider_networks", "site_totals"}
    | {"notice_preferences", "notice_mutes", "notice_turns", "notices", "notice_attempts"}
)
"""Tables in which nothing is of a school, or each row is of one reader and asked for by them."""

NOBODYS: Final = frozenset(
    {"audit", "registry_imports", "registry_changes", "notice_items", "webhooks", "outage_usual"}
)
"""Tables that only who sees the whole country may read."""

KEYS: Final = ("school", "flag_id", "device", "outage_id")
"""Columns that say whose a row is; the first that a table has decides."""


_OWNERS: Final = {"flag_id": FLAGS, "device": DEVICES, "outage_id": OUTAGE_SCHOOLS}


def apply(connection: Connection, scope: Scope) -> None:
    """Let a connection see one scope only, as long as this object of it is used."""
    if scope.is_whole:
        return

    @event.listens_for(connection, "before_execute", retval=True)
    def _limit(
        _connection: Connection, statement: Executable, many: Any, once: Any, _options: Any
    ) -> tuple[Executable, Any, Any]:
        if many or not isinstance(statement, Select | CompoundSelect):
            return limited(statement, scope), many, once
        known, values = _remembered(statement, scope)
        return known, many, {**values, **once}


_REMEMBERED_MAX = 1000
_remembered_statements: dict[Any, tuple[Executable, list[Any]]] = {}


def _remembered(statement: "Select[Any] | CompoundSelect[Any]", scope: Scope) -> tuple[Executable, dict[Any, Any]]:
    """Return the limited statement, and the values that it is to be executed with.

    Limiting costs as much as compiling. Statements of one form differ in their values alone; SQLAlchemy tells the form
    from the values, and so one that was limited before serves again.
    """
    form = statement._generate_cache_key()
    if form is None:
        return limited(statement, scope), {}
    known = _remembered_statements.get((scope, form.key))
    if known is None:
        if len(_remembered_statements) >= _REMEMBERED_MAX:
            _remembered_statements.clear()
        known = limited(statement, scope), [bind.key for bind in form.bindparams]
        _remembered_statements[scope, form.key] = known
    found, keys = known
    values = {key: bind.effective_value for key, bind in zip(keys, form.bindparams, strict=True) if not bind.required}
    return found, values


def limited(statement: Executable, scope: Scope) -> Executable:
    """Return a statement that reads and changes no more than the scope; its own parameters are the same objects.

    Raises:
        RuntimeError: If it cannot be looked through, or reads a table that nobody has said whose it is.
    """
    if not isinstance(statement, Select | CompoundSelect | Insert | Update | Delete):
        raise RuntimeError(f"a scoped transaction cannot look through {type(statement).__name__}")

    def add(found: Any) -> None:
        for source, may_miss in _sources(found).items():
            for condition in _conditions(source, scope, may_miss=may_miss):
                found._where_criteria += (condition,)  # `where` would give a copy, and here the copy is made already

    binds = [one for one in iterate(statement) if isinstance(one, BindParameter)]
    return cloned_traverse(statement, {"stop_on": binds}, {"select": add, "update": add, "delete": add})


def _sources(found: Any) -> dict[FromClause, bool]:
    """Return what a statement reads, each with whether its rows may be missing because it is joined outwards.

    What an enclosing statement reads is among it where it is spoken of: its condition once more does no harm.
    """
    sources: dict[FromClause, bool] = {}
    for _target, _on, _left, flags in getattr(found, "_setup_joins", ()):
        if isinstance(_target, FromClause):
            _note(_target, sources, may_miss=flags["isouter"] or flags["full"])
    for part in found.get_children():
        _note(part, sources, may_miss=False)
    return sources


def _note(part: Any, sources: dict[FromClause, bool], *, may_miss: bool) -> None:
    if isinstance(part, Join):
        _note(part.left, sources, may_miss=may_miss or part.full)
        _note(part.right, sources, may_miss=may_miss or part.isouter or part.full)
        _note(part.onclause, sources, may_miss=may_miss)
    elif isinstance(part, FromClause):
        sources[part] = sources.get(part, False) or may_miss
    elif isinstance(part, ColumnClause):
        if part.table is not None:
            _note(part.table, sources, may_miss=may_miss)
    elif not isinstance(part, SelectBase) and part is not None:
        for child in part.get_children():
            _note(child, sources, may_miss=may_miss)


def _conditions(source: FromClause, scope: Scope, *, may_miss: bool) -> Iterator[ColumnElement[bool]]:
    table: FromClause = source
    while isinstance(table, Alias):
        table = table.element
    if not isinstance(table, Table) or table.name in EVERYBODYS:
        return  # a subquery is looked through by itself
    condition = _condition(source, table, scope)
    yield or_(condition, *(column.is_(None) for column in _identity(source, table))) if may_miss else condition


def _identity(source: FromClause, table: Table) -> list[ColumnElement[Any]]:
    """Return a column that is never empty unless the row is missing."""
    return [source.c[next(iter(table.primary_key.columns)).name]]


def _condition(source: FromClause, table: Table, scope: Scope) -> ColumnElement[bool]:
    if table.name in NOBODYS:
        return false()
    if table is SCHOOLS:
        return _is_seen(source, scope)
    if table is CALENDAR_DAYS:
        return _of_calendars(source.c.calendar, scope)
    if table is TARGET_VERSIONS:
        return _of_targets(source, scope)
    if table is HAZARDS:
        return source.c.hazard_id.in_(_hazards(scope))
    if table is AGENT_SETTINGS:
        return or_(source.c.place == "", source.c.place.in_(_keys("school", scope)))
    key = next((name for name in KEYS if name in table.c), None)
    if key is None:
        raise RuntimeError(f"nobody has said who may read the table {table.name}: see `EVERYBODYS` and `NOBODYS`")
    return source.c[key].in_(_keys(key, scope))


def _is_seen(schools: FromClause, scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a school is in the scope."""
    return schools.c.code == scope.school if scope.school is not None else in_scope(schools.c.area, scope)


def in_scope(area: ColumnElement[str | None], scope: Scope) -> ColumnElement[bool]:
    """Return the condition that an area lies in the scope; LIKE would not tell capitals apart everywhere.

    It compares one by one: a list after IN is written out at each execution, which a statement that is executed for
    many rows at once cannot be.
    """
    if scope.areas is None:
        return literal(True)
    areas = sorted(scope.areas)
    starts = [func.substr(area, 1, len(start)) == start for one in areas for start in beginnings(one)]
    return or_(*(area == one for one in areas), *starts) if areas else false()


def _keys(key: str, scope: Scope) -> Select[Any]:
    """Return what the scope has of schools, flags or devices, by names of its own: nothing outside correlates."""
    schools = SCHOOLS.alias("seen_schools")
    codes = select(schools.c.code).where(_is_seen(schools, scope))
    if key == "school":
        return codes
    owners = _OWNERS[key].alias("seen_owners")
    return select(owners.c[key]).where(owners.c.school.in_(codes))


def _hazards(scope: Scope) -> Select[Any]:
    """Return the hazards in which a school of the scope lies."""
    members = HAZARD_SCHOOLS.alias("seen_members")
    return select(members.c.hazard_id).where(members.c.school.in_(_keys("school", scope)))


def _of_calendars(calendar: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    schools = SCHOOLS.alias("seen_schools")
    seen = _is_seen(schools, scope)
    own = [
        calendar.in_(select(literal(prefix).op("||")(column)).where(seen))
        for prefix, column in (("area:", schools.c.area), ("school:", schools.c.code))
    ]
    return or_(calendar == "default", *own)


def _of_targets(source: FromClause, scope: Scope) -> ColumnElement[bool]:
    """Return what holds for everybody, for an area of the scope or around one, and for its schools."""
    if scope.school is not None:
        here = _is_around(source.c.place, scope.school)
    else:
        around = {wider for area in scope.areas or () for wider in upwards(area)}
        here = or_(in_scope(source.c.place, scope), *(source.c.place == one for one in sorted(around)))
    return or_(
        source.c.reach == Reach.DEPLOYMENT.value,
        and_(source.c.reach == Reach.AREA.value, here),
        and_(source.c.reach == Reach.SCHOOL.value, source.c.place.in_(_keys("school", scope))),
    )


def _is_around(place: ColumnElement[str], school: str) -> ColumnElement[bool]:
    """Return the condition that an area is that of a school, or a wider one around it."""
    schools = SCHOOLS.alias("seen_schools")
    starts = [
        func.substr(schools.c.area, 1, func.length(place) + len(end)) == place.op("||")(literal(end))
        for end in beginnings("")
    ]
    inside = or_(schools.c.area == place, *starts)
    return select(schools.c.code).where(schools.c.code == school, inside).exists()
