"""Rows of availability say what they were when they were written: what somebody alters by hand is found in any run.

Those that are there have no seal: the next runs fold the last weeks of them again, and write it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column to both tables."""
    for table in ("availability_days", "local_outages"):
        op.add_column(table, sa.Column("seal", sa.BigInteger()))
