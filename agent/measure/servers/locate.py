"""M-Lab's Locate service, version 2: which ndt7 servers are near, with addresses that are good for a minute.

Asked only where a person or an operator has named the service itself as the server: its measurements are published by
M-Lab with the public address of who measured.
"""

from urllib.parse import urlencode, urlsplit

import msgspec

from agent.measure import faults
from agent.measure.faults import WorldError
from agent.measure.servers.fetch import Document
from agent.wire import limits
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName, FailureCode

CLIENT = {"client_name": "enlace-agent", "client_library_name": "enlace"}
SCHEMES = ("wss", "ws")  # in the order of preference
MOST = 4
ADDRESS_CHARS = 4_096
NO_CAPACITY_S = 60.0  # first wait after "no capacity" that the protocol's appendix asks of programs


class LocatedServer(ServerEntry, frozen=True, kw_only=True):
    """A server with the path and query of each direction, permission included."""

    download: str
    upload: str


class _Target(msgspec.Struct):
    machine: str = ""
    urls: dict[str, str] = {}


class _Trouble(msgspec.Struct):
    title: str = ""
    detail: str = ""


class _Nearest(msgspec.Struct):
    results: list[_Target] = []
    error: _Trouble | None = None


def question(path: str) -> str:
    """Return path and query of the question."""
    return f"{path}?{urlencode(CLIENT)}"


def servers(document: Document, host: str) -> tuple[LocatedServer, ...]:
    """Return the servers of an answer, the nearest first.

    Raises:
        WorldError: server_busy if it has no capacity for us now, else what the answer means.
    """
    status = document.head.status
    if status == 204:
        raise faults.busy(f"{host} has no server free", NO_CAPACITY_S)
    try:
        nearest = msgspec.json.decode(document.body, type=_Nearest)
    except msgspec.MsgspecError:
        nearest = _Nearest()
    if status != 200:
        raise _refusal(document, nearest.error, host)
    found = [entry for entry in map(_entry, nearest.results[:MOST]) if entry]
    if not found:
        raise WorldError(FailureCode.PROTOCOL, f"{host} names no server that can be used")
    return tuple(found)


def _refusal(document: Document, trouble: _Trouble | None, host: str) -> WorldError:
    fault = faults.of_status(document.head, host, document.body)
    said = (trouble.detail or trouble.title) if trouble else ""
    if said:
        return WorldError(fault.code, f"{fault.detail}: {said[:100]}", retry_after_s=fault.retry_after_s)
    return fault


def _entry(target: _Target) -> LocatedServer | None:
    """Return the entry of one result, None if it has not both directions on one computer."""
    for scheme in SCHEMES:
        urls = [target.urls.get(f"{scheme}:///ndt/v7/{direction}", "") for direction in ("download", "upload")]
        try:
            down, up = (urlsplit(url) for url in urls)
            is_one = down.hostname and (down.hostname, down.port) == (up.hostname, up.port)
        except ValueError:
            continue
        if not is_one or not all(map(_is_plain, urls)) or (down.scheme, up.scheme) != (scheme, scheme):
            continue
        resources = [f"{part.path}?{part.query}" if part.query else part.path for part in (down, up)]
        return LocatedServer(
            id=(target.machine or down.netloc)[: limits.ID_CHARS],
            engine=EngineName.NDT7,
            url=f"{scheme}://{down.netloc}",
            download=resources[0],
            upload=resources[1],
        )
    return None


def _is_plain(url: str) -> bool:
    return len(url) <= ADDRESS_CHARS and url.isascii() and url.isprintable() and " " not in url


def resources_of(entry: ServerEntry) -> dict[str, str]:
    """Return path and query by direction, empty for a server that was not found here."""
    return {"download": entry.download, "upload": entry.upload} if isinstance(entry, LocatedServer) else {}
