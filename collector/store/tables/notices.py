"""Who is told what, what was told, and what still has to be sent."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from collector.store.tables.base import METADATA

# What deployment, roles and persons say of themselves; the nearest one holds.
NOTICE_PREFERENCES = Table(
    "notice_preferences",
    METADATA,
    Column("reach", Text, nullable=False),  # deployment | role | person
    Column("who", Text, nullable=False),  # "" | a role | a user_id
    Column("said", Text, nullable=False),  # JSON of domain.notice_rules.Preference, without what is not said
    Column("changed_ms", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    PrimaryKeyConstraint("reach", "who"),
)

NOTICE_MUTES = Table(
    "notice_mutes",
    METADATA,
    Column("mute_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),  # whose; "": of everybody
    Column("what", Text, nullable=False),  # domain.notice_rules.Muted
    Column("value", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("until_day", Text, nullable=False),  # the last day of it, as it was typed
    Column("reason", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended_by", Text),
    Index(None, "until_ms"),
)

# Each digest that was decided, sent or not: none is decided twice.
NOTICE_TURNS = Table(
    "notice_turns",
    METADATA,
    Column("reader", Text, nullable=False),  # user:ID | webhook:ID
    Column("day", Text, nullable=False),  # local to the reader
    Column("notice_id", Text),  # None: there was nothing to tell
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("reader", "day"),
)

# The outbox: written with the decision, sent by the jobs, kept as the log.
NOTICES = Table(
    "notices",
    METADATA,
    Column("notice_id", Text, primary_key=True),  # made from reader, topic and occasion; Message-ID, Idempotency-Key
    Column("reader", Text, nullable=False),
    Column("topic", Text, nullable=False),  # domain.notice_rules.Topic
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON of the facts that are told
    Column("made_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # domain.notice_delivery.State
    Column("tries", Integer, nullable=False),  # that failed, since it was last asked for
    Column("next_ms", BigInteger, nullable=False),  # not to be sent before
    Column("claimed_until_ms", BigInteger),  # a process is sending it
    Column("done_ms", BigInteger),
    Column("areas", Text, nullable=False, server_default="[]"),  # JSON list: for whose eyes it was written; none: all
    Column("due_ms", BigInteger, nullable=False, server_default="0"),  # when it was first to be sent, or is again
    Index(None, "state", "next_ms"),
    Index(None, "made_ms"),
    Index(None, "reader", "made_ms"),
)

NOTICE_ATTEMPTS = Table(
    "notice_attempts",
    METADATA,
    Column("notice_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("address", Text, nullable=False),  # mailbox or URL as it was then
    Column("word", Text, nullable=False),  # domain.notice_delivery.Outcome
    Column("detail", Text),  # what the other side said
    PrimaryKeyConstraint("notice_id", "seq"),
)

# What each reader was told: one flag, one notice, one recovery.
NOTICE_ITEMS = Table(
    "notice_items",
    METADATA,
    Column("reader", Text, nullable=False),
    Column("subject", Text, nullable=False),  # flag:ID | outage:ID | illness:WORD:MS
    Column("told_ms", BigInteger, nullable=False),
    Column("told_by", Text),  # the notice
    Column("over_ms", BigInteger),
    Column("over_by", Text),  # the notice that told it; None: nothing needed to be told
    PrimaryKeyConstraint("reader", "subject"),
    Index(None, "reader", "over_ms"),
)

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("webhook_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),  # of the signature; the receiver has it too
    Column("topics", Text, nullable=False),  # JSON list
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended_by", Text),
)
