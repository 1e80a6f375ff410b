"""Static files with their content in their address, so that browsers may keep them for a year."""

import hashlib
from functools import cache
from pathlib import Path

from flask import url_for

_FOLDER = Path(__file__).parent / "static"


@cache
def version_of(name: str) -> str:
    """Return the first digits of the SHA-256 of a static file."""
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file; it changes whenever the file does."""
    return url_for("static", filename=name, v=version_of(name))
