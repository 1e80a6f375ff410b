"""The first tables."""

from alembic import op

from collector.store.tables.catalogue import METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind())
