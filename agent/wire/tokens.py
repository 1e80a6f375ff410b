"""Enrolment tokens as people type them, and access tokens as test points check them (CONTRACTS 2 and 3)."""

import base64
import hashlib
import re
from dataclasses import dataclass

import msgspec
from nacl.signing import SigningKey

from agent.wire import forms, limits, signing

SECRET_BYTES = 16
ACCESS_LIFETIME_MS = 5 * 60 * 1000
ACCESS_TOKEN_CHARS = 2_000

_FORM = re.compile(r"ENL1-([A-Z2-7]{26})-([A-Z2-7]{16})", re.ASCII)
_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{limits.ID_CHARS}}}", re.ASCII)
_MISREAD = str.maketrans("018", "OIB")


@dataclass(frozen=True)
class EnrolToken:
    """`ENL1-<secret>-<pin>`: the secret admits to one school, the pin names the collector's key."""

    secret: str  # 26 base32 characters of 16 secret bytes
    pin: str  # 16 base32 characters of SHA-256(collector key)

    def __str__(self) -> str:
        return f"ENL1-{self.secret}-{self.pin}"

    def secret_hash(self) -> str:
        """Return what the collector stores: SHA-256 of the secret bytes, hex."""
        return hashlib.sha256(_secret_bytes(self.secret)).hexdigest()


def _secret_bytes(secret: str) -> bytes:
    return base64.b32decode(secret + "======")


def make_enrol_token(secret: bytes, collector_key: bytes) -> EnrolToken:
    """Return the token of sixteen random bytes for this collector's public key."""
    return EnrolToken(base64.b32encode(secret).decode("ascii").rstrip("="), signing.pin_of(collector_key))


def parse_enrol_token(typed: str) -> EnrolToken:
    """Return the token in a typed or pasted text: any case, blanks dropped, 0 read as O, 1 as I, 8 as B.

    Raises:
        ValueError: If the text is no token; the text itself is not repeated, it may be a secret.
    """
    text = "".join(typed.upper().split())
    head, dash, rest = text.partition("-")
    match = _FORM.fullmatch(head + dash + rest.translate(_MISREAD))
    if match is None:
        raise ValueError("this is not an enrolment token: one looks like ENL1-, 26 characters, -, 16 characters")
    secret = match[1]
    if base64.b32encode(_secret_bytes(secret)).decode("ascii").rstrip("=") != secret:
        raise ValueError("this enrolment token has a wrong character: copy it again")
    return EnrolToken(secret, match[2])


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token allows at a test point."""

    school: str
    lease_id: str
    exp_ms: int
    max_bytes: int
    jti: str


def make_access_token(key: SigningKey, claims: AccessClaims) -> str:
    """Return `claims.signature`, each part base64url, signed by the collector."""
    first = forms.b64url(msgspec.json.encode(claims))
    return f"{first}.{signing.sign(key, signing.access_text(first))}"


class WrongSignatureError(ValueError):
    """No known key has signed the token; a newer key may have."""


def read_access_token(token: str, public_keys: list[bytes], now_ms: int) -> AccessClaims:
    """Return the claims of a valid access token.

    Args:
        token: As it came in the query.
        public_keys: The collector's keys, raw.
        now_ms: The test point's own time, Unix milliseconds.

    Raises:
        WrongSignatureError: If none of the keys has signed it.
        ValueError: If it is malformed or expired.
    """
    first, dot, signature = token.partition(".")
    if not dot or not first.isascii() or len(token) > ACCESS_TOKEN_CHARS:
        raise ValueError("token malformed")
    if not any(signing.is_signed(key, signing.access_text(first), signature) for key in public_keys):
        raise WrongSignatureError("token signature wrong")
    try:
        raw = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))
        claims = msgspec.json.decode(raw, type=AccessClaims)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError("token malformed") from error
    if not _is_well_formed(claims):
        raise ValueError("token malformed")
    if claims.exp_ms <= now_ms:
        raise ValueError("token expired")
    return claims


def _is_well_formed(claims: AccessClaims) -> bool:
    """Return whether identifiers and numbers have the form that the collector gives them."""
    return (
        0 < len(claims.school) <= limits.ID_CHARS
        and claims.school.isprintable()
        and _ID.fullmatch(claims.lease_id) is not None
        and _ID.fullmatch(claims.jti) is not None
        and 0 <= claims.max_bytes <= limits.BYTES
        and 0 <= claims.exp_ms <= limits.SAFE_INTEGER
    )
