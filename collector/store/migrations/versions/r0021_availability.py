"""Whether the lines of schools were up, by day; every diary that is there is looked at by the first run."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and what the diary lacks."""
    op.add_column("diary", sa.Column("clock_off_ms", sa.BigInteger()))
    away = sa.text("boot_id IS NULL")
    op.create_index("ix_diary_away", "diary", ["school", "to_ms"], sqlite_where=away, postgresql_where=away)
    _of_days()
    op.create_table(
        "availability_now",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("school", "as_of")),
        *(sa.Column(name, sa.Text()) for name in ("from_day", "last_day")),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("days", "good_slots", "down_slots", "unobserved_slots")
        ),
        *(sa.Column(name, sa.Float()) for name in ("availability", "coverage")),
        sa.PrimaryKeyConstraint("school", name="pk_availability_now"),
    )
    op.create_table(
        "local_outages",
        sa.Column("school", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("from_ms", "seen_ms")),
        sa.Column("to_ms", sa.BigInteger()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("down_slots", "school_slots")),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("learnt_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("school", "from_ms", name="pk_local_outages"),
    )
    op.create_index("ix_local_outages_from_ms", "local_outages", ["from_ms"])
    op.create_table(
        "availability_marks",
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("school", name="pk_availability_marks"),
    )
    op.execute(
        "INSERT INTO availability_marks (school, from_ms) "
        "SELECT school, MIN(from_ms) FROM diary WHERE school IS NOT NULL GROUP BY school"
    )


def _of_days() -> None:
    op.create_table(
        "availability_days",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("school", "day")),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("good_slots", "down_slots", "unobserved_slots")),
        *(sa.Column(name, sa.Float()) for name in ("availability", "coverage")),
        sa.Column("learnt_ms", sa.BigInteger()),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("spans", "states")),
        sa.Column("late", sa.Text()),
        sa.PrimaryKeyConstraint("school", "day", name="pk_availability_days"),
    )
