"""The outbox of notices with its log, what was told to whom, and webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list["sa.Column[str]"]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "notices",
        *_texts("notice_id", "reader", "topic", "language", "zone", "payload"),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        *_texts("state"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until_ms", sa.BigInteger()),
        sa.Column("done_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("notice_id", name="pk_notices"),
    )
    op.create_index("ix_notices_state_next_ms", "notices", ["state", "next_ms"])
    op.create_index("ix_notices_made_ms", "notices", ["made_ms"])
    op.create_index("ix_notices_reader_made_ms", "notices", ["reader", "made_ms"])
    op.create_table(
        "notice_attempts",
        *_texts("notice_id"),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        *_texts("address", "word"),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("notice_id", "seq", name="pk_notice_attempts"),
    )
    op.create_table(
        "notice_items",
        *_texts("reader", "subject"),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.Column("told_by", sa.Text()),
        sa.Column("over_ms", sa.BigInteger()),
        sa.Column("over_by", sa.Text()),
        sa.PrimaryKeyConstraint("reader", "subject", name="pk_notice_items"),
    )
    op.create_index("ix_notice_items_reader_over_ms", "notice_items", ["reader", "over_ms"])
    op.create_table(
        "webhooks",
        *_texts("webhook_id", "name", "url", "secret", "topics"),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        *_texts("made_by"),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhooks"),
    )
