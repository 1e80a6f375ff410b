"""Links that show one school to who has them, without signing in."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from collector.store.tables.base import METADATA

# What opens a page is the id with our signature: a copy of this table opens nothing.
SCHOOL_LINKS = Table(
    "school_links",
    METADATA,
    Column("link_id", Text, primary_key=True),  # 128 random bits, base64url
    Column("school", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("revoked_by", Text),
    Index(None, "school", "made_ms"),
)
