"""Passwords of people: only their Argon2id hash is kept. Knows no pages, so that commands need not load them."""

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARS: Final = 10
MAX_CHARS: Final = 1024
_HASHER = PasswordHasher()  # Argon2id, RFC 9106 second recommended set


def hash_password(password: str) -> str:
    """Return the Argon2id hash that is stored."""
    return _HASHER.hash(password)


def is_password(password_hash: str, password: str) -> bool:
    """Return whether a password is the one of a hash."""
    try:
        return len(password) <= MAX_CHARS and _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def hash_of_nobody() -> str:
    """Return what is verified for names that do not exist, so that the answer takes as long."""
    return _HASHER.hash("nobody has this password")
