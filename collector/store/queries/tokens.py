"""Enrolment tokens; only hashes of their secrets are kept."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from agent.wire.vocabulary import DeviceState
from collector.store.tables.devices import DEVICES, TOKENS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class Token:
    """What a token admits to."""

    token_id: str
    secret_hash: str
    school: str
    max_devices: int
    used: int
    expires_ms: int
    revoked_ms: int | None
    created_ms: int
    created_by: str | None
    batch: str | None = None  # what one form made together


def create_token(unit: UnitOfWork, token: Token) -> None:
    """Write a token down."""
    unit.connection.execute(insert(TOKENS).values(**token.__dict__))


def find_token(snapshot: Snapshot, secret_hash: str) -> Token | None:
    """Return the token with this secret."""
    row = snapshot.connection.execute(select(TOKENS).where(TOKENS.c.secret_hash == secret_hash)).first()
    return Token(**row._mapping) if row else None


def lock_token(unit: UnitOfWork, secret_hash: str) -> Token | None:
    """Return the token with this secret; who else enrols with it waits until the unit ends.

    One computer that asks twice at once would else become two devices.
    """
    query = select(TOKENS).where(TOKENS.c.secret_hash == secret_hash).with_for_update()
    row = unit.connection.execute(query).first()
    return Token(**row._mapping) if row else None


def list_tokens(snapshot: Snapshot, school: str | None = None) -> list[Token]:
    """Return all tokens, or a school's, the newest first."""
    query = select(TOKENS).order_by(TOKENS.c.created_ms.desc(), TOKENS.c.token_id.desc())
    if school is not None:
        query = query.where(TOKENS.c.school == school)
    return [Token(**row._mapping) for row in snapshot.connection.execute(query)]


def find_tokens(snapshot: Snapshot, secret_hashes: list[str]) -> list[Token]:
    """Return the tokens with these secrets; a secret that no token has is passed over."""
    found = snapshot.connection.execute(select(TOKENS).where(TOKENS.c.secret_hash.in_(secret_hashes)))
    return [Token(**row._mapping) for row in found]


def find_token_by_id(snapshot: Snapshot, token_id: str) -> Token | None:
    """Return the token with this id."""
    row = snapshot.connection.execute(select(TOKENS).where(TOKENS.c.token_id == token_id)).first()
    return Token(**row._mapping) if row else None


def list_batch(snapshot: Snapshot, batch: str) -> list[Token]:
    """Return the tokens that one form made, in the order of their schools."""
    query = select(TOKENS).where(TOKENS.c.batch == batch).order_by(TOKENS.c.school, TOKENS.c.token_id)
    return [Token(**row._mapping) for row in snapshot.connection.execute(query)]


def use_token(unit: UnitOfWork, token_id: str) -> bool:
    """Count one more device; False if the cap is reached, decided by the database so that no race passes it."""
    condition = (TOKENS.c.token_id == token_id) & (TOKENS.c.used < TOKENS.c.max_devices)
    done = unit.connection.execute(update(TOKENS).where(condition).values(used=TOKENS.c.used + 1))
    return done.rowcount == 1


def count_pending(unit: UnitOfWork, token_id: str) -> int:
    """Return how many devices that came with this token wait for approval; its lock keeps others from counting too."""
    condition = (DEVICES.c.token_id == token_id) & (DEVICES.c.state == DeviceState.PENDING)
    return unit.connection.scalar(select(func.count()).select_from(DEVICES).where(condition)) or 0


def revoke_token(unit: UnitOfWork, token_id: str, now_ms: int) -> bool:
    """End a token; devices that came with it stay. False if it had ended so already."""
    condition = (TOKENS.c.token_id == token_id) & TOKENS.c.revoked_ms.is_(None)
    return unit.connection.execute(update(TOKENS).where(condition).values(revoked_ms=now_ms)).rowcount == 1
