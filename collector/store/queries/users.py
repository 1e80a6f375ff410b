"""People who sign in, and how often somebody failed to."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.wire.vocabulary import ExitCode
from collector.errors import CollectorError
from collector.store import locks
from collector.store.tables.people import SIGN_IN_FAILURES, USERS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update


@dataclass(frozen=True)
class User:
    """One person."""

    user_id: str
    name: str
    role: str  # viewer | analyst | operator | admin
    password_hash: str = field(repr=False)
    language: str | None
    created_ms: int
    disabled_ms: int | None  # None: may sign in
    areas: tuple[str, ...] = ()  # what they may see, with everything in them; none: the whole country
    email: str | None = None  # where notices go; None: nowhere


@dataclass(frozen=True)
class SignInFailures:
    """How often in a row somebody gave a wrong password for a name."""

    count: int
    last_ms: int


def fold(name: str) -> str:
    """Return the name as it is compared: case and ways of writing the same letter do not matter."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def create_user(unit: UnitOfWork, user: User) -> None:
    """Add a person.

    Raises:
        CollectorError: If somebody has that name.
    """
    values = {
        "user_id": user.user_id,
        "name": user.name,
        "name_folded": fold(user.name),
        "password_hash": user.password_hash,
        "role": user.role,
        "language": user.language,
        "created_ms": user.created_ms,
        "disabled_ms": user.disabled_ms,
        "areas": json.dumps(user.areas, ensure_ascii=False),
        "email": user.email,
    }
    try:
        with unit.connection.begin_nested():
            unit.connection.execute(insert(USERS).values(values))
    except IntegrityError as error:
        raise CollectorError(
            f"There is a user {user.name} already.", do="Choose another name.", exit_code=ExitCode.USAGE
        ) from error


def find_user(snapshot: Snapshot, name: str) -> User | None:
    """Return the person of that name, however it is capitalised."""
    row = snapshot.connection.execute(select(USERS).where(USERS.c.name_folded == fold(name))).first()
    return _user(row) if row else None


def find_user_by_id(snapshot: Snapshot, user_id: str) -> User | None:
    """Return the person with that id."""
    row = snapshot.connection.execute(select(USERS).where(USERS.c.user_id == user_id)).first()
    return _user(row) if row else None


def list_users(snapshot: Snapshot) -> list[User]:
    """Return everybody by name."""
    return [_user(row) for row in snapshot.connection.execute(select(USERS).order_by(USERS.c.name_folded))]


def set_password(unit: UnitOfWork, user_id: str, password_hash: str) -> None:
    """Give a person another password."""
    unit.connection.execute(update(USERS).where(USERS.c.user_id == user_id).values(password_hash=password_hash))


def set_scope(unit: UnitOfWork, user_id: str, role: str, areas: Iterable[str]) -> None:
    """Give a person another role and other areas."""
    values = {"role": role, "areas": json.dumps(list(areas), ensure_ascii=False)}
    unit.connection.execute(update(USERS).where(USERS.c.user_id == user_id).values(values))


def remove_user(unit: UnitOfWork, user_id: str) -> None:
    """Forget a person; the name can be given again."""
    unit.connection.execute(delete(USERS).where(USERS.c.user_id == user_id))


def set_language(unit: UnitOfWork, user_id: str, language: str) -> None:
    """Remember the language that a person chose."""
    unit.connection.execute(update(USERS).where(USERS.c.user_id == user_id).values(language=language))


def set_email(unit: UnitOfWork, user_id: str, email: str | None) -> None:
    """Remember where a person's notices go; None: nowhere."""
    unit.connection.execute(update(USERS).where(USERS.c.user_id == user_id).values(email=email))


def hold_tries(unit: UnitOfWork, name: str) -> None:
    """Let nobody else try this name until the transaction ends, so that many at once count as many."""
    locks.hold(unit, (f"sign in {fold(name)}",))


def find_failures(snapshot: Snapshot, name: str) -> SignInFailures:
    """Return how often in a row the password of this name was wrong; zero for names that do not exist too."""
    table = SIGN_IN_FAILURES
    row = snapshot.connection.execute(select(table).where(table.c.name_folded == fold(name))).first()
    return SignInFailures(row._mapping["count"], row.last_ms) if row else SignInFailures(0, 0)


def add_failure(unit: UnitOfWork, name: str, now_ms: int) -> None:
    """Count one more wrong password."""
    count = find_failures(unit, name).count + 1
    insert_or_update(unit, SIGN_IN_FAILURES, {"name_folded": fold(name), "count": count, "last_ms": now_ms})


def clear_failures(unit: UnitOfWork, name: str) -> None:
    """Forget the wrong passwords after a right one."""
    unit.connection.execute(delete(SIGN_IN_FAILURES).where(SIGN_IN_FAILURES.c.name_folded == fold(name)))


def prune_failures(unit: UnitOfWork, before_ms: int) -> None:
    """Forget wrong passwords that are older."""
    unit.connection.execute(delete(SIGN_IN_FAILURES).where(SIGN_IN_FAILURES.c.last_ms < before_ms))


def _user(row: Row[tuple[object, ...]]) -> User:
    values = dict(row._mapping)
    del values["name_folded"]
    values["areas"] = tuple(json.loads(str(values["areas"])))
    return User(**values)
