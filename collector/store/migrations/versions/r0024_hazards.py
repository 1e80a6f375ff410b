"""Hazards, their schools and call lists; whether a school is a shelter, and its telephone."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the two columns."""
    op.add_column("schools", sa.Column("shelter", sa.Boolean()))
    op.add_column("schools", sa.Column("phone", sa.Text()))
    op.create_table(
        "hazards",
        sa.Column("hazard_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("areas", sa.Text(), nullable=False),
        sa.Column("begins_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger()),
        sa.Column("declared_ms", sa.BigInteger(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("schools", sa.Integer(), nullable=False),
        sa.Column("checked_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("hazard_id", name="pk_hazards"),
    )
    is_open = sa.text("ends_ms IS NULL")
    op.create_index("ix_hazards_open", "hazards", ["begins_ms"], sqlite_where=is_open, postgresql_where=is_open)
    _schools()
    _calls()


def _schools() -> None:
    op.create_table(
        "hazard_schools",
        sa.Column("hazard_id", sa.Text(), nullable=False),
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text()),
        sa.Column("usual_contact_ms", sa.BigInteger()),
        sa.Column("usual_verdict", sa.Text()),
        sa.Column("usual_bps", sa.BigInteger()),
        sa.Column("usual_devices", sa.Integer(), nullable=False),
        sa.Column("first_heard_ms", sa.BigInteger()),
        sa.Column("last_contact_ms", sa.BigInteger()),
        sa.Column("word", sa.Text()),
        sa.Column("newest_bps", sa.BigInteger()),
        sa.PrimaryKeyConstraint("hazard_id", "school", name="pk_hazard_schools"),
    )
    op.create_index("ix_hazard_schools_school_from_day", "hazard_schools", ["school", "from_day"])


def _calls() -> None:
    op.create_table(
        "hazard_calls",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("hazard_id", sa.Text(), nullable=False),
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("way", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("undoes", sa.Text()),
        sa.PrimaryKeyConstraint("call_id", name="pk_hazard_calls"),
        sa.UniqueConstraint("hazard_id", "school", "seq", name="uq_hazard_calls_hazard_id_school_seq"),
    )
