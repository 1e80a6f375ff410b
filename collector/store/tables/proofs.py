"""Tests that are asked for to prove what a line gives, and the packs that were made of them."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from collector.store.tables.base import METADATA

# One for each school, the newest: nobody asks for the same tests twice. What was before is in the audit log.
CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("school", Text, primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("hours", Text, nullable=False),  # domain.proof.Hours
    Column("devices", Text, nullable=False),  # JSON list: those that are asked
    Column("windows", Text, nullable=False),  # JSON list of [from_ms, to_ms]
    Column("until_ms", BigInteger, nullable=False),  # end of the last window, or when it was called off
)

# Signed files as they were handed out; never changed.
PACKS = Table(
    "packs",
    METADATA,
    Column("pack_id", Text, primary_key=True),
    Column("school", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("first_day", Text, nullable=False),
    Column("last_day", Text, nullable=False),
    Column("hours", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("tests", BigInteger, nullable=False),  # that count, of thirty
    Column("content_hash", Text, nullable=False),  # of what it says: the same again makes no second pack
    Column("key_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # gzip of the file
    Index(None, "school", "made_ms"),
)
