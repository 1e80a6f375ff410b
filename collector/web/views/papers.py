"""What leaves the collector of a new token: a letter with its QR code, or a row of a file. Only while it is known.

The secret is never stored, so the browser that was shown it sends it back for the letter: in the body of a form, and
never in an address, which browsers and proxies keep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import request
from markupsafe import Markup

from agent.wire import tokens
from agent.wire.tokens import EnrolToken
from collector.intake import invitations
from collector.store.queries import schools
from collector.store.queries import tokens as stored
from collector.store.queries.exports import CellKind
from collector.store.unit import Snapshot
from collector.web.desk import desk
from collector.web.forms.token_form import AT_ONCE
from collector.web.language import present
from collector.web.language.i18n import language
from collector.web.views import qr

COLUMNS: Final = {
    **dict.fromkeys(("school", "name", "area", "token"), CellKind.TEXT),
    "max_devices": CellKind.INTEGER,
    "expires_at": CellKind.TIME,
    "command": CellKind.TEXT,
}


@dataclass(frozen=True)
class Paper:
    """A token with everything that its letter says."""

    token: str
    school: str
    name: str
    area: str | None
    max_devices: int
    expires_ms: int
    until: Markup
    command: str

    @property
    def picture(self) -> Markup:
        """The QR code of the token alone."""
        return qr.picture(self.token)


def read(text: str) -> list[EnrolToken]:
    """Return the tokens of a text with blanks between them; what is none is passed over."""
    found = []
    for word in text.split()[:AT_ONCE]:
        try:
            found.append(tokens.parse_enrol_token(word))
        except ValueError:
            continue
    return found


def of_tokens(snapshot: Snapshot, given: Sequence[EnrolToken]) -> list[Paper]:
    """Return the papers of tokens that are known here and still admit somebody, in the order given."""
    parts = desk()
    by_hash = {one.secret_hash: one for one in stored.find_tokens(snapshot, [one.secret_hash() for one in given])}
    sites = schools.by_code(snapshot, {one.school for one in by_hash.values()})
    papers = []
    for token in given:
        row = by_hash.get(token.secret_hash())
        if row is None or invitations.state_of(row, parts.now_ms) in ("revoked", "expired"):
            continue
        site = sites.get(row.school)
        papers.append(
            Paper(
                token=str(token),
                school=row.school,
                name=site.name if site else row.school,
                area=site.area if site else None,
                max_devices=row.max_devices,
                expires_ms=row.expires_ms,
                until=_inside_a_sentence(row.expires_ms, parts.zone_of(site.timezone if site else None)),
                command=command(str(token)),
            )
        )
    return papers


def _inside_a_sentence(at_ms: int, zone: ZoneInfo) -> Markup:
    """Return a moment with its year, in small letters where the language writes weekdays so."""
    ours = present.conventions()
    return present.time_tag(at_ms, ours.write(present.local(at_ms, zone), ours.full, language()))


def command(token: str) -> str:
    """Return what is typed at a computer."""
    return f"enlace-agent enrol --collector {address()} --token {token}"


def address() -> str:
    """Return where agents reach this collector: as configured, else as the reader of this page reached it."""
    return (desk().config.public_url or request.url_root).rstrip("/")


def is_local(url: str) -> bool:
    """Return whether an address leads nowhere from any other computer."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
