"""Opening hours become dated: a school-day is judged by the hours that held on it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; until now the newest hours held for every day."""
    op.add_column("school_facts", sa.Column("opening", sa.Text(), nullable=True))
    op.execute(
        "UPDATE school_facts SET opening = (SELECT opening FROM schools WHERE schools.code = school_facts.school)"
    )
