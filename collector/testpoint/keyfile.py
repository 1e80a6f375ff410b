"""Keys in files: the collector's public ones that admit tokens, and the test point's own pair that signs receipts.

Public keys stand one to a line, base64url. Files are replaced as a whole: a reader sees the old or the new one.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from nacl.signing import SigningKey

from agent.wire import forms, infile, signing

MOST_BYTES = 100_000  # of a file


def write_public_keys(path: Path, public_keys: Iterable[bytes]) -> None:
    """Write raw public keys for a test point to read.

    Raises:
        OSError: If the file cannot be written.
    """
    _replace(path, "".join(forms.b64url(key) + "\n" for key in public_keys), mode=0o644)


def read_public_keys(path: Path) -> tuple[bytes, ...]:
    """Return the raw public keys of a file; none if it cannot be read, and lines that are no key are passed over."""
    try:
        return signing.public_keys_in(infile.read_text(path, MOST_BYTES, "ascii"))
    except (OSError, UnicodeDecodeError):
        return ()


def own_key(path: Path | None, token_bytes: Callable[[int], bytes]) -> SigningKey:
    """Return the key of a file, made and written at the first time; without a path a key for this run alone.

    The public half is written beside it, with the suffix `.pub`: it is what the collector reads.

    Raises:
        OSError: If the file cannot be read or written, or holds something else than a key.
    """
    if path is None:
        return SigningKey(token_bytes(signing.SEED_BYTES))
    try:
        text = infile.read_text(path, MOST_BYTES, "ascii").strip()
    except FileNotFoundError:
        seed = token_bytes(signing.SEED_BYTES)
        _replace(path, forms.b64url(seed) + "\n", mode=0o600)
    else:
        try:
            seed = forms.unb64url(text, signing.SEED_BYTES)
        except ValueError as error:
            raise OSError(f"{path} holds no key: move it away, and a new one is made") from error
    key = SigningKey(seed)
    write_public_keys(path.with_suffix(".pub"), [bytes(key.verify_key)])
    return key


def _replace(path: Path, text: str, *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="ascii") as file:
            file.write(text)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
