"""School days and evaluations keep how late busy lines answer; of the days that windows reach, the next run says it.

The days before say nothing of it: their columns stay empty.
"""

from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_REACH_DAYS = 40  # as far as a school's turn folds again: none of its days changes the first bad one later
_OF_A_WINDOW = ("loaded_n", sa.Integer()), ("window_loaded_ms", sa.Float()), ("window_idle_ms", sa.Float())


def upgrade() -> None:
    """Add the columns, and let the newest days be folded again."""
    for name, type_ in (
        *(("loaded_n", sa.Integer()), ("loaded_slow_n", sa.Integer())),
        *(("loaded_limit_ms", sa.Float()), ("median_loaded_ms", sa.Float())),
    ):
        op.add_column("school_days", sa.Column(name, type_))
    for table in ("evaluations", "newest_evaluations"):
        for name, type_ in _OF_A_WINDOW:
            op.add_column(table, sa.Column(name, type_))
    op.drop_column("newest_evaluations", "median_idle_rtt_ms")
    newest = op.get_bind().scalar(sa.text("SELECT max(day) FROM school_days"))
    if newest is not None:
        first = date.fromisoformat(newest) - timedelta(days=_REACH_DAYS)
        again = sa.text("UPDATE school_days SET is_final = :no WHERE day >= :first AND voting > 0")
        op.get_bind().execute(again.bindparams(sa.bindparam("no", type_=sa.Boolean())), {"no": False, "first": first.isoformat()})
