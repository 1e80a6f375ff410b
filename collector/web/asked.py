"""What a request asks for: texts no longer than a filter needs, and how many rows."""

from typing import Final

from flask import request

LONGEST: Final = 100
ROWS, ALL_ROWS = 50, 2000


def bearer() -> str | None:
    """Return the secret that a program sends as `Authorization: Bearer`, however the word is written (RFC 7235)."""
    sent = request.authorization
    return (sent.token or "").strip() if sent is not None and sent.type == "bearer" else None


def text(name: str, longest: int = LONGEST) -> str:
    """Return a text of the address without blanks around it; empty: none."""
    return request.args.get(name, "").strip()[:longest]


def number(name: str, most: int = 1_000_000) -> int:
    """Return a whole number of the address, 0 where there is none or it is larger than anybody needs."""
    given = text(name, 20)  # cut no shorter: what is left of a large number would be another one
    return int(given) if given.isascii() and given.isdigit() and int(given) <= most else 0


def has_all() -> bool:
    """Return whether the whole list is asked for, not its beginning."""
    return text("show") == "all"


def limit(few: int = ROWS) -> int:
    """Return how many rows a list shows at most; a few while not all are asked for."""
    return ALL_ROWS if has_all() else few
