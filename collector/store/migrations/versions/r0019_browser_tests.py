"""Tests that a person made in a browser."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "browser_tests",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("test_id", "school", "lease_id")),
        sa.Column("begun_ms", sa.BigInteger(), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("cap_bytes", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger())
            for name in ("done_ms", "download_bytes", "download_ms", "upload_bytes", "upload_ms")
        ),
        sa.Column("receipt", sa.Text()),
        sa.Column("latency_ms", sa.Float()),
        sa.Column("latency_n", sa.Integer()),
        sa.PrimaryKeyConstraint("test_id", name="pk_browser_tests"),
    )
    op.create_index("ix_browser_tests_school_begun_ms", "browser_tests", ["school", "begun_ms"])
