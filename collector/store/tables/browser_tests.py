"""Tests that a person made in a browser, of a phone or a Chromebook, against our test point."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, Text

from collector.store.tables.base import METADATA

# A table of its own: the evaluation reads `measurements`, so that nothing in here can ever be a vote.
BROWSER_TESTS = Table(
    "browser_tests",
    METADATA,
    Column("test_id", Text, primary_key=True),  # as the test point was told it
    Column("school", Text, nullable=False),
    Column("lease_id", Text, nullable=False),
    Column("begun_ms", BigInteger, nullable=False),
    Column("begun_by", Text, nullable=False),  # a person's name, or "link"
    Column("cap_bytes", BigInteger, nullable=False),  # of both directions
    Column("done_ms", BigInteger),  # None: never came to its end
    # As the test point counted and signed them.
    Column("download_bytes", BigInteger),
    Column("download_ms", BigInteger),
    Column("upload_bytes", BigInteger),
    Column("upload_ms", BigInteger),
    Column("receipt", Text),
    # As the browser says.
    Column("latency_ms", Float),
    Column("latency_n", Integer),
    Index(None, "school", "begun_ms"),
)
