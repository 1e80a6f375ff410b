"""What stood at the end of each month and week says by whose rule: a target may have changed in between.

And what the votes of a school's window say is found in an index: a measurement itself lies on a page of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_COUNTS = "ix_period_verdicts_counts"
_COUNTED = ("way", "first_day", "profile", "metric", "verdict", "verdict_before", "profile_version")
_SAID = ("votes", "download_bps", "download_lower_bound", "medium", "link_bps")


def upgrade() -> None:
    """Add the profile and fill it from the evaluations; let counting find all that it reads in the index."""
    op.drop_index(_COUNTS, "period_verdicts")
    op.add_column("period_verdicts", sa.Column("target_profile", sa.Text()))
    same = " AND ".join(f"e.{name} = period_verdicts.{name}" for name in ("school", "profile", "metric", "day"))
    op.execute(
        f"UPDATE period_verdicts SET target_profile = (SELECT e.target_profile FROM evaluations AS e WHERE {same})"  # noqa: S608 -- names of ours
    )
    op.create_index(_COUNTS, "period_verdicts", [*_COUNTED, "target_profile", "school"])
    op.create_index(
        "ix_measurements_votes",
        "measurements",
        ["school", "started_ms", *_SAID],
        sqlite_where=sa.text("votes IS 1"),
        postgresql_where=sa.text("votes IS TRUE"),
    )
