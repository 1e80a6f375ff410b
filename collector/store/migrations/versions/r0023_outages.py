"""Who was heard when, and regional outages."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "contacts",
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "school", name="pk_contacts"),
    )
    op.create_table(
        "outage_usual",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("ticks", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "area", "provider", name="pk_outage_usual"),
    )
    _outages()
    op.create_table(
        "outage_schools",
        sa.Column("outage_id", sa.Text(), nullable=False),
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.Column("back_ms", sa.BigInteger()),
        sa.Column("is_late_only", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("said", sa.Text(), nullable=False, server_default=""),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger()),
        sa.Column("pupil_hours", sa.Float()),
        sa.Column("days", sa.Text(), nullable=False, server_default="[]"),
        sa.PrimaryKeyConstraint("outage_id", "school", name="pk_outage_schools"),
    )
    op.create_index("ix_outage_schools_school", "outage_schools", ["school"])
    op.create_index("ix_diary_received_ms", "diary", ["received_ms"])


def _outages() -> None:
    op.create_table(
        "outages",
        sa.Column("outage_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "label", "state")),
        sa.Column("area", sa.Text(), nullable=False, server_default=""),
        sa.Column("provider", sa.Text(), nullable=False, server_default=""),
        sa.Column("suspected_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(f"{name}_ms", sa.BigInteger()) for name in ("opened", "recovered", "whole", "closed")),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("online", "silent")),
        *(sa.Column(name, sa.Float()) for name in ("usual", "chance")),
        *(sa.Column(name, sa.Integer()) for name in ("near_online", "near_silent")),
        sa.Column("confirmed", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("pupils", sa.Integer()),
        sa.Column("pupil_hours", sa.Float()),
        sa.Column("timeline", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("learnt_ms", sa.BigInteger()),
        sa.Column("seen_live", sa.Boolean(), nullable=False, server_default="1"),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("live_label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("outage_id", name="pk_outages"),
    )
    op.create_index("ix_outages_state", "outages", ["state"])
    op.create_index("ix_outages_from_ms", "outages", ["from_ms"])
