"""The address of a school's page for who has no account: a random id with our signature, and nothing else in it.

The secret is the one that signs the tokens of forms, under a name of its own: every process on the database has it, and
a copy of the table of links opens nothing without it.
"""

import hmac
import re
from collections.abc import Iterable
from typing import Final

from flask import current_app, request, url_for

from agent.wire import forms
from collector.store.queries.school_links import SchoolLink
from collector.web.desk import desk

ID_BYTES: Final = 16
_SIGNATURE_BYTES: Final = 16
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{44}", re.ASCII)
_ID_CHARS: Final = 22
_DOMAIN: Final = b"enlace/1 school link\n"


def sign(link_id: str) -> str:
    """Return what the address of a link ends with."""
    secret = current_app.secret_key
    if not isinstance(secret, str):
        raise RuntimeError("the application has no secret to sign with")
    signature = hmac.digest(secret.encode(), _DOMAIN + link_id.encode(), "sha256")[:_SIGNATURE_BYTES]
    return link_id + forms.b64url(signature)


def read(text: str) -> str | None:
    """Return the id of a link that we have signed; None where a sign of it is another."""
    if _TEXT.fullmatch(text) is None:
        return None
    link_id = text[:_ID_CHARS]
    return link_id if hmac.compare_digest(sign(link_id), text) else None


def with_addresses(links: Iterable[SchoolLink]) -> list[tuple[SchoolLink, str]]:
    """Return links, each with the address that people are given."""
    base = (desk().config.public_url or request.host_url).rstrip("/")
    return [(one, base + url_for("school_link.show", token=sign(one.link_id))) for one in links]
