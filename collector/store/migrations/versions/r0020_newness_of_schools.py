"""Whether any school has changed is seen in an index, not in all schools."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_schools_updated_ms", "schools", ["updated_ms"])
