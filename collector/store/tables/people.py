"""People, their sessions, the audit log, and the collector's own keys and facts."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from collector.store.tables.base import METADATA

USERS = Table(
    "users",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("name", Text, nullable=False),  # what they sign in with
    Column("name_folded", Text, nullable=False),
    Column("password_hash", Text, nullable=False),  # Argon2id
    Column("role", Text, nullable=False),  # viewer | analyst | operator | admin
    Column("language", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
    Column("areas", Text, nullable=False, server_default="[]"),  # JSON list of what they may see; none: the country
    Column("email", Text),  # where notices go; None: nowhere
    UniqueConstraint("name_folded"),
)

# Secrets of programs that take rows away; each is of a person and never sees or may more than they.
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("key_hash", Text, nullable=False),  # SHA-256: the secret is 256 random bits
    Column("user_id", Text, nullable=False),
    Column("label", Text, nullable=False),  # what it is for
    Column("areas", Text, nullable=False, server_default="[]"),  # JSON list, beside those of the person; none: theirs
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("used_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    UniqueConstraint("key_hash"),
    Index(None, "user_id"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", Text, primary_key=True),  # SHA-256 of the cookie
    Column("user_id", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index(None, "expires_ms"),
)

SIGN_IN_FAILURES = Table(
    "sign_in_failures",
    METADATA,
    Column("name_folded", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("audit_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # user name, or "command line"
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text),
    Index(None, "at_ms"),
)

# Filters of a list that a person has given a name.
SAVED_VIEWS = Table(
    "saved_views",
    METADATA,
    Column("view_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("page", Text, nullable=False),  # which list: flags, schools, map ...
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("query", Text, nullable=False),  # the filter as it stands in the address
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("user_id", "page", "name_folded"),
)

# Small facts of the deployment: store_epoch, settings_version, last_evaluation_ms ...
FACTS = Table(
    "facts",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Old keys stay: a school back from three months' holiday is answered with the key that it pinned.
SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("seed", Text, nullable=False),  # base64url of the 32 secret bytes
    Column("created_ms", BigInteger, nullable=False),
    Column("retired_ms", BigInteger),
)
