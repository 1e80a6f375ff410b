"""Runs on the client's side of an emulated line, and prints in JSON what it saw.

python -m tests.agent.measure.probe_child idle URL METHOD    a series of round trips while the line is idle
python -m tests.agent.measure.probe_child test URL TIER [ENGINE]    a whole test, and when it loaded each direction
python -m tests.agent.measure.probe_child look URL GATEWAY   a look around, as the diary takes it
"""

import json
import sys
import time
from dataclasses import asdict
from typing import Any

import msgspec

from agent.measure import light, session
from agent.measure.attempt import Progress
from agent.measure.engines.engine import Job
from agent.measure.latency import idle_and_loaded, probes
from agent.measure.latency.probes import Prober
from agent.measure.latency.rounds import summary
from agent.measure.servers import addresses
from agent.measure.sockets import dial
from agent.net.loop import Loop
from agent.ports import Ports
from agent.real.clock import RealClock
from agent.real.host import make_host
from agent.real.randomness import SystemRandomness
from agent.wire.vocabulary import EngineName, RttMethod, Tier
from tests.agent.measure.world import plan


def idle(url: str, method: RttMethod) -> Any:
    """The summary of a series by one method."""
    randomness, loop = SystemRandomness(), Loop()
    target = addresses.parse_target(url)
    job = Job(address=dial.resolve(target)[0], loop=loop, random_bytes=randomness.token_bytes)
    made: dict[RttMethod, Any] = {
        RttMethod.UDP_ECHO: lambda: probes.UdpEcho(loop, job.address, target.port, randomness.token_bytes(16)),
        RttMethod.WS_PING: lambda: idle_and_loaded._opened(job),
        RttMethod.TCP_CONNECT: lambda: probes.TcpConnect(loop, job.address),
    }
    prober: Prober = made[method]()
    return summary(idle_and_loaded._series(job, prober, randomness.uniform, idle_and_loaded.IDLE_PROBES), prober.method)


def look(url: str, gateway: str) -> Any:
    """What a look around saw."""
    clock = RealClock()
    entries = () if url == "-" else addresses.servers_from_url(url, EngineName.NDT7)
    return asdict(light.look(entries, Ports(clock, SystemRandomness(), make_host(clock)), gateway))


def test(url: str, tier: Tier, engine: EngineName) -> Any:
    """The record, and the moments (monotonic) between which each direction was loaded."""
    clock = RealClock()
    spans: dict[str, list[float]] = {}

    def note(progress: Progress) -> None:
        now_s = time.monotonic()
        began_s, _ = spans.get(progress.phase, (now_s, now_s))
        spans[progress.phase] = [began_s, now_s]

    ports = Ports(clock, SystemRandomness(), make_host(clock))
    record = session.run(plan(url, engine, tier=tier), ports, on_progress=note)
    return {"record": record, "spans": spans}


if __name__ == "__main__":
    _, what, where, how, *more = sys.argv
    told = {
        "idle": lambda: idle(where, RttMethod(how)),
        "look": lambda: look(where, how),
        "test": lambda: test(where, Tier(how), EngineName(*(more or [EngineName.NDT7]))),
    }[what]()
    print(json.dumps(msgspec.to_builtins(told)))
