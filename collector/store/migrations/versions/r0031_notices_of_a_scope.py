"""A message says for which areas it was written, so that it goes to nobody who sees others by then.

Those that wait were written for the areas that their readers have now, as far as anybody can tell.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_AREAS = "SELECT u.areas FROM users AS u WHERE notices.reader = 'user:' || u.user_id"


def upgrade() -> None:
    """Add both columns and fill them."""
    op.add_column("notices", sa.Column("areas", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("notices", sa.Column("due_ms", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(f"UPDATE notices SET due_ms = made_ms, areas = COALESCE(({_AREAS}), '[]')")  # noqa: S608 -- no input
