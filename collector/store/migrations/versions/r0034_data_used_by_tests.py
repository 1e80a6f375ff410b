"""How many bytes the tests of each school day moved, and of each month, so that no page adds up measurements for it.

Nothing is counted here: days that were folded before have none, and get theirs when they are folded again, each school
within a week (`evaluate.turns`). Until then the month says how many of its days are not counted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None

_COUNTS = ("used_bytes", "measurements", "voting", "uncounted_days")
_MONTH = "substr(day, 1, 7) || '-01'"


def upgrade() -> None:
    """Add the column, the table and what is looked for; let the months say what is not counted yet."""
    op.add_column("school_days", sa.Column("used_bytes", sa.BigInteger()))
    op.create_table(
        "school_months",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("school", "first_day")),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS[1:]),
        sa.PrimaryKeyConstraint("school", "first_day", name="pk_school_months"),
    )
    op.create_index("ix_school_months_used", "school_months", ["first_day", "school", *_COUNTS])
    op.create_index("ix_devices_state_school", "devices", ["state", "school"])
    op.execute(
        f"INSERT INTO school_months (school, first_day, {', '.join(_COUNTS)}) "  # noqa: S608 -- names of ours
        f"SELECT school, {_MONTH}, 0, sum(measurements), sum(voting), sum(CASE WHEN measurements > 0 THEN 1 ELSE 0 END) "
        f"FROM school_days GROUP BY school, {_MONTH}"
    )
