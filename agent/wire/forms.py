"""Exact textual forms on the wire: identifiers, times, base64url. Canonical only, because the libraries are lenient."""

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from functools import lru_cache

from agent.wire import limits

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z", re.ASCII)
_DEVICE = re.compile(r"[0-9a-z-]{1,64}", re.ASCII)


def is_uuid(text: str) -> bool:
    """Return whether the text is a lower-case UUID in its canonical form (RFC 9562)."""
    return _UUID.fullmatch(text) is not None


def is_rid(text: str) -> bool:
    """Return whether the text is a lower-case UUID of version 7 (RFC 9562)."""
    return _UUID7.fullmatch(text) is not None


def is_hex(text: str, chars: int) -> bool:
    """Return whether the text is exactly `chars` lower-case hexadecimal digits."""
    return len(text) == chars and _HEX.fullmatch(text) is not None


def is_device(text: str) -> bool:
    """Return whether the text can name a device."""
    return _DEVICE.fullmatch(text) is not None


def uuid7(utc_ms: int, random_bytes: bytes) -> str:
    """Return a UUID of version 7 (RFC 9562).

    Args:
        utc_ms: Unix time in milliseconds; only its lowest 48 bits are used.
        random_bytes: Ten random bytes.
    """
    value = (utc_ms & ((1 << 48) - 1)) << 80 | int.from_bytes(random_bytes[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid4(random_bytes: bytes) -> str:
    """Return a UUID of version 4 (RFC 9562) from sixteen random bytes."""
    value = int.from_bytes(random_bytes[:16], "big") & ~(0xF << 76) | 0x4 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def format_time(utc_ms: int) -> str:
    """Return Unix milliseconds as `2026-11-24T13:05:09.123Z`."""
    whole = datetime.fromtimestamp(utc_ms // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{utc_ms % 1000:03d}Z"


@lru_cache(maxsize=1024)  # a collector asks for the times of a batch three times over
def parse_time(text: str) -> int:
    """Return the Unix milliseconds of a time in exactly the wire's form.

    Raises:
        ValueError: If the form is another or the date does not exist.
        OverflowError: If the year lies outside 1970 to 2199.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a time of the form 2026-11-24T13:05:09.123Z")
    year, month, day, hour, minute, second, milli = map(int, match.groups())
    if not limits.YEARS[0] <= year <= limits.YEARS[1]:
        raise OverflowError("year outside 1970 to 2199")
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return int(moment.timestamp()) * 1000 + milli


def b64url(data: bytes) -> str:
    """Return base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64url(text: str, size_bytes: int) -> bytes:
    """Return the bytes of a canonical base64url text without padding.

    Raises:
        ValueError: If the text is not the one canonical form of exactly `size_bytes` bytes.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
    if len(data) != size_bytes or b64url(data) != text:
        raise ValueError(f"not the canonical base64url of {size_bytes} bytes")
    return data


def sha256hex(data: bytes) -> str:
    """Return SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
