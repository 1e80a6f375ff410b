"""What people do about flags gets an order, whose it is, and a way back; lists get views with names."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ACTIONS = sa.table(
    "flag_actions", *(sa.column(name) for name in ("action_id", "flag_id", "at_ms", "user_name", "action", "seq"))
)
_WORK = sa.table("flag_work", *(sa.column(name) for name in ("flag_id", "version", "owner", "seen_by")))
_ORDER = (_ACTIONS.c.flag_id, _ACTIONS.c.at_ms, _ACTIONS.c.action_id)


def upgrade() -> None:
    """Add columns and tables; until now the word for taking a flag was acknowledging it."""
    op.add_column("flag_actions", sa.Column("seq", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("flag_actions", sa.Column("batch_id", sa.Text(), nullable=True))
    op.add_column("flag_actions", sa.Column("value", sa.Text(), nullable=True))
    op.create_index("ix_flag_actions_batch_id", "flag_actions", ["batch_id"])
    is_closing = sa.text("action = 'closed'")
    op.create_index(
        "ix_flag_actions_closed",
        "flag_actions",
        ["flag_id", "day"],
        sqlite_where=is_closing,
        postgresql_where=is_closing,
    )
    _create_tables()
    op.execute(sa.update(_ACTIONS).where(_ACTIONS.c.action == "acknowledged").values(action="taken"))
    _number()


def _create_tables() -> None:
    op.create_table(
        "flag_work",
        sa.Column("flag_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("seen_by", sa.Text(), nullable=True),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("snoozed_until", sa.Text(), nullable=True),
        sa.Column("snoozed_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("snooze_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("flag_id", name="pk_flag_work"),
    )
    op.create_index("ix_flag_work_owner", "flag_work", ["owner"])
    op.create_table(
        "saved_views",
        sa.Column("view_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", name="pk_saved_views"),
        sa.UniqueConstraint("user_id", "page", "name_folded", name="uq_saved_views_user_id_page_name_folded"),
    )


def _number() -> None:
    """Give the deeds of each flag their numbers, and each flag where people stand with it."""
    connection = op.get_bind()
    work: dict[str, dict[str, Any]] = {}
    for row in connection.execute(sa.select(_ACTIONS).order_by(*_ORDER)).mappings().all():
        at = work.setdefault(
            row["flag_id"], {"flag_id": row["flag_id"], "version": 0, "owner": None, "seen_by": row["user_name"]}
        )
        at["version"] += 1
        if row["action"] == "taken":
            at["owner"] = row["user_name"]
        numbered = sa.update(_ACTIONS).where(_ACTIONS.c.action_id == row["action_id"])
        connection.execute(numbered.values(seq=at["version"]))
    if work:
        connection.execute(sa.insert(_WORK), list(work.values()))
