"""The facts that notices are made from: flags of a scope, its time zone, and the vital signs of Enlace."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Select, and_, func, select

from collector.domain.notice_facts import FlagFact
from collector.domain.words import OPEN_STATES
from collector.store.queries import health
from collector.store.queries.judging import suppressions
from collector.store.queries.judging.suppressions import Hold
from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import FLAG_WORK, FLAGS
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.registry import CALENDAR_DAYS, SCHOOLS
from collector.store.unit import Snapshot

_DAY_MS: Final = 86_400_000
_ENDED_MS: Final = 5 * _DAY_MS  # before now: who gets a digest a day has been told since, also over a long weekend
_TELLING_MS: Final = 5 * _DAY_MS  # after a flag opened: so long it may wait for the next digest
_PUPILS = func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift)
_FLAG = ("flag_id", "kind", "school", "state", "severity", "opened_on", "closed_on", "closed_by", "metric")
_NUMBERS = ("n", "days", "attained", "median_bps", "target_bps")


@dataclass(frozen=True)
class _Held:
    """Schools whose flags are on hold, and those whose flags were."""

    now: Mapping[str, Hold]
    ended: Mapping[str, Hold]

    def until(self, school: str, opened_on: str) -> str | None:
        """Return the day on which a hold ended that can have kept a flag from being told; None: there was none.

        A flag that opened long before the hold had its time to be told.
        """
        hold = self.ended.get(school)
        if hold is None or hold.until_ms is None:
            return None
        is_late = opened_on >= _utc_day(hold.from_ms - _TELLING_MS)
        return _utc_day(hold.until_ms) if is_late and opened_on <= _utc_day(hold.until_ms + _DAY_MS) else None


def _utc_day(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date().isoformat()


def flags_of(snapshot: Snapshot, now_ms: int, told: Collection[str]) -> list[FlagFact]:
    """Return the open flags that the snapshot sees, and those of `told` (ids), open or not.

    Args:
        snapshot: Limited to the reader's scope.
        now_ms: A flag that rests beyond it counts as seen.
        told: Flags that the reader was told of.
    """
    held = _Held(suppressions.holds(snapshot), suppressions.ended_holds(snapshot, now_ms - _ENDED_MS))
    found = {one.flag_id: one for one in _facts(snapshot, _flags().where(FLAGS.c.state.in_(OPEN_STATES)), now_ms, held)}
    for piece in in_pieces(sorted(set(told) - set(found))):
        for one in _facts(snapshot, _flags().where(FLAGS.c.flag_id.in_(piece)), now_ms, held):
            found[one.flag_id] = one
    return list(found.values())


def _flags() -> "Select[tuple[object, ...]]":
    of_flag = and_(
        NEWEST.c.school == FLAGS.c.school, NEWEST.c.profile == FLAGS.c.profile, NEWEST.c.metric == FLAGS.c.metric
    )
    joined = FLAGS.join(SCHOOLS, SCHOOLS.c.code == FLAGS.c.school)
    joined = joined.outerjoin(FLAG_WORK, FLAG_WORK.c.flag_id == FLAGS.c.flag_id).outerjoin(NEWEST, of_flag)
    return select(
        *(FLAGS.c[name] for name in _FLAG),
        *(SCHOOLS.c[name] for name in ("name", "area")),
        _PUPILS.label("pupils"),
        *(FLAG_WORK.c[name] for name in ("owner", "seen_by", "snoozed_until_ms")),
        *(NEWEST.c[name] for name in _NUMBERS),
    ).select_from(joined)


def _facts(snapshot: Snapshot, query: "Select[tuple[object, ...]]", now_ms: int, held: _Held) -> list[FlagFact]:
    found = []
    for row in snapshot.connection.execute(query).mappings():
        numbers = {name: row[name] for name in _NUMBERS if row[name] is not None}
        is_speed = row["kind"] == "below_target"
        found.append(
            FlagFact(
                flag_id=row["flag_id"],
                kind=row["kind"],
                school=row["school"],
                area=row["area"],
                opened_on=row["opened_on"],
                closed_on=row["closed_on"],
                sentence_key=row["kind"],
                numbers=numbers if is_speed else {"subject": row["metric"]} if row["metric"] else {},
                name=row["name"],
                severity=row["severity"],
                pupils=row["pupils"],
                closed_by=row["closed_by"],
                is_retracted=row["state"] == "retracted",
                is_seen=bool(row["owner"] or row["seen_by"] or (row["snoozed_until_ms"] or 0) > now_ms),
                is_on_hold=row["school"] in held.now,
                held_until=held.until(row["school"], row["opened_on"]),
            )
        )
    return found


def zone_of_most(snapshot: Snapshot) -> str | None:
    """Return the time zone that most schools of the snapshot's scope have; None: that of the deployment."""
    query = select(SCHOOLS.c.timezone).group_by(SCHOOLS.c.timezone)
    return snapshot.connection.scalars(query.order_by(func.count().desc(), SCHOOLS.c.timezone).limit(1)).first()


def common_days(snapshot: Snapshot, areas: Collection[str], from_day: str, to_day: str) -> dict[str, str]:
    """Return the days that differ for everybody of a scope, by the default calendar, or that of its only area."""
    names = ["default", *(f"area:{one}" for one in areas)] if len(areas) == 1 else ["default"]
    table = CALENDAR_DAYS.c
    rows = snapshot.connection.execute(
        select(table.calendar, table.day, table.kind).where(
            table.calendar.in_(names), table.day >= from_day, table.day <= to_day
        )
    ).all()
    return {row.day: row.kind for row in sorted(rows, key=lambda row: names.index(row.calendar))}


@dataclass(frozen=True)
class Fleet:
    """What devices tell of the collector: those alone that a person has let in, and whose key does not wait for it."""

    heard: int  # devices within a week
    last_contact_ms: int | None
    clock_offsets_ms: tuple[int, ...]  # of those that were heard lately


def fleet(snapshot: Snapshot, now_ms: int, *, week_ms: int = 7 * 86_400_000, lately_ms: int = 3_600_000) -> Fleet:
    """Return what devices tell: how many were heard, when the last one, and how their clocks differ from ours."""
    table, is_let_in = DEVICES.c, health.is_let_in()
    heard = select(func.count(), func.max(table.last_contact_ms)).where(
        is_let_in, table.last_contact_ms > now_ms - week_ms
    )
    count, last_ms = snapshot.connection.execute(heard).one()
    offsets = select(table.clock_offset_ms).where(
        is_let_in,
        table.clock_offset_ms.is_not(None),
        table.last_contact_ms > now_ms - lately_ms,
    )
    return Fleet(int(count), last_ms, tuple(snapshot.connection.scalars(offsets.limit(2000))))
