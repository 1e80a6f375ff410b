"""Certificates of a test's own making: self-signed Ed25519, for localhost and 127.0.0.1, of any period (RFC 5280)."""

import base64
import ssl
from pathlib import Path

from nacl.signing import SigningKey

_ED25519 = bytes.fromhex("300506032b6570")
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


def _name(text: str) -> bytes:
    attribute = _der(0x30, bytes.fromhex("0603550403"), _der(0x0C, text.encode()))  # commonName
    return _der(0x30, _der(0x31, attribute))


def _extensions(hosts: tuple[str, ...]) -> bytes:
    names = _der(0x30, *(_der(0x82, name.encode()) for name in hosts), _der(0x87, bytes([127, 0, 0, 1])))
    alternatives = _der(0x30, bytes.fromhex("0603551d11"), _der(0x04, names))
    authority = _der(0x30, bytes.fromhex("0603551d13"), _der(0x01, b"\xff"), _der(0x04, bytes.fromhex("30030101ff")))
    return _der(0xA3, _der(0x30, alternatives, authority))


def _pem(kind: str, der: bytes) -> str:
    lines = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind}-----\n{lines}-----END {kind}-----\n"


def write(folder: Path, *, from_year: int = 2020, to_year: int = 2150, hosts: tuple[str, ...] = ("localhost",)) -> Path:
    """Write a key and its certificate into one file and return its path."""
    key = SigningKey(bytes(range(32)))
    period = _der(0x30, *(_der(0x18, f"{year}0101000000Z".encode()) for year in (from_year, to_year)))
    public = _der(0x30, _ED25519, _der(0x03, b"\0", bytes(key.verify_key)))
    serial = _der(0x02, from_year.to_bytes(2, "big"))
    name = _name("enlace test")
    body = _der(0x30, _der(0xA0, _der(0x02, b"\x02")), serial, _ED25519, name, period, name, public, _extensions(hosts))
    whole = _der(0x30, body, _ED25519, _der(0x03, b"\0", key.sign(body).signature))
    path = folder / f"{from_year}-{to_year}.pem"
    path.write_text(_pem("PRIVATE KEY", _PKCS8 + bytes(key)) + _pem("CERTIFICATE", whole))
    return path


def server_context(path: Path) -> ssl.SSLContext:
    """Return what a server needs to speak TLS with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
