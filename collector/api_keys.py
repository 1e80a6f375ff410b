"""What is done about the keys of programs: each deed one transaction, in the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.wire import forms
from agent.wire.vocabulary import ExitCode
from collector.domain.scope import scope_of
from collector.errors import CollectorError
from collector.operate import note
from collector.people import check_scope, require_person, scope_words
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import api_keys, users
from collector.store.queries.api_keys import ApiKey
from collector.store.queries.users import User
from collector.store.unit import UnitOfWork

PREFIX: Final = "enlk_"
"""Tells people and scanners for lost secrets what it is."""

HOLDERS: Final = ("analyst", "operator", "admin")  # roles that may take rows away
_DAY_MS: Final = 86_400_000
_LABEL_CHARS: Final = 100


@dataclass(frozen=True)
class Listed:
    """One key with whose it is."""

    key: ApiKey
    owner: str
    standing: str  # good | expired | revoked | useless: its person may no longer take rows away


def create_key(
    store: Store, ports: Ports, name: str, label: str, *, areas: Sequence[str] = (), days: int | None = None
) -> tuple[ApiKey, str]:
    """Return a new key and its secret, of which only the hash is kept.

    Args:
        store: The open database.
        ports: Clock and randomness.
        name: Whose it is: it sees and may no more than they, also later.
        label: What it is for.
        areas: It sees only these of what its person sees; none: all of that.
        days: It ends after so many; None: when it is revoked.

    Raises:
        CollectorError: If there is nobody of that name, they may not take rows away, or the areas are not theirs.
    """
    _check_label(label)
    secret = PREFIX + forms.b64url(ports.randomness.token_bytes(32))
    now_ms = ports.clock.now_ms()
    with store.unit() as unit:
        owner = _require_holder(unit, name, areas)
        key = ApiKey(
            key_id=ports.randomness.token_bytes(5).hex(),
            key_hash=hash_of(secret),
            user_id=owner.user_id,
            label=label.strip(),
            areas=tuple(dict.fromkeys(areas)),
            created_ms=now_ms,
            expires_ms=None if days is None else now_ms + days * _DAY_MS,
            used_ms=None,
            revoked_ms=None,
        )
        api_keys.create_key(unit, key)
        detail = f"{owner.name}: {key.label}, {scope_words(areas or owner.areas)}"
        note(unit, ports, "api_key.create", key.key_id, detail)
        unit.commit()
    return key, secret


def _check_label(label: str) -> None:
    if not label.strip() or len(label) > _LABEL_CHARS or not label.isprintable():
        raise CollectorError("The label is empty, too long or not printable.", exit_code=ExitCode.USAGE)


def _require_holder(unit: UnitOfWork, name: str, areas: Sequence[str]) -> User:
    """Return the person of that name, if a key of theirs for these areas opens anything."""
    owner = require_person(unit, name)
    if owner.role not in HOLDERS:
        raise CollectorError(
            f"{owner.name} is {owner.role} and may not take rows away, so a key of theirs would open nothing.",
            do=f"Make them analyst first: `enlace-collector user scope {owner.name} --role analyst`.",
            exit_code=ExitCode.USAGE,
        )
    check_scope(unit, "analyst", areas)
    outside = [area for area in areas if not scope_of(owner.areas).covers(area)]
    if outside:
        raise CollectorError(
            f"{owner.name} does not see {outside[0]!r}.",
            do=f"They are {owner.role} {scope_words(owner.areas)}.",
            exit_code=ExitCode.USAGE,
        )
    return owner


def hash_of(secret: str) -> str:
    """Return what is kept of a secret; it is random enough that a plain hash serves."""
    return forms.sha256hex(secret.encode())


def list_keys(store: Store, now_ms: int) -> list[Listed]:
    """Return every key with its person and whether it opens anything."""
    with store.reader() as snapshot:
        people = {user.user_id: user for user in users.list_users(snapshot)}
        found = api_keys.list_keys(snapshot)
    listed = []
    for key in found:
        owner = people.get(key.user_id)
        may = owner is not None and owner.disabled_ms is None and owner.role in HOLDERS
        ended = "revoked" if key.revoked_ms is not None else "expired" if not key.is_good(now_ms) else ""
        listed.append(Listed(key, owner.name if owner else "nobody", ended or ("good" if may else "useless")))
    return listed


def revoke_key(store: Store, ports: Ports, text: str) -> ApiKey:
    """Let a key, named by the beginning of its id or by itself, open nothing any more.

    Raises:
        CollectorError: If there is none, or several begin so.
    """
    with store.unit() as unit:
        every = api_keys.list_keys(unit)
        found = [key for key in every if text and (key.key_id.startswith(text) or key.key_hash == hash_of(text))]
        if len(found) != 1:
            raise CollectorError(
                f"{len(found)} keys begin with {text}." if found else "There is no such key.",
                do="See `enlace-collector api-key list`.",
                exit_code=ExitCode.USAGE,
            )
        api_keys.revoke_key(unit, found[0].key_id, ports.clock.now_ms())
        note(unit, ports, "api_key.revoke", found[0].key_id, found[0].label)
        unit.commit()
    return found[0]
