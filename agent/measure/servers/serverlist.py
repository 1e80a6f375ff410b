"""Lists of LibreSpeed servers as the project publishes them: a JSON array, each server with its scripts' names."""

from urllib.parse import urlsplit

import msgspec

from agent.errors import EnlaceError
from agent.measure.engines.engine import Scripts
from agent.measure.faults import WorldError
from agent.measure.servers.addresses import Target, parse_target
from agent.wire import limits
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName, FailureCode

MOST = 200


class ListedServer(ServerEntry, frozen=True, kw_only=True):
    """A server with the names of its scripts."""

    scripts: Scripts


class _Listed(msgspec.Struct):
    server: str
    download: str = msgspec.field(name="dlURL", default=Scripts.download)
    upload: str = msgspec.field(name="ulURL", default=Scripts.upload)
    ping: str = msgspec.field(name="pingURL", default=Scripts.ping)


def servers(body: bytes, listing: Target) -> tuple[ListedServer, ...]:
    """Return the servers of a list; what is no server of ours to use is left out.

    Args:
        body: The JSON.
        listing: Where the list came from: an address in it may leave out the scheme, or also the host.

    Raises:
        WorldError: If it is no list, or none of its servers can be used.
    """
    try:
        listed = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.MsgspecError as error:
        raise WorldError(FailureCode.PROTOCOL, f"{listing.host} has no list of LibreSpeed servers here") from error
    found = [entry for entry in (_entry(raw, listing) for raw in listed[:MOST]) if entry]
    if not found:
        raise WorldError(FailureCode.PROTOCOL, f"the list of {listing.host} names no server that can be used")
    return tuple(found)


def scripts_of(entry: ServerEntry) -> Scripts | None:
    """Return the names of the scripts where a list has told them."""
    return entry.scripts if isinstance(entry, ListedServer) else None


def _entry(raw: msgspec.Raw, listing: Target) -> ListedServer | None:
    try:
        one = msgspec.json.decode(raw, type=_Listed)
        url = _absolute(one.server.strip(), listing)
        target = parse_target(url)
    except (msgspec.MsgspecError, EnlaceError, ValueError):
        return None
    names = [one.download, one.upload, one.ping]
    if urlsplit(url).scheme not in ("http", "https") or not all(map(_is_name, names)):
        return None
    scripts = Scripts(*(name.lstrip("/") for name in names))
    name = f"{target.host}:{target.port}"[: limits.ID_CHARS]
    return ListedServer(id=name, engine=EngineName.LIBRESPEED, url=url, scripts=scripts)


def _absolute(address: str, listing: Target) -> str:
    scheme = "https" if listing.is_secure else "http"
    if address.startswith("//"):
        return f"{scheme}:{address}"
    if "://" in address:
        return address
    return f"{scheme}://{listing.host_field}/{address.lstrip('/')}"


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 256 and name.isascii() and name.isprintable() and not set(name) & set(' "<>\\#')
