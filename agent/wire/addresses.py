"""Addresses that a person writes down for a program: what is wrong with one, in words that end a sentence."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

HTTP: Final = ("http", "https")
HTTP_OR_WEBSOCKET: Final = ("http", "https", "ws", "wss")
NAME_CHARS: Final = 253
_NOT_IN_A_HOST: Final = frozenset("/\\@[]?#:")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")  # a last label that is one makes the whole a number (URL Standard)


def fault(value: str, schemes: Sequence[str] = HTTP, *, may_log_in: bool = False) -> str:
    """Return why a text is no address; "" = it is one.

    Args:
        value: What was written.
        schemes: With which it may begin; the first two are named.
        may_log_in: Whether a login in it is used.
    """
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "its computer or port is malformed"
    if parts.scheme not in schemes:
        return f"it does not begin with {' or '.join(f'{scheme}://' for scheme in schemes[:2])}"
    if not may_log_in and (parts.username is not None or parts.password is not None or "@" in parts.netloc):
        return "it contains a login, which is used nowhere"
    if parts.netloc.count("@") > 1:
        return "a login in it has to be percent-encoded"
    if any(char.isspace() or not char.isprintable() for char in value) or not is_host(parts.hostname or ""):
        return "its computer cannot have that name"
    if port == 0:
        return "no computer listens at port 0"
    return "it has a part behind ? or #" if parts.query or parts.fragment else ""


def is_host(name: str) -> bool:
    """Return whether a name can be one on the Internet, or is a number (RFC 1035 section 2.3.4, RFC 5890)."""
    if ":" in name:
        return True  # an IPv6 address: the brackets were read already
    try:
        return bool(name) and len(name.encode("idna")) <= NAME_CHARS
    except UnicodeError:
        return False


def is_elsewhere(value: str) -> bool:
    """Return whether an address that has no fault leads to another computer, as far as its writing tells.

    Loopback and link-local addresses mean something else on every computer. A number in another form than four decimal
    ones is read by some programs as an address and by others as a name. What is written with letters of other
    scripts, or wrapped into IPv6, is taken for what it stands for.
    """
    host = _plain(urlsplit(value).hostname or "")
    try:
        found = _unwrapped(ipaddress.ip_address(host))
    except ValueError:
        return (
            host != "localhost" and not host.endswith(".localhost") and not _NUMBER.fullmatch(host.rpartition(".")[2])
        )
    return not (found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast)


def _plain(host: str) -> str:
    """Return a host as it is asked for: in ASCII, with full stops, in small letters."""
    try:
        return host.encode("idna").decode("ascii").rstrip(".").casefold()
    except UnicodeError:
        return host.rstrip(".").casefold()


def _unwrapped(address: _Address) -> _Address:
    """Return the IPv4 address that one of IPv6 stands for, else the address itself."""
    if address.version == 4:
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def is_own(text: str) -> bool:
    """Return whether a text can name this computer, or one of its addresses, to listen on: without scheme and port."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return is_host(text) and not any(
            char in _NOT_IN_A_HOST or char.isspace() or not char.isprintable() for char in text
        )
    return True
