"""Schools, their dated facts, and calendars."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from collector.store.tables.base import METADATA

SCHOOLS = Table(
    "schools",
    METADATA,
    Column("code", Text, primary_key=True),  # always text: 00123 stays 00123
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),  # for search: case and accents folded in Python
    Column("name_order", Text, nullable=False),  # for sorting: the same on SQLite and PostgreSQL
    Column("latitude", Float),
    Column("longitude", Float),
    Column("area", Text),
    Column("timezone", Text),  # None: the deployment's default
    Column("opening", Text),  # weekly opening hours; None: the default calendar
    Column("education_level", Text),
    Column("students_total", Integer),
    Column("students_peak_shift", Integer),
    Column("staff", Integer),
    Column("provider", Text),
    Column("technology", Text),
    Column("contract_download_mbps", Float),
    Column("contract_upload_mbps", Float),
    Column("shelter", Boolean),  # people find shelter here in a hurricane or flood
    Column("phone", Text),  # of whoever answers for the school; for operators, and each look is recorded
    Column("extra", Text, nullable=False, server_default="{}"),  # columns of the file that we do not know, JSON
    Column("is_demo", Boolean, nullable=False, server_default="0"),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Index(None, "name_order", "code"),
    Index(None, "area"),
    Index(None, "provider"),
    Index(None, "technology"),
    Index(None, "updated_ms"),  # what is remembered of schools is thrown away when this says so
    # Invented ones: every page asks whether there are any, and a country has none.
    Index("ix_schools_demo", "code", sqlite_where=text("is_demo = 1"), postgresql_where=text("is_demo")),
)

# What decides a target and which tests count, valid from a local day on: replay uses the facts of each day.
SCHOOL_FACTS = Table(
    "school_facts",
    METADATA,
    Column("school", Text, nullable=False),
    Column("valid_from", Text, nullable=False),  # ISO date; "0001-01-01" for the first
    Column("students_total", Integer),
    Column("students_peak_shift", Integer),
    Column("staff", Integer),
    Column("education_level", Text),
    Column("technology", Text),
    Column("contract_download_mbps", Float),
    Column("contract_upload_mbps", Float),
    Column("opening", Text),
    Column("area", Text),
    PrimaryKeyConstraint("school", "valid_from"),
)

# Which target holds where and since when. Rows are only ever added; one that has not begun can be undone.
TARGET_VERSIONS = Table(
    "target_versions",
    METADATA,
    Column("version_id", Text, primary_key=True),  # grows with time
    Column("reach", Text, nullable=False),  # deployment | area | school
    Column("place", Text, nullable=False),  # area or code; empty for the deployment
    Column("valid_from", Text, nullable=False),  # first local day of each school concerned
    Column("profile", Text),  # of the catalogue, or "own"; None: as the wider place has it
    Column("rule", Text),  # a profile of one's own, TOML
    Column("note", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("undone_ms", BigInteger),
    Column("undone_by", Text),
    Index(None, "reach", "place", "valid_from"),
)

# What a line has to hold to be good for a use. Rows are only ever added; the newest holds.
USE_LIMITS = Table(
    "use_limits",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1 on: a clock may be put back
    Column("limits", Text),  # JSON; None: as published
    Column("note", Text, nullable=False),  # why, or who says so
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)

# Days that differ from the weekly opening hours.
CALENDAR_DAYS = Table(
    "calendar_days",
    METADATA,
    Column("calendar", Text, nullable=False),  # "default", "area:" and its name, or "school:" and its code
    Column("day", Text, nullable=False),
    Column("kind", Text, nullable=False),  # holiday | closure | open
    Column("note", Text),
    PrimaryKeyConstraint("calendar", "day"),
)

# Every file that was brought in, and what undid it.
REGISTRY_IMPORTS = Table(
    "registry_imports",
    METADATA,
    Column("import_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # schools | calendar
    Column("state", Text, nullable=False),  # looked_at | applied | undone
    Column("file_name", Text, nullable=False),
    Column("file_hash", Text, nullable=False),  # SHA-256, hexadecimal
    Column("file", LargeBinary),  # deflated; None once it is old, or where there was none
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("applied_ms", BigInteger),
    Column("added", Integer, nullable=False, server_default="0"),
    Column("changed", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("undoes", Text),  # the import that this one took back
    Index(None, "made_ms"),
)

# Each field that an import changed, so that it can be shown and taken back.
REGISTRY_CHANGES = Table(
    "registry_changes",
    METADATA,
    Column("import_id", Text, nullable=False),
    Column("number", Integer, nullable=False),  # in the order of the file
    Column("subject", Text, nullable=False),  # a school's code, or a day and its calendar
    Column("field", Text, nullable=False),  # empty: the whole row, which was added or removed
    Column("before", Text),  # JSON
    Column("after", Text),
    PrimaryKeyConstraint("import_id", "number"),
    Index(None, "subject"),
)
