"""Who is told: people with a mailbox, and webhooks; each with what they may see, want and have muted."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.config import CollectorConfig
from collector.domain.notice_facts import Reader
from collector.domain.notice_rules import Mute, Preference, Topic, Wants, inherit, may_know_illness
from collector.domain.scope import WHOLE, Scope, scope_of
from collector.notify.tongue import LANGUAGES
from collector.store.queries import users
from collector.store.queries.notices import preferences, webhooks
from collector.store.queries.notices.preferences import DEPLOYMENT, PERSON, ROLE
from collector.store.queries.notices.webhooks import Webhook
from collector.store.queries.users import User
from collector.store.unit import Snapshot

USER, HOOK = "user:", "webhook:"


@dataclass(frozen=True)
class Listed:
    """A reader with what the decision needs around them."""

    reader: Reader
    scope: Scope
    language: str
    address: str = ""  # mailbox or URL; empty: there is none


def list_readers(
    snapshot: Snapshot, config: CollectorConfig, now_ms: int, zones: Mapping[Scope, str], *, has_mail: bool
) -> list[Listed]:
    """Return everybody who may be told something, people by name, then webhooks.

    Args:
        snapshot: Of the whole country.
        config: Language and zone where nobody says another.
        now_ms: For mutes.
        zones: Of the scopes that are known; others have that of the deployment.
        has_mail: Mail can be sent; otherwise nobody is told, so that nothing waits for a server that is not there.
    """
    said = preferences.list_said(snapshot)
    muted: dict[str, list[Mute]] = {}
    for one in preferences.mutes_in_force(snapshot, now_ms):
        muted.setdefault(one.user_id, []).append(one.mute)
    people = [
        _person(user, config, said, zones, (*muted.get("", ()), *muted.get(user.user_id, ())))
        for user in users.list_users(snapshot)
        if has_mail and user.email and user.disabled_ms is None
    ]
    hooks = [_hook(one, config, zones, tuple(muted.get("", ()))) for one in webhooks.list_good(snapshot)]
    return [*people, *hooks]


def find_reader(snapshot: Snapshot, config: CollectorConfig, reader: str, zone: str, now_ms: int) -> Listed | None:
    """Return a reader as they are now, with or without an address; None: gone.

    Args:
        snapshot: Of the whole country.
        config: Language and zone where nobody says another.
        reader: `user:ID` or `webhook:ID`.
        zone: By which their quiet hours are read, an IANA name.
        now_ms: For mutes.
    """
    if reader.startswith(HOOK):
        hook = webhooks.find(snapshot, reader.removeprefix(HOOK))
        muted = tuple(one.mute for one in preferences.mutes_in_force(snapshot, now_ms, ("",)))
        return None if hook is None or hook.ended_ms is not None else _hook(hook, config, {WHOLE: zone}, muted)
    user = users.find_user_by_id(snapshot, reader.removeprefix(USER))
    if user is None or user.disabled_ms is not None:
        return None
    mutes = tuple(one.mute for one in preferences.mutes_in_force(snapshot, now_ms, ("", user.user_id)))
    near = preferences.said_of(snapshot, user.role, user.user_id)
    said = {(reach, {ROLE: user.role, PERSON: user.user_id}.get(reach, "")): one for reach, one in near.items()}
    return _person(user, config, said, {scope_of(user.areas): zone}, mutes)


def scopes_of(snapshot: Snapshot) -> set[Scope]:
    """Return what all readers together see, each scope once."""
    found = {scope_of(user.areas) for user in users.list_users(snapshot) if user.email and user.disabled_ms is None}
    return found | ({WHOLE} if webhooks.list_good(snapshot) else set())


def wants_of(said: Mapping[tuple[str, str], Preference], role: str, user_id: str) -> Wants:
    """Return what holds for a person."""
    nothing = Preference()
    return inherit(
        said.get((DEPLOYMENT, ""), nothing), said.get((ROLE, role), nothing), said.get((PERSON, user_id), nothing)
    )


def _person(
    user: User,
    config: CollectorConfig,
    said: Mapping[tuple[str, str], Preference],
    zones: Mapping[Scope, str],
    mutes: tuple[Mute, ...],
) -> Listed:
    scope = scope_of(user.areas)
    sees = may_know_illness(user.role, is_whole=scope.is_whole)
    wants, zone = wants_of(said, user.role, user.user_id), _zone(zones.get(scope), config)
    language = user.language if user.language in LANGUAGES else config.default_language
    reader = Reader(f"{USER}{user.user_id}", wants, zone, sees, mutes)
    return Listed(reader, scope, str(language), user.email or "")


def _hook(
    hook: Webhook,
    config: CollectorConfig,
    zones: Mapping[Scope, str],
    mutes: tuple[Mute, ...],
) -> Listed:
    """Return a webhook: what it is told is set with it; programs have no quiet hours."""
    topics = {name: name in hook.topics for name in (Topic.DIGEST, Topic.OUTAGE, Topic.ILLNESS)}
    wants = inherit(Preference(), Preference(), Preference(**topics, quiet=""))
    reader = Reader(f"{HOOK}{hook.webhook_id}", wants, _zone(zones.get(WHOLE), config), True, mutes)
    return Listed(reader, WHOLE, "en", hook.url)


def _zone(name: str | None, config: CollectorConfig) -> ZoneInfo:
    try:
        return ZoneInfo(name or config.default_timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(config.default_timezone)
