"""Flags can be of more than the speed: what each school-day says of a condition is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
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
