"""What stands of each school now, and stood at the end of each month and week, is kept beside the evaluations."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

_SERIES = ("school", "profile", "metric")
_EVALUATIONS = sa.table(
    "evaluations",
    *(sa.column(name) for name in (*_SERIES, "day", "verdict", "median_bps", "target_bps", "profile_version")),
)
_PERIODS = ("way", "first_day", "day", "verdict", "verdict_before", "ratio", "profile_version")
_PERIOD_VERDICTS = sa.table("period_verdicts", *(sa.column(name) for name in (*_SERIES, *_PERIODS)))
_AT_ONCE = 500  # schools


def upgrade() -> None:
    """Make the tables and fill them from the evaluations; let what pages ask for be found."""
    _create_indexes()
    _create_newest()
    _create_periods()
    names = [column.name for column in _newest_columns()]
    same = " AND ".join(f"newer.{name} = evaluations.{name}" for name in _SERIES)
    op.execute(
        f"INSERT INTO newest_evaluations ({', '.join(names)}, median_idle_rtt_ms) "  # noqa: S608 -- names of ours
        f"SELECT {', '.join(f'evaluations.{name}' for name in names)}, school_days.median_idle_rtt_ms FROM evaluations "
        "LEFT OUTER JOIN school_days ON school_days.school = evaluations.school AND school_days.day = evaluations.day "
        f"WHERE NOT EXISTS (SELECT 1 FROM evaluations AS newer WHERE {same} AND newer.day > evaluations.day)"
    )
    connection = op.get_bind()
    schools = connection.execute(sa.select(_EVALUATIONS.c.school).distinct()).scalars().all()
    for start in range(0, len(schools), _AT_ONCE):
        if rows := list(_period_rows(connection, schools[start : start + _AT_ONCE])):
            connection.execute(sa.insert(_PERIOD_VERDICTS), rows)


def _create_indexes() -> None:
    waits = sa.text("state = 'pending'")
    op.create_index("ix_device_keys_pending", "device_keys", ["device"], sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_schools_provider", "schools", ["provider"])
    op.create_index("ix_schools_technology", "schools", ["technology"])
    op.create_index(
        "ix_schools_demo",
        "schools",
        ["code"],
        sqlite_where=sa.text("is_demo = 1"),
        postgresql_where=sa.text("is_demo"),
    )


def _newest_columns() -> list[sa.Column[Any]]:
    texts, counts = ("school", "profile", "profile_version", "metric", "day"), ("n", "days")
    return [
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.Text()) for name in ("target_profile", "window_from", "remedy", "severity")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in (*counts, "attained", "unknown", "failed")),
        *(sa.Column(name, sa.Float()) for name in ("n_effective", "a_lo", "a_hi", "lower", "upper", "recover_share")),
        sa.Column("share", sa.Float(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("verdict", "state")),
        sa.Column("state_count", sa.Integer(), nullable=False),
        sa.Column("target_bps", sa.BigInteger(), nullable=False),
        sa.Column("is_estimated", sa.Boolean(), nullable=False),
        sa.Column("median_bps", sa.BigInteger()),
    ]


def _create_newest() -> None:
    key = sa.PrimaryKeyConstraint(*_SERIES, name="pk_newest_evaluations")
    op.create_table("newest_evaluations", *_newest_columns(), sa.Column("median_idle_rtt_ms", sa.Float()), key)


def _create_periods() -> None:
    needed = (*_SERIES, "way", "first_day", "day", "verdict", "profile_version")
    op.create_table(
        "period_verdicts",
        *(sa.Column(name, sa.Text(), nullable=False) for name in needed),
        sa.Column("verdict_before", sa.Text()),
        sa.Column("ratio", sa.Float()),
        sa.PrimaryKeyConstraint(*_SERIES, "way", "first_day", name="pk_period_verdicts"),
    )
    place = ("way", "first_day", "profile", "metric")
    counted = (*place, "verdict", "verdict_before", "profile_version", "school")
    op.create_index("ix_period_verdicts_counts", "period_verdicts", list(counted))
    op.create_index("ix_period_verdicts_ratio", "period_verdicts", [*place, "ratio", "school"])


def _first(way: str, day: date) -> date:
    return day - timedelta(days=day.weekday()) if way == "week" else day.replace(day=1)


def _period_rows(connection: sa.Connection, schools: Sequence[str]) -> Iterator[dict[str, Any]]:
    order = [_EVALUATIONS.c[name] for name in (*_SERIES, "day")]
    query = sa.select(_EVALUATIONS).where(_EVALUATIONS.c.school.in_(schools)).order_by(*order)
    found = connection.execute(query).all()
    for series, days in groupby(found, key=lambda row: tuple(row[:3])):
        judged = list(days)
        for way in ("month", "week"):
            newest = {_first(way, date.fromisoformat(row.day)): row for row in judged}
            for first, row in newest.items():
                before = newest.get(_first(way, first - timedelta(days=1)))
                is_judged = row.verdict != "INSUFFICIENT" and row.median_bps is not None
                values = (
                    *(way, first.isoformat(), row.day, row.verdict, before.verdict if before is not None else None),
                    *(row.median_bps / row.target_bps if is_judged else None, row.profile_version),
                )
                yield dict(zip((*_SERIES, *_PERIODS), (*series, *values), strict=True))
