"""The signed file of a proof: sealed so that whoever holds it can tell whether a single byte was altered.

The file is one HTML document. The collector's signature stands in it once, in the element that `SLOT` opens; what is
signed is every other byte of the file, so that nothing that a person sees can be changed: no table, no picture, no
sentence. The rows are in it a second time as JSON, for programs.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from nacl.signing import SigningKey

from agent.wire import forms, signing

VERSION: Final = 1
LARGEST_BYTES: Final = 20_000_000
MARK: Final = b'<meta name="enlace-pack" content="1">'
SLOT: Final = b'<code id="signature">'
_DATA = re.compile(rb'<pre id="data">(.*?)</pre>', re.DOTALL)
_SIGNATURE_CHARS: Final = 86

Row = Mapping[str, Any]


class Verdict(StrEnum):
    """What is to be said of a file."""

    RIGHT = "right"
    NO_PACK = "no_pack"
    UNKNOWN_KEY = "unknown_key"
    ALTERED = "altered"


@dataclass(frozen=True)
class Checked:
    """A file that was looked at."""

    verdict: Verdict
    key_id: str = ""  # that the file names
    says: Mapping[str, Any] | None = None  # its machine-readable part; only of a right one


def canonical(rows: Sequence[Row]) -> bytes:
    """Return the one text of rows that their hash is of: JSON, members by name, no blanks, ASCII."""
    return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def rows_hash(rows: Sequence[Row]) -> str:
    """Return the SHA-256 of rows."""
    return hashlib.sha256(canonical(rows)).hexdigest()


def data_text(said: Mapping[str, Any]) -> str:
    """Return the machine-readable part as it stands in the file, one row to a line; no HTML can be made of it."""
    head = {key: value for key, value in said.items() if key != "rows"}
    lines = ",\n".join(canonical([row])[1:-1].decode() for row in said["rows"])
    text = json.dumps(head, sort_keys=True, ensure_ascii=True)[:-1] + f', "rows": [\n{lines}\n]}}'
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def pack_text(key_id: str, document: bytes) -> bytes:
    """Return the bytes that are signed of a document without its signature."""
    return f"enlace/1 pack\n{key_id}\n{forms.sha256hex(document)}".encode("ascii")


def seal(document: str, key: SigningKey) -> bytes:
    """Return the file: the document with its signature put into the slot.

    Args:
        document: With `MARK` and one empty slot, in UTF-8 without a byte order mark.
        key: Of the collector.

    Raises:
        ValueError: If it has no slot, or more than one.
    """
    raw = document.encode("utf-8")
    if raw.count(SLOT) != 1 or MARK not in raw:
        raise ValueError("a pack has one place for its signature")
    at = raw.index(SLOT) + len(SLOT)
    key_id = signing.key_id(bytes(key.verify_key))
    return raw[:at] + signing.sign(key, pack_text(key_id, raw)).encode("ascii") + raw[at:]


def check(raw: bytes, key_of: Callable[[str], bytes | None]) -> Checked:
    """Say what a file is worth.

    Args:
        raw: The whole file.
        key_of: Returns the public key that has an id, None where it is not known: only what is known is believed,
            never what the file says of itself.
    """
    if MARK not in raw or raw.count(SLOT) != 1:
        return Checked(Verdict.NO_PACK)
    said = _read(raw)
    key_id = str(said.get("key_id", "")) if said else ""
    if said is None or not forms.is_hex(key_id, 16):
        return Checked(Verdict.ALTERED)
    public_key = key_of(key_id)
    if public_key is None:
        return Checked(Verdict.UNKNOWN_KEY, key_id)
    at = raw.index(SLOT) + len(SLOT)
    document, signature = raw[:at] + raw[at + _SIGNATURE_CHARS :], raw[at : at + _SIGNATURE_CHARS]
    is_right = signing.is_signed(public_key, pack_text(key_id, document), signature.decode("latin-1"))
    if not is_right or said.get("rows_sha256") != rows_hash(said["rows"]):
        return Checked(Verdict.ALTERED, key_id)
    return Checked(Verdict.RIGHT, key_id, said)


def _read(raw: bytes) -> dict[str, Any] | None:
    """Return the machine-readable part, None where it cannot be read."""
    found = _DATA.findall(raw)
    if len(found) != 1:
        return None
    try:
        said = json.loads(found[0])
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and isinstance(said.get("rows"), list) else None
