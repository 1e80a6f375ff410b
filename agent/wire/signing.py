"""What is signed, by whom, and how it is checked (CONTRACTS 2). Ed25519 (RFC 8032) through libsodium.

No method, path or host is signed: proxies rewrite them.
"""

import base64
import hashlib
from enum import StrEnum

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from agent.wire import forms

PUBLIC_KEY_BYTES = 32
SEED_BYTES = 32  # of a private key, as it is kept
SIGNATURE_BYTES = 64
PIN_BYTES = 10


class Word(StrEnum):
    """The domain word that keeps a signature for one use from passing for another."""

    BATCH = "batch"
    LEASE = "lease"
    SETTINGS = "settings"


def key_id(public_key: bytes) -> str:
    """Return the first 16 hexadecimal digits of SHA-256 over the raw public key."""
    return forms.sha256hex(public_key)[:16]


def pin_of(public_key: bytes) -> str:
    """Return the token's pin of a collector key: 16 base32 characters (RFC 4648) of its SHA-256."""
    return base64.b32encode(hashlib.sha256(public_key).digest()[:PIN_BYTES]).decode("ascii")


def request_text(word: Word, header_values: list[str], body: bytes) -> bytes:
    """Return the bytes that a device signs of a batch, lease or settings request.

    Args:
        word: The domain word of the address.
        header_values: The eight signed values in the order of `headers.SIGNED`.
        body: The body as sent.
    """
    lines = "".join(value + "\n" for value in header_values)
    return f"enlace/1 {word}\n{lines}{forms.sha256hex(body)}".encode("ascii")


def enrol_text(batch: str, body: bytes) -> bytes:
    """Return the bytes that a new key (and, if there is one, the old key) signs of an enrolment."""
    return f"enlace/1 enrol\n{batch}\n{forms.sha256hex(body)}".encode("ascii")


def answer_text(device: str, batch: str, collector_key_id: str, body: bytes) -> bytes:
    """Return the bytes that the collector signs of any answer, bound to this device and batch."""
    return f"enlace/1 answer\n{device}\n{batch}\n{collector_key_id}\n{forms.sha256hex(body)}".encode("ascii")


def access_text(claims: str) -> bytes:
    """Return the bytes that the collector signs of an access token's first part."""
    return f"enlace/1 access\n{claims}".encode("ascii")


def receipt_text(receipt: str) -> bytes:
    """Return the bytes that a test point signs of a receipt's first part."""
    return f"enlace/1 receipt\n{receipt}".encode("ascii")


def public_keys_in(text: str) -> tuple[bytes, ...]:
    """Return the raw public keys of a file's text, one to a line in base64url; what is no key is passed over."""
    found = []
    for line in text.split():
        try:
            found.append(forms.unb64url(line, PUBLIC_KEY_BYTES))
        except ValueError:
            continue
    return tuple(found)


def sign(key: SigningKey, text: bytes) -> str:
    """Return the signature in 86 base64url characters."""
    return forms.b64url(key.sign(text).signature)


def is_signed(public_key: bytes, text: bytes, signature: str) -> bool:
    """Return whether the signature is the key's own of this text; anything malformed is False."""
    try:
        VerifyKey(public_key).verify(text, forms.unb64url(signature, SIGNATURE_BYTES))
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True
