"""What an operator does about people from the command line: each deed one transaction, in the audit log."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.wire import forms
from agent.wire.vocabulary import ExitCode
from collector import passwords
from collector.domain.scope import lies_in
from collector.errors import CollectorError
from collector.notify.settings import is_mailbox
from collector.operate import note
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import api_keys, audit, sessions, users
from collector.store.queries.audit import AuditEntry
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.users import User
from collector.store.unit import Snapshot

_PASSWORD_BYTES = 15
_AREAS_SHOWN = 12


def new_password(ports: Ports) -> str:
    """Return a random password that can be typed."""
    return base64.b32encode(ports.randomness.token_bytes(_PASSWORD_BYTES)).decode("ascii").lower()


def add_user(
    store: Store,
    ports: Ports,
    name: str,
    role: str,
    password: str,
    hash_of: Callable[[str], str],
    areas: Sequence[str] = (),
) -> None:
    """Let a person sign in.

    Args:
        store: The open database.
        ports: Clock and randomness.
        name: What they sign in with.
        role: What they may do.
        password: In clear.
        hash_of: Gives the hash that is stored.
        areas: What they may see; none: the whole country.

    Raises:
        CollectorError: If somebody has that name, name or password cannot be used, or no school is in an area.
    """
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise CollectorError("The name is empty, too long or not printable.", exit_code=ExitCode.USAGE)
    _check_password(password)
    now_ms = ports.clock.now_ms()
    user = User(
        user_id=forms.uuid7(now_ms, ports.randomness.token_bytes(10)),
        name=name.strip(),
        role=role,
        password_hash=hash_of(password),
        language=None,
        created_ms=now_ms,
        disabled_ms=None,
        areas=tuple(dict.fromkeys(areas)),
    )
    with store.unit() as unit:
        check_scope(unit, role, areas)
        users.create_user(unit, user)
        note(unit, ports, "user.add", user.name, deed_words(role, areas))
        unit.commit()


def _check_password(password: str) -> None:
    if len(password) < passwords.MIN_CHARS:
        raise CollectorError(
            f"The password is too short: it needs {passwords.MIN_CHARS} characters.", exit_code=ExitCode.USAGE
        )
    if len(password) > passwords.MAX_CHARS:
        raise CollectorError(
            f"The password is too long: {passwords.MAX_CHARS} characters are enough.", exit_code=ExitCode.USAGE
        )


def deed_words(role: str, areas: Sequence[str]) -> str:
    """Return role and areas as the audit log tells them."""
    return f"{role} {scope_words(areas)}" if areas else role


def scope_words(areas: Sequence[str]) -> str:
    """Return in words what somebody may see."""
    return f"of {', '.join(areas)}" if areas else "of the whole country"


def check_scope(snapshot: Snapshot, role: str, areas: Sequence[str]) -> None:
    """Refuse areas in which nothing is, and an administrator of a part.

    Raises:
        CollectorError: With what to do.
    """
    if role == "admin" and areas:
        raise CollectorError(
            "An administrator sees the whole country.", do="Leave out --area.", exit_code=ExitCode.USAGE
        )
    known = pages_schools.facets(snapshot)["area"] if areas else []
    for area in areas:
        if not any(lies_in(one, area) for one in known):
            shown = f"Areas of the registry: {', '.join(known[:_AREAS_SHOWN])}{' ...' * (len(known) > _AREAS_SHOWN)}."
            raise CollectorError(
                f"No school is in the area {area!r}, so whoever has it would see nothing.",
                do=shown if known else "The registry names no areas.",
                exit_code=ExitCode.USAGE,
            )


def set_scope(
    store: Store, ports: Ports, name: str, *, role: str | None = None, areas: Sequence[str] | None = None
) -> User:
    """Give a person another role or other areas; it holds from their next page on.

    Args:
        store: The open database.
        ports: Clock and randomness.
        name: Who.
        role: The new role; None: as it is.
        areas: The new areas, none of them: the whole country; None: as they are.

    Raises:
        CollectorError: If there is nobody of that name, nobody else could administer, or the areas cannot be used.
    """
    with store.unit() as unit:
        found = require_person(unit, name)
        changed = replace(found, role=role or found.role, areas=found.areas if areas is None else tuple(areas))
        if changed.role != "admin":
            _keep_an_admin(unit, found)
        check_scope(unit, changed.role, changed.areas)
        users.set_scope(unit, found.user_id, changed.role, changed.areas)
        before = f"before: {found.role} {scope_words(found.areas)}"
        note(unit, ports, "user.scope", found.name, f"{changed.role} {scope_words(changed.areas)}; {before}")
        unit.commit()
    return changed


def list_users(store: Store) -> list[User]:
    """Return everybody who may sign in."""
    with store.reader() as snapshot:
        return users.list_users(snapshot)


def require_user(store: Store, name: str) -> User:
    """Return the person of that name.

    Raises:
        CollectorError: If there is nobody.
    """
    with store.reader() as snapshot:
        return require_person(snapshot, name)


def require_person(snapshot: Snapshot, name: str) -> User:
    """Return the person of that name, in a transaction.

    Raises:
        CollectorError: If there is nobody.
    """
    found = users.find_user(snapshot, name)
    if found is None:
        raise CollectorError(
            f"There is no user {name}.", do="See `enlace-collector user list`.", exit_code=ExitCode.USAGE
        )
    return found


def set_password(store: Store, ports: Ports, name: str, password: str, hash_of: Callable[[str], str]) -> User:
    """Give a person another password; whoever is signed in with the old one is signed out.

    Raises:
        CollectorError: If there is nobody of that name, or the password cannot be used.
    """
    _check_password(password)
    password_hash = hash_of(password)
    with store.unit() as unit:
        found = require_person(unit, name)
        users.set_password(unit, found.user_id, password_hash)
        users.clear_failures(unit, found.name)
        sessions.end_sessions_of(unit, found.user_id)
        note(unit, ports, "user.password", found.name)
        unit.commit()
    return found


def set_email(store: Store, ports: Ports, name: str, address: str | None) -> User:
    """Remember where a person's messages go; None: nowhere.

    Raises:
        CollectorError: If there is nobody of that name, or mail cannot go there.
    """
    if address is not None and not is_mailbox(address):
        raise CollectorError(
            "This is no address that mail can go to.",
            do="Write one such as name@example.org.",
            exit_code=ExitCode.USAGE,
        )
    with store.unit() as unit:
        found = require_person(unit, name)
        users.set_email(unit, found.user_id, address)
        note(unit, ports, "user.email", found.name, "set" if address else "taken off")
        unit.commit()
    return found


def remove_user(store: Store, ports: Ports, name: str) -> User:
    """Let a person sign in no longer; what they did stays written down under their name.

    Raises:
        CollectorError: If there is nobody of that name, or nobody else could administer.
    """
    with store.unit() as unit:
        found = require_person(unit, name)
        _keep_an_admin(unit, found)
        sessions.end_sessions_of(unit, found.user_id)
        api_keys.revoke_keys_of(unit, found.user_id, ports.clock.now_ms())
        users.remove_user(unit, found.user_id)
        note(unit, ports, "user.remove", found.name, found.role)
        unit.commit()
    return found


def _keep_an_admin(snapshot: Snapshot, leaving: User) -> None:
    """Refuse that the only administrator is one no longer."""
    admins = [user.user_id for user in users.list_users(snapshot) if user.role == "admin" and user.disabled_ms is None]
    if admins == [leaving.user_id]:
        raise CollectorError(
            f"{leaving.name} is the only administrator, so nobody could administer any more: add another first with "
            "`enlace-collector user add NAME --role admin`.",
            exit_code=ExitCode.REFUSED,
        )


def list_deeds(store: Store, limit: int) -> list[AuditEntry]:
    """Return who did what, the newest first."""
    with store.reader() as snapshot:
        return audit.list_entries(snapshot, limit)
