"""Who is signed in; only hashes of the cookies are kept."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from collector.store.tables.people import SESSIONS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class Session:
    """One signed-in browser."""

    token_hash: str
    user_id: str
    created_ms: int
    used_ms: int
    expires_ms: int


def create_session(unit: UnitOfWork, session: Session) -> None:
    """Let the browser with that cookie in; sessions that have run out are forgotten on this occasion."""
    unit.connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_ms <= session.created_ms))
    unit.connection.execute(
        insert(SESSIONS).values(
            token_hash=session.token_hash,
            user_id=session.user_id,
            created_ms=session.created_ms,
            used_ms=session.used_ms,
            expires_ms=session.expires_ms,
        )
    )


def find_session(snapshot: Snapshot, token_hash: str, now_ms: int) -> Session | None:
    """Return the session that has not run out, else None."""
    condition = (SESSIONS.c.token_hash == token_hash) & (SESSIONS.c.expires_ms > now_ms)
    row = snapshot.connection.execute(select(SESSIONS).where(condition)).first()
    return Session(**row._mapping) if row else None


def touch_session(unit: UnitOfWork, token_hash: str, now_ms: int, expires_ms: int) -> None:
    """Move the session's end on because it is in use."""
    unit.connection.execute(
        update(SESSIONS).where(SESSIONS.c.token_hash == token_hash).values(used_ms=now_ms, expires_ms=expires_ms)
    )


def end_session(unit: UnitOfWork, token_hash: str) -> None:
    """Sign one browser out."""
    unit.connection.execute(delete(SESSIONS).where(SESSIONS.c.token_hash == token_hash))


def end_sessions_of(unit: UnitOfWork, user_id: str) -> None:
    """Sign a person out everywhere."""
    unit.connection.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user_id))
