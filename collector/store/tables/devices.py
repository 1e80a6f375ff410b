"""Devices, their keys, where they belonged and when, tokens and leases."""

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

DEVICES = Table(
    "devices",
    METADATA,
    Column("device", Text, primary_key=True),
    Column("school", Text, nullable=False),
    Column("state", Text, nullable=False),  # active | pending | revoked
    Column("machine_hash", Text, nullable=False),
    Column("hostname_hash", Text),
    Column("os", Text),
    Column("agent_version", Text),
    Column("replaces", Text),  # the device that this one was cloned from
    Column("token_id", Text),
    Column("enrolled_ms", BigInteger, nullable=False),
    Column("approved_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("last_contact_ms", BigInteger),
    Column("last_measurement_ms", BigInteger),  # corrected start of the newest one
    Column("ratchet_issued", BigInteger, nullable=False, server_default="0"),
    Column("ratchet_confirmed", BigInteger, nullable=False, server_default="0"),
    Column("is_volatile", Boolean, nullable=False, server_default="0"),  # presented an older ratchet: restores itself
    Column("boot_id", Text),  # of the newest request
    Column("sent_mono_ms", BigInteger),
    Column("clock_offset_ms", BigInteger),  # its wall clock minus ours at the last contact
    Column("lineage", Text),  # spool that it reports from
    Column("lineages", Integer, nullable=False, server_default="0"),  # how many it has had
    Column("ledger_created", BigInteger),
    Column("ledger_acked", BigInteger),
    Column("ledger_ready", BigInteger),
    Column("ledger_dead", BigInteger),
    Column("ledger_dropped", BigInteger),
    Index(None, "school"),
    Index(None, "school", "machine_hash"),
    Index(None, "state", "school"),  # which schools have a PC that may test: asked of all of them at once
)

DEVICE_KEYS = Table(
    "device_keys",
    METADATA,
    Column("device", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("public_key", Text, nullable=False),  # base64url
    Column("state", Text, nullable=False),  # active | pending | revoked
    Column("added_ms", BigInteger, nullable=False),
    Column("last_used_ms", BigInteger),
    PrimaryKeyConstraint("device", "key_id"),
    Index(None, "public_key"),
    # Those that wait for approval: few, and looked for on every page of devices.
    Index(
        "ix_device_keys_pending",
        "device",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

# The offset of a device's wall clock, learnt for each of its boots.
BOOTS = Table(
    "boots",
    METADATA,
    Column("device", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("offset_ms", BigInteger, nullable=False),  # add to the raw clock to get ours
    Column("mono_ms", BigInteger, nullable=False),  # newest monotonic time seen of this boot
    Column("seen_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("device", "boot_id"),
)

ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    Column("device", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),  # None: still
    Column("school", Text, nullable=False),
    PrimaryKeyConstraint("device", "from_ms"),
    Index(None, "school"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token_id", Text, primary_key=True),
    Column("secret_hash", Text, nullable=False),
    Column("school", Text, nullable=False),
    Column("max_devices", Integer, nullable=False),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", Text),
    Column("batch", Text),  # of the form that made it, with those that it made together; None: the command line
    UniqueConstraint("secret_hash"),
    Index(None, "batch"),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("school", Text, primary_key=True),
    Column("device", Text, nullable=False),
    Column("lease_id", Text, nullable=False),
    Column("granted_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
