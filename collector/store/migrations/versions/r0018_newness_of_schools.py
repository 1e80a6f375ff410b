"""Whether any school has changed is seen in an index, not in all schools."""

from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_schools_updated_ms", "schools", ["updated_ms"])
