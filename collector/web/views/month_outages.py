"""What broke in a month, in words: regional outages, and how many of one school alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from collector.store.queries.pages.reports import OutageRow
from collector.web.language import present
from collector.web.language.i18n import say, say_many

_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Broken:
    """The outages of a month in figures."""

    outages: int  # of schools: neither ours nor taken back
    hours: float
    pupil_hours: float | None  # of those of which it is known; None: of none
    is_whole: bool  # it is known of all
    ours: int  # of our own server, as far as they were not taken back
    local: int  # of one school alone


def add_up(rows: Sequence[OutageRow], local: int, now_ms: int) -> Broken:
    """Return the figures; what goes on is counted until now.

    Args:
        rows: Of the month.
        local: Outages of one school alone.
        now_ms: The moment, UTC milliseconds.
    """
    some = [row for row in rows if not row.is_ours and not row.is_none]
    lost = [row.pupil_hours for row in some if row.pupil_hours is not None]
    return Broken(
        outages=len(some),
        hours=sum((now_ms if row.to_ms is None else row.to_ms) - row.from_ms for row in some) / _HOUR_MS,
        pupil_hours=sum(lost) if lost else None,
        is_whole=len(lost) == len(some),
        ours=sum(row.is_ours and not row.is_none for row in rows),
        local=local,
    )


def words(found: Broken) -> list[Markup]:
    """Return the sentences."""
    return [_regional(found), *_ours(found), *_local(found)]


def _regional(found: Broken) -> Markup:
    if not found.outages:
        return say("No regional outage began in this month.")
    values = {"shown": present.number(found.outages), "hours": present.number(found.hours, 1)}
    if found.pupil_hours is None:
        return say_many(
            "%(shown)s regional outage, %(hours)s hours.",
            "%(shown)s regional outages, %(hours)s hours together.",
            found.outages,
            **values,
        )
    values["lost"] = present.number(found.pupil_hours)
    if not found.is_whole:
        return say_many(
            "%(shown)s regional outage, %(hours)s hours; at least %(lost)s pupil-hours of school time were lost.",
            "%(shown)s regional outages, %(hours)s hours together; "
            "at least %(lost)s pupil-hours of school time were lost.",
            found.outages,
            **values,
        )
    return say_many(
        "%(shown)s regional outage, %(hours)s hours; %(lost)s pupil-hours of school time were lost.",
        "%(shown)s regional outages, %(hours)s hours together; %(lost)s pupil-hours of school time were lost.",
        found.outages,
        **values,
    )


def _ours(found: Broken) -> list[Markup]:
    if not found.ours:
        return []
    return [
        say_many(
            "%(shown)s silence was of our own server and does not count.",
            "%(shown)s silences were of our own server and do not count.",
            found.ours,
            shown=present.number(found.ours),
        )
    ]


def _local(found: Broken) -> list[Markup]:
    if not found.local:
        return []
    return [
        say_many(
            "PCs saw %(shown)s more outage, of one school alone.",
            "PCs saw %(shown)s more outages, each of one school alone.",
            found.local,
            shown=present.number(found.local),
        )
    ]
