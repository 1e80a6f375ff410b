"""What was set aside is found without reading what was not."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index of the tests that do not vote."""
    only = sa.text("exclusion IS NOT NULL")
    op.create_index(
        "ix_measurements_aside",
        "measurements",
        ["started_ms", "exclusion", "school", "device"],
        sqlite_where=only,
        postgresql_where=only,
    )
