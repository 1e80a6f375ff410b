"""Targets with versions: which one holds where and since when, and in which area a school was on a day."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and two columns; the area of today is the only one that is known for days before."""
    op.create_table(
        "target_versions",
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("undone_ms", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_target_versions")),
    )
    op.create_index(
        op.f("ix_target_versions_reach_place_valid_from"), "target_versions", ["reach", "place", "valid_from"]
    )
    op.add_column("evaluations", sa.Column("target_profile", sa.Text(), nullable=True))
    op.add_column("school_facts", sa.Column("area", sa.Text(), nullable=True))
    op.execute(
        "UPDATE school_facts SET area = (SELECT schools.area FROM schools WHERE schools.code = school_facts.school)"
    )
