"""Calendars of areas and of schools are named apart: an area that is called like a school's code is not that school."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DAYS = sa.table("calendar_days", *(sa.column(name) for name in ("calendar", "day", "kind", "note")))
_SCHOOLS = sa.table("schools", sa.column("code"), sa.column("area"))
_EVERYBODY = "default"


def upgrade() -> None:
    """Rename them; one that meant an area and a school until now is kept for both."""
    connection = op.get_bind()
    codes = set(connection.scalars(sa.select(_SCHOOLS.c.code)))
    areas = set(connection.scalars(sa.select(_SCHOOLS.c.area)))
    apart = _DAYS.c.calendar != _EVERYBODY
    renamed = []
    for row in connection.execute(sa.select(_DAYS).where(apart)).mappings():
        name = row["calendar"]
        if name in codes:
            renamed.append({**row, "calendar": f"school:{name}"})
        if name in areas or name not in codes:
            renamed.append({**row, "calendar": f"area:{name}"})
    op.execute(sa.delete(_DAYS).where(apart))
    if renamed:
        connection.execute(sa.insert(_DAYS), renamed)
