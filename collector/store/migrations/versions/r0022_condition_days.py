"""Flags can be of more than the speed: what each school-day says of a condition is kept; and why PCs are silent."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    names = ("school", "kind", "subject", "day", "state", "numbers")
    op.create_table(
        "condition_days",
        *(sa.Column(name, sa.Text(), nullable=False) for name in names),
        sa.PrimaryKeyConstraint(*names[:4], name="pk_condition_days"),
    )
    is_bad = sa.text("state = 'bad'")
    op.create_index(
        "ix_condition_days_bad", "condition_days", ["kind", "school"], sqlite_where=is_bad, postgresql_where=is_bad
    )
    op.create_table(
        "silences",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("contact_ms", sa.BigInteger()),
        sa.Column("school_days", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("last_word", sa.Text()),
        sa.Column("others", sa.Integer(), nullable=False),
        sa.Column("others_heard", sa.Integer(), nullable=False),
        sa.Column("is_together", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_silences"),
    )
    op.create_index("ix_silences_reason", "silences", ["reason"])
    op.create_index("ix_silences_school", "silences", ["school"])
