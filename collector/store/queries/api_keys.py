"""Keys of programs that take rows away; only hashes of the secrets are kept."""

import json
from dataclasses import dataclass, field

from sqlalchemy import insert, select, update

from collector.store.tables.people import API_KEYS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class ApiKey:
    """One key: what its person may see and do, it may; areas of its own make that less, never more."""

    key_id: str
    key_hash: str = field(repr=False)
    user_id: str
    label: str
    areas: tuple[str, ...]
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    revoked_ms: int | None

    def is_good(self, now_ms: int) -> bool:
        """Return whether it still opens anything."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


def create_key(unit: UnitOfWork, key: ApiKey) -> None:
    """Add a key."""
    areas = json.dumps(key.areas, ensure_ascii=False)
    unit.connection.execute(insert(API_KEYS).values({**key.__dict__, "areas": areas}))


def find_key(snapshot: Snapshot, key_hash: str) -> ApiKey | None:
    """Return the key whose secret has that hash."""
    row = snapshot.connection.execute(select(API_KEYS).where(API_KEYS.c.key_hash == key_hash)).mappings().first()
    return _key(dict(row)) if row is not None else None


def list_keys(snapshot: Snapshot) -> list[ApiKey]:
    """Return every key, the oldest first."""
    query = select(API_KEYS).order_by(API_KEYS.c.created_ms, API_KEYS.c.key_id)
    return [_key(dict(row)) for row in snapshot.connection.execute(query).mappings()]


def touch_key(unit: UnitOfWork, key_id: str, now_ms: int) -> None:
    """Write down that a key was used."""
    unit.connection.execute(update(API_KEYS).where(API_KEYS.c.key_id == key_id).values(used_ms=now_ms))


def revoke_key(unit: UnitOfWork, key_id: str, now_ms: int) -> None:
    """Let a key open nothing any more."""
    condition = (API_KEYS.c.key_id == key_id) & API_KEYS.c.revoked_ms.is_(None)
    unit.connection.execute(update(API_KEYS).where(condition).values(revoked_ms=now_ms))


def revoke_keys_of(unit: UnitOfWork, user_id: str, now_ms: int) -> None:
    """Let no key of a person open anything any more."""
    condition = (API_KEYS.c.user_id == user_id) & API_KEYS.c.revoked_ms.is_(None)
    unit.connection.execute(update(API_KEYS).where(condition).values(revoked_ms=now_ms))


def _key(values: dict[str, object]) -> ApiKey:
    return ApiKey(**{**values, "areas": tuple(json.loads(str(values["areas"])))})  # type: ignore[arg-type]  # a row
