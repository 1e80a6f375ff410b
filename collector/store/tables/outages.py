"""Who was heard when, and the outages that follow from it: all but `contacts` is worked out, and can be again."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text

from collector.store.tables.base import METADATA

# Written with every batch: the minutes of an hour in which any computer of a school was heard, a bit each.
CONTACTS = Table(
    "contacts",
    METADATA,
    Column("hour", Integer, nullable=False),  # of Unix time
    Column("school", Text, nullable=False),
    Column("minutes", BigInteger, nullable=False),  # bit 0: the first minute
    PrimaryKeyConstraint("hour", "school"),
)

# What was usual: of each group of schools and day, how many were heard and fell silent, every five minutes.
OUTAGE_USUAL = Table(
    "outage_usual",
    METADATA,
    Column("day", Text, nullable=False),  # local to the deployment
    Column("area", Text, nullable=False),  # empty: any
    Column("provider", Text, nullable=False),
    Column("ticks", Text, nullable=False),  # JSON: minute of the day -> [heard a moment ago, fell silent of them]
    PrimaryKeyConstraint("day", "area", "provider"),
)

OUTAGES = Table(
    "outages",
    METADATA,
    Column("outage_id", Text, primary_key=True),  # made from the group and the first alarm: replay agrees
    Column("kind", Text, nullable=False),  # regional | local
    Column("label", Text, nullable=False),  # provider | area | collector
    Column("state", Text, nullable=False),  # suspected | open | recovering | closed | retracted
    Column("area", Text, nullable=False, server_default=""),  # what its schools have in common; empty: any
    Column("provider", Text, nullable=False, server_default=""),
    Column("suspected_ms", BigInteger, nullable=False),
    Column("opened_ms", BigInteger),
    Column("recovered_ms", BigInteger),  # since when four fifths have been heard again
    Column("whole_ms", BigInteger),  # since when 19 of 20 have been
    Column("closed_ms", BigInteger),
    Column("from_ms", BigInteger, nullable=False),  # as far as is known: the schools' last words, or their diaries
    Column("to_ms", BigInteger),  # None: it goes on
    Column("online", Integer, nullable=False),  # schools of the group heard a moment before
    Column("silent", Integer, nullable=False),  # those of them that it took
    Column("usual", Float),  # chance of one of them to fall silent at that hour
    Column("chance", Float),  # of this by accident
    Column("near_online", Integer),  # schools of other providers near by
    Column("near_silent", Integer),
    Column("confirmed", Integer, nullable=False, server_default="0"),  # schools whose diaries say so
    Column("pupils", Integer),
    Column("pupil_hours", Float),  # in school time
    Column("timeline", Text, nullable=False, server_default="[]"),  # JSON: [moment, schools heard, usual or null]
    Column("learnt_ms", BigInteger),  # receipt of the newest diary that changed it; None: as it was seen live
    Column("seen_live", Boolean, nullable=False, server_default="1"),  # False: only diaries tell of it; nobody is woken
    Column("began_ms", BigInteger, nullable=False),  # by the schools' last words, whatever diaries say
    Column("live_label", Text, nullable=False),  # the same of the label
    Index(None, "state"),
    Index(None, "from_ms"),
)

OUTAGE_SCHOOLS = Table(
    "outage_schools",
    METADATA,
    Column("outage_id", Text, nullable=False),
    Column("school", Text, nullable=False),
    Column("heard_ms", BigInteger, nullable=False),  # its last word before
    Column("back_ms", BigInteger),  # the first one after
    Column("is_late_only", Boolean, nullable=False, server_default="0"),  # its word is late and not yet missed
    Column("said", Text, nullable=False, server_default=""),  # a diary_states.Said; empty: its diary has not come
    Column("from_ms", BigInteger, nullable=False),  # as far as is known
    Column("to_ms", BigInteger),
    Column("pupil_hours", Float),
    Column("days", Text, nullable=False, server_default="[]"),  # JSON: its local days that are not judged for this
    PrimaryKeyConstraint("outage_id", "school"),
    Index(None, "school"),
)
