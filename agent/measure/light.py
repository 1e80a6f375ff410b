"""The light probe: a few packets that tell where the way ends. Less than 10 kB, never a measurement."""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from agent.errors import EnlaceError
from agent.measure import dial, servers
from agent.measure.engine import Job
from agent.measure.faults import WorldError
from agent.measure.latency import measure_idle
from agent.net.loop import Loop
from agent.ports import Ports
from agent.wire.answers import ServerEntry
from agent.wire.records import Rtt
from agent.wire.vocabulary import EngineName, FailureCode

PROBES = 5
GATEWAY_PROBES = 3
GATEWAY_ANSWER_S = 1.0
GATEWAY_PORT = 33_434  # nothing listens there: the gateway's own refusal is the answer, as traceroute has it


@dataclass(frozen=True)
class Sight:
    """What a look around saw; None = not looked at, or no answer."""

    dns_ms: float | None = None
    server: Rtt | None = None
    fault: FailureCode | None = None  # why the test point was not reached
    gateway_rtt_ms: float | None = None


def look(entries: Sequence[ServerEntry], ports: Ports, gateway: str | None) -> Sight:
    """Return what can be reached now.

    Args:
        entries: Test points; the first one is looked at.
        ports: Randomness.
        gateway: Address of the default gateway, None = unknown.
    """
    gateway_rtt_ms = gateway_rtt(gateway) if gateway else None
    if not entries:
        return Sight(gateway_rtt_ms=gateway_rtt_ms)
    begun_s = time.monotonic()
    try:
        target = servers.parse_target(entries[0].url)
        found = dial.resolve(target)
    except (WorldError, EnlaceError) as error:
        fault = error.code if isinstance(error, WorldError) else FailureCode.PROTOCOL
        return Sight(fault=fault, gateway_rtt_ms=gateway_rtt_ms)
    dns_ms = None if _is_address(target.host) else round((time.monotonic() - begun_s) * 1000, 1)
    rtt = _server_rtt(found, entries[0], ports)
    silent = None if rtt else FailureCode.CONNECT_TIMEOUT
    return Sight(dns_ms=dns_ms, server=rtt, fault=silent, gateway_rtt_ms=gateway_rtt_ms)


def _server_rtt(found: list[dial.Address], entry: ServerEntry, ports: Ports) -> Rtt | None:
    loop = Loop()
    try:
        for address in found[:2]:
            job = Job(address=address, loop=loop, random_bytes=ports.randomness.token_bytes)
            # As if LibreSpeed: a WebSocket would want a permission and cost more than it tells.
            idle = measure_idle(job, EngineName.LIBRESPEED, entry.udp_port, ports.randomness.uniform, PROBES)
            if idle.prober:
                idle.prober.close()
            if idle.rtt is not None:
                return idle.rtt
    except WorldError:
        return None
    finally:
        loop.close()
    return None


def gateway_rtt(gateway: str) -> float | None:
    """Return the smallest of a few round trips to the gateway, ms; None if it keeps silent, as many do."""
    best: float | None = None
    for _ in range(GATEWAY_PROBES):
        rtt_ms = _one_refusal(gateway)
        if rtt_ms is not None:
            best = rtt_ms if best is None else min(best, rtt_ms)
    return best


def _one_refusal(gateway: str) -> float | None:
    family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(GATEWAY_ANSWER_S)
            sock.connect((gateway, GATEWAY_PORT))
            begun_s = time.monotonic()
            sock.send(b"enlace")
            try:
                sock.recv(64)
            except TimeoutError:
                return None
            except ConnectionError:  # "port unreachable": somebody is there
                pass
            return round((time.monotonic() - begun_s) * 1000, 2)
    except OSError:
        return None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
