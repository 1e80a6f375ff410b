"""Hurricanes and floods: where and when, which schools, and who called whom."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from collector.store.tables.base import METADATA

HAZARDS = Table(
    "hazards",
    METADATA,
    Column("hazard_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # hurricane | flood | earthquake | volcano | other
    Column("is_drill", Boolean, nullable=False),  # suppresses nothing
    Column("shape", Text, nullable=False),  # GeoJSON MultiPolygon; empty: areas alone
    Column("areas", Text, nullable=False),  # that were ticked, JSON list
    Column("begins_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger),  # None: open
    Column("declared_ms", BigInteger, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("version", Integer, nullable=False),  # rises with each change of its dates
    Column("schools", Integer, nullable=False),  # how many lie in it, seen by whoever looks or not
    Column("checked_ms", BigInteger),  # when it was last worked out who was heard
    Index(
        "ix_hazards_open", "begins_ms", sqlite_where=text("ends_ms IS NULL"), postgresql_where=text("ends_ms IS NULL")
    ),
)

# Each school that lay in it at the declaration: how it stood then, and what has been heard of it since.
HAZARD_SCHOOLS = Table(
    "hazard_schools",
    METADATA,
    Column("hazard_id", Text, nullable=False),
    Column("school", Text, nullable=False),
    Column("from_day", Text, nullable=False),  # by the school's own clock
    Column("to_day", Text),  # None: open
    # At the declaration, never changed.
    Column("usual_contact_ms", BigInteger),
    Column("usual_verdict", Text),
    Column("usual_bps", BigInteger),
    Column("usual_devices", Integer, nullable=False),
    # Since the beginning; worked out from the rows again by each run of the jobs.
    Column("first_heard_ms", BigInteger),
    Column("last_contact_ms", BigInteger),
    Column("word", Text),  # of the newest run of the diary
    Column("newest_bps", BigInteger),  # of the newest test
    PrimaryKeyConstraint("hazard_id", "school"),
    Index(None, "school", "from_day"),
)

# Who called whom. Rows are only ever added; one that was a mistake is taken back by another.
HAZARD_CALLS = Table(
    "hazard_calls",
    METADATA,
    Column("call_id", Text, primary_key=True),
    Column("hazard_id", Text, nullable=False),
    Column("school", Text, nullable=False),
    Column("seq", Integer, nullable=False),  # of the school in the hazard: 1, 2, 3 ...
    Column("at_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("deed", Text, nullable=False),  # claim | release | result | note | undo
    Column("way", Text),  # call | visit | note
    Column("answer", Text),  # works | degraded | down | closed | no_answer
    Column("note", Text),
    Column("undoes", Text),
    UniqueConstraint("hazard_id", "school", "seq"),
)
