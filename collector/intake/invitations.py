"""Tokens that let the computers of a school enrol: made, and what they still admit. For the page and for commands."""

from dataclasses import dataclass

from agent.wire import forms, signing, tokens
from agent.wire.tokens import EnrolToken
from collector.errors import CollectorError
from collector.ports import Ports
from collector.store.queries import keys
from collector.store.queries import tokens as stored
from collector.store.queries.tokens import Token
from collector.store.unit import Snapshot, UnitOfWork

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Terms:
    """What a token is made for, and by whom."""

    max_devices: int
    days: int  # 0: it has ended already
    made_by: str
    batch: str | None = None  # of the form that makes it, with others perhaps

    def words(self) -> str:
        """Return what the audit log says of it."""
        return f"devices={self.max_devices} days={self.days}"


def collector_key(snapshot: Snapshot) -> bytes:
    """Return the public key that new tokens name, raw.

    Raises:
        CollectorError: If the database has none.
    """
    found = keys.list_keys(snapshot)
    if not found:
        raise CollectorError("This database has no signing key.", do="Run `enlace-collector init` first.")
    return forms.unb64url(found[0].public_key, signing.PUBLIC_KEY_BYTES)


def make(unit: UnitOfWork, ports: Ports, collector_key: bytes, school: str, terms: Terms) -> EnrolToken:
    """Return a new token of a school; only the hash of its secret is kept. The caller writes the deed down.

    Args:
        unit: The transaction.
        ports: Clock and randomness.
        collector_key: The public key that answers will be signed with, raw.
        school: The code of a school that is there.
        terms: For how many computers and how long.
    """
    token = tokens.make_enrol_token(ports.randomness.token_bytes(tokens.SECRET_BYTES), collector_key)
    now_ms = ports.clock.now_ms()
    row = Token(
        token_id=forms.uuid7(now_ms, ports.randomness.token_bytes(10)),
        secret_hash=token.secret_hash(),
        school=school,
        max_devices=terms.max_devices,
        used=0,
        expires_ms=now_ms + terms.days * DAY_MS,
        revoked_ms=None,
        created_ms=now_ms,
        created_by=terms.made_by,
        batch=terms.batch,
    )
    stored.create_token(unit, row)
    return token


def state_of(token: Token, now_ms: int) -> str:
    """Return in a word whether a token still admits computers that nobody knows."""
    if token.revoked_ms is not None:
        return "revoked"
    if now_ms >= token.expires_ms:
        return "expired"
    return "valid" if token.used < token.max_devices else "exhausted"
