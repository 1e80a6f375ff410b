"""Who is told what: addresses of people, preferences, mutes, and which digests were decided."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list["sa.Column[str]"]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Add the column and the tables."""
    op.add_column("users", sa.Column("email", sa.Text(), nullable=True))
    op.create_table(
        "notice_preferences",
        *_texts("reach", "who", "said"),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        *_texts("changed_by"),
        sa.PrimaryKeyConstraint("reach", "who", name="pk_notice_preferences"),
    )
    op.create_table(
        "notice_mutes",
        *_texts("mute_id", "user_id", "what", "value"),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        *_texts("until_day", "reason"),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        *_texts("made_by"),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.Column("ended_by", sa.Text()),
        sa.PrimaryKeyConstraint("mute_id", name="pk_notice_mutes"),
    )
    op.create_index("ix_notice_mutes_until_ms", "notice_mutes", ["until_ms"])
    op.create_table(
        "notice_turns",
        *_texts("reader", "day"),
        sa.Column("notice_id", sa.Text()),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "day", name="pk_notice_turns"),
    )
