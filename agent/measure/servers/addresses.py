"""Addresses of test points: from what a person typed, or a collector sent, to what an engine connects to."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from agent.errors import EnlaceError
from agent.wire import limits
from agent.wire.addresses import is_host
from agent.wire.answers import ServerEntry
from agent.wire.vocabulary import EngineName, ExitCode

ENGINE_ORDER = (EngineName.NDT7, EngineName.LIBRESPEED)  # the order of `auto`: ndt7 says most per byte
LOCATE_ENDING = "/v2/nearest/ndt/ndt7"  # of M-Lab's Locate service: it names ndt7 servers
WELL_KNOWN = "/.well-known/librespeed"
LIST_ENDINGS = (".json", "/servers.php", WELL_KNOWN)  # of lists of LibreSpeed servers
SPEEDTEST_NET = ServerEntry(id="speedtest.net", engine=EngineName.OOKLA, url="https://www.speedtest.net")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Target:
    """Where an engine connects to."""

    host: str
    port: int
    is_secure: bool
    path: str  # without a closing slash; "" = the root

    @property
    def host_field(self) -> str:
        """The value of the Host header field."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.is_secure else 80) else f"{name}:{self.port}"


def _wrong(url: str, why: str) -> EnlaceError:
    shown = repr(url) if "@" not in url else "What was given (not shown: it may hold a password)"
    return EnlaceError(
        f"{shown} is not the address of a test point: {why}.",
        do="Give one like http://test.example:8080, or ws:// or wss:// for an ndt7 server.",
        exit_code=ExitCode.USAGE,
    )


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise _wrong(url, str(error)) from error
    if parts.scheme not in _PORTS:
        raise _wrong(url, "it must begin with http://, https://, ws:// or wss://")
    if (
        not is_host(parts.hostname or "")
        or port == 0
        or any(char.isspace() or not char.isprintable() for char in url.strip())
    ):
        raise _wrong(url, "it names no computer that can be")
    if parts.username is not None or parts.query or parts.fragment:
        raise _wrong(url, "it has parts that a test point's address does not have")
    return parts, _PORTS[parts.scheme] if port is None else port


def parse_target(url: str) -> Target:
    """Return where to connect to.

    Raises:
        EnlaceError: If the text is not the address of a test point.
    """
    parts, port = _split(url)
    path = parts.path.rstrip("/")
    for ending in ("/ndt/v7/download", "/ndt/v7/upload", "/ndt/v7"):
        path = path.removesuffix(ending)
    return Target(parts.hostname or "", port, parts.scheme in ("https", "wss"), path)


def servers_from_url(url: str, engine: EngineName | None) -> tuple[ServerEntry, ...]:
    """Return the entries that a typed address stands for, in the order in which they are tried.

    Args:
        url: `http(s)://host:port` of a test point, or `ws(s)://...` of an ndt7 server.
        engine: The engine asked for; None = ndt7 first, then LibreSpeed (ndt7 alone for ws and wss).

    Raises:
        EnlaceError: If the address is no address, or not one of that engine.
    """
    parts, port = _split(url)
    spoken = _spoken(parts)
    if engine is EngineName.OOKLA and parts.scheme in ("ws", "wss"):
        raise _wrong(url, "the ookla engine speaks http:// or https:// to a Speedtest Mini server")
    if engine is not None and engine not in (*spoken, EngineName.OOKLA):
        raise _wrong(url, f"the {engine} engine does not speak to it")
    names = (engine,) if engine else spoken
    name = f"{parts.hostname}:{port}"[: limits.ID_CHARS]
    return tuple(ServerEntry(id=name, engine=each, url=url.strip()) for each in names)


def _spoken(parts: SplitResult) -> tuple[EngineName, ...]:
    """Return the engines that an address can be meant for, in the order of `auto`."""
    path = parts.path.rstrip("/")
    if parts.scheme in ("ws", "wss") or path.endswith(LOCATE_ENDING):
        return (EngineName.NDT7,)
    return (EngineName.LIBRESPEED,) if path.endswith(LIST_ENDINGS) else ENGINE_ORDER


def given_or_home(servers: Sequence[ServerEntry], engine: EngineName | None) -> tuple[ServerEntry, ...]:
    """Return the servers, and speedtest.net where its engine is asked for by name and no server of it is known."""
    if engine is EngineName.OOKLA and not any(server.engine is engine for server in servers):
        return (SPEEDTEST_NET,)
    return tuple(servers)


def in_order(servers: Sequence[ServerEntry], engine: EngineName | None) -> list[ServerEntry]:
    """Return the entries to try: those of the engine asked for, or all, ndt7 before LibreSpeed, in the given order."""
    names = (engine,) if engine else ENGINE_ORDER
    return [server for name in names for server in servers if server.engine is name]
