"""A school computer, its router and the Internet in three network namespaces; every word of the diary is caused there.

Run by `test_diary_states.py` in a network and mount namespace of its own; prints in JSON what the collector exports.

The agent's own job looks around over real interfaces, routes, names and sockets; the collector and the test point are
the real ones too. Only the clocks are moved on by hand, a quarter of an hour between two looks.
"""

import ctypes
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any, TypeVar

from waitress import create_server

from agent.app import make_contact
from agent.config import AgentConfig
from agent.host.linux import LinuxHost
from agent.measure import session
from agent.ports import Ports
from agent.real.clock import RealClock
from agent.real.randomness import SystemRandomness
from agent.service import Daemon
from agent.spool.store import Spool
from agent.uplink import enrol
from agent.uplink.identity import IdentityStore
from agent.uplink.transport import HttpTransport
from collector.app import make_flask
from collector.publish.export import iter_export
from collector.testpoint.options import TestpointOptions
from collector.testpoint.server import serve
from tests.collector.web.pages.conftest import sign_in
from tests.fakes import pages_world
from tests.fakes.empty_store import empty_store
from tests.fakes.wire_device import a_deployment, a_token

T = TypeVar("T")
SERVER, COLLECTOR_PORT, TESTPOINT_PORT = "10.9.1.2", 8480, 8481
COLLECTOR, TESTPOINT = "collector.school.test", "testpoint.school.test"
QUARTER_MS, NIGHT_MS = 900_000, 12 * 3_600_000
_SET_UP = f"""set -e
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys
mount --bind "$1" /etc/resolv.conf
ip netns add router; ip netns add world
ip link add wan type veth peer name near
ip link set near netns router
ip link set lo up; ip addr add 10.9.0.2/24 dev wan; ip link set wan up; ip route add default via 10.9.0.1
ip link add far netns router type veth peer name net netns world
in_router="ip netns exec router"; in_world="ip netns exec world"
$in_router ip link set lo up
$in_router ip addr add 10.9.0.1/24 dev near; $in_router ip link set near up
$in_router ip addr add 10.9.1.1/24 dev far; $in_router ip link set far up
$in_router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
$in_world ip link set lo up
$in_world ip addr add {SERVER}/24 dev net; $in_world ip link set net up; $in_world ip route add default via 10.9.1.1
"""


class MovedClock:
    """The real clock, moved on by hand."""

    def __init__(self) -> None:
        self.real, self.wall_ms, self.mono_from_ms = RealClock(), 0, 0

    def now_ms(self) -> int:
        return self.real.now_ms() + self.wall_ms

    def mono_ms(self) -> int:
        return self.real.mono_ms() + self.wall_ms - self.mono_from_ms

    def sleep(self, seconds: float) -> None:
        self.real.sleep(seconds)


def enter(name: str) -> None:
    """Let this thread live in a network namespace; sockets stay in the one that they were made in."""
    with Path(f"/run/netns/{name}").open("rb") as place:
        if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def inside(name: str, make: Callable[[], T]) -> T:
    """Return what is made in a network namespace."""

    def work() -> T:
        enter(name)
        return make()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(20)


def in_router(command: str) -> None:
    subprocess.run(["ip", "netns", "exec", "router", *command.split()], check=True)


def here(command: str) -> None:
    subprocess.run(command.split(), check=True)


def listening(port: int) -> socket.socket:
    return socket.create_server((SERVER, port), backlog=64)


class Names:
    """A name server that knows two names, or refuses everybody (RFC 1035)."""

    def __init__(self, where: str) -> None:
        self.refuses = False
        self._sock = inside(where, self._open)
        threading.Thread(target=self._answer, daemon=True).start()

    @staticmethod
    def _open() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((SERVER, 53))
        return sock

    def _answer(self) -> None:
        while True:
            try:
                asked, who = self._sock.recvfrom(512)
            except OSError:
                return
            if not asked:
                return
            end = asked.index(b"\0", 12) + 5
            wants_four = asked[end - 4 : end - 2] == b"\0\x01"
            has = wants_four and not self.refuses
            head = asked[:2] + (b"\x81\x85" if self.refuses else b"\x81\x80") + b"\0\x01\0" + bytes([has]) + bytes(4)
            record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04" + socket.inet_aton(SERVER) if has else b""
            self._sock.sendto(head + asked[12:end] + record, who)

    def close(self) -> None:
        with suppress(OSError):  # a socket without a peer says so, and wakes who waits for it
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


