"""Servers and engines as a record names them."""

from collections.abc import Callable, Mapping

from agent.errors import EnlaceError
from agent.measure.engines.engine import Engine
from agent.measure.servers.addresses import parse_target
from agent.measure.sockets.dial import Address
from agent.wire import limits, records
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName


def host_of(entry: ServerEntry) -> str | None:
    """Return the computer of an entry, None where its address is none."""
    try:
        return parse_target(entry.url).host
    except EnlaceError:
        return None


def engine_of(entry: ServerEntry | None, engines: Mapping[EngineName, Callable[[], Engine]]) -> records.Engine | None:
    """Return what measured, None if nothing got so far."""
    if entry is None:
        return None
    engine = engines[entry.engine]()
    return records.Engine(name=engine.name, version=engine.version, protocol=engine.protocol)


def server_of(entry: ServerEntry | None, address: Address | None) -> records.Server | None:
    """Return what was measured against, None if nothing got so far."""
    if entry is None:
        return None
    plain, secure = ("ws", "wss") if entry.engine is EngineName.NDT7 else ("http", "https")
    is_secure = address is not None and address.target.is_secure
    return records.Server(
        id=entry.id[: limits.ID_CHARS],
        host=(host_of(entry) or "")[: limits.TEXT_CHARS],
        scheme=secure if is_secure else plain,
        ip_family=address.family if address else None,
    )
