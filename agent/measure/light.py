"""The light probe: a few packets that tell where the way ends. Less than 10 kB, never a measurement.

Gateway, name, test point. An answer of the test point's echo proves that the way there is open; a mere connection does
not, for a login page's gateway answers in everybody's name: then one question over HTTP says who is there, over TLS
where the test point wants it. A name that cannot be found is tried by its last known address, so that a broken name
server is told from a broken line.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from agent.errors import EnlaceError
from agent.measure import faults
from agent.measure.engines.engine import Job
from agent.measure.faults import WorldError
from agent.measure.latency import gateway
from agent.measure.latency.idle_and_loaded import measure_idle
from agent.measure.servers import addresses, fetch
from agent.measure.servers.addresses import Target
from agent.measure.sockets import dial
from agent.measure.sockets.dial import Address
from agent.net.loop import Loop
from agent.ports import Ports
from agent.wire.answers import ServerEntry
from agent.wire.records import Rtt
from agent.wire.vocabulary import EngineName, FailureCode, RttMethod

PROBES = 5
ADDRESSES_TRIED = 2
_PATHS = {EngineName.NDT7: "/ndt/v7/upload", EngineName.LIBRESPEED: "/empty.php"}


@dataclass(frozen=True)
class Sight:
    """What a look around saw; None = not looked at, or no answer."""

    dns_ms: float | None = None
    server: Rtt | None = None
    fault: FailureCode | None = None  # why the test point was not reached, or not by its name
    gateway_rtt_ms: float | None = None
    gateway_is_absent: bool = False
    host: str = ""  # of the test point
    ips: tuple[str, ...] = ()  # its addresses by the name server
    by_memory: bool = False  # no name server knew the name: its last known addresses were tried

    @property
    def is_open(self) -> bool:
        """Whether the test point itself was reached: the way through the Internet is open."""
        return self.server is not None and self.fault in (None, FailureCode.DNS, FailureCode.TLS_CLOCK)


def look(
    entries: Sequence[ServerEntry],
    ports: Ports,
    gateway_ip: str | None,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Sight:
    """Return what can be reached now.

    Args:
        entries: Test points; the first one is looked at.
        ports: Randomness.
        gateway_ip: Address of the default gateway, None = unknown.
        known: Last known addresses by host name.
    """
    loop = Loop()
    try:
        sight = _look_at_server(entries[0], loop, ports, known or {}) if entries else Sight()
        if gateway_ip is None:
            return sight
        # Where nothing else answers it is worth waiting until the kernel knows whether the gateway is there at all.
        patience_s = gateway.ANSWER_S if sight.is_open else gateway.ABSENT_S
        told = gateway.look(gateway_ip, loop, ports.randomness.uniform, patience_s=patience_s)
        best_ms = told.rtt.rtt_min_ms if told.rtt else None
        return replace(sight, gateway_rtt_ms=best_ms, gateway_is_absent=told.is_absent)
    finally:
        loop.close()


def _look_at_server(entry: ServerEntry, loop: Loop, ports: Ports, known: Mapping[str, Sequence[str]]) -> Sight:
    begun_s = time.monotonic()
    try:
        target = addresses.parse_target(entry.url)
    except EnlaceError:
        return Sight(fault=FailureCode.PROTOCOL)
    try:
        found = dial.resolve(target)
    except WorldError as error:
        remembered = _remembered(target, known.get(target.host, ()))
        rtt, _ = _reach(remembered, entry, loop, ports)
        return Sight(server=rtt, fault=error.code, host=target.host, by_memory=bool(remembered))
    dns_ms = None if _is_address(target.host) else round((time.monotonic() - begun_s) * 1000, 1)
    rtt, fault = _reach(found, entry, loop, ports)
    ips = tuple(dict.fromkeys(str(address.sockaddr[0]) for address in found if address.proxy is None))
    return Sight(dns_ms=dns_ms, server=rtt, fault=fault, host=target.host, ips=ips if dns_ms is not None else ())


def _remembered(target: Target, ips: Sequence[str]) -> list[Address]:
    found: list[Address] = []
    for ip in ips:
        if _is_address(ip):
            is_six = ":" in ip
            sockaddr = (ip, target.port, 0, 0) if is_six else (ip, target.port)
            found.append(Address(target, 6 if is_six else 4, sockaddr))
    return found


def _reach(
    found: Sequence[Address], entry: ServerEntry, loop: Loop, ports: Ports
) -> tuple[Rtt | None, FailureCode | None]:
    """Return round trips to the first address that answers, and what is wrong with who answers."""
    fault = FailureCode.CONNECT_TIMEOUT if found else None
    for address in _one_of_each_family(found):
        job = Job(address=address, loop=loop, random_bytes=ports.randomness.token_bytes)
        try:
            # As if LibreSpeed: a WebSocket would want a permission and cost more than it tells.
            idle = measure_idle(job, EngineName.LIBRESPEED, entry.udp_port, ports.randomness.uniform, PROBES)
            if idle.prober:
                idle.prober.close()
            if idle.rtt is not None and idle.rtt.method is RttMethod.UDP_ECHO:
                return idle.rtt, None
            if idle.rtt is not None or address.proxy is not None:
                return _who_is_there(job, entry, idle.rtt)
        except WorldError as error:
            fault = error.code
    return None, fault


def _one_of_each_family(found: Sequence[Address]) -> list[Address]:
    """Return the first address of each family: a broken IPv6 must not look like a broken Internet."""
    first = {address.family: address for address in reversed(found)}
    return [address for address in found if first[address.family] is address][:ADDRESSES_TRIED]


def _who_is_there(job: Job, entry: ServerEntry, rtt: Rtt | None) -> tuple[Rtt | None, FailureCode | None]:
    """Ask one question over HTTP; any answer that is no page for people will do."""
    if entry.engine not in _PATHS:
        return rtt, None
    begun_s = job.loop.now()
    path = job.address.target.path + _PATHS[entry.engine]
    try:
        document = fetch.fetch(job, path)
    except WorldError as error:
        return rtt, error.code
    if document.head.status in faults.PORTAL_STATUS or document.head.status == 407:
        return rtt, faults.of_status(document.head, job.address.target.host).code
    took_ms = round((job.loop.now() - begun_s) * 1000, 1)
    return rtt or Rtt(rtt_ms=took_ms, n=1, loss_pct=0.0, method=None), None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
