"""The address that ends a kind of message without signing in (RFC 8058): who, what, and our signature over both."""

import hmac
import re
from dataclasses import dataclass
from typing import Final

from agent.wire import forms
from collector.ports import Ports
from collector.store import secrets_kept
from collector.store.open import ScopedStore, Store
from collector.store.queries import facts
from collector.store.unit import Snapshot

_FACT: Final = "notice_secret"
_DOMAIN: Final = b"enlace/1 stop of notices\n"
_SIGNATURE_BYTES: Final = 16
_TEXT: Final = re.compile(r"(digest|outage|illness|test)\.([A-Za-z0-9-]{1,64})\.([A-Za-z0-9_-]{22})", re.ASCII)
PATH: Final = "/notices/stop/"


@dataclass(frozen=True)
class Stop:
    """What an address ends."""

    topic: str
    user_id: str


def secret_of(store: Store | ScopedStore, ports: Ports) -> str:
    """Return what signs these addresses, made now if no message was sent before."""
    return secrets_kept.secret(store, _FACT, ports.randomness.token_bytes)


def kept_secret(snapshot: Snapshot) -> str | None:
    """Return what signed these addresses, None before the first message: a stranger's address makes none."""
    return facts.find_fact(snapshot, _FACT)


def sign(secret: str, stop: Stop) -> str:
    """Return the end of the address."""
    said = f"{stop.topic}.{stop.user_id}"
    signature = hmac.digest(secret.encode(), _DOMAIN + said.encode(), "sha256")[:_SIGNATURE_BYTES]
    return f"{said}.{forms.b64url(signature)}"


def read(secret: str, text: str) -> Stop | None:
    """Return what an address ends; None where we have not signed it."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    stop = Stop(found[1], found[2])
    return stop if hmac.compare_digest(sign(secret, stop), text) else None
