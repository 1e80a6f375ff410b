"""Tokens remember with which others they were made, so that lost letters are ended together."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the batch; tokens of the command line have none."""
    op.add_column("tokens", sa.Column("batch", sa.Text(), nullable=True))
    op.create_index("ix_tokens_batch", "tokens", ["batch"])
