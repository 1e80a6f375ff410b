"""Whether the lines of schools were up, worked out from the diaries: all of it can be deleted and worked out again."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text

from collector.store.tables.base import METADATA

# One row for each school day since a school was first heard, and for each other day on which it was heard.
AVAILABILITY_DAYS = Table(
    "availability_days",
    METADATA,
    Column("school", Text, nullable=False),
    Column("day", Text, nullable=False),  # local to the school
    Column("is_open", Boolean, nullable=False),
    Column("good_slots", Integer, nullable=False),  # of five minutes, in opening hours
    Column("down_slots", Integer, nullable=False),
    Column("unobserved_slots", Integer, nullable=False),  # those to come are among them
    Column("availability", Float),  # good of good and down; None: nobody saw anything
    Column("coverage", Float),  # good and down of all; None: no opening hours
    Column("learnt_ms", BigInteger),  # receipt of the newest run that told something of the line
    Column("start_ms", BigInteger, nullable=False),  # local midnight
    Column("spans", Text, nullable=False),  # JSON: [[from_ms, to_ms], ...] of the opening hours
    Column("states", Text, nullable=False),  # of the whole day, as `domain.slots` writes them
    Column("late", Text),  # JSON: [[first slot, slots, learnt_ms], ...] of what was learnt more than a day after
    Column("seal", BigInteger),  # of the rest of the row, as it was written: another one was written by somebody else
    PrimaryKeyConstraint("school", "day"),
)

# The last school days of each school in one row: what lists show, sort by and give out.
AVAILABILITY_NOW = Table(
    "availability_now",
    METADATA,
    Column("school", Text, primary_key=True),
    Column("as_of", Text, nullable=False),  # the school's local day: those before it are over
    Column("from_day", Text),  # of the last school days before `as_of`; None: none yet
    Column("last_day", Text),
    Column("days", Integer, nullable=False),
    Column("good_slots", Integer, nullable=False),
    Column("down_slots", Integer, nullable=False),
    Column("unobserved_slots", Integer, nullable=False),
    Column("availability", Float),
    Column("coverage", Float),
)

# What was down at one school alone, seen by its own computers.
LOCAL_OUTAGES = Table(
    "local_outages",
    METADATA,
    Column("school", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),  # end of the last slot down
    Column("to_ms", BigInteger),  # first slot up again; None: not seen up since
    Column("down_slots", Integer, nullable=False),
    Column("school_slots", Integer, nullable=False),  # of those, in opening hours
    Column("word", Text, nullable=False),  # dns_fail | no_internet | no_gateway | link_down: what most slots say
    Column("learnt_ms", BigInteger),  # where it was learnt more than a day after
    Column("seal", BigInteger),  # as in `availability_days`
    PrimaryKeyConstraint("school", "from_ms"),
    Index(None, "from_ms"),
)

# What is to be worked out again: written with whatever came or changed, taken away with what follows from it.
AVAILABILITY_MARKS = Table(
    "availability_marks",
    METADATA,
    Column("school", Text, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),  # None: to the newest day
)
