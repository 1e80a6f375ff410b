"""What a test point's confirmation of a measurement is worth stands beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was stored before is not judged again."""
    op.add_column("measurements", sa.Column("receipt_verdict", sa.Text(), nullable=True))
