"""Read models of flags by daily conditions: what their newest bad day says, and their days."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from collector.store.tables.judgement import CONDITION_DAYS, FLAGS
from collector.store.unit import Snapshot

_DAYS = CONDITION_DAYS.c


@dataclass(frozen=True)
class ConditionDay:
    """What one school-day says of a condition."""

    day: str
    state: str
    numbers: Mapping[str, Any]


def newest_bad(snapshot: Snapshot, flag_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the numbers of the newest bad day that was folded into each of some flags."""
    of_series = (_DAYS.school == FLAGS.c.school) & (_DAYS.kind == FLAGS.c.kind) & (_DAYS.subject == FLAGS.c.metric)
    newest = (
        select(FLAGS.c.flag_id, func.max(_DAYS.day).label("day"))
        .select_from(FLAGS.join(CONDITION_DAYS, of_series))
        .where(FLAGS.c.flag_id.in_(flag_ids), _DAYS.state == "bad", _DAYS.day <= FLAGS.c.last_day)
        .group_by(FLAGS.c.flag_id)
        .subquery()
    )
    query = (
        select(FLAGS.c.flag_id, _DAYS.numbers)
        .select_from(FLAGS.join(newest, newest.c.flag_id == FLAGS.c.flag_id).join(CONDITION_DAYS, of_series))
        .where(_DAYS.day == newest.c.day)
    )
    return {flag_id: json.loads(numbers) for flag_id, numbers in snapshot.connection.execute(query)}


def days(
    snapshot: Snapshot, code: str, kind: str, subject: str, last: str | None, limit: int = 30
) -> list[ConditionDay]:
    """Return the newest days of one series, the newest first.

    Args:
        snapshot: The database.
        code: Of the school.
        kind: Of the condition.
        subject: Of the flag.
        last: The last local day; None: up to the newest.
        limit: How many at most.
    """
    of_series = (_DAYS.school == code) & (_DAYS.kind == kind) & (_DAYS.subject == subject)
    query = select(_DAYS.day, _DAYS.state, _DAYS.numbers).where(of_series, _DAYS.day <= (last or "9999"))
    found = snapshot.connection.execute(query.order_by(_DAYS.day.desc()).limit(limit))
    return [ConditionDay(day, state, json.loads(numbers)) for day, state, numbers in found]