class Pages:
    """What listens for HTTP somewhere, until it is closed."""

    def __init__(self, where: str, *ports: int, answers: Callable[[socket.socket], None]) -> None:
        self._socks = [inside(where, lambda port=port: listening(port)) for port in ports]
        for sock in self._socks:
            threading.Thread(target=self._serve, args=(sock, answers), daemon=True).start()

    @staticmethod
    def _serve(sock: socket.socket, answers: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            with connection:
                answers(connection)

    def close(self) -> None:
        for sock in self._socks:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def log_in(connection: socket.socket) -> None:
    """Answer with a redirection to a login page, whatever was asked."""
    connection.settimeout(2)
    try:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://portal.invalid/\r\nContent-Length: 0\r\n\r\n")
    except OSError:
        return


def world_is_back() -> None:
    """Wait until the server is reached again: a kernel takes up to a second to use a link that was put up."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection((SERVER, COLLECTOR_PORT), timeout=1):
            return
        time.sleep(0.05)


class School:
    """The computer, and what can go wrong around it."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.names = MovedClock(), Names("world")
        self.host = LinuxHost(self.clock, os.environ)
        self.boot = self.host.boot_id()
        self.host.boot_id = lambda: self.boot  # type: ignore[method-assign]
        self.ports = Ports(clock=self.clock, randomness=SystemRandomness(), host=self.host)
        self.store = empty_store(folder / "collector")
        pages_world.add_people(self.store)
        self.parts = a_deployment(self.store, self.clock)
        self.app = make_flask(self.parts)
        options = TestpointOptions(host=SERVER, port=TESTPOINT_PORT, udp_port=TESTPOINT_PORT)
        ready = threading.Event()

        def measure() -> None:
            enter("world")
            serve(options, stop=threading.Event(), on_ready=lambda *_: ready.set())

        threading.Thread(target=measure, daemon=True).start()
        assert ready.wait(20)
        self.open_collector()
        self.folder = folder / "agent"
        self.folder.mkdir()
        self._enrol()
        self.start()

    def open_collector(self) -> None:
        """Let the collector listen."""
        sock = inside("world", lambda: listening(COLLECTOR_PORT))
        self.collector = create_server(self.app, sockets=[sock], threads=2)
        threading.Thread(target=self.collector.run, daemon=True).start()

    def _enrol(self) -> None:
        url = f"http://{COLLECTOR}:{COLLECTOR_PORT}"
        candidate = enrol.begin(self.ports, self.host.machine_facts(), enrol.read_token(a_token(self.parts)), url, None)
        made = enrol.enrol(HttpTransport("none"), self.ports, candidate, agent_version="0")
        IdentityStore(self.folder).save(made.identity)

    def start(self) -> None:
        """Start the agent, as after the start of its computer."""
        point = f"http://{TESTPOINT}:{TESTPOINT_PORT}"
        config = AgentConfig(servers=[point], start_spread_s=0, retry_cap_s=1, proxy="none")
        self.spool = Spool.open(
            self.folder, clock=self.clock, randomness=self.ports.randomness, boot_id=self.host.boot_id()
        )
        contact = make_contact(config, self.folder, self.ports, self.spool, version="0")
        never = threading.Event()
        self.daemon = Daemon(config, self.folder, self.ports, self.spool, contact, measure=session.run, cancelled=never)

    def boot_again(self) -> None:
        """Another boot id, and a monotonic clock at its beginning."""
        self.spool.close()
        self.boot, self.clock.mono_from_ms = "cd" * 16, self.clock.real.mono_ms() + self.clock.wall_ms - 1_000_000
        self.start()

    def look(self) -> str:
        """Let a quarter of an hour pass and the agent look around; return its word."""
        self.clock.wall_ms += QUARTER_MS
        self.daemon.light.run()
        assert self.daemon.light.last is not None
        return str(self.daemon.light.last["state"])

    def shown(self) -> list[str]:
        """Return what the page of devices says that the computer could reach: its newest word first."""
        client = self.app.test_client()
        assert sign_in(client, "vera").status_code == 303
        cell = client.get("/devices").text.split('data-l="What it could reach">')[1].split("</td>")[0]
        newest, _, rest = cell.partition("</a>")
        before = rest.partition("before that:")[2]
        words = [re.sub(r"<[^>]+>", "", one) for one in (newest, *before.split(" · "))]
        return [unescape(one).strip() for one in words if one.strip()]

    def exported(self) -> list[dict[str, Any]]:
        """Return the diary as the collector's export has it."""
        with self.store.reader() as snapshot:
            lines = b"".join(iter_export(snapshot, "diary", "jsonl")).decode().splitlines()
        return sorted((json.loads(line) for line in lines), key=lambda row: row["from_at"])


def live(school: School, shown: list[list[str]]) -> dict[str, list[str]]:
    """Cause every word, one after another; return what the agent said at each, and note what the page shows."""
    said: dict[str, list[str]] = {"ok": [school.look()]}
    in_router("ip link set far down")
    said["no_internet"] = [school.look()]
    in_router("ip link set far up")
    world_is_back()
    said["ok"].append(school.look())
    school.names.refuses = True
    said["dns_fail"] = [school.look()]
    school.names.refuses = False
    school.collector.close()
    said["collector_down"] = [school.look()]
    school.open_collector()
    world_is_back()
    said["ok"].append(school.look())
    in_router(f"ip addr add {SERVER}/32 dev lo")
    login, names = Pages("router", COLLECTOR_PORT, TESTPOINT_PORT, answers=log_in), Names("router")
    said["portal"] = [school.look()]
    login.close()
    names.close()
    in_router(f"ip addr del {SERVER}/32 dev lo")
    in_router("ip link set near down")
    said["link_down"] = [school.look()]
    in_router("ip link set near up")
    in_router("ip addr del 10.9.0.1/24 dev near")
    said["no_gateway"] = [school.look()]
    in_router("ip addr add 10.9.0.1/24 dev near")
    in_router("ip neigh flush all")
    here("ip neigh flush all")
    world_is_back()
    school.clock.wall_ms += NIGHT_MS  # the process was suspended
    said["ok"] += [school.look(), school.look()]
    shown.append(school.shown())
    school.clock.wall_ms += NIGHT_MS  # the computer was off
    school.boot_again()
    said["ok"] += [school.look(), school.look()]
    shown.append(school.shown())
    return said


def main(folder: Path) -> None:
    names = folder / "resolv.conf"
    names.write_text(f"nameserver {SERVER}\noptions timeout:1 attempts:1\n")
    subprocess.run(["sh", "-c", _SET_UP, "sh", str(names)], check=True)
    school = School(folder)
    shown: list[list[str]] = []
    said = live(school, shown)
    school.look()
    print(json.dumps({"said": said, "exported": school.exported(), "shown": shown}), flush=True)
    os._exit(0)  # threads of servers wait for ever


if __name__ == "__main__":
    main(Path(sys.argv[1]))
