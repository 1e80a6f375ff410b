"""What the evaluation works out of looks at learning sites and of the addresses that computers come from."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from collector.store.tables.base import METADATA

# One row per school, site and local day with a look at it; worked out again from the diary, never edited.
SITE_DAYS = Table(
    "site_days",
    METADATA,
    Column("school", Text, nullable=False),
    Column("site", Text, nullable=False),  # its name in the settings
    Column("day", Text, nullable=False),  # local to the school
    Column("word", Text, nullable=False),  # of domain.sites.SiteWord
    Column("hours", Text, nullable=False),  # 24 letters: the first of each hour's word
    *(Column(name, Integer, nullable=False) for name in ("open", "slow", "blocked", "dns_fail", "unreachable")),
    Column("line_hours", Integer, nullable=False),  # hours with a look while the line was good
    Column("line_opened", Integer, nullable=False),  # of them, those in which it could be opened
    Column("median_ms", Float),
    Column("learnt_ms", BigInteger, nullable=False),  # receipt of the newest look
    PrimaryKeyConstraint("school", "site", "day"),
    Index(None, "day", "site"),
    Index(
        "ix_site_days_closed",
        *("day", "school", "site"),
        sqlite_where=text("line_opened = 0"),
        postgresql_where=text("line_opened = 0"),
    ),
)

# At how many schools with a good line a site was looked at on a local day, and at how many of them it could be opened.
SITE_TOTALS = Table(
    "site_totals",
    METADATA,
    Column("day", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("schools", Integer, nullable=False),
    Column("opened", Integer, nullable=False),
    PrimaryKeyConstraint("day", "site"),
)

# Of those the newest of each school and site, as long as it is not old: what pages count.
SITE_STANDINGS = Table(
    "site_standings",
    METADATA,
    Column("school", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("word", Text, nullable=False),
    PrimaryKeyConstraint("school", "site"),
    Index(None, "site", "word", "school"),
)

# On which networks a computer was seen on a local day of its school, in school hours or out of them.
NETWORK_DAYS = Table(
    "network_days",
    METADATA,
    Column("school", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("day", Text, nullable=False),  # of the contact, local to the school
    Column("asn", BigInteger, nullable=False),
    Column("as_name", Text, nullable=False),
    Column("in_hours", Boolean, nullable=False),
    PrimaryKeyConstraint("school", "device", "day", "asn", "in_hours"),
    Index(None, "school", "day"),
)

# Of those in school hours the newest day of each school and network: what pages count.
NETWORK_STANDINGS = Table(
    "network_standings",
    METADATA,
    Column("school", Text, nullable=False),
    Column("asn", BigInteger, nullable=False),
    Column("as_name", Text, nullable=False),
    Column("day", Text, nullable=False),
    PrimaryKeyConstraint("school", "asn"),
    Index(None, "asn"),
)

# Which networks people say are a provider's own.
PROVIDER_NETWORKS = Table(
    "provider_networks",
    METADATA,
    Column("provider", Text, nullable=False),
    Column("asn", BigInteger, nullable=False),
    Column("as_name", Text, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
    PrimaryKeyConstraint("provider", "asn"),
)
