"""The collector's own signing keys, old ones included."""

from dataclasses import dataclass, field

from nacl.signing import SigningKey
from sqlalchemy import insert, select, update

from agent.wire import forms, signing
from collector.store.tables.people import SIGNING_KEYS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class StoredKey:
    """One signing key; the seed is the secret."""

    key_id: str
    seed: bytes = field(repr=False)
    created_ms: int
    retired_ms: int | None  # None: the current one

    @property
    def public_key(self) -> str:
        """What devices pin, base64url."""
        return forms.b64url(bytes(SigningKey(self.seed).verify_key))


def list_keys(snapshot: Snapshot) -> list[StoredKey]:
    """Return every key, the current one first whatever the clock said when it was made, then the others."""
    table = SIGNING_KEYS
    order = (table.c.retired_ms.is_not(None), table.c.retired_ms.desc(), table.c.created_ms.desc(), table.c.key_id)
    rows = snapshot.connection.execute(select(table).order_by(*order))
    return [
        StoredKey(row.key_id, forms.unb64url(row.seed, signing.SEED_BYTES), row.created_ms, row.retired_ms)
        for row in rows
    ]


def add_key(unit: UnitOfWork, key_id: str, seed: bytes, now_ms: int) -> None:
    """Make this the current key and retire the one before it, which goes on answering those that pinned it."""
    table = SIGNING_KEYS
    unit.connection.execute(update(table).where(table.c.retired_ms.is_(None)).values(retired_ms=now_ms))
    unit.connection.execute(insert(table).values(key_id=key_id, seed=forms.b64url(seed), created_ms=now_ms))
