"""Learning sites and networks, worked out day by day."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Add the tables, and an index of the runs that tell of sites."""
    op.create_table(
        "site_days",
        *_texts("school", "site", "day", "word", "hours"),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("open", "slow", "blocked", "dns_fail")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("unreachable", "line_hours", "line_opened")),
        sa.Column("median_ms", sa.Float()),
        sa.Column("learnt_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("school", "site", "day", name="pk_site_days"),
    )
    op.create_index("ix_site_days_day_site", "site_days", ["day", "site"])
    closed = sa.text("line_opened = 0")
    op.create_index(
        "ix_site_days_closed", "site_days", ["day", "school", "site"], sqlite_where=closed, postgresql_where=closed
    )
    op.create_table(
        "site_totals",
        *_texts("day", "site"),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("schools", "opened")),
        sa.PrimaryKeyConstraint("day", "site", name="pk_site_totals"),
    )
    op.create_table(
        "site_standings",
        *_texts("school", "site", "day", "word"),
        sa.PrimaryKeyConstraint("school", "site", name="pk_site_standings"),
    )
    op.create_index("ix_site_standings_site_word_school", "site_standings", ["site", "word", "school"])
    op.create_table(
        "network_days",
        *_texts("school", "device", "day"),
        sa.Column("asn", sa.BigInteger(), nullable=False),
        *_texts("as_name"),
        sa.Column("in_hours", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("school", "device", "day", "asn", "in_hours", name="pk_network_days"),
    )
    op.create_index("ix_network_days_school_day", "network_days", ["school", "day"])
    _standings_and_providers()
    has_sites = sa.text("probes IS NOT NULL")
    op.create_index(
        "ix_diary_sites", "diary", ["received_ms"], sqlite_where=has_sites, postgresql_where=has_sites
    )


def _standings_and_providers() -> None:
    op.create_table(
        "network_standings",
        *_texts("school"),
        sa.Column("asn", sa.BigInteger(), nullable=False),
        *_texts("as_name", "day"),
        sa.PrimaryKeyConstraint("school", "asn", name="pk_network_standings"),
    )
    op.create_index("ix_network_standings_asn", "network_standings", ["asn"])
    op.create_table(
        "provider_networks",
        *_texts("provider"),
        sa.Column("asn", sa.BigInteger(), nullable=False),
        *_texts("as_name"),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        *_texts("added_by"),
        sa.PrimaryKeyConstraint("provider", "asn", name="pk_provider_networks"),
    )
