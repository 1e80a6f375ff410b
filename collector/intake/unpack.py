"""From the bytes of a batch to its items: inflated with a cap, then split without looking into any of them."""

import re
import zlib

import msgspec

from agent.wire import limits
from agent.wire.vocabulary import RefusalCode
from collector.intake.answers import RefusedError

_GZIP = 31  # of zlib: a gzip header and trailer are required
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_COMMA_ROOM_BYTES = 64


class _Envelope(msgspec.Struct):
    items: list[msgspec.Raw]


def unpack(body: bytes) -> list[bytes]:
    """Return the items of a batch, each as its own JSON.

    Args:
        body: Gzip of `{"items": [...]}` as received.

    Raises:
        RefusedError: envelope or too_large.
    """
    text = inflate(body)
    try:
        text.decode()
        items = [bytes(item) for item in msgspec.json.decode(text, type=_Envelope).items]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedError(RefusalCode.ENVELOPE, 'The body is no JSON of the form {"items": [...]}.') from error
    if len(items) > limits.BATCH_ITEMS:
        raise RefusedError(RefusalCode.TOO_LARGE, f"A batch has at most {limits.BATCH_ITEMS} items.")
    if len(text) - sum(map(len, items)) > len(items) * 2 + _COMMA_ROOM_BYTES:
        check_depth(text)  # there is more than the items
    return items


def inflate(body: bytes) -> bytes:
    """Return the inflated bytes; never holds more of them than the cap.

    Raises:
        RefusedError: If it is not exactly one whole gzip member, or inflates to too much.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(body, limits.BATCH_INFLATED_BYTES + 1)
    except zlib.error as error:
        raise RefusedError(RefusalCode.ENVELOPE, "The body is not gzip.") from error
    if len(text) > limits.BATCH_INFLATED_BYTES:
        raise RefusedError(
            RefusalCode.TOO_LARGE, f"The body inflates to more than {limits.BATCH_INFLATED_BYTES} bytes."
        )
    if not unpacker.eof or unpacker.unused_data:
        raise RefusedError(RefusalCode.ENVELOPE, "The body is not exactly one whole gzip member.")
    return text


def check_depth(text: bytes) -> None:
    """Refuse JSON that is nested too deeply; only called where something is odd already, because it costs.

    Raises:
        RefusedError: If a bracket stands inside more than the allowed number of others.
    """
    brackets = _STRING.sub(b"", text).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(limits.ENVELOPE_DEPTH):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")  # takes off the innermost layer
    if brackets:
        raise RefusedError(RefusalCode.ENVELOPE, f"The JSON is nested more than {limits.ENVELOPE_DEPTH} deep.")
