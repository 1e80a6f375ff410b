"""The one catalogue of tables, with constraint names that Alembic can change later.

Times are integers: milliseconds of Unix time, UTC, in columns `_ms`. Local dates are ISO texts (`2026-11-24`) in
columns `day` or `_on`: they sort, compare and export alike on SQLite and PostgreSQL. Unknown is NULL, never 0.
"""

from sqlalchemy import MetaData

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
