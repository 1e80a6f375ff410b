"""What people did about a flag says what the flag was of: a closing counts although late data took the flag away."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NAMES = ("school", "kind", "profile", "metric")
_ACTIONS = sa.table("flag_actions", *(sa.column(name) for name in ("flag_id", *_NAMES)))
_FLAGS = sa.table("flags", *(sa.column(name) for name in ("flag_id", *_NAMES)))


def upgrade() -> None:
    """Add the columns, fill them from the flags, and let closings be found by school."""
    for name in _NAMES:
        op.add_column("flag_actions", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    is_known = sa.select(_FLAGS.c.flag_id).where(_FLAGS.c.flag_id == _ACTIONS.c.flag_id).exists()
    of_flag = {
        name: sa.select(_FLAGS.c[name]).where(_FLAGS.c.flag_id == _ACTIONS.c.flag_id).scalar_subquery()
        for name in _NAMES
    }
    op.execute(sa.update(_ACTIONS).where(is_known).values(**of_flag))
    is_closing = sa.text("action = 'closed'")
    op.create_index(
        "ix_flag_actions_closed_of",
        "flag_actions",
        ["school", "day"],
        sqlite_where=is_closing,
        postgresql_where=is_closing,
    )
