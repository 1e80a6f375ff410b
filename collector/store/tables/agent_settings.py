"""What devices are told to keep to, as people have decided it on a page."""

from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Table, Text

from collector.store.tables.base import METADATA

# Rows are only ever added; of each place the newest holds.
AGENT_SETTINGS = Table(
    "agent_settings",
    METADATA,
    Column("place", Text, nullable=False),  # a school's code; empty: all schools
    Column("number", Integer, nullable=False),  # of the place, from 1 on: a clock may be put back
    Column("said", Text, nullable=False),  # JSON; what is absent is as the wider place has it
    Column("note", Text, nullable=False),  # why, or who says so
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    PrimaryKeyConstraint("place", "number"),
)
